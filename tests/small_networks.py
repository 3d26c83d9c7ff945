"""Small networks and data that the tests of the network and of training share: JAX compiles once for each shape."""

from typing import Any

import numpy as np

import xpnet
from xpnet.network import forward

D, H, C = 6, 5, 3
BATCH = 16
SAMPLES = 40
"""Two mini-batches of 16 and one of 8; or 24 to train on, one of 16 and one of 8, and 16 to validate on."""

_random = np.random.default_rng(11)
LABELS = _random.integers(0, C, SAMPLES)
X = 0.5 * _random.normal(size=(SAMPLES, D)) + 2 * np.eye(C, D)[LABELS]
"""Three clouds of points that a network can tell apart."""
NUMBERS = X @ _random.normal(size=(D, C)) + 1
COUNTS = np.floor(abs(NUMBERS))
FLAGS = (NUMBERS > 1).astype(int)
WEIGHTS = np.linspace(0, 2, SAMPLES)
VALIDATION_LABELS = _random.integers(0, C, BATCH)
VALIDATION_X = 0.5 * _random.normal(size=(BATCH, D)) + 2 * np.eye(C, D)[VALIDATION_LABELS]
VALIDATION = (VALIDATION_X, VALIDATION_LABELS)
TRAIN = (X[:24], LABELS[:24])


def make(backend: Any = None, **options: Any) -> Any:
    """Return a network of these sizes in float64, on the CPU or on a backend."""
    options = {"init": "xavier", "dtype": "float64", **options}
    loss = options.get("loss")
    outputs = 1 if getattr(loss, "name", loss) == "binary_cross_entropy" else C
    return xpnet.TwoLayerNet(D, H, outputs, device="cpu" if backend is None else backend.select(), **options)


def targets(net: Any) -> Any:
    """Return targets of the kind that a network learns."""
    own = {"poisson": COUNTS, "binary_cross_entropy": LABELS % 2, "multilabel_cross_entropy": FLAGS}
    return own.get(net.loss_function.name, LABELS if net.loss_function.classification else NUMBERS)


def host(params: Any) -> dict[str, Any]:
    """Return copies of named arrays on the host."""
    return {name: np.array(xpnet.to_host(array)) for name, array in params.items()}


def on_cpu(net: Any) -> Any:
    """Return a copy on the CPU, which is what other backends are compared with."""
    return net.to("cpu")


def member_of(net: Any, member: int) -> Any:
    """Return a network of one member, on the CPU."""
    single = make(loss=net.loss_function, activation=net.activation, dtype=net.dtype)
    single.params = {name: array[member].copy() for name, array in host(net.params).items()}
    return single


def rounding(
    net: Any, x: Any, t: Any, *, sample_weight: Any = None, same_outputs: bool = False
) -> tuple[float, dict[str, Any]]:
    """Return how far two correct computations of the loss and of each entry of its gradient can be apart.

    Each is a sum of products, with at most D + H + C + samples roundings on the way from an input to a sum of losses or
    to an entry, and some for activation and softmax (16 allowed). A rounding is at most eps / 2 times the sum of the
    absolute values of all terms, which the same formulas give for absolute values; there are two computations. For a
    network on the CPU without members.

    Where the two do not have the `same_outputs`, an output is off by a rounding of its size, and so are softmax and the
    slopes of squares: a small slope beside large ones is off by as much as those. A GPU adds an ulp of its own.
    """
    batch, ready, xp = net.read_batch(x, t, sample_weight)
    hidden, values, outputs = forward(net.params, batch, activation=net.activation, xp=xp)
    terms = net.loss_function._terms(outputs, ready, xp=xp)
    slopes = terms.magnitudes(xp=xp)
    hidden_slopes = slopes @ abs(net.params["W2"]).T * abs(net.activation._derivative(hidden, values, xp=xp))
    sums = {
        "W1": abs(batch).T @ hidden_slopes,
        "b1": hidden_slopes.sum(axis=0),
        "W2": abs(values).T @ slopes,
        "b2": slopes.sum(axis=0),
    }
    unit = (sum(net.params["W1"].shape) + outputs.shape[-1] + batch.shape[0] + 16) * np.finfo(net.dtype).eps
    if same_outputs:
        return unit * float(abs(terms.losses()).sum()), {name: unit * value for name, value in sums.items()}
    unit *= 2 * (1 + float(abs(outputs).max()))
    total = float(abs(slopes * outputs).sum() + abs(terms.losses()).sum())
    return unit * total, {name: unit * (value + value.max()) for name, value in sums.items()}


def assert_within(actual: Any, expected: Any, bounds: Any) -> None:
    """Compare named arrays entry by entry."""
    assert set(actual) == set(expected) == set(bounds)
    for name, bound in bounds.items():
        got, want = (np.asarray(xpnet.to_host(part[name])) for part in (actual, expected))
        assert got.shape == want.shape
        assert got.dtype == want.dtype
        assert (abs(got - want) <= bound).all(), f"{name}: {(abs(got - want) / bound).max():.3g} times the bound"
