"""Gradient descent: the chapter's values, any gradient, and divergence."""

import math

import numpy as np
import pytest

from xpnet import to_host
from xpnet.numerical import numerical_gradient
from xpnet.numerical.descent import DivergenceError, gradient_descent

START = [-3.0, 4.0]


def f(x):
    return x[0] ** 2 + x[1] ** 2


def textbook_gradient(x):
    return numerical_gradient(f, x, h=1e-4)


class TestChapter:
    @pytest.mark.parametrize("gradient", [None, textbook_gradient])
    @pytest.mark.parametrize(
        ("learning_rate", "printed"),
        [(0.1, "[-6.11110793e-10  8.14814391e-10]"), (1e-10, "[-2.99999994  3.99999992]")],
    )
    def test_100_steps(self, gradient, learning_rate, printed):
        x = gradient_descent(f, np.asarray(START), learning_rate, 100, gradient=gradient)
        assert np.array2string(x) == printed

    def test_a_large_rate_diverges_by_19_a_step(self):
        _, path = gradient_descent(f, np.asarray(START), 10.0, 100, history=True)
        np.testing.assert_allclose(path[1:] / path[:-1], np.full((100, 2), -19.0), rtol=1e-8)
        assert np.all(np.abs(path[-1]) > 1e126)

    def test_the_textbooks_end_of_that_is_a_step_that_vanished(self):
        with pytest.raises(ValueError, match=r"h = 0\.0001 vanishes beside some x"):
            gradient_descent(f, np.asarray(START), 10.0, 100, gradient=textbook_gradient)


class TestGradientDescent:
    @pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
    def test_on_every_backend(self, backend, close):
        xp = backend.xp
        for dtype, rtol in (("float64", 1e-8), ("float32", 1e-3)):
            x0 = backend.asarray([START], dtype)
            expected = np.asarray([START]) * 0.8**10
            close(gradient_descent(lambda x: xp.sum(x**2), x0, 0.1, 10), expected, dtype=dtype, rtol=rtol)
            assert to_host(x0).tolist() == [START]

    def test_an_exact_gradient_of_a_quadratic(self):
        matrix, b = np.asarray([[3.0, 1.0], [1.0, 2.0]]), np.asarray([1.0, -1.0])
        x = gradient_descent(
            lambda x: x @ matrix @ x / 2 - b @ x, np.zeros(2), 0.3, 200, gradient=lambda x: matrix @ x - b
        )
        np.testing.assert_allclose(x, np.linalg.solve(matrix, b), rtol=1e-14)

    def test_history(self):
        x, path = gradient_descent(f, np.asarray(START), 0.1, 7, history=True)
        assert path.shape == (8, 2)
        assert path[0].tolist() == START
        assert path[-1].tolist() == x.tolist()
        np.testing.assert_allclose(path, np.outer(0.8 ** np.arange(8), START), rtol=1e-8)

    def test_no_steps(self):
        x0 = np.asarray(START)
        x, path = gradient_descent(f, x0, 0.1, 0, history=True)
        assert x.tolist() == START
        assert path.tolist() == [START]
        assert not np.shares_memory(x, x0)

    def test_integers_are_promoted(self):
        np.testing.assert_allclose(gradient_descent(f, np.asarray([-3, 4]), 0.1, 1), [-2.4, 3.2], rtol=1e-9)

    def test_a_gradient_of_another_dtype_leaves_the_dtype(self):
        x0 = np.asarray(START, dtype=np.float32)
        assert gradient_descent(f, x0, 0.1, 3, gradient=lambda x: 2 * x.astype(np.float64)).dtype == np.float32


class TestDivergence:
    def test_is_an_error_only_if_asked(self):
        x0 = np.asarray(START)
        assert np.all(np.isfinite(gradient_descent(f, x0, 10.0, 20)))
        with pytest.raises(DivergenceError, match=r"risen in each of the last 10 steps, .* after step 11: .* smaller"):
            gradient_descent(f, x0, 10.0, 20, on_divergence="raise")

    def test_values_that_are_not_finite(self):
        with np.errstate(all="ignore"), pytest.raises(DivergenceError, match="is inf after step 1"):
            gradient_descent(f, np.asarray(START), 1e200, 20, gradient=lambda x: 2 * x, on_divergence="raise")
        with pytest.raises(DivergenceError, match="is nan after step 2"):
            gradient_descent(
                lambda x: x[0] if x[0] > -3.15 else math.nan, np.asarray(START), 0.1, 20, on_divergence="raise"
            )

    @pytest.mark.parametrize("learning_rate", [0.1, 0.9, 0.999])
    def test_what_converges_is_let_be(self, learning_rate):
        x = gradient_descent(f, np.asarray(START), learning_rate, 100, on_divergence="raise")
        np.testing.assert_allclose(x, np.asarray(START) * (1 - 2 * learning_rate) ** 100, rtol=1e-6, atol=1e-15)


class TestInput:
    @pytest.mark.parametrize(
        ("error", "match", "arguments", "options"),
        [
            (TypeError, "f must be callable, got 3", (3, np.ones(2), 0.1, 1), {}),
            (TypeError, "gradient must be callable, got array", (f, np.ones(2), 0.1, 1), {"gradient": np.ones(2)}),
            (TypeError, "x0 must be an array .* got list", (f, START, 0.1, 1), {}),
            (TypeError, "x0 must be real", (f, np.ones(2) * 1j, 0.1, 1), {}),
            (TypeError, "steps must be an integer", (f, np.ones(2), 0.1, 1.0), {}),
            (ValueError, "steps must be an integer >= 0, got -1", (f, np.ones(2), 0.1, -1), {}),
            (ValueError, "learning_rate must be a finite number > 0, got 0", (f, np.ones(2), 0, 1), {}),
            (ValueError, "learning_rate must be a finite number > 0, got nan", (f, np.ones(2), math.nan, 1), {}),
            (ValueError, "did you mean 'raise'", (f, np.ones(2), 0.1, 1), {"on_divergence": "rais"}),
            (ValueError, r"shape of x, \(2,\), got \(\)", (f, np.ones(2), 0.1, 1), {"gradient": f}),
            (ValueError, r"one number for each x, got shape \(2,\)", (lambda x: x, np.ones(2), 0.1, 1), {}),
        ],
    )
    def test_bad_input(self, error, match, arguments, options):
        with pytest.raises(error, match=match):
            gradient_descent(*arguments, **options)
