"""The gradient check: right gradients never fail, wrong ones are caught, and noise is called by its name."""

import math

import numpy as np
import pytest
from html_pages import Page
from hypothesis import given, settings
from hypothesis import strategies as st

from xpnet import to_host
from xpnet.gradcheck import GradientError, check_gradient, taylor_test

MATRIX = np.random.default_rng(3).standard_normal((50, 50))

# name: (f, gradient)
FUNCTIONS = {
    "sum of sines": (lambda x: np.sum(np.sin(x)), np.cos),
    "quadratic": (lambda x: x @ MATRIX.astype(x.dtype) @ x, lambda x: (MATRIX + MATRIX.T) @ x),
    "log-sum-exp": (lambda x: np.log(np.sum(np.exp(x))), lambda x: np.exp(x) / np.sum(np.exp(x))),
    "product": (lambda x: np.exp(np.sum(x) / 5), lambda x: np.full(50, np.exp(np.sum(x) / 5) / 5)),
    "fourth powers": (lambda x: np.sum(x**4), lambda x: 4 * x**3),
    "an offset of 1000": (lambda x: x.dtype.type(1000) + np.sum(np.sin(x)), np.cos),
    "cancellation": (lambda x: np.sum((x + x.dtype.type(1e4)) - x.dtype.type(1e4)), np.ones_like),
    "absolute values": (lambda x: np.sum(np.abs(x)), np.sign),
    "most entries without effect": (lambda x: np.sum(np.sin(x[:5])), lambda x: np.cos(x) * (np.arange(50) < 5)),
    "constant": (lambda x: x.dtype.type(3.7), np.zeros_like),
}


def point(dtype="float64", seed=0):
    return np.random.default_rng(seed).uniform(-2, 2, 50).astype(dtype)


def network(dtype="float64"):
    """Return the loss, the gradient and the parameters of a network with relu, by the textbook."""
    rng = np.random.default_rng(5)
    x, t = rng.random((20, 10)).astype(dtype), rng.integers(0, 4, 20)
    shapes = {"W1": (10, 8), "b1": (8,), "W2": (8, 4), "b2": (4,)}
    params = {name: (0.3 * rng.standard_normal(shape)).astype(dtype) for name, shape in shapes.items()}

    def forward(p):
        hidden = np.maximum(x @ p["W1"] + p["b1"], 0)
        z = hidden @ p["W2"] + p["b2"]
        return hidden, z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))

    def loss(p):
        return -np.mean(forward(p)[1][np.arange(20), t])

    def gradient(p):
        hidden, log_p = forward(p)
        dz = (np.exp(log_p) - np.eye(4)[t]) / 20
        dh = (dz @ p["W2"].T) * (hidden > 0)
        return {"W1": x.T @ dh, "b1": dh.sum(0), "W2": hidden.T @ dz, "b2": dz.sum(0)}

    return loss, gradient, params


class TestRightGradients:
    @pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "constant"])
    def test_pass_in_float64(self, name):
        f, gradient = FUNCTIONS[name]
        for options in ({}, {"directions": 10}):
            report = check_gradient(f, gradient, point(), **options)
            assert report.passed, str(report)

    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    @pytest.mark.parametrize("name", FUNCTIONS)
    @given(seed=st.integers(0, 2**32 - 1))
    @settings(max_examples=15, deadline=None)
    def test_never_fail(self, name, dtype, seed):
        f, gradient = FUNCTIONS[name]
        x = point(dtype, seed)
        for options in ({}, {"directions": 10}):
            report = check_gradient(f, gradient, x, seed=seed, **options)
            assert report.verdict != "FAIL", str(report)
        assert taylor_test(f, gradient, x, seed=seed).verdict != "FAIL"

    @pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-5), ("float32", 0.1)])
    def test_bounds_are_not_idle(self, dtype, tolerance):
        for name in ("sum of sines", "quadratic", "log-sum-exp", "product", "fourth powers"):
            f, gradient = FUNCTIONS[name]
            (array,) = check_gradient(f, gradient, point(dtype), worst=50).arrays.values()
            largest = max(abs(entry.analytic) for entry in array.worst)
            assert all(entry.bound <= tolerance * largest for entry in array.worst)

    def test_a_constant_tells_nothing(self):
        # It cannot be told from 1e8 + 1e-9 sin(x), whose gradient is not 0.
        report = check_gradient(*FUNCTIONS["constant"], point())
        assert (report.verdict, report.judged, report.unjudged) == ("INCONCLUSIVE", 0, 50)
        assert check_gradient(*FUNCTIONS["constant"], point(), tolerance=(1e-6, 0)).passed
        assert check_gradient(FUNCTIONS["constant"][0], np.ones_like, point()).arrays["x"].failed == 50

    def test_noise_that_hides_everything_is_inconclusive(self):
        def f(x):
            return np.sum((x + x.dtype.type(1e6)) - x.dtype.type(1e6))

        for factor in (1.0, 1.01):
            report = check_gradient(f, lambda x, c=factor: np.full_like(x, c), point("float32"))
            assert report.verdict == "INCONCLUSIVE"
            assert report.arrays["x"].inconclusive == report.unjudged == 50

    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    def test_a_network(self, dtype):
        loss, gradient, params = network(dtype)
        report = check_gradient(loss, gradient, params)
        # In float32, some entries are too small to be known to 1 %.
        assert report.verdict == ("PASS" if dtype == "float64" else "INCONCLUSIVE"), str(report)
        assert report.judged >= (124 if dtype == "float64" else 90)
        assert all(array.excluded <= (1e-6 if dtype == "float64" else 5e-2) for array in report.arrays.values())
        assert check_gradient(loss, gradient, params, tolerance=(1e-3, 0)).passed
        assert {name: array.entries for name, array in report.arrays.items()} == {"W1": 80, "b1": 8, "W2": 32, "b2": 4}

    def test_on_every_backend(self, backend):
        xp = backend.xp
        x = {"a": backend.asarray([0.5, 1.0]), "b": backend.asarray([[2.0], [3.0]])}

        def f(x):
            return xp.sum(xp.sin(x["a"]) * x["b"])

        def gradient(x):
            return {"a": xp.cos(x["a"]) * xp.sum(x["b"]), "b": xp.ones_like(x["b"]) * xp.sum(xp.sin(x["a"]))}

        assert check_gradient(f, gradient, x).passed
        wrong = gradient(x) | {"b": backend.asarray([[1.0], [2.0]])}
        report = check_gradient(f, wrong, x)
        assert [array.verdict for array in report.arrays.values()] == ["PASS", "FAIL"]
        assert check_gradient(f, gradient, x, directions=3).passed
        assert taylor_test(f, gradient, x).verdict == "PASS"
        assert to_host(x["a"]).tolist() == [0.5, 1.0]


class TestWrongGradients:
    @pytest.mark.parametrize("name", ["sum of sines", "quadratic", "product", "fourth powers", "an offset of 1000"])
    def test_an_entry_wrong_by_a_thousandth_is_caught(self, name):
        f, gradient = FUNCTIONS[name]
        x = point()
        for i in range(50):
            wrong = gradient(x)
            wrong[i] *= 1.001
            (array,) = check_gradient(f, wrong, x).arrays.values()
            assert (array.verdict, array.failed, array.worst[0].index) == ("FAIL", 1, (i,))

    @pytest.mark.parametrize("name", ["sum of sines", "quadratic", "product", "fourth powers"])
    def test_directions_and_taylor_catch_it_too(self, name):
        f, gradient = FUNCTIONS[name]
        x = point()
        wrong = gradient(x)
        wrong[np.argmax(np.abs(wrong))] *= 1.001
        assert check_gradient(f, wrong, x, directions=1).verdict == "FAIL"
        result = taylor_test(f, wrong, x)
        assert result.verdict == "FAIL"
        assert result.order == pytest.approx(1, abs=0.1)

    @pytest.mark.parametrize("name", ["W1", "b1", "W2", "b2"])
    def test_a_tenth_in_float32_is_caught(self, name):
        loss, gradient, params = network("float32")
        wrong = gradient(params)
        wrong[name] = 1.1 * wrong[name]
        report = check_gradient(loss, wrong, params)
        assert [array.name for array in report.arrays.values() if array.verdict == "FAIL"] == [name]

    def test_a_forgotten_sign_or_factor(self):
        loss, gradient, params = network()
        for factor in (-1, 2, 20, 0):
            wrong = {name: factor * part for name, part in gradient(params).items()}
            assert all(array.verdict == "FAIL" for array in check_gradient(loss, wrong, params).arrays.values())

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("options", [{}, {"directions": 3}])
    def test_what_is_not_finite_fails(self, bad, options):
        x = point()
        wrong = np.cos(x)
        wrong[3] = bad
        assert check_gradient(FUNCTIONS["sum of sines"][0], wrong, x, **options).verdict == "FAIL"
        assert check_gradient(lambda x: bad * x[0] ** 2, np.cos, x, **options).verdict == "FAIL"
        assert taylor_test(FUNCTIONS["sum of sines"][0], wrong, x).verdict == "FAIL"

    def test_the_first_of_the_worst_is_nan(self):
        x = point()
        wrong = np.cos(x)
        wrong[3], wrong[9] = 1e9, math.nan
        worst = check_gradient(FUNCTIONS["sum of sines"][0], wrong, x).arrays["x"].worst
        assert [entry.index for entry in worst[:2]] == [(9,), (3,)]
        assert [entry.verdict for entry in worst] == ["FAIL", "FAIL", "PASS", "PASS", "PASS"]


def relu_sum(x):
    return np.sum(np.maximum(x, 0) * 3)


class TestKinks:
    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    @pytest.mark.parametrize("at_kink", [0.0, 1.0, 3.0])
    def test_any_slope_between_the_sides_passes(self, dtype, at_kink):
        x = point(dtype)
        x[::5] = 0
        gradient = np.where(x == 0, at_kink, 3.0 * (x > 0))
        report = check_gradient(relu_sum, gradient, x)
        assert report.passed, str(report)
        assert report.arrays["x"].kinks == 10

    @pytest.mark.parametrize("at_kink", [-0.01, 3.01])
    def test_a_slope_outside_fails(self, at_kink):
        x = point()
        x[::5] = 0
        report = check_gradient(relu_sum, np.where(x == 0, at_kink, 3.0 * (x > 0)), x)
        assert report.arrays["x"].failed == 10
        assert all(entry.kink and entry.verdict == "FAIL" for entry in report.arrays["x"].worst)

    def test_all_entries_at_the_kink(self):
        report = check_gradient(relu_sum, np.full(50, 1.5), np.zeros(50))
        assert report.passed
        assert report.arrays["x"].kinks == 50

    @pytest.mark.parametrize("offset", [-1.9, -1.1, -0.9, -2 / 3, -0.1, 0.1, 0.5, 2 / 3, 0.9, 1.1, 1.9])
    def test_a_kink_near_x(self, offset):
        h = 1e-5
        gradient = np.asarray([3.0 if offset > 0 else 0.0])
        assert check_gradient(relu_sum, gradient, np.asarray([offset * h]), h=h).verdict != "FAIL"
        assert check_gradient(relu_sum, gradient - 1e3, np.asarray([offset * h]), h=h).verdict == "FAIL"

    def test_smooth_functions_have_no_kinks(self):
        for name in ("sum of sines", "quadratic", "log-sum-exp", "product", "fourth powers", "constant"):
            for dtype in ("float32", "float64"):
                f, gradient = FUNCTIONS[name]
                assert check_gradient(f, gradient, point(dtype)).arrays["x"].kinks == 0

    def test_a_jump_is_inconclusive_whatever_the_gradient(self):
        for gradient in (0.0, 1e5):
            report = check_gradient(lambda x: np.sum(1.0 * (x >= 0)), np.asarray([gradient]), np.asarray([0.0]))
            assert report.arrays["x"].kinks == 0
            assert report.verdict == "INCONCLUSIVE"

    def test_near_the_edge_of_the_domain_steps_shrink(self):
        x = np.asarray([1e-8, 1.0])
        report = check_gradient(lambda x: np.sum(np.log(x)), lambda x: 1 / x, x, h=1e-5, worst=2)
        assert report.passed
        assert max(entry.step for entry in report.arrays["x"].worst if entry.index == (0,)) < 1e-8
        assert check_gradient(lambda x: np.sum(np.log(x)), lambda x: 1.001 / x, x, h=1e-5).arrays["x"].failed == 2

    def test_taylor_does_not_judge_kinks(self):
        x = point()
        x[::5] = 0
        assert taylor_test(relu_sum, lambda x: 3.0 * (x > 0), x).verdict == "INCONCLUSIVE"


class TestTaylor:
    @pytest.mark.parametrize("name", ["sum of sines", "log-sum-exp", "product", "fourth powers"])
    def test_order(self, name):
        f, gradient = FUNCTIONS[name]
        result = taylor_test(f, gradient, point())
        assert result.order == pytest.approx(3, abs=0.3)
        result = taylor_test(f, lambda x: 1.01 * gradient(x), point())
        assert (result.verdict, round(result.order)) == ("FAIL", 1)

    def test_a_remainder_of_rounding_only(self):
        f, gradient = FUNCTIONS["quadratic"]
        assert taylor_test(f, gradient, point())[:2] == ("PASS", math.inf)

    def test_nothing_to_see(self):
        f, gradient = FUNCTIONS["constant"]
        assert taylor_test(f, gradient, point()).verdict == "INCONCLUSIVE"


class TestReport:
    def test_text(self):
        x = np.asarray([[0.5, 1.0]])
        text = str(check_gradient(lambda x: np.sum(x**2), np.asarray([[1.0, 3.0]]), x))
        assert text.startswith("x: FAIL, 2 checked, 1 failed, 0 inconclusive, 0 at kinks, errors above ")
        assert " of the largest entry excluded; worst x[0, 1]: analytic 3, " in text
        assert text.endswith(": FAIL")

    def test_raise_on_failure(self):
        loss, gradient, params = network()
        wrong = gradient(params)
        wrong["W2"][1, 2] += 1e-3
        with pytest.raises(GradientError, match=r"wrong in 1 of 32 entries of W2; worst W2\[1, 2\]: analytic "):
            check_gradient(loss, wrong, params, raise_on_failure=True)
        assert check_gradient(loss, gradient, params, raise_on_failure=True).passed

    def test_inconclusive_is_no_failure(self):
        f, gradient = FUNCTIONS["constant"]
        assert check_gradient(f, gradient, point("float32"), raise_on_failure=True).verdict == "INCONCLUSIVE"

    def test_worst_entries(self):
        x = point()
        wrong = np.cos(x) + 1e-3 * (np.arange(50) == 7) + 1e-2 * (np.arange(50) == 8)
        array = check_gradient(lambda x: np.sum(np.sin(x)), wrong, x, worst=3).arrays["x"]
        assert len(array.worst) == 3
        assert {entry.index for entry in array.worst[:2]} == {(7,), (8,)}
        first = array.worst[0]
        assert first.error == abs(first.analytic - first.numerical) > first.bound
        # An entry that is clearly right is looked at with the first two steps only.
        last = array.worst[2]
        assert last.step == pytest.approx(2.0 ** (-52 / 3) * max(abs(x[last.index]), 0.1), rel=1e-6)

    def test_evaluations(self):
        calls = []

        def f(x):
            calls.append(0)
            return np.sum(x**2)

        for options, expected in (({}, 200), ({"entries": 10}, 40), ({"directions": 3}, 12)):
            calls.clear()
            report = check_gradient(f, lambda x: 2 * x, point(), **options)
            assert report.evaluations == len(calls) == 1 + 27 + expected

    def test_a_sample_of_entries(self):
        loss, gradient, params = network()
        report = check_gradient(loss, gradient, params, entries=10, worst=10)
        assert {name: array.entries for name, array in report.arrays.items()} == {"W1": 10, "b1": 8, "W2": 10, "b2": 4}
        chosen = [{entry.index for entry in report.arrays["W1"].worst}]
        for seed in (0, 1):
            report = check_gradient(loss, gradient, params, entries=10, worst=10, seed=seed)
            chosen.append({entry.index for entry in report.arrays["W1"].worst})
        assert chosen[0] == chosen[1] != chosen[2]

    def test_shapes(self):
        for shape in [(), (1,), (2, 3), (0,), (2, 0)]:
            x = np.full(shape, 0.5)
            report = check_gradient(lambda x: np.sum(x**2), lambda x: 2 * x, x)
            assert report.passed
            assert report.arrays["x"].entries == math.prod(shape)
            assert all(len(entry.index) == len(shape) for entry in report.arrays["x"].worst)

    def test_integers_are_promoted(self):
        assert check_gradient(lambda x: np.sum(x**2), lambda x: 2 * x, np.asarray([1, 2, 3])).passed


class TestInput:
    @pytest.mark.parametrize(
        ("error", "match", "arguments", "options"),
        [
            (TypeError, "f must be callable", (1, np.cos, np.ones(2)), {}),
            (TypeError, "x must be an array", (np.sum, np.cos, [1.0]), {}),
            (TypeError, "x must be real", (np.sum, np.cos, np.ones(2) * 1j), {}),
            (TypeError, "gradient must be an array, as x is, got dict", (np.sum, {"x": 1}, np.ones(2)), {}),
            (TypeError, "gradient must be a mapping, as x is, got ndarray", (len, np.ones(2), {"a": np.ones(2)}), {}),
            (TypeError, "gradient of x must be an array", (np.sum, [1.0, 1.0], np.ones(2)), {}),
            (TypeError, "f must return an array or a number, got NoneType", (lambda x: None, np.cos, np.ones(2)), {}),
            (ValueError, r"must have the shape \(2, 2\), that of f\(x\) and of x", (np.cos, np.cos, np.ones(2)), {}),
            (ValueError, r"names of x, \['a'\], got \['b'\]", (len, {"b": np.ones(2)}, {"a": np.ones(2)}), {}),
            (
                ValueError,
                r"gradient of x must have the shape \(2,\), .*got \(3,\)",
                (np.sum, np.ones(3), np.ones(2)),
                {},
            ),
            (ValueError, "x must name at least one array", (len, {}, {}), {}),
            (ValueError, "h must be a finite number > 0", (np.sum, np.ones_like, np.ones(2)), {"h": 0.0}),
            (ValueError, "vanishes beside some x", (np.sum, np.ones_like, np.ones(2)), {"h": 1e-20}),
            (ValueError, "entries must be an integer >= 1", (np.sum, np.ones_like, np.ones(2)), {"entries": 0}),
            (TypeError, "tolerance must be a pair", (np.sum, np.ones_like, np.ones(2)), {"tolerance": 0.1}),
            (ValueError, "relative tolerance must be below 1", (np.sum, np.ones, np.ones(2)), {"tolerance": (0, 1.0)}),
            (ValueError, "absolute tolerance must be", (np.sum, np.ones, np.ones(2)), {"tolerance": (-1.0, 0)}),
            (ValueError, "scale must be a finite number > 0", (np.sum, np.ones_like, np.ones(2)), {"scale": 0.0}),
            (ValueError, "scale of x must be", (np.sum, np.ones_like, np.ones(2)), {"scale": np.ones(3)}),
            (ValueError, "h must have names of x", (np.sum, np.ones_like, np.ones(2)), {"h": {"y": 1.0}}),
            (ValueError, "exclude each other", (np.sum, np.ones_like, np.ones(2)), {"entries": 1, "directions": 1}),
        ],
    )
    def test_bad_input(self, error, match, arguments, options):
        with pytest.raises(error, match=match):
            check_gradient(*arguments, **options)


def test_a_notebook_shows_steps_and_remainders():
    report = taylor_test(lambda x: np.sum(np.sin(x)), np.cos, np.linspace(0.1, 1, 5))
    page = Page(f"<div>{report._repr_html_()}</div>")
    assert page.faults == []
    assert page.all("p")[0]["text"].startswith("PASS, order 3")
    assert len(page.all("tr")) == 1 + len(report.steps)
