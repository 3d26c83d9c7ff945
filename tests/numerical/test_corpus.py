"""Error bounds of "richardson" on functions that trap differences, and what it costs and gets right."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

from xpnet.numerical import numerical_diff

pytest.importorskip("scipy", reason="scipy is not installed; the corpus has its special functions")
_SPEC = importlib.util.spec_from_file_location("corpus", Path(__file__).with_name("corpus.py"))
corpus = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(corpus)
CASES = {case.name: case for case in corpus.CASES}

# Rounding, or a grid, hides the derivative of these on every scale.
UNKNOWN = ("noise", "sin + noise of 1e-08", "sin + noise of 0.0001", "round(sin, 4)", "floor(1e6 x)/1e6")
UNKNOWN += ("(x + 1e8) - 1e8", "sin in float32", "Weierstrass, 25 terms")


def differentiate(name, **options):
    """Return the result, the truth, and how wrong the truth itself may be."""
    case = CASES[name]
    x = np.asarray(case.x).astype(case.dtype)
    with np.errstate(all="ignore"):
        result = numerical_diff(case.f, x, method="richardson", full_output=True, **options)
        truth = np.asarray(case.derivative(x.astype(np.float64)), dtype=np.float64) + 0 * x.astype(np.float64)
    slack = 4 * np.finfo(np.float64).eps * np.abs(truth)
    return result, truth, slack + (np.finfo(x.dtype).eps / 2 * np.abs(truth) if case.dtype == "float32" else 0)


def test_the_corpus_is_large():
    assert len(CASES) == len(corpus.CASES) >= 120


@pytest.mark.parametrize("name", CASES)
def test_the_error_is_a_bound(name):
    result, truth, slack = differentiate(name)
    missed = np.abs(result.derivative - truth) - slack > result.error
    assert not np.any(missed), f"off by {np.abs(result.derivative - truth)[missed]}, said {result.error[missed]}"
    assert np.array_equal(result.status >= 2, np.isinf(result.error))


@pytest.mark.parametrize("name", [case[0] for case in (*corpus._SMOOTH, *corpus._SPECIAL, *corpus._FAST)])
def test_what_is_smooth_on_some_scale_has_a_finite_bound(name):
    if name in UNKNOWN or name == "(x - 1)^7 expanded":
        return
    assert np.all(np.isfinite(differentiate(name)[0].error))


@pytest.mark.parametrize("name", UNKNOWN)
def test_where_nothing_is_known_the_bound_is_infinite(name):
    assert np.mean(np.isinf(differentiate(name)[0].error)) > 0.9


@pytest.mark.parametrize(
    "name",
    [
        # Issue 9, item 8: the function changes on another scale than x.
        "sin at 1e3", "sin at 1e6", "sin at 1e10", "J0 at 1e4", "logistic around 1000", "bump at 1.7e9",
        # Item 9: undersampled oscillation.
        "sin(1e4 x)", "x + 1e-3 sin(1e5 x)", "sin(x^2) at 1e3", "tanh((x - 1)/1e-6)",
        # Item 10: right in a peer.
        "exp(-x) sin(200 x)", "gauss at 6", "|x|^1.5 at 0", "x|x| at 0", "log tiny", "sqrt tiny", "1/x tiny",
    ],
)  # fmt: skip
def test_right_to_six_digits(name):
    result, truth, _ = differentiate(name)
    np.testing.assert_allclose(result.derivative, truth, rtol=1e-6, atol=1e-12)


def test_float32_sine_at_1e4():
    result, truth, _ = differentiate("sin at 1e4, float32")
    np.testing.assert_allclose(result.derivative, truth, rtol=1e-5, atol=1e-6)


def test_a_removable_singularity_full_of_noise():
    result, truth, _ = differentiate("(1 - cos x)/x^2 at 1e-4")
    assert np.mean(np.abs(result.derivative - truth) < 1e-8) > 0.9


def test_smooth_functions_cost_one_call_where_x_is_their_scale():
    for name in ("sin", "x^2", "a parabola", "gauss", "tanh", "arctan", "log gamma", "erf", "|x|"):
        assert differentiate(name)[0].evaluations == 12, name


@pytest.mark.parametrize("size", [1e-10, 1e-8, 1e-6])
def test_a_tolerance_makes_noise_known(size):
    x = corpus.line(0.2, 1.4)
    result = numerical_diff(
        lambda x: np.sin(x) + corpus.hashed(x, size), x, method="richardson", tolerance=(size, 0.0), full_output=True
    )
    error = np.abs(result.derivative - np.cos(x))
    assert np.all(error <= result.error)
    assert np.all(result.error < 1e4 * size)


def test_a_relative_tolerance():
    x = corpus.line(0.5, 3)
    result = numerical_diff(CASES["x^2 (1 + noise of 1e-10)"].f, x, method="richardson", tolerance=(0, 1e-10),
                            full_output=True)  # fmt: skip
    assert np.all(np.abs(result.derivative - 2 * x) <= result.error)
    assert np.all(result.error < 1e-6)


def test_the_scale_of_values_does_not_matter():
    x = corpus.line(0.3, 3)
    for scale in (1e-290, 1e-160, 1.0, 1e200, 1e300):
        result = numerical_diff(lambda x, s=scale: s * np.sin(x), x, method="richardson", full_output=True)
        assert np.all(np.abs(result.derivative / scale - np.cos(x)) <= result.error / scale)
        assert np.max(result.error) < 1e-9 * scale


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_bounds_of_higher_orders(order, dtype):
    shifted = [np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)]
    functions = [(np.exp, np.exp, corpus.line(-3, 3)), (np.sin, shifted[order % 4], corpus.line(-5, 5)),
                 (lambda x: 1 / x, lambda x: (-1) ** order * math.factorial(order) / x ** (order + 1),
                  corpus.log_line(0.1, 10)),
                 (lambda x: np.sin(50 * x), lambda x: 50.0**order * shifted[order % 4](50 * x), corpus.line(1, 2)),
                 (np.abs, np.sign if order == 1 else corpus.zero, corpus.line(0.5, 2))]  # fmt: skip
    for f, slope, x in functions:
        x = x.astype(dtype)
        result = numerical_diff(f, x, method="richardson", order=order, full_output=True)
        error = np.abs(result.derivative - slope(x.astype(np.float64)))
        slack = 8 * np.finfo(dtype).eps * np.abs(result.derivative)
        assert np.all(error <= result.error + slack)
