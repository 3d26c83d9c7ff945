"""Is backpropagation right? Every entry of a network's gradient, against its numerical gradient."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from xpnet._typing import Array, Params
from xpnet.devices import to_host
from xpnet.gradcheck import check_gradient
from xpnet.gradcheck.report import ArrayReport
from xpnet.network import TwoLayerNet, forward


class ParameterCheck(NamedTuple):
    """What came out for one parameter."""

    name: str
    entries: int
    """How many were compared."""
    kinks: int
    """How many were not, since a step takes some sample's relu across its kink."""
    worst: tuple[int, ...]
    """The entry whose error is largest in terms of its bound."""
    analytic: float
    numerical: float
    """Both gradients there."""
    bound: float
    """What rounding can explain there."""
    verdict: str
    """"PASS", "FAIL", or "INCONCLUSIVE" where rounding could hide an error of a tenth of the largest entry."""

    @property
    def error(self) -> float:
        """The difference of the two gradients at the worst entry."""
        return abs(self.analytic - self.numerical)


def check_network(
    net: TwoLayerNet[Any], x: Array, t: Array, *, sample_weight: Array | None = None
) -> list[ParameterCheck]:
    """Compare every entry of ``net.gradient(x, t)`` with the structured numerical gradient.

    The bound of an error is no tolerance that somebody chose. Both gradients are sums over samples and outputs of
    products, formed from one forward pass; with k such operations in a row, each of them can be off by ``k eps`` times
    the sum of the absolute values of all terms, which one more backward pass, through absolute values, gives.

    Parameters
    ----------
    net : TwoLayerNet
        Without members.
    x, t, sample_weight : array
        A batch, as for `TwoLayerNet.loss`.

    Returns
    -------
    list of ParameterCheck
        For W1, b1, W2, b2.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> net = xpnet.TwoLayerNet(4, 3, 2, init="xavier")
    >>> for check in check_network(net, np.eye(4), np.asarray([0, 1, 1, 0])):
    ...     print(check.name, check.entries, check.verdict)
    W1 12 PASS
    b1 3 PASS
    W2 6 PASS
    b2 2 PASS
    """
    exact = net.gradient(x, t, sample_weight=sample_weight)
    numerical = net.numerical_gradient(x, t, sample_weight=sample_weight, full_output=True)
    bounds = _rounding_bounds(net, x, t, sample_weight)
    checks = []
    for name in net.params:
        parts = (to_host(part[name]) for part in (exact, numerical.gradients, numerical.kinks, bounds))
        checks.append(_compare(name, *parts, underflow=numerical.underflow[name]))
    return checks


def check_network_black_box(
    net: TwoLayerNet[Any],
    x: Array,
    t: Array,
    *,
    sample_weight: Array | None = None,
    entries: int | None = 20,
    seed: int = 0,
) -> Iterator[ArrayReport]:
    """Yield, for every parameter, the verdict of `check_gradient` on some of its entries, drawn at random.

    Independent of `check_network`: the loss is called as it is, twice and more for each entry, and knows no structure.

    Parameters
    ----------
    net, x, t, sample_weight
        As for `check_network`.
    entries : int, optional
        How many entries of each parameter; None for all.
    seed : int
        For which ones.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> net = xpnet.TwoLayerNet(4, 3, 2, init="xavier", dtype="float64")
    >>> for report in check_network_black_box(net, np.eye(4), np.asarray([0, 1, 1, 0]), entries=2):
    ...     print(report.name, report.entries, report.verdict)
    W1 2 PASS
    b1 2 PASS
    W2 2 PASS
    b2 2 PASS
    """
    gradients = net.gradient(x, t, sample_weight=sample_weight)
    for name, loss in net.losses_of_parameters(x, t, sample_weight=sample_weight):
        w = net.params[name]
        count = None if entries is None else min(entries, math.prod(w.shape))
        report = check_gradient(loss, gradients[name], w, entries=count, seed=seed)
        yield replace(report.arrays["x"], name=name)


def _rounding_bounds(net: TwoLayerNet[Any], x: Array, t: Array, sample_weight: Array | None) -> Params:
    batch, targets, xp = net.read_batch(x, t, sample_weight)
    hidden, values, outputs = forward(net.params, batch, activation=net.activation, xp=xp)
    slopes = net.loss_function._terms(outputs, targets, xp=xp).magnitudes(xp=xp)
    derivatives = xp.abs(net.activation._derivative(hidden, values, xp=xp))
    hidden_slopes = xp.matmul(slopes, xp.matrix_transpose(xp.abs(net.params["W2"]))) * derivatives
    sums = {
        "W1": xp.matmul(xp.matrix_transpose(xp.abs(batch)), hidden_slopes),
        "b1": xp.sum(hidden_slopes, axis=-2),
        "W2": xp.matmul(xp.matrix_transpose(xp.abs(values)), slopes),
        "b2": xp.sum(slopes, axis=-2),
    }
    operations = batch.shape[-2] + net.output_size + 16
    rounding = operations * float(xp.finfo(outputs.dtype).eps)
    return {name: rounding * total for name, total in sums.items()}


def _compare(
    name: str,
    exact: np.ndarray[Any, Any],
    numerical: np.ndarray[Any, Any],
    kinks: np.ndarray[Any, Any],
    bounds: np.ndarray[Any, Any],
    *,
    underflow: float,
) -> ParameterCheck:
    compared = kinks == 0
    bounds = bounds + underflow
    # A NaN must come out as the worst of all, whichever side it is on.
    excess = np.nan_to_num(np.abs(exact - numerical) / bounds, nan=np.inf) * compared
    worst = np.unravel_index(int(np.argmax(excess)), excess.shape)
    if excess[worst] > 1:
        verdict = "FAIL"
    elif not compared.any() or bounds[compared].max() > 0.1 * np.abs(exact).max():
        verdict = "INCONCLUSIVE"
    else:
        verdict = "PASS"
    return ParameterCheck(
        name,
        entries=int(compared.sum()),
        kinks=int((~compared).sum()),
        worst=tuple(int(i) for i in worst),
        analytic=float(exact[worst]),
        numerical=float(numerical[worst]),
        bound=float(bounds[worst]),
        verdict=verdict,
    )
