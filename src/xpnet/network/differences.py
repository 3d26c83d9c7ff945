"""The numerical gradient of every parameter of the network, by what its structure makes of a step.

A step h of ``W[i, j]`` moves only unit j of its layer, by ``d = h u_ni`` for sample n with input u_n. So the loss of
that sample moves along a line, and a central difference for *all* parameters needs no forward pass of the network but
only the losses along those lines. And since differences are passed on, never values, nothing cancels: the result is
exact to rounding in any dtype, at a step so small that the truncation error is below rounding too.
"""

import math
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from array_api_compat import device

from xpnet._checks import check_positive
from xpnet._typing import Array, Namespace, Params
from xpnet.activations import Activation, identity
from xpnet.devices import to_host
from xpnet.losses import Loss
from xpnet.losses.targets import Targets

MAX_BYTES = 4 * 2**20
"""Memory for the differences that are computed at once: by default about what a processor keeps in its cache."""

_LIVE_ARRAYS = 16


class NumericalGradient(NamedTuple):
    """A numerical gradient, and how far it can be trusted as a derivative."""

    gradients: Params
    kinks: Params
    """For each parameter, the number of samples whose hidden unit changes sign within the step (relu only)."""
    underflow: dict[str, float]
    """For each parameter, how large a part of a derivative can be lost because its difference is no normal number."""


class _Layer(NamedTuple):
    """One layer of one network: what goes in, and the lines along which its units move the outputs."""

    inputs: Array
    """Shape (N, I), with a column of ones for the biases."""
    sums: Array
    """Shape (N, J), before the activation."""
    values: Array
    """Shape (N, J), after it."""
    activation: Activation
    directions: Array
    """Shape (J, C): how the outputs move when a unit's value does, over `scale`."""
    scale: float
    """A power of 2 that leaves all of them below 2 in size, so that their powers do not overflow."""


def structured_gradient(
    params: Params,
    x: Array,
    targets: Targets,
    *,
    activation: Activation,
    loss: Loss,
    h: float | None = None,
    max_bytes: int = MAX_BYTES,
    xp: Namespace,
) -> NumericalGradient:
    """Return the central differences of the loss with respect to every parameter of the network.

    Parameters
    ----------
    params : mapping
        ``W1`` (D, H), ``b1`` (H,), ``W2`` (H, C), ``b2`` (C,), or all with a leading axis of members.
    x : array, shape (N, D) or (M, N, D)
        Inputs, in the dtype of the parameters; those that are 0 cost nothing.
    targets : Targets
        Of the N samples, ready and divided for the mean.
    activation, loss
        Of the network.
    h : float, optional
        The step; by default the square of the dtype's epsilon, or less where it would move an output further: so small
        that hardly a relu crosses its kink.
    max_bytes : int
        Bound of the memory for differences.
    xp : namespace
        Of all arrays.

    Raises
    ------
    ValueError
        If `h` is not above 0, or so large that it moves an output by more than 1.
    """
    differentiate = partial(_network_gradient, activation=activation, loss=loss, h=h, max_bytes=max_bytes, xp=xp)
    if params["W1"].ndim == 2:
        return differentiate(params, x, targets)

    def of_member(array: Array, member: int) -> Array:
        if array.ndim == 2:
            return array
        return array[member if array.shape[0] > 1 else 0, ...]  # An axis of length 1 holds what all members share.

    results = [
        differentiate(
            {name: w[member, ...] for name, w in params.items()},
            of_member(x, member),
            Targets(*(of_member(array, member) for array in targets)),
        )
        for member in range(params["W1"].shape[0])
    ]
    gradients, kinks = (
        {name: xp.stack([part[name] for part in parts]) for name in params}
        for parts in ([result.gradients for result in results], [result.kinks for result in results])
    )
    return NumericalGradient(
        gradients, kinks, {name: max(result.underflow[name] for result in results) for name in params}
    )


def _network_gradient(
    params: Params,
    x: Array,
    targets: Targets,
    *,
    activation: Activation,
    loss: Loss,
    h: float | None,
    max_bytes: int,
    xp: Namespace,
) -> NumericalGradient:
    ones = xp.ones((x.shape[0], 1), dtype=x.dtype, device=device(x))
    sums = xp.matmul(x, params["W1"]) + params["b1"]
    values = activation._value(sums, xp=xp)
    outputs = xp.matmul(values, params["W2"]) + params["b2"]
    largest = float(to_host(xp.max(xp.abs(params["W2"]))))
    scale = 2.0 ** max(0, math.frexp(largest)[1] - 1)
    axes = xp.eye(outputs.shape[1], dtype=x.dtype, device=device(x))
    gradients: Params = {}
    kinks: Params = {}
    underflow = {}
    for number, layer in (
        ("1", _Layer(xp.concat([x, ones], axis=1), sums, values, activation, params["W2"] / scale, scale)),
        ("2", _Layer(xp.concat([values, ones], axis=1), outputs, outputs, identity, axes, 1.0)),
    ):
        step = _step(layer, h, xp=xp)
        both = _differentiate(layer, outputs, targets, loss=loss, h=step, max_bytes=max_bytes, xp=xp)
        for result, whole in zip((gradients, kinks), both, strict=True):
            result["W" + number], result["b" + number] = whole[:-1, :], whole[-1, :]
        underflow["W" + number] = underflow["b" + number] = _underflow(x, step, xp=xp)
    return NumericalGradient(gradients, kinks, underflow)


def _differentiate(
    layer: _Layer, outputs: Array, targets: Targets, *, loss: Loss, h: float, max_bytes: int, xp: Namespace
) -> tuple[Array, Array]:
    """Return the central differences for all weights of a layer, shape (I, J), and their numbers of kinks."""
    line = loss._line(outputs, targets, layer.directions, h * _farthest(layer, xp=xp), xp=xp)
    # The samples with a non-zero input come first in each column: beyond their number there is nothing to compute.
    columns = xp.matrix_transpose(layer.inputs)
    order = xp.argsort(xp.astype(columns == 0, xp.int8), axis=1, stable=True)
    columns = xp.take_along_axis(columns, order, axis=1)
    counts = to_host(xp.count_nonzero(layer.inputs, axis=0))

    by_count = (-counts).argsort(kind="stable")
    units = layer.sums.shape[1]
    numbers = _LIVE_ARRAYS * units * (outputs.shape[1] if loss._line_has_outputs else 1)
    rows = max(1, max_bytes // (numbers * xp.finfo(outputs.dtype).bits // 8))
    pieces, kinks = [], []
    for chosen in _groups(counts[by_count].tolist(), rows):
        places = xp.asarray(by_count[chosen], device=device(outputs))
        count = int(counts[by_count[chosen.start]])
        inputs, samples = xp.take(columns, places, axis=0), xp.take(order, places, axis=0)
        total = crossings = 0.0
        for start in range(0, count, rows):
            part = slice(start, min(start + rows, count))
            change, crossed = _differences(layer, line, inputs[:, part], samples[:, part], h, loss=loss, xp=xp)
            total, crossings = total + change, crossings + crossed
        pieces.append(total / (2 * h))
        kinks.append(crossings)
    nothing = xp.zeros((int((counts == 0).sum()), units), dtype=outputs.dtype, device=device(outputs))
    back = xp.asarray(by_count.argsort(), device=device(outputs))
    return tuple(xp.take(xp.concat([*parts, nothing], axis=0), back, axis=0) for parts in (pieces, kinks))


def _differences(
    layer: _Layer, line: tuple[Array, ...], inputs: Array, samples: Array, h: float, *, loss: Loss, xp: Namespace
) -> tuple[Array, Array]:
    """Return ``loss(+h) - loss(-h)`` summed over the chosen samples of some columns, and their kinks, shape (I, J)."""
    columns, count = inputs.shape
    rows = xp.reshape(samples, (-1,))
    sums, values = xp.take(layer.sums, rows, axis=0), xp.take(layer.values, rows, axis=0)
    line = tuple(xp.take(part, rows, axis=0) for part in line)
    d = h * xp.reshape(inputs, (-1, 1))

    def moved(d: Array) -> Array:
        s = layer.scale * layer.activation._difference(sums, values, d, xp=xp)
        return loss._line_difference(s, line, layer.directions, xp=xp)

    def per_column(array: Array) -> Array:
        return xp.sum(xp.reshape(array, (columns, count, -1)), axis=1)

    change = per_column(moved(d) - moved(-d))
    if not layer.activation.has_kink:
        return change, xp.zeros_like(change)
    return change, per_column(xp.astype(xp.abs(sums) < xp.abs(d), change.dtype))


def _groups(counts: list[int], rows: int) -> Iterator[slice]:
    """Cut columns, sorted by falling number of non-zero inputs, into groups of at most so many rows in all."""
    start = 0
    while start < len(counts) and counts[start]:
        stop = min(len(counts), start + max(1, rows // counts[start]))
        while not counts[stop - 1]:
            stop -= 1
        yield slice(start, stop)
        start = stop


def _farthest(layer: _Layer, *, xp: Namespace) -> float:
    """Return a bound of how far a step of 1 moves an output."""
    inputs, directions = (float(to_host(xp.max(xp.abs(array)))) for array in (layer.inputs, layer.directions))
    return inputs * directions * layer.scale


def _step(layer: _Layer, h: float | None, *, xp: Namespace) -> float:
    """Return the step: as differences are passed on, it can be so small that truncation and kinks vanish."""
    farthest = _farthest(layer, xp=xp)
    if h is None:
        limits = xp.finfo(layer.sums.dtype)
        eps, least, reach = float(limits.eps), float(limits.smallest_normal), max(1.0, farthest)
        # No smaller than what keeps differences normal numbers, unless truncation needs it.
        return max(eps**2 / reach, min(least / eps**2, math.sqrt(eps) / reach))
    check_positive(h, "h")
    if h * farthest > 1:
        raise ValueError(
            f"h must not move an output by more than 1, got h={h:g} that moves one by {h * farthest:g}: "
            f"take h below {1 / farthest:.1g}, or leave it out"
        )
    return h


def _underflow(x: Array, h: float, *, xp: Namespace) -> float:
    samples: int = x.shape[0]
    return samples * float(xp.finfo(x.dtype).smallest_normal) / h
