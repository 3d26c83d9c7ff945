"""Gradients, Jacobians and Hessians against known answers, and everything that may be wrong with a function."""

import math
import tracemalloc

import numpy as np
import pytest

from xpnet import to_host
from xpnet.numerical import (
    numerical_diff,
    numerical_gradient,
    numerical_hessian,
    numerical_hvp,
    numerical_jacobian,
    numerical_jvp,
    numerical_partial_diff,
)

METHODS = ("central", "richardson", "complex", "forward", "backward")
RTOL = {"central": 1e-8, "richardson": 1e-11, "complex": 1e-13, "forward": 1e-5, "backward": 1e-5}


def sum_of_squares(x):
    return x[0] ** 2 + x[1] ** 2


class TestChapter:
    def test_partial_derivatives_to_every_digit(self):
        x = np.asarray([3.0, 4.0])
        assert numerical_partial_diff(sum_of_squares, x, 0, h=1e-4) == 6.00000000000378
        assert numerical_partial_diff(sum_of_squares, x, 1, h=1e-4) == 7.999999999999119

    def test_gradient_to_every_digit(self, backend, close):
        x = backend.asarray([3.0, 4.0])
        gradient = numerical_gradient(sum_of_squares, x, h=1e-4)
        # NumPy gives these very digits; another order of the sum differs by units in the last place of 25, over h.
        atol = 0 if "numpy" in backend.name else 4 * 25 * float(np.finfo(float).eps) / 1e-4
        close(gradient, [6.00000000000378, 7.999999999999119], rtol=0, atol=atol)
        assert to_host(x).tolist() == [3.0, 4.0]
        assert np.array2string(to_host(gradient)) == "[6. 8.]"

    @pytest.mark.parametrize(("x", "expected"), [([0.0, 2.0], "[0. 4.]"), ([3.0, 0.0], "[6. 0.]")])
    def test_other_points(self, x, expected):
        gradient = numerical_gradient(lambda x: np.sum(x**2), np.asarray(x), h=1e-4)
        assert np.array2string(gradient, suppress_small=True) == expected


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


class TestKnownAnswers:
    """Functions and values that other libraries test themselves with."""

    def test_scipy_vector_of_a_vector(self, backend, close):
        xp = backend.xp
        x = backend.asarray([-100.0, 0.2])

        def f(x):
            return xp.stack([x[0] * xp.sin(x[1]), x[1] * xp.cos(x[0]), x[0] ** 3 / xp.sqrt(x[1])])

        a, b = -100.0, 0.2
        expected = [
            [math.sin(b), a * math.cos(b)],
            [-b * math.sin(a), math.cos(a)],
            [3 * a**2 / math.sqrt(b), -0.5 * a**3 / b**1.5],
        ]
        close(numerical_jacobian(f, x), expected, rtol=1e-6)

    @pytest.mark.parametrize("method", METHODS)
    def test_scipy_number_of_a_vector(self, method):
        a, b = 100.0, -0.5
        gradient = numerical_gradient(lambda x: np.sin(x[0] * x[1]) * np.log(x[0]), np.asarray([a, b]), method=method)
        expected = [b * math.cos(a * b) * math.log(a) + math.sin(a * b) / a, a * math.cos(a * b) * math.log(a)]
        rtol = {"complex": 1e-12, "richardson": 1e-8, "central": 1e-6}.get(method, 1e-4)
        np.testing.assert_allclose(gradient, expected, rtol=rtol)

    @pytest.mark.parametrize("method", METHODS)
    def test_scipy_vector_of_a_number(self, method):
        def f(x):
            return np.stack([x[0] ** 2, np.tan(x[0]), np.exp(x[0])])

        jacobian = numerical_jacobian(f, np.asarray([0.5]), method=method)
        np.testing.assert_allclose(jacobian, [[1.0], [math.cos(0.5) ** -2], [math.exp(0.5)]], rtol=RTOL[method])

    def test_scipy_zero_jacobian(self):
        jacobian = numerical_jacobian(lambda x: np.stack([x[0] * x[1], np.cos(x[0] * x[1])]), np.zeros(2))
        assert np.array_equal(jacobian, np.zeros((2, 2)))

    def test_scipy_normal_density_is_the_slope_of_the_distribution(self):
        special = pytest.importorskip("scipy.special")
        x = np.linspace(-0.05, 1.05, 10)
        density = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
        result = numerical_diff(special.ndtr, x, method="richardson", full_output=True)
        np.testing.assert_allclose(result.derivative, density, rtol=1e-12)
        assert np.all(np.abs(result.derivative - density) < result.error)

    @pytest.mark.parametrize("method", METHODS)
    def test_numdifftools_number_of_three(self, method):
        gradient = numerical_gradient(
            lambda x: x[0] * x[1] * x[2] + np.exp(x[0]) * x[1], np.asarray([3.0, 5.0, 7.0]), method=method
        )
        np.testing.assert_allclose(gradient, [135.42768462, 41.08553692, 15.0], rtol=max(1e-9, RTOL[method]))

    @pytest.mark.parametrize("method", METHODS)
    def test_numdifftools_residuals_at_the_solution(self, method):
        t = np.arange(0, 1, 0.1)
        data = 1 + 2 * np.exp(0.75 * t)
        jacobian = numerical_jacobian(
            lambda c: (c[0] + c[1] * np.exp(c[2] * t) - data) ** 2, np.asarray([1.0, 2.0, 0.75]), method=method
        )
        atol = {"forward": 1e-6, "backward": 1e-6, "central": 1e-9}.get(method, 1e-12)
        np.testing.assert_allclose(jacobian, np.zeros((10, 3)), atol=atol)

    def test_numdifftools_directional_derivative_of_rosenbrock(self):
        direction = np.asarray([1.0, -1.0]) / math.sqrt(2)

        def f(s):
            x, y = np.asarray([2.0, 3.0]) + s * direction
            return (1 - x) ** 2 + 105 * (y - x**2) ** 2

        slope = numerical_diff(f, 0.0, method="richardson")
        assert slope == pytest.approx(743.87633380824832, rel=1e-12)

    def test_numdifftools_shape_of_the_jacobian(self):
        jacobian = numerical_jacobian(lambda x: np.stack([x, x]), np.asarray([1.0, 2.0]))
        np.testing.assert_allclose(jacobian, [[[1, 0], [0, 1]], [[1, 0], [0, 1]]], atol=1e-10)
        assert numerical_jacobian(lambda x: np.sum(x**2)[None], np.asarray([1.0, 2.0])).shape == (1, 2)

    def test_statsmodels_least_squares(self):
        rng = np.random.default_rng(187678)
        design = rng.standard_normal((200, 3))
        target = design @ np.ones(3) + 0.1 * rng.standard_normal(200)
        beta = np.ones(3)

        def squares(beta):
            return (target - design @ beta) ** 2

        residuals = target - design @ beta
        gradient = -2 * design.T @ residuals
        np.testing.assert_allclose(numerical_gradient(lambda b: np.sum(squares(b)), beta), gradient, atol=1e-6)
        complex_step = numerical_gradient(lambda b: np.sum(squares(b)), beta, method="complex")
        np.testing.assert_allclose(complex_step, gradient, atol=1e-13)
        np.testing.assert_allclose(numerical_jacobian(squares, beta), -2 * design * residuals[:, None], atol=1e-6)
        hessian = numerical_hessian(lambda b: np.sum(squares(b)), beta)
        np.testing.assert_allclose(hessian, 2 * design.T @ design, atol=1e-3)

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_chainer_weighted_outputs(self, dtype):
        x, weights = np.asarray([[[0.3], [-0.7]], [[0.5], [-0.25]]], dtype=dtype)
        for f, slope in ((np.square, 2 * x), (np.exp, np.exp(x)), (np.ones_like, 0 * x)):
            gradient = numerical_gradient(lambda x, f=f: np.sum(weights * f(x)), x)
            assert gradient.dtype == dtype
            np.testing.assert_allclose(gradient, weights * slope, rtol=1e-3, atol=1e-4)

    def test_chainer_step_functions_depend_on_the_step(self):
        def f(x):
            return x if -1 < x < 1 else 2 * x if -2 < x < 2 else 0 * x

        for h, expected in ((0.5, 1.0), (1.5, 2.0), (2.5, 0.0)):
            assert numerical_diff(f, np.asarray(0.0, dtype=np.float32), h=h) == expected

    @pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
    def test_chainer_a_function_that_returns_its_input(self, backend, close):
        x = backend.asarray(np.arange(6.0).reshape(2, 3))
        close(numerical_gradient(lambda x: x[1, 2], x), [[0, 0, 0], [0, 0, 1]], rtol=1e-9)
        close(numerical_jacobian(lambda x: x[1, ...], x)[2, ...], [[0, 0, 0], [0, 0, 1]], rtol=1e-9)

    def test_tensorflow_gradient_of_a_gradient(self):
        def gradient(x):
            return numerical_gradient(lambda x: np.sum(x**4), x, method="complex")

        np.testing.assert_allclose(numerical_jacobian(gradient, np.asarray([2.0])), [[48.0]], rtol=1e-8)

    def test_tensorflow_mini_mnist(self):
        rng = np.random.default_rng(6)
        batch, inputs, features, classes = 3, 16, 32, 10
        x, w1 = rng.random((batch, inputs)), rng.standard_normal((inputs, features)) / 4
        b1, w2 = rng.random(features), rng.standard_normal((features, classes)) / math.sqrt(features)
        b2, t = rng.random(classes), rng.random((batch, classes))
        t /= t.sum(axis=1, keepdims=True)

        hidden = x @ w1 + b1
        logits = np.maximum(hidden, 0) @ w2 + b2
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        expected = np.maximum(hidden, 0).T @ (p - t)

        def loss(w2):
            z = np.maximum(hidden, 0) @ w2 + b2
            return np.sum(np.log(np.sum(np.exp(z), axis=1))) - np.sum(t * z)

        assert np.max(np.abs(numerical_gradient(loss, w2, h=1e-5) - expected)) < 1e-8

    def test_hessian_of_rosenbrock(self, backend, close):
        close(numerical_hessian(rosenbrock, backend.asarray([1.0, 1.0])), [[802, -400], [-400, 200]], rtol=1e-5)
        close(numerical_hessian(rosenbrock, backend.asarray([-1.2, 1.0])), [[1330, 480], [480, 200]], rtol=1e-5)

    def test_hessian_of_cosine_at_0(self):
        hessian = numerical_hessian(lambda x: np.cos(x[0] - x[1]), np.zeros(2))
        np.testing.assert_allclose(hessian, [[-1, 1], [1, -1]], rtol=1e-6)

    def test_hessian_of_numdifftools(self):
        x = np.asarray([3.0, 5.0, 7.0])
        hessian = numerical_hessian(lambda x: x[0] * x[1] * x[2] + np.exp(x[0]) * x[1], x)
        e = math.exp(3)
        np.testing.assert_allclose(hessian, [[5 * e, e + 7, 5], [e + 7, 0, 3], [5, 3, 0]], atol=1e-4)


class TestProducts:
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
    def test_jacobian_and_vector(self, backend, close, method):
        xp = backend.xp
        x, v = backend.asarray([[1.0, -3.0], [0.5, 2.0]]), backend.asarray([[1.0, 0.0], [-2.0, 1e3]])

        def f(x):
            return xp.stack([xp.sum(x * x), x[0, 0] * x[1, 1]])

        expected = [2 * (1 - 1 + 2e3), 2 + 1e3]
        close(numerical_jvp(f, x, v, method=method), expected, rtol=1e-4 if "ward" in method else 1e-8)

    def test_the_size_of_the_vector_does_not_matter(self):
        x = np.asarray([1.0, 2.0])
        for size in (1e-150, 1e-8, 1.0, 1e8, 1e150):
            product = numerical_jvp(np.exp, x, np.asarray([size, 0.0]), method="richardson")
            np.testing.assert_allclose(product, [size * math.e, 0], rtol=1e-9)
        assert numerical_jvp(np.exp, x, np.zeros(2)).tolist() == [0, 0]

    @pytest.mark.parametrize("method", ["central", "richardson"])
    @pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
    def test_hessian_and_vector(self, backend, close, method):
        x, v = backend.asarray([-1.2, 1.0]), backend.asarray([0.5, -2.0])
        expected = np.asarray([[1330.0, 480.0], [480.0, 200.0]]) @ [0.5, -2.0]
        result = numerical_hvp(rosenbrock, x, v, method=method, full_output=True)
        close(result.derivative, expected, rtol=1e-5 if method == "central" else 1e-9)
        assert np.all(np.abs(to_host(result.derivative) - expected) <= to_host(result.error))

    def test_hessian_and_vector_from_the_gradient(self):
        def gradient(x):
            return np.stack([-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)])

        product = numerical_hvp(rosenbrock, np.asarray([-1.2, 1.0]), np.asarray([0.5, -2.0]), gradient=gradient,
                                method="complex")  # fmt: skip
        np.testing.assert_allclose(product, [-295.0, -160.0], rtol=1e-13)

    def test_bad_vectors(self):
        for product in (numerical_jvp, numerical_hvp):
            with pytest.raises(ValueError, match=r"v must have the shape of x, \(2,\), got \(3,\)"):
                product(np.sum, np.ones(2), np.ones(3))
            with pytest.raises(ValueError, match="bounds must be None along a vector"):
                product(np.sum, np.ones(2), np.ones(2), bounds=(0, 2))


class TestHessian:
    @pytest.mark.parametrize("method", ["central", "richardson"])
    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    def test_the_error_is_a_bound(self, method, dtype):
        def f(x):
            return np.exp(x[0]) * np.sin(x[1]) + x[0] * x[1] ** 2

        for a, b in ((0.5, 1.0), (-2.0, 3.0), (0.01, -4.0)):
            x = np.asarray([a, b], dtype=dtype)
            a, b = x.astype(np.float64)
            e, s, c = math.exp(a), math.sin(b), math.cos(b)
            truth = np.asarray([[e * s, e * c + 2 * b], [e * c + 2 * b, -e * s + 2 * a]])
            result = numerical_hessian(f, x, method=method, full_output=True)
            assert np.all(np.abs(result.derivative - truth) <= result.error)
            if dtype == "float64":
                assert np.max(result.error) < 1e-2

    def test_a_kink_has_no_finite_error(self):
        result = numerical_hessian(lambda x: abs(x[0] - 1) * x[1], np.ones(2), method="richardson", full_output=True)
        assert np.isinf(result.error[0, 0])


class TestSparsity:
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
    def test_a_band(self, backend, close, method):
        xp, calls = backend.xp, []
        x = np.linspace(0.5, 2, 12)
        pattern = np.eye(12) + np.eye(12, k=1) + np.eye(12, k=-1)

        def f(x):
            calls.append(0)
            zero = xp.zeros_like(x[:1])
            return xp.exp(x) + x * xp.concat([x[1:], zero]) - xp.concat([zero, x[:-1]])

        expected = np.diag(np.exp(x) + np.append(x[1:], 0)) + np.diag(x[:-1], 1) - np.eye(12, k=-1)
        jacobian = numerical_jacobian(f, backend.asarray(x), method=method, sparsity=pattern)
        assert len(calls) <= {"central": 7, "forward": 4, "backward": 4, "complex": 7, "richardson": 34}[method]
        close(jacobian, expected, rtol=1e-5 if "ward" in method else 1e-8, atol=1e-9)

    def test_only_the_columns_that_have_not_settled_move_again(self):
        speed = np.asarray([1.0, 1e5, 1.0, 1e5])
        result = numerical_jacobian(
            lambda x: np.sin(speed * x), np.ones(4), method="richardson", sparsity=np.eye(4), full_output=True
        )
        np.testing.assert_allclose(result.derivative, np.diag(speed * np.cos(speed)), rtol=1e-7)
        assert result.evaluations == 60

    def test_scipy_matrices_and_bad_patterns(self):
        sparse = pytest.importorskip("scipy.sparse")
        jacobian = numerical_jacobian(np.sin, np.ones(3), sparsity=sparse.eye(3, format="csr"))
        np.testing.assert_allclose(jacobian, np.eye(3) * math.cos(1), rtol=1e-9)
        with pytest.raises(ValueError, match=r"sparsity must have shape .* = \(3, 3\), got \(2, 3\)"):
            numerical_jacobian(np.sin, np.ones(3), sparsity=np.ones((2, 3)))


class TestVectorized:
    @pytest.mark.parametrize("method", METHODS)
    def test_equals_one_by_one(self, method):
        x = np.linspace(0.5, 2, 6).reshape(2, 3)
        options = {"method": method, "full_output": True}
        single = numerical_gradient(lambda x: np.sum(np.sin(x) * x.T.reshape(2, 3)), x, **options)
        batched = numerical_gradient(
            lambda x: np.sum(np.sin(x) * np.swapaxes(x, 1, 2).reshape(-1, 2, 3), axis=(1, 2)),
            x,
            vectorized=True,
            **options,
        )
        np.testing.assert_allclose(batched.derivative, single.derivative, rtol=1e-12, atol=1e-9)
        assert batched.evaluations == single.evaluations

    def test_on_every_backend(self, backend, close):
        xp = backend.xp
        x = backend.asarray([1.0, 2.0, 3.0])
        close(numerical_gradient(lambda x: xp.sum(x**3, axis=-1), x, vectorized=True), [3, 12, 27], rtol=1e-8)
        jacobian = numerical_jacobian(lambda x: x**2 + x[:, :1], x, vectorized=True)
        close(jacobian, [[3, 0, 0], [1, 4, 0], [1, 0, 6]], rtol=1e-8)
        hessian = numerical_hessian(lambda x: xp.prod(x, axis=-1), x, vectorized=True)
        close(hessian, [[0, 3, 2], [3, 0, 1], [2, 1, 0]], rtol=1e-6, atol=1e-6)

    @pytest.mark.parametrize("max_bytes", [1, 10_000, 64 * 2**20])
    def test_batches_keep_to_max_bytes(self, max_bytes):
        x = np.linspace(-1, 1, 100)
        sizes = []

        def f(batch):
            sizes.append(batch.nbytes)
            return np.sum(batch**2, axis=1)

        gradient = numerical_gradient(f, x, vectorized=True, max_bytes=max_bytes)
        np.testing.assert_allclose(gradient, 2 * x, atol=1e-7)
        assert max(sizes) <= max(max_bytes, 2 * x.nbytes)
        assert len(sizes) == 1 + math.ceil(100 / max(1, max_bytes // (2 * x.nbytes)))

    def test_memory_stays_near_max_bytes(self):
        x = np.linspace(-1, 1, 2000)
        tracemalloc.start()
        numerical_gradient(lambda batch: batch @ x, x, vectorized=True, max_bytes=2**20)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1.5 * 2**20

    def test_the_axes_of_the_batch_come_first(self):
        seen = []

        def f(batch):
            seen.append(batch.shape)
            return np.sum(batch, axis=(1, 2))

        numerical_gradient(f, np.ones((3, 4)), vectorized=True)
        assert seen == [(1, 3, 4), (24, 3, 4)]


class TestCalls:
    def test_central_differences_take_two_calls_for_each_entry(self):
        calls = []

        def f(x):
            calls.append(x.copy())
            return np.sum(x)

        x = np.zeros((2, 3))
        numerical_gradient(f, x, h=0.5)
        assert len(calls) == 1 + 2 * 6
        assert all(np.count_nonzero(call) == 1 for call in calls[1:])
        assert sorted(set(np.concatenate(calls, axis=None))) == [-0.5, 0, 0.5]

    def test_hessian_evaluates_the_upper_triangle_only(self):
        calls = []
        numerical_hessian(lambda x: calls.append(0) or np.sum(x**2), np.ones(4))
        assert len(calls) == 1 + 4 * 10

    def test_partial_derivatives_take_two_calls(self):
        calls = []
        x = np.ones((3, 4))
        derivative = numerical_partial_diff(lambda x: calls.append(0) or np.sum(x**2), x, (1, -1))
        assert derivative == pytest.approx(2)
        assert derivative.shape == ()
        assert len(calls) == 3

    def test_f_may_change_and_keep_its_argument(self):
        kept = []

        def f(x):
            value = np.sum(x**2)
            kept.append(x)
            x *= 0
            return value

        x = np.asarray([1.0, 2.0])
        np.testing.assert_allclose(numerical_gradient(f, x), [2, 4], rtol=1e-9)
        assert x.tolist() == [1.0, 2.0]


class TestInput:
    @pytest.mark.parametrize("method", METHODS)
    def test_shapes_and_dtypes(self, method):
        for shape in [(), (3,), (2, 0), (2, 3, 2)]:
            for dtype in ("float32", "float64"):
                x = np.full(shape, 0.5, dtype=dtype)
                result = numerical_gradient(lambda x: np.sum(x**2), x, method=method, full_output=True)
                for array in result[:3]:
                    assert array.shape == shape
                    assert array.dtype == dtype
                np.testing.assert_allclose(result.derivative, 2 * x, rtol=1e-2)
                assert np.all(np.abs(result.derivative - 2 * x) <= result.error)

    def test_integers_are_promoted(self, backend, close):
        x = backend.asarray([3, 4])
        default = "float32" if backend.name == "torch" else "float64"
        close(numerical_gradient(sum_of_squares, x, h=0.5), [6, 8], dtype=default)
        close(numerical_hessian(sum_of_squares, x, h=0.5), [[2, 0], [0, 2]], dtype=default)

    def test_python_numbers_are_welcome(self):
        x = np.asarray([3.0, 4.0], dtype=np.float32)
        gradient = numerical_gradient(lambda x: math.hypot(*x), x)
        np.testing.assert_allclose(gradient, [0.6, 0.8], rtol=1e-3)

    def test_float32_computed_in_float64(self):
        x = np.asarray([1.0, 2.0], dtype=np.float32)
        for derivative, expected in ((numerical_gradient, [2, 4]), (numerical_hessian, [[2, 0], [0, 2]])):
            result = derivative(lambda x: np.sum(x**2), x, compute_dtype="float64")
            assert result.dtype == np.float32
            np.testing.assert_allclose(result, expected, rtol=1e-6)

    def test_bounds_for_each_entry(self):
        low, high = np.asarray([0.0, -1.0]), np.asarray([1.0, 0.0])
        seen = []

        def f(x):
            seen.append(x.copy())
            return np.sum(np.exp(x))

        gradient = numerical_gradient(f, np.zeros(2), bounds=(low, high), method="richardson")
        np.testing.assert_allclose(gradient, [1, 1], rtol=1e-9)
        assert np.all((low <= seen) & (seen <= high))

    def test_nan_is_reported_where_it_is(self):
        with np.errstate(invalid="ignore"):
            gradient = numerical_gradient(lambda x: x[0] ** 2 + 0 * np.nan_to_num(x[1]), np.asarray([1.0, np.nan]))
        assert np.isnan(gradient).tolist() == [False, True]
        assert np.all(np.isnan(numerical_gradient(lambda x: np.nan * x[0], np.ones(2))))

    @pytest.mark.parametrize(
        ("error", "match", "f", "options"),
        [
            (TypeError, "f must be callable", None, {}),
            (TypeError, "f must return an array or a number, got NoneType", lambda x: None, {}),
            (TypeError, "f must return real numbers", lambda x: np.sum(x) * 1j, {}),
            (ValueError, r"one number for each x, got shape \(2,\)", lambda x: x, {}),
            (ValueError, r"one number for each x, got shape \(1,\)", lambda x: x[:1], {}),
            (ValueError, r"batch of shape \(1, 2\) to \(1, '...'\), got \(2,\)", lambda x: x[0], {"vectorized": True}),
            (ValueError, r"batch of shape \(1, 2\)", lambda x: np.sum(x), {"vectorized": True}),
            (ValueError, "max_bytes must be an integer >= 1", np.sum, {"max_bytes": 0}),
            (ValueError, "h must be a finite number > 0", np.sum, {"h": -1.0}),
            (ValueError, "vanishes beside some x", np.sum, {"h": 1e-20}),
            (ValueError, "did you mean 'forward'", np.sum, {"method": "foward"}),
        ],
    )
    def test_bad_input(self, error, match, f, options):
        with pytest.raises(error, match=match):
            numerical_gradient(f, np.ones(2), **options)

    def test_f_that_changes_its_mind_about_the_shape(self):
        shapes = iter([(2,), (2,), (3,)])
        with pytest.raises(ValueError, match="f must always return the same shape"):
            numerical_jacobian(lambda x: np.zeros(next(shapes)), np.ones(1))

    def test_hessian_input(self):
        with pytest.raises(ValueError, match="one number for each x"):
            numerical_hessian(lambda x: x, np.ones(2))
        with pytest.raises(ValueError, match="vanishes"):
            numerical_hessian(np.sum, np.ones(2), h=1e-20)
        assert numerical_hessian(np.sum, np.ones((0, 2))).shape == (0, 2, 0, 2)

    @pytest.mark.parametrize("index", [2, -3, (0, 0), ()])
    def test_index_out_of_range(self, index):
        with pytest.raises(IndexError, match=r"index .*x of shape \(2,\)"):
            numerical_partial_diff(np.sum, np.ones(2), index)

    def test_x_must_be_an_array(self):
        for derivative in (numerical_gradient, numerical_jacobian, numerical_hessian):
            with pytest.raises(TypeError, match="x must be an array"):
                derivative(np.sum, [1.0, 2.0])
            with pytest.raises(TypeError, match="x must be real"):
                derivative(np.sum, np.ones(2) * 1j)
