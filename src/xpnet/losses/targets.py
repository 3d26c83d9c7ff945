"""Targets of a loss: their shapes, their checks, and the form in which a loss takes them."""

import math
from typing import Any, NamedTuple

from array_api_compat import device

from xpnet._checks import check_real, namespace_of
from xpnet._typing import Array, Namespace
from xpnet.devices import to_host
from xpnet.losses.tasks import Task


class Targets(NamedTuple):
    """Targets made ready, with sample weights, class weights and the divisor of the mean folded in."""

    values: Array
    """Shape (..., N, C): what the outputs are compared with."""
    weights: Array
    """Shape (..., N, 1): what multiplies the loss of a sample."""


def divisor(norms: Array, *, xp: Namespace) -> Array:
    """Return what the mean divides by, shape (...); 1 where no sample counts, so that the mean is 0 there."""
    total = xp.sum(norms, axis=-1)
    return xp.where(total == 0, xp.ones_like(total), total)


def is_labels(t: Array, ndim: int, *, xp: Namespace) -> bool:
    """Return whether `t` holds integer labels for outputs with `ndim` axes, not a value for every output."""
    return t.ndim < ndim and bool(xp.isdtype(t.dtype, "integral"))


def one_hot(t: Array, classes: int, dtype: Any, *, xp: Namespace) -> Array:
    """Return rows with a one at the label's place; all zero for a label outside ``range(classes)``."""
    t = xp.astype(t, xp.int32)  # Of one dtype, since the labels' own may be too small for all classes.
    places = xp.arange(classes, dtype=t.dtype, device=device(t))
    # Class by class in memory, as a step of training has its outputs, and a block of steps those of all its steps.
    by_class = xp.astype(t[None, ...] == xp.reshape(places, (-1, *(1 for _ in t.shape))), dtype)
    return xp.moveaxis(by_class, 0, -1)


def is_counted(t: Array, ignore_index: int, *, xp: Namespace) -> Array:
    """Return whether each label counts."""
    return xp.astype(t, xp.int32) != ignore_index  # An unsigned dtype could not be compared with -100.


def check_shapes(shape: tuple[int, ...], t: Array, *, labels: bool) -> None:
    """Refuse outputs of some shape and targets that do not fit: nothing is broadcast but along the member axis."""
    if len(shape) not in (1, 2, 3) or 0 in shape:
        raise ValueError(
            "y must be (outputs,), (samples, outputs) or (members, samples, outputs), none of them 0, "
            f"got shape {shape}: reshape y"
        )
    own = shape[:-1] if labels else shape
    fitting = (own, own[1:]) if len(shape) == 3 else (own,)
    if tuple(t.shape) not in fitting:
        kind = "integer labels" if labels else "targets"
        repair = "reshape t" if labels or t.ndim >= len(shape) else "reshape t, or make class labels integers"
        raise ValueError(
            f"t: {kind} for y of shape {shape} must have shape {' or '.join(map(str, fitting))}, "
            f"got {tuple(t.shape)}: {repair}"
        )


def check_labels(labels: Array, name: str, classes: int, ignore_index: int | None = None) -> None:
    """Refuse labels that are no class; this reads them on the host."""
    host = to_host(labels)
    wrong = host[((host < 0) | (host >= classes)) & (host != ignore_index)]
    if wrong.size:
        allowed = f"0..{classes - 1}" + ("" if ignore_index is None else f" or ignore_index={ignore_index}")
        raise ValueError(
            f"{name} must hold labels in {allowed}, got {wrong.flat[0]}: count classes from 0, or add outputs"
        )


def check_limits(values: Array, name: str, limits: tuple[float, float]) -> None:
    """Refuse numbers outside limits; this reads them on the host."""
    host, (low, high) = to_host(values), limits
    wrong = host[~((host >= low) & (host <= high))]
    if wrong.size:
        expected = f"numbers >= {low:g}" if high == math.inf else f"numbers between {low:g} and {high:g}"
        raise ValueError(f"{name} must hold {expected}, got {wrong.flat[0]}: correct it, or take another loss")


def check_sample_weight(shape: tuple[int, ...], sample_weight: Array, *, xp: Namespace) -> None:
    """Refuse anything but one real weight for each sample of outputs of some shape."""
    check_real(sample_weight, "sample_weight", xp=xp)
    own = shape[:-1] or (1,)
    fitting = (own, own[1:]) if len(shape) == 3 else (own,)
    if tuple(sample_weight.shape) not in fitting:
        raise ValueError(
            f"sample_weight must hold one weight per sample, shape {' or '.join(map(str, reversed(fitting)))}, "
            f"got {tuple(sample_weight.shape)}"
        )


def check_targets(
    shape: tuple[int, ...],
    t: Array,
    sample_weight: Array | None,
    *,
    task: Task,
    ignore_index: int | None,
    xp: Namespace,
) -> None:
    """Refuse targets, labels or sample weights that do not fit outputs of some shape."""
    labels = task.classification and is_labels(t, len(shape), xp=xp)
    classes = task.classes(shape[-1])
    check_shapes(shape, t, labels=labels)
    check_real(t, "t", xp=xp)
    if labels:
        check_labels(t, "t", classes, ignore_index)
    elif task.limits != Task.limits:
        check_limits(t, "t", task.limits)
    if sample_weight is not None:
        namespace_of(t=t, sample_weight=sample_weight)
        check_sample_weight(shape, sample_weight, xp=xp)


def as_batch(array: Array) -> Array:
    """Return a single sample as a batch of one, and batches as they are."""
    return array[None, :] if array.ndim == 1 else array
