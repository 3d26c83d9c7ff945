"""No verdict is wrong: not on the kinds of gradients of the corpus, nor on those that once were judged wrongly."""

import numpy as np
import pytest
from gradcheck.corpus import cases
from scipy import special

from xpnet import to_host
from xpnet.gradcheck import check_gradient, check_jvp, check_vjp, taylor_test

CASES = cases()

# Nothing in the values of f tells these gradients from others: noise, or its own rounding, hides or feigns the slope.
HIDDEN = (
    "1e8 and a millionth",
    "an entry below rounding",
    "a ripple of 1e-12, slip",
    "entries of 1 to 1e-8, float32",
    "constant",
    "sin^2 + cos^2",
    "a solver",
    "float32 within",
    "rounded to 6 digits",
)


def test_the_corpus_is_large():
    assert sum(case.right for case in CASES) >= 50
    assert sum(not case.right for case in CASES) >= 50


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_verdict(case):
    report = check_gradient(case.f, case.gradient, case.x)
    expected = "PASS" if case.right else "FAIL"
    if report.verdict == "INCONCLUSIVE":
        assert case.name.startswith(HIDDEN), str(report)
        assert all(entry.reason for entry in report.arrays["x"].worst if entry.verdict == "INCONCLUSIVE")
    else:
        assert report.verdict == expected, str(report)


def test_random_linear_functions_at_0():
    for seed in range(100):
        draws = np.random.default_rng(seed)
        k = draws.standard_normal(draws.integers(1, 9))
        assert check_gradient(lambda x, k=k: k @ x, k, np.zeros(k.size)).passed
        assert check_gradient(lambda x, k=k: k @ x, 1.001 * k, np.zeros(k.size)).arrays["x"].failed == k.size


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_relu_networks_with_kinks_within_the_step_never_fail(dtype, seed):
    draws = np.random.default_rng(seed)
    x, w = draws.random((200, 5)).astype(dtype), draws.standard_normal((5, 8)).astype(dtype)

    def loss(w):
        return np.mean(np.sum(np.maximum(x @ w, 0), axis=1) ** 2)

    def gradient(w):
        hidden = np.maximum(x @ w, 0)
        return (x.T @ (2 * np.sum(hidden, axis=1, keepdims=True) * (hidden > 0))) / w.dtype.type(200)

    assert check_gradient(loss, gradient, w, h=0.05).verdict != "FAIL"
    report = check_gradient(loss, lambda w: 1.2 * gradient(w), w, h=0.05)
    assert report.arrays["x"].failed >= 20


@pytest.mark.parametrize("factor", [1e200, 1.0, 1e-160, 1e-300])
def test_verdicts_do_not_depend_on_the_scale_of_f(factor):
    x = np.linspace(0.1, 1, 6)

    def f(x):
        return factor * np.sum(np.sin(x))

    for gradient, expected in ((factor * np.cos(x), "PASS"), (factor * 1.001 * np.cos(x), "FAIL")):
        for options in ({}, {"directions": 3}):
            assert check_gradient(f, gradient, x, **options).verdict == expected
        assert taylor_test(f, gradient, x).verdict == expected


# Arrays of these cannot be changed in place.
@pytest.mark.without("numpy-readonly")
@pytest.mark.without("array-api-strict")
@pytest.mark.without("jax")
def test_f_cannot_change_the_arrays_of_the_caller(backend):
    x = {"a": backend.asarray([0.5, 1.0]), "b": backend.asarray([2.0, 3.0])}

    def f(x):
        value = backend.xp.sum(x["a"] * x["b"])
        for array in x.values():
            array *= 0
        return value

    def gradient(x):
        found = {"a": x["b"] + 0, "b": x["a"] + 0}
        for array in x.values():
            array *= 0
        return found

    assert check_gradient(f, gradient, x).passed
    assert [to_host(array).tolist() for array in x.values()] == [[0.5, 1.0], [2.0, 3.0]]


@pytest.mark.needs("jax")
def test_jax_without_rank_promotion():
    import jax

    with jax.numpy_rank_promotion("raise"):
        x = jax.numpy.asarray([[0.5, 1.0]])
        for options in ({}, {"directions": 2}):
            report = check_gradient(lambda x: jax.numpy.sum(jax.numpy.sin(x)), jax.numpy.cos, x, **options)
            assert report.verdict != "FAIL"


def test_solvers_and_coarse_arithmetic_need_a_tolerance():
    def coarse(x):
        return float(np.sum(np.sin(x.astype(np.float32)), dtype=np.float32))

    x = np.asarray([0.3, 1.0, 1.2])
    assert check_gradient(coarse, np.cos, x).verdict == "INCONCLUSIVE"
    assert check_gradient(coarse, np.cos, x, tolerance=(0, 1e-3)).passed
    for wrong in (np.zeros_like, lambda x: 1.01 * np.cos(x), lambda x: -np.cos(x)):
        assert check_gradient(coarse, wrong, x, tolerance=(0, 1e-3)).arrays["x"].failed == 3

    from scipy.integrate import odeint

    def solve(x):
        return float(odeint(lambda y, t: [-x[0] * y[0] * y[1], x[0] * y[0] * y[1]], [0.9, 0.1], [0, 4.0])[-1, 0])

    # The logistic function: y = 1 / (1 + 9 exp(-x t)), and 1 - y is what is left.
    x = np.asarray([1.3])
    grown = 9 * np.exp(-4 * x)
    gradient = -4 * grown / (1 + grown) ** 2
    assert check_gradient(solve, gradient, x).verdict != "FAIL"
    assert check_gradient(solve, gradient, x, tolerance=(0, 1e-4)).passed
    assert check_gradient(solve, 1.01 * gradient, x, tolerance=(0, 1e-4)).verdict == "FAIL"


def test_one_side_of_x_may_be_undefined():
    def f(x):
        if x[0] < 0:
            raise ValueError("negative")
        return np.exp(2 * x[0])

    assert check_gradient(f, np.asarray([2.0]), np.zeros(1)).passed
    assert check_gradient(f, np.asarray([2.002]), np.zeros(1)).verdict == "FAIL"


def test_scale_and_steps_per_entry():
    x = {"a": np.asarray([1e-300, 2e-300]), "b": np.asarray([1.0])}

    def f(x):
        return np.sum(np.sin(x["a"] / 1e-300)) + x["b"][0] ** 2

    gradient = {"a": 1e300 * np.cos(x["a"] / 1e-300), "b": 2 * x["b"]}
    report = check_gradient(f, gradient, x, scale={"a": 1e-300})
    assert report.passed
    assert report.evaluations == 28 + 3 * 4
    assert check_gradient(f, gradient, x, h={"a": np.asarray([1e-305, 1e-306])}).passed
    assert check_gradient(f, gradient | {"a": 1.01 * gradient["a"]}, x, scale={"a": 1e-300}).arrays["a"].failed == 2


class TestSecondOrderAndManyValues:
    def test_jacobian(self, backend):
        xp, x = backend.xp, backend.asarray([0.5, 1.5])

        def f(x):
            return xp.stack([x[0] * x[1], xp.sin(x[1]), x[0] ** 2])

        def jacobian(x):
            zero = 0 * x[0]
            return xp.stack([xp.stack([x[1], x[0]]), xp.stack([zero, xp.cos(x[1])]), xp.stack([2 * x[0], zero])])

        report = check_gradient(f, jacobian, x)
        assert (report.verdict, report.arrays["x"].entries) == ("PASS", 6)
        report = check_gradient(f, jacobian(x) + backend.asarray([[0, 0], [0, 0], [0, 1e-3]]), x)
        assert (report.arrays["x"].failed, report.arrays["x"].worst[0].index) == (1, (2, 1))
        assert check_gradient(f, jacobian, x, directions=2).passed

    def test_hessian(self):
        x = np.linspace(0.2, 1, 5)
        assert check_gradient(lambda x: 4 * x**3, lambda x: np.diag(12 * x**2), x).passed
        wrong = np.diag(12 * x**2) + 1e-3 * np.eye(5, k=1)
        assert check_gradient(lambda x: 4 * x**3, wrong, x).arrays["x"].failed == 4

    def test_products(self, backend):
        xp, x = backend.xp, backend.asarray([0.5, 1.5, -0.7])

        def product(x, v):
            return xp.cos(x) * v

        for check in (check_jvp, check_vjp):
            report = check(xp.sin, product, x)
            assert (report.verdict, len(report.arrays)) == ("PASS", 3)
            assert check(xp.sin, lambda x, v: 1.001 * product(x, v), x).verdict == "FAIL"

    def test_projections_of_named_arrays(self):
        x = {"a": np.asarray([[1.0, 2], [3, 4]]), "b": np.asarray([0.5, -1])}
        report = check_vjp(
            lambda x: x["a"] @ x["b"], lambda x, u: {"a": np.outer(u, x["b"]), "b": x["a"].T @ u}, x, projections=2
        )
        assert report.passed
        assert list(report.arrays) == [f"{name}, projection {k}" for k in range(2) for name in "ab"]


def test_what_a_report_says():
    x = np.asarray([1.0, 2.0])
    report = check_gradient(lambda x: x[0] + 1e-20 * x[1], np.asarray([1, -1e-20]), x)
    assert (report.verdict, report.judged, report.unjudged) == ("INCONCLUSIVE", 1, 1)
    (array,) = report.arrays.values()
    assert array.excluded < 1e-8
    assert array.worst[0].index == (1,)
    assert str(array.worst[0]).endswith("INCONCLUSIVE (noise could hide a slope of this size)")


def test_an_entry_that_f_does_not_know_is_0():
    x = np.linspace(0.1, 2, 9)

    def f(x):
        return special.logsumexp(x[:3])

    gradient = np.concatenate([special.softmax(x[:3]), np.zeros(6)])
    report = check_gradient(f, gradient, x)
    assert report.passed
    assert report.evaluations <= 28 + 3 * 4 + 6 * 8
    gradient[5] = 1e-9
    assert check_gradient(f, gradient, x).arrays["x"].failed == 1
