"""Is backpropagation right? A network's gradient, against numerical gradients of its loss."""

import math
from typing import Any

import numpy as np

from xpnet._checks import check_choice, namespace_of
from xpnet._typing import Array, Params
from xpnet.devices import to_host
from xpnet.gradcheck.check import check_gradient
from xpnet.gradcheck.report import VERDICTS, ArrayReport, Entry, GradientReport
from xpnet.network import TwoLayerNet, forward
from xpnet.numerical.noise import Host

_DECISIVE = 0.1
"""A bound above this part of the largest entry says too little."""


def check_network(
    net: TwoLayerNet[Any],
    x: Array,
    t: Array,
    *,
    sample_weight: Array | None = None,
    method: str = "structured",
    entries: int | None = None,
    seed: int = 0,
    worst: int = 5,
) -> GradientReport:
    """Return a verdict on the entries of ``net.gradient(x, t)``, against a numerical gradient.

    "structured" compares every entry with the structured numerical gradient. The bound of an error is no tolerance that
    somebody chose. Both gradients are sums over samples and outputs of products, formed from one forward pass; with k
    such operations in a row, each of them can be off by ``k eps`` times the sum of the absolute values of all terms,
    which one more backward pass, through absolute values, gives. An entry is inconclusive where its bound is above a
    tenth of the largest entry, or a relu is at its kink.

    "black-box" is independent of that, and coarser: `check_gradient` calls the loss as it is, in float64 for a network
    of float32 too, and knows no structure. It lets errors pass up to ``eps**(1/3)`` of a parameter's largest entry.

    Parameters
    ----------
    net : TwoLayerNet
        Without members.
    x, t, sample_weight : array
        A batch, as for `TwoLayerNet.loss`.
    method : {"structured", "black-box"}
        Which numerical gradient.
    entries : int, optional
        How many entries of each parameter the black box looks at; by default all.
    seed : int
        For which ones.
    worst : int
        How many of the worst entries of each parameter to report.

    Returns
    -------
    GradientReport
        With an `ArrayReport` for each of W1, b1, W2, b2.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> from xpnet.gradcheck.network import check_network
    >>> net = xpnet.TwoLayerNet(4, 3, 2, init="xavier", dtype="float64")
    >>> x, t = np.eye(4), np.asarray([0, 1, 1, 0])
    >>> check_network(net, x, t).verdict
    'PASS'
    >>> check_network(net, x, t, method="black-box", entries=2).verdict
    'PASS'
    """
    check_choice(method, "method", ("structured", "black-box"))
    exact = net.gradient(x, t, sample_weight=sample_weight)
    with net.device.current(), np.errstate(over="ignore"):  # A sigmoid's exponential may, on its way to 0.
        if method == "structured":
            return _check_structured(net, exact, x, t, sample_weight, worst)
        return _check_black_box(net, exact, x, t, sample_weight, entries, seed, worst)


def _check_black_box(
    net: TwoLayerNet[Any],
    exact: Params,
    x: Array,
    t: Array,
    sample_weight: Array | None,
    entries: int | None,
    seed: int,
    worst: int,
) -> GradientReport:
    reports = {}
    evaluations, noise = 0, 0.0
    twin = _in_float64(net)
    for name, loss in twin.losses_of_parameters(x, t, sample_weight=sample_weight):
        w, gradient = twin.params[name], exact[name]
        xp = namespace_of(w=w)
        largest = float(to_host(xp.max(xp.abs(gradient))))
        coarse = largest * float(xp.finfo(gradient.dtype).eps) ** (1 / 3)
        report = check_gradient(
            loss,
            gradient,
            w,
            tolerance=(coarse, 0.0) if math.isfinite(coarse) else None,
            entries=None if entries is None else min(entries, math.prod(w.shape)),
            seed=seed,
            worst=worst,
        )
        reports[name] = report.arrays["x"].called(name)
        evaluations, noise = evaluations + report.evaluations, max(noise, report.noise)
    return GradientReport(reports, noise, evaluations)


def _in_float64(net: TwoLayerNet[Any]) -> TwoLayerNet[Any]:
    twin = net.to(net.device)
    twin.dtype = "float64"
    twin.params = {name: twin.device.asarray(w, "float64") for name, w in twin.params.items()}
    return twin


def _check_structured(
    net: TwoLayerNet[Any], exact: Params, x: Array, t: Array, sample_weight: Array | None, worst: int
) -> GradientReport:
    numerical = net.numerical_gradient(x, t, sample_weight=sample_weight, full_output=True)
    bounds = _rounding_bounds(net, x, t, sample_weight)
    reports = {}
    for name in net.params:
        hosts = [to_host(part[name]) for part in (exact, numerical.gradients, numerical.kinks, bounds)]
        hosts[3] = hosts[3] + numerical.underflow[name]
        reports[name] = _report(name, *(host.astype(np.float64) for host in hosts), worst=worst)
    return GradientReport(reports)


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


def _report(name: str, exact: Host, numerical: Host, kinks: Host, bounds: Host, *, worst: int) -> ArrayReport:
    at_kink = kinks > 0
    # A NaN must come out as the worst of all, whichever side it is on.
    excess = np.nan_to_num(np.abs(exact - numerical) / bounds, nan=np.inf)
    failed = (excess > 1) & ~at_kink
    largest = np.nanmax(np.abs(exact), initial=0.0)
    vague = (at_kink | (bounds > _DECISIVE * largest)) & ~failed
    judged = bounds[~vague & ~failed]
    order = np.lexsort((-excess.ravel(), -(2 * failed + vague).ravel()))[:worst]
    return ArrayReport(
        name,
        entries=exact.size,
        failed=int(failed.sum()),
        inconclusive=int(vague.sum()),
        kinks=int(at_kink.sum()),
        excluded=float(judged.max(initial=0.0) / largest) if largest > 0 else 0.0,
        worst=tuple(
            Entry(
                name,
                tuple(int(i) for i in index),
                analytic=float(exact[index]),
                numerical=float(numerical[index]),
                step=0.0,
                bound=float(bounds[index]),
                kink=bool(at_kink[index]),
                verdict=VERDICTS[2 if failed[index] else int(vague[index])],
                reason="a relu is at its kink" if at_kink[index] else "rounding hides it" if vague[index] else "",
            )
            for index in zip(*np.unravel_index(order, exact.shape), strict=True)
        ),
    )
