"""Kinds of right and wrong gradients, for `check_gradient` and its peers.

Each is a `Case`: a function of one NumPy array to a number, a gradient there, and the point. Most functions come as a
row of `FUNCTIONS` with the right gradient, and a wrong one that is a slip of the kind people make.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import special

RNG = np.random.default_rng(0)
A = RNG.standard_normal((6, 6))
DATA = RNG.random((12, 6))
LABELS = RNG.integers(0, 3, 12)
W = 0.5 * RNG.standard_normal(18)
UNIX = 1.7e9


class Case(NamedTuple):
    """A gradient of a function at a point, right or wrong."""

    name: str
    f: Callable[[Any], Any]
    gradient: Any
    x: Any
    right: bool


def logsumexp(z, axis=None):
    top = np.max(z, axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.sum(np.exp(z - top), axis=axis)) if axis else float(special.logsumexp(z))


def softmax_loss(w):
    z = DATA.astype(w.dtype) @ w.reshape(6, 3)
    z = z - np.max(z, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - z[np.arange(12), LABELS])


def softmax_loss_gradient(w):
    p = special.softmax(DATA.astype(w.dtype) @ w.reshape(6, 3), axis=1) - np.eye(3, dtype=w.dtype)[LABELS]
    return (DATA.astype(w.dtype).T @ p).ravel() / w.dtype.type(12)


def relu_network(w):
    hidden = np.maximum(DATA.astype(w.dtype) @ w.reshape(6, 3), 0)
    return np.mean(np.sum(hidden, axis=1) ** 2) / 2


def relu_network_gradient(w):
    x = DATA.astype(w.dtype)
    hidden = np.maximum(x @ w.reshape(6, 3), 0)
    return (x.T @ (np.sum(hidden, axis=1, keepdims=True) * (hidden > 0))).ravel() / w.dtype.type(12)


def softplus(x):
    return np.logaddexp(x, x.dtype.type(0))


def in_float32(x):
    return float(np.sum(np.sin(x.astype(np.float32)), dtype=np.float32))


def euler(x):
    """Solve y' = -x y from 1 to time 1 with steps of a size that the tolerance chooses, as solvers do."""
    total = 0.0
    for rate in x:
        y, t, h = 1.0, 0.0, 0.01
        while t < 1:
            h = min(h, 1 - t)
            half = y * (1 - rate * h / 2 + (rate * h) ** 2 / 8)
            error = abs(y * (1 - rate * h + (rate * h) ** 2 / 2) - half * (1 - rate * h / 2 + (rate * h) ** 2 / 8))
            if error < 1e-9:
                y, t = half * (1 - rate * h / 2 + (rate * h) ** 2 / 8), t + h
            h *= min(2.0, 0.9 * (1e-9 / max(error, 1e-300)) ** (1 / 3))
        total += y
    return total


def xlogy(x):
    return special.xlogy(x[0], x[1])


def at(index, factor):
    """Return a slip: one entry of the right gradient times a factor."""

    def slip(g):
        g = np.array(g)
        g.flat[index] *= factor
        return g

    return slip


def times(factor):
    return lambda g: np.asarray(g) * np.asarray(factor, dtype=np.asarray(g).dtype)


U = np.linspace(-1.3, 1.7, 7)
P = np.linspace(0.2, 1.9, 7)

# name: (f, right gradient, x, slips)
FUNCTIONS = {
    "sum of sines": (lambda x: np.sum(np.sin(x)), np.cos, U, [times(1.001), at(3, -1)]),
    "exponentials": (lambda x: np.sum(np.exp(x)), np.exp, U, [times(0.5)]),
    "quadratic form": (lambda x: x @ A @ x, lambda x: (A + A.T) @ x, U[:6], [lambda g: g / 2, lambda g: g[::-1]]),
    "asymmetric form, A^T forgotten": (lambda x: x @ A @ x, lambda x: A @ x + A.T @ x, U[:6], []),
    "log-sum-exp": (lambda x: special.logsumexp(x), special.softmax, U, [at(0, 0)]),
    "log of a product": (lambda x: np.log(np.prod(x)), lambda x: 1 / x, P, [times(-1)]),
    "power 1.5": (lambda x: np.sum(x**1.5), lambda x: 1.5 * np.sqrt(x), P, [times(2 / 3)]),
    "tanh": (lambda x: np.sum(np.tanh(x)), lambda x: 1 - np.tanh(x) ** 2, U, [lambda g: np.sqrt(g)]),
    "norm": (np.linalg.norm, lambda x: x / np.linalg.norm(x), U, [times(2)]),
    "Rosenbrock": (
        lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
        lambda x: (
            np.append(-400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1]), 0)
            + np.append(0, 200 * (x[1:] - x[:-1] ** 2))
        ),
        U,
        [at(6, 0), at(2, 1.01)],
    ),
    "Rosenbrock at its minimum": (
        lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
        np.zeros_like,
        np.ones(5),
        [lambda g: g + 1e-3],
    ),
    "least squares at a minimum, 0.3": (
        lambda x: 1 + np.sum((x - 0.3) ** 2),
        lambda x: 2 * (x - 0.3),
        np.full(4, 0.3),
        [lambda g: g + 1e-4],
    ),
    "softmax loss": (softmax_loss, softmax_loss_gradient, W, [times(12), times(1.01), at(5, 0.9)]),
    "softmax loss, float32": (
        softmax_loss,
        softmax_loss_gradient,
        W.astype("f4"),
        [times(2), times(1.1), at(5, -1), at(7, 1.2)],
    ),
    "relu network": (relu_network, relu_network_gradient, W, [times(0.5), at(4, 1.05)]),
    "relu network, float32": (relu_network, relu_network_gradient, W.astype("f4"), [times(0.5), at(4, 1.2)]),
    "sines, float32": (lambda x: np.sum(np.sin(x)), np.cos, U.astype("f4"), [times(1.05), at(2, 0)]),
    "an offset of 1000, float32": (
        lambda x: np.float32(1000) + np.sum(np.sin(x)),
        np.cos,
        U.astype("f4"),
        [times(-1), times(2)],
    ),
    "float32 gradient of a float64 f": (
        lambda x: np.sum(np.exp(x)),
        lambda x: np.exp(x).astype("f4"),
        U,
        [times(1.01), at(1, -1)],
    ),
    # Item 1: noise at x +- h, not near x only.
    "linear at 0": (
        lambda x: np.array([0.94, 0.51]) @ x,
        lambda x: np.array([0.94, 0.51]),
        np.zeros(2),
        [times(1.001)],
    ),
    "squares of a large multiple": (lambda x: np.sum((x / 1e-9) ** 2), lambda x: 2e18 * x, U * 1e-9, [times(0.5)]),
    "squares of a large multiple at 0": (
        lambda x: np.sum((x / 1e-9) ** 2),
        np.zeros_like,
        np.zeros(3),
        [lambda g: g + 1e12],
    ),
    "x log y at 0": (xlogy, lambda x: np.array([np.log(x[1]), 0]), np.array([0.0, 2.0]), [times(-1)]),
    "cubes at 0": (lambda x: np.sum(x**3), np.zeros_like, np.zeros(3), [lambda g: g + 0.1]),
    # Item 2: what only looks like a kink.
    "exp(x - 1e6)": (
        lambda x: np.sum(np.exp(x - 1e6)),
        lambda x: np.exp(x - 1e6),
        np.array([1e6]),
        [times(1000), times(0.5), times(0)],
    ),
    "cross-entropy at logits near 1000, float32": (
        lambda z: np.float32(special.logsumexp(z) - z[0]),
        lambda z: special.softmax(z) - np.eye(4, dtype="f4")[0],
        np.array([1000, 1001.5, 999.2, 1000.7], "f4"),
        [times(0.5), times(-1)],
    ),
    "softplus of Unix time": (
        lambda t: np.sum(softplus(t - UNIX)),
        lambda t: special.expit(t - UNIX),
        UNIX + np.array([-1.5, 0.25, 2]),
        [times(1.5), times(0.5)],
    ),
    "jump between h and 2h": (
        lambda x: np.sum(3 * x + 0.01 * (x > 1 + 9e-6)),
        lambda x: 0 * x + 3,
        np.ones(1),
        [lambda g: g * 0 + 1000],
    ),
    "relu kink 1.5 h away": (
        lambda x: np.sum(np.maximum(x - 9e-6, 0)),
        np.zeros_like,
        np.zeros(1) + 1e-7,
        [lambda g: g + 0.2, lambda g: g + 1],
    ),
    "tanh of width 1e-6": (
        lambda x: np.sum(np.tanh((x - 1) / 1e-6)),
        lambda x: 1e6 / np.cosh((x - 1) / 1e-6) ** 2,
        np.array([1 + 1e-7]),
        [times(0), times(0.1)],
    ),
    # Item 3: kinks.
    "absolute values": (lambda x: np.sum(np.abs(x)), np.sign, U, [times(-1)]),
    "relu at 0": (
        lambda x: 3 * np.sum(np.maximum(x, 0)),
        lambda x: 0 * x + 1.5,
        np.zeros(4),
        [lambda g: g + 2, lambda g: g - 1.6],
    ),
    "abs at 0, gradient 0": (lambda x: np.sum(np.abs(x)), np.zeros_like, np.zeros(3), [lambda g: g - 1.1]),
    "maximum of two": (
        lambda x: np.maximum(x[0], 2 * x[1]),
        lambda x: np.array([1.0, 0]),
        np.array([1.5, 0.7]),
        [lambda g: np.array([0.0, 2])],
    ),
    "many kinks within h, float32": (
        lambda x: np.sum(
            np.maximum(x[0] * np.linspace(1, 2, 50, dtype="f4") - np.linspace(0.5, 1.5, 50, dtype="f4"), 0)
        ),
        lambda x: np.sum(np.linspace(1, 2, 50) * (x[0] * np.linspace(1, 2, 50) > np.linspace(0.5, 1.5, 50)))[
            None
        ].astype("f4"),
        np.array([0.6031], "f4"),
        [times(0.5), times(1.3)],
    ),
    "Huber": (lambda x: np.sum(special.huber(1, x)), lambda x: np.clip(x, -1, 1), U, [lambda g: g * (np.abs(g) < 1)]),
    "hinge": (
        lambda w: np.mean(np.maximum(0, 1 - (DATA @ w - 1.5))),
        lambda w: -(DATA * ((DATA @ w - 1.5) < 1)[:, None]).mean(0),
        U[:6] + 1,
        [times(-1), at(2, 0.5)],
    ),
    # Item 4: steps follow the function.
    "sines at 1e6": (lambda x: np.sum(np.sin(x)), np.cos, 1e6 + np.arange(10.0), [times(-1), at(3, 1.05), times(0)]),
    "sines at 1e3": (lambda x: np.sum(np.sin(x)), np.cos, 1e3 + np.arange(10.0), [times(1.01)]),
    "a 10 s bump at Unix time": (
        lambda t: np.sum(np.exp(-(((t - UNIX) / 10) ** 2))),
        lambda t: -2 * (t - UNIX) / 100 * np.exp(-(((t - UNIX) / 10) ** 2)),
        UNIX + np.array([-8.0, 3, 12]),
        [times(-1), times(10)],
    ),
    "a fast sine": (lambda x: np.sum(np.sin(1e4 * x)), lambda x: 1e4 * np.cos(1e4 * x), P, [times(1e-4), times(-1)]),
    "a slow and a fast sine": (
        lambda x: np.sum(np.sin(x) + np.sin(1e5 * x)),
        lambda x: np.cos(x) + 1e5 * np.cos(1e5 * x),
        P[:3],
        [lambda g: np.cos(P[:3])],
    ),
    "a ripple on a line": (
        lambda x: np.sum(x + 1e-3 * np.sin(1e5 * x)),
        lambda x: 1 + 100 * np.cos(1e5 * x),
        P[:3],
        [lambda g: g * 0 + 1],
    ),
    "a ripple of 1e-12": (
        lambda x: np.sum(x + 1e-12 * np.sin(1e9 * x)),
        lambda x: 1 + 1e-3 * np.cos(1e9 * x),
        P[:3],
        [lambda g: g * 0 + 1],
    ),
    "a large x": (lambda x: np.sum(x**2), lambda x: 2 * x, U * 1e12, [times(0.5)]),
    "mixed units": (
        lambda x: x[0] / 1e9 + np.sin(1e6 * x[1]) + x[2] ** 2,
        lambda x: np.array([1e-9, 1e6 * np.cos(1e6 * x[1]), 2 * x[2]]),
        np.array([2e9, 3e-6, 1.0]),
        [at(0, 2), at(1, -1), at(2, 1.01)],
    ),
    # Item 5: what nobody can see.
    "1e8 and a millionth of a millionth": (
        lambda x: 1e8 + 1e-9 * np.sum(np.sin(x)),
        lambda x: 1e-9 * np.cos(x),
        U,
        [times(0), times(-1)],
    ),
    "an entry below rounding": (
        lambda x: x[0] + 1e-20 * x[1],
        lambda x: np.array([1, 1e-20]),
        np.array([1.0, 2]),
        [at(1, -1)],
    ),
    "entries of 1 to 1e-8, float32": (
        lambda x: np.sum(np.sin(x) * 10.0 ** -np.arange(9).astype("f4")),
        lambda x: np.cos(x) * 10.0 ** -np.arange(9).astype("f4"),
        np.linspace(0.1, 1, 9).astype("f4"),
        [at(8, -1), at(5, 1.5), at(3, 2)],
    ),
    "constant": (lambda x: 3.7, np.zeros_like, U, [lambda g: g + 1e-3]),
    "most entries without effect": (
        lambda x: np.sin(x[0]),
        lambda x: np.cos(x) * (np.arange(7) < 1),
        U,
        [lambda g: g + 1e-3 * (np.arange(7) == 5)],
    ),
    "sin^2 + cos^2": (lambda x: np.sum(np.sin(x) ** 2 + np.cos(x) ** 2), np.zeros_like, U, [lambda g: g + 0.01]),
    # Item 6: scales and dtypes.
    **{
        f"sines times {factor:g}": (
            lambda x, c=factor: c * np.sum(np.sin(x)),
            lambda x, c=factor: c * np.cos(x),
            U,
            [times(1.01), at(2, 0)],
        )
        for factor in (1e200, 1e-160, 1e-300, 1e-312)
    },
    "x of 1e-200": (lambda x: np.sum((x / 1e-200) ** 2), lambda x: 2e200 * (x / 1e-200), U * 1e-200, [times(2)]),
    # Item 7: solvers, edges, coarser arithmetic.
    "a solver": (euler, lambda x: -np.exp(-x), np.array([0.7, 1.3, 2.1]), [times(2), times(-1), at(1, 1.05)]),
    "float32 within": (in_float32, np.cos, P[:4], [times(0), times(2), at(2, -1)]),
    "rounded to 6 digits": (lambda x: np.round(np.sum(np.sin(x)), 6), np.cos, P[:4], [times(2), times(-1)]),
    "NaN to the left": (
        lambda x: np.sum(np.where(x < 0, np.nan, np.exp(x))),
        np.exp,
        np.zeros(2),
        [times(2), times(0)],
    ),
    "log near the edge": (lambda x: np.sum(np.log(x)), lambda x: 1 / x, np.array([1e-8, 1]), [at(0, 0.5), at(0, 2)]),
    "power 1.5 at 0": (lambda x: np.sum(np.abs(x) ** 1.5), np.zeros_like, np.zeros(2), [lambda g: g + 0.1]),
    "noise of 1e-8": (
        lambda x: np.sum(np.sin(x)) + 1e-8 * np.sin(1e15 * np.sum(x)),
        np.cos,
        P[:4],
        [times(1.01), times(-1)],
    ),
}


def cases() -> list[Case]:
    """Return all cases."""
    found = []
    for name, (f, gradient, x, slips) in FUNCTIONS.items():
        right = gradient(x)
        found.append(Case(name, f, right, x, True))
        for k, slip in enumerate(slips):
            found.append(Case(f"{name}, slip {k + 1}", f, slip(right), x, False))
    return found
