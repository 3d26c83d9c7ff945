"""Elementwise derivatives: the chapter's digits, accuracy and error bounds, and everything that may be wrong."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpnet import to_host
from xpnet.numerical import numerical_diff

EPS = {"float32": 2.0**-23, "float64": 2.0**-52}
METHODS = ("central", "richardson", "complex", "forward", "backward")

# name: (f, f', intervals without a zero of f' or a singularity of f)
SMOOTH = {
    "exp": (lambda xp, x: xp.exp(x), np.exp, [(-1, 1), (-5, -0.2), (1, 10)]),
    "sin": (lambda xp, x: xp.sin(x), np.cos, [(-1, 1), (2, 4), (5, 7)]),
    "log": (lambda xp, x: xp.log(x), lambda x: 1 / x, [(0.3, 3), (1, 10), (5, 20)]),
    "1/x": (lambda xp, x: 1 / x, lambda x: -1 / x**2, [(0.3, 3), (-10, -1), (5, 500)]),
    "x exp(-x^2)": (
        lambda xp, x: x * xp.exp(-(x**2)),
        lambda x: (1 - 2 * x**2) * np.exp(-(x**2)),
        [(-0.5, 0.5), (1, 2), (-2.5, -1)],
    ),
    "0.01x^2+0.1x": (
        lambda xp, x: 0.01 * x**2 + 0.1 * x,
        lambda x: 0.02 * x + 0.1,
        [(-1, 1), (0, 20), (-4, 4)],
    ),
}
CASES = [pytest.param(name, interval, id=f"{name} {interval}") for name, case in SMOOTH.items() for interval in case[2]]

CHAPTER = """
0.08      , 0.08040404, 0.08080808, 0.08121212, 0.08161616, 0.0820202 , 0.08242424, 0.08282828, 0.08323232, 0.08363636,
0.0840404 , 0.08444444, 0.08484848, 0.08525253, 0.08565657, 0.08606061, 0.08646465, 0.08686869, 0.08727273, 0.08767677,
0.08808081, 0.08848485, 0.08888889, 0.08929293, 0.08969697, 0.09010101, 0.09050505, 0.09090909, 0.09131313, 0.09171717,
0.09212121, 0.09252525, 0.09292929, 0.09333333, 0.09373737, 0.09414141, 0.09454545, 0.09494949, 0.09535354, 0.09575758,
0.09616162, 0.09656566, 0.0969697 , 0.09737374, 0.09777778, 0.09818182, 0.09858586, 0.0989899 , 0.09939394, 0.09979798,
0.10020202, 0.10060606, 0.1010101 , 0.10141414, 0.10181818, 0.10222222, 0.10262626, 0.1030303 , 0.10343434, 0.10383838,
0.10424242, 0.10464646, 0.10505051, 0.10545455, 0.10585859, 0.10626263, 0.10666667, 0.10707071, 0.10747475, 0.10787879,
0.10828283, 0.10868687, 0.10909091, 0.10949495, 0.10989899, 0.11030303, 0.11070707, 0.11111111, 0.11151515, 0.11191919,
0.11232323, 0.11272727, 0.11313131, 0.11353535, 0.11393939, 0.11434343, 0.11474747, 0.11515152, 0.11555556, 0.1159596 ,
0.11636364, 0.11676768, 0.11717172, 0.11757576, 0.1179798 , 0.11838384, 0.11878788, 0.11919192, 0.11959596, 0.12
"""


def parabola(x):
    return 0.01 * x**2 + 0.1 * x


class TestChapter:
    def test_the_printed_array(self):
        derivative = numerical_diff(parabola, np.linspace(-1, 1, 100), h=1e-4)
        printed = np.array2string(derivative, separator=",").strip("[]").split(",")
        assert [number.strip() for number in printed] == [number.strip() for number in CHAPTER.split(",")]

    @pytest.mark.parametrize(("x", "expected"), [(5, 0.1999999999990898), (10, 0.2999999999986347)])
    def test_every_digit_at_5_and_10(self, x, expected):
        assert numerical_diff(parabola, x, h=1e-4) == expected
        assert numerical_diff(parabola, float(x), h=1e-4) == expected
        assert numerical_diff(parabola, np.asarray([x, x]), h=1e-4).tolist() == [expected, expected]

    def test_a_given_step_divides_by_2h(self, backend, close):
        x, h = backend.asarray([-3.0, 0.1, 2.0]), 1e-4
        expected = (parabola(x + h) - parabola(x - h)) / (2 * h)
        # Some libraries round f otherwise in a batch of points than alone: by units in the last place, over h.
        close(numerical_diff(parabola, x, h=h), to_host(expected), rtol=0, atol=8 * EPS["float64"] * 0.4 / h)

    def test_the_step_of_the_caution_vanishes(self):
        x = np.asarray([1.0], dtype=np.float32)
        with pytest.raises(ValueError, match=r"h = 1e-50 vanishes beside some x: x \+ h == x in float32"):
            numerical_diff(np.sin, x, h=1e-50)
        with pytest.raises(ValueError, match="vanishes"):
            numerical_diff(np.sin, 1e13, h=1e-4)


class TestAccuracy:
    @pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 2e-5)])
    @pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
    def test_richardson(self, backend, close, dtype, tolerance):
        for f, slope, intervals in SMOOTH.values():
            for interval in intervals:
                calls = []

                def counted(x, f=f, calls=calls):
                    calls.append(x.shape)
                    return f(backend.xp, x)

                x = backend.asarray(np.linspace(*interval, 100), dtype)
                result = numerical_diff(counted, x, method="richardson", full_output=True)
                truth = slope(to_host(x).astype(np.longdouble))
                # The functions of a GPU are right to one or two units in the last place, those of a CPU to a half.
                close(
                    result.derivative, truth, dtype=dtype, rtol=4 * tolerance if backend.name == "cupy" else tolerance
                )
                assert np.all(np.abs(to_host(result.derivative) - truth) <= to_host(result.error))
                assert calls == [(result.evaluations, 100)]
                assert result.evaluations <= 12

    @pytest.mark.parametrize("name", SMOOTH)
    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    @given(
        points=st.lists(
            st.floats(-20, 20, width=32) | st.floats(-(2.0**-7), 2.0**-7, width=32) | st.floats(1, 1e3, width=32),
            min_size=1,
        )
    )
    @settings(max_examples=60, deadline=None)
    def test_richardson_error_is_a_bound_everywhere(self, name, dtype, points):
        f, slope, _ = SMOOTH[name]
        x = np.asarray(points, dtype=dtype)
        if name == "log":
            x = np.abs(x)
        with np.errstate(all="ignore"):
            result = numerical_diff(lambda x: f(np, x), x, method="richardson", full_output=True)
            truth = slope(x.astype(np.longdouble))
            known = np.isfinite(truth) & np.isfinite(f(np, x))
        # Close to an overflow nothing may be known: an infinite bound, even of NaN, claims nothing.
        assert np.all(((np.abs(result.derivative - truth) <= result.error) | np.isinf(result.error))[known])

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    @pytest.mark.parametrize(("name", "interval"), CASES)
    def test_the_error_of_every_method_is_a_bound(self, name, interval, method, dtype):
        f, slope, _ = SMOOTH[name]
        x = np.linspace(*interval, 300).astype(dtype)
        result = numerical_diff(lambda x: f(np, x), x, method=method, full_output=True)
        error = np.abs(result.derivative - slope(x.astype(np.longdouble)))
        assert np.all(error <= result.error)

    @pytest.mark.parametrize(
        ("method", "rtol64", "rtol32"),
        [("central", 1e-9, 1e-4), ("complex", 1e-12, 1e-6), ("forward", 1e-6, 2e-3), ("backward", 1e-6, 2e-3)],
    )
    def test_sinh_at_1(self, backend, close, method, rtol64, rtol32):
        for dtype, rtol in (("float64", rtol64), ("float32", rtol32)):
            x = backend.asarray(np.full(100, 1.0), dtype)
            close(numerical_diff(backend.xp.sinh, x, method=method), np.full(100, math.cosh(1)), dtype=dtype, rtol=rtol)

    def test_error_estimates_are_not_idle(self):
        x = np.linspace(0.5, 3, 100)
        for method in METHODS:
            result = numerical_diff(np.exp, x, method=method, full_output=True)
            true_error = np.abs(result.derivative - np.exp(x.astype(np.longdouble)))
            assert np.median(result.error) < 200 * np.median(true_error)

    def test_float32_computed_in_float64(self, backend, close):
        x = backend.asarray([0.5, 1.0, 2.0], "float32")
        seen = []

        def f(x):
            seen.append(x.dtype)
            return backend.xp.exp(x)

        derivative = numerical_diff(f, x, compute_dtype="float64")
        close(derivative, np.exp([0.5, 1.0, 2.0]), dtype="float32", rtol=EPS["float32"])
        assert seen == [backend.xp.float64]

    def test_the_step_suits_the_coarser_dtype_of_f(self):
        def in_float32(x):
            return np.sin(x.astype(np.float32))

        x = np.asarray([0.5, 1.0])
        result = numerical_diff(in_float32, x, full_output=True)
        assert result.derivative.dtype == np.float64
        np.testing.assert_allclose(result.step, EPS["float32"] ** (1 / 3) * x, rtol=1e-6)
        np.testing.assert_allclose(result.derivative, np.cos(x), rtol=1e-3)

    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    @pytest.mark.parametrize(("method", "exponent"), [("central", 1 / 3), ("forward", 1 / 2), ("backward", 1 / 2)])
    def test_default_step(self, dtype, method, exponent):
        x = np.asarray([-4.0, 0.0, 0.01, 2.0], dtype=dtype)
        step = numerical_diff(lambda x: x, x, method=method, full_output=True).step
        assert step.dtype == dtype
        np.testing.assert_allclose(step, EPS[dtype] ** exponent * np.asarray([4.0, 0.1, 0.1, 2.0]), rtol=1e-6)


class TestHardPoints:
    def test_one_sided_where_a_side_is_not_finite(self):
        with np.errstate(invalid="ignore"):
            result = numerical_diff(np.sqrt, np.asarray([0.0, 1e-9, 1.0]), full_output=True)
            log_of_1_minus = numerical_diff(lambda x: np.log1p(-x), 1 - 1e-8)
        assert np.all(np.isfinite(result.derivative))
        assert result.error[0] == math.inf
        np.testing.assert_allclose(result.derivative[2], 0.5, rtol=1e-9)
        assert log_of_1_minus < 0

    @pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
    def test_bounds_are_never_crossed(self, backend, close):
        x = backend.asarray(np.sin(np.linspace(0, math.pi / 2, 100)))
        seen = []

        def f(points):
            seen.extend([backend.xp.min(points), backend.xp.max(points)])
            return backend.xp.exp(points)

        result = numerical_diff(f, x, method="richardson", bounds=(0, 1), full_output=True)
        assert min(seen) == 0
        assert max(seen) == 1
        close(result.derivative, np.exp(to_host(x)), rtol=1e-9)
        assert np.all(np.abs(to_host(result.derivative) - np.exp(to_host(x))) <= to_host(result.error))

    def test_central_differences_within_bounds(self):
        x = np.asarray([0.0, 1e-9, 0.02, 0.5, 1 - 1e-9, 1.0])
        with np.errstate(invalid="raise"):
            derivative = numerical_diff(lambda x: np.sqrt(1 - x) + np.sqrt(x + 1), x, bounds=(-1, 1))
        expected = 0.5 / np.sqrt(x[:4] + 1) - 0.5 / np.sqrt(1 - x[:4])
        np.testing.assert_allclose(derivative[:4], expected, atol=1e-9)

    def test_bounds_may_be_arrays_and_narrow(self):
        x = np.asarray([1.0, 2.0])
        derivative = numerical_diff(np.exp, x, method="richardson", bounds=(x - 1e-3, x + 1e-4))
        np.testing.assert_allclose(derivative, np.exp(x), rtol=1e-8)

    @pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
    def test_nan_is_reported(self, backend):
        x = backend.asarray([math.nan, math.inf, -math.inf, 1.0])
        derivative = to_host(numerical_diff(lambda x: x * x, x))
        assert np.isnan(derivative).tolist() == [True, True, True, False]

    @pytest.mark.parametrize("method", METHODS)
    def test_nan_is_reported_by_every_method(self, method):
        derivative = numerical_diff(lambda x: x * x, np.asarray([math.nan, math.inf, 1.0]), method=method)
        assert np.isnan(derivative).tolist() == [True, True, False]

    def test_nan_at_x_itself_is_reported(self):
        with np.errstate(all="ignore"):
            for method in ("central", "richardson"):
                assert math.isnan(numerical_diff(lambda x: 1 / x, 0.0, method=method))
                assert math.isnan(numerical_diff(np.log, -1.0, method=method))

    @pytest.mark.parametrize("method", ["central", "richardson"])
    def test_a_kink_and_a_jump_have_no_finite_error(self, method):
        for f in (np.abs, np.sign, lambda x: np.maximum(x, 0)):
            assert numerical_diff(f, np.asarray([0.0]), method=method, full_output=True).error[0] > 0.1

    def test_a_pole_inside_the_first_steps_is_noticed(self):
        result = numerical_diff(lambda x: 1 / x, np.asarray([1e-8]), method="richardson", full_output=True)
        assert abs(result.derivative[0] + 1e16) <= result.error[0] < 1e8

    def test_an_exact_zero_derivative_has_a_small_error(self):
        result = numerical_diff(lambda x: x * x, np.asarray([0.0]), method="richardson", full_output=True)
        assert abs(result.derivative[0]) <= result.error[0] < 1e-14

    @pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
    def test_a_logarithm_close_to_its_singularity(self, backend, close):
        xp = backend.xp
        x = backend.asarray([1e-9, 1e-3, 1.0])
        for method in ("central", "richardson"):
            with np.errstate(invalid="ignore", divide="ignore"):
                result = numerical_diff(xp.log, x, method=method, full_output=True)
                close(
                    numerical_diff(xp.log, x, method=method),
                    [1e9, 1e3, 1.0],
                    rtol=1e-4 if method == "central" else 1e-7,
                )
            assert np.all(np.abs(to_host(result.derivative) - [1e9, 1e3, 1.0]) <= to_host(result.error))


class TestBounds:
    @pytest.mark.parametrize(
        ("method", "rtol"), [("central", 1e-9), ("forward", 1e-6), ("backward", 1e-6), ("richardson", 1e-9)]
    )
    @pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
    def test_every_method_at_both_bounds(self, backend, close, method, rtol):
        x, seen = backend.asarray([0.0, 0.5, 1.0]), []

        def f(points):
            seen.append((float(backend.xp.min(points)), float(backend.xp.max(points))))
            return backend.xp.exp(points)

        close(numerical_diff(f, x, method=method, bounds=(0.0, 1.0)), np.exp([0.0, 0.5, 1.0]), rtol=rtol)
        assert min(low for low, _ in seen) >= 0
        assert max(high for _, high in seen) <= 1

    @pytest.mark.parametrize("method", ["central", "forward", "backward"])
    @pytest.mark.parametrize("order", [1, 2, 3, 4])
    def test_a_given_step_turns_or_shrinks(self, method, order):
        x = np.asarray([0.0, 1e-3, 0.5, 1.0])
        for h in (1e-2, 10.0):
            seen = []
            derivative = numerical_diff(
                lambda x, seen=seen: seen.append(x) or np.exp(x), x, h=h, method=method, order=order, bounds=(0, 1)
            )
            assert np.all((np.asarray(seen) >= 0) & (np.asarray(seen) <= 1))
            np.testing.assert_allclose(derivative, np.exp(x), rtol=0.1 if h < 1 else 1.5)


class TestOrders:
    @pytest.mark.parametrize("method", ["central", "forward", "backward", "richardson"])
    @pytest.mark.parametrize("order", [1, 2, 3, 4])
    @pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
    def test_of_sine(self, backend, close, method, order):
        points = np.asarray([[0.3, 1.0], [-2.0, 4.0]])
        truth = [np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin][order - 1](points)
        derivative = numerical_diff(backend.xp.sin, backend.asarray(points), method=method, order=order)
        atol = {"richardson": [1e-9, 1e-8, 1e-6, 1e-4], "central": [1e-8, 1e-6, 1e-4, 1e-2]}
        close(derivative, truth, rtol=0, atol=atol.get(method, [1e-6, 1e-3, 0.05, 0.5])[order - 1])

    @pytest.mark.parametrize(
        ("method", "order", "weights"),
        [("central", 2, {-1: 1, 0: -2, 1: 1}), ("central", 3, {-2: -0.5, -1: 1, 1: -1, 2: 0.5}),
         ("central", 4, {-2: 1, -1: -4, 0: 6, 1: -4, 2: 1}), ("forward", 2, {0: 1, 1: -2, 2: 1}),
         ("backward", 3, {-3: -1, -2: 3, -1: -3, 0: 1})],
    )  # fmt: skip
    def test_textbook_weights(self, method, order, weights):
        x, h = 0.75, 0.125
        expected = sum(w * math.exp(x + k * h) for k, w in weights.items()) / h**order
        assert numerical_diff(np.exp, x, h=h, method=method, order=order) == pytest.approx(expected, rel=1e-10)


class TestOptions:
    def test_args_and_kwargs(self, backend, close):
        a = backend.asarray([1.0, 2.0])
        derivative = numerical_diff(
            lambda x, a, power: a * x**power, backend.asarray([3.0, 4.0]), args=(a,), kwargs={"power": 2}, h=0.5
        )
        close(derivative, [6.0, 16.0])

    def test_arrays_that_go_with_x_survive_a_second_round(self):
        a = np.asarray([1.0, 1e4, 2.0])
        x = np.asarray([1.0, 1.0, 2.0])
        derivative = numerical_diff(lambda x: np.sin(a * x), x, method="richardson")
        np.testing.assert_allclose(derivative, a * np.cos(a * x), rtol=1e-8)

    @pytest.mark.parametrize("method", ["central", "forward", "richardson"])
    def test_f0_saves_an_evaluation(self, method):
        calls = []

        def f(x):
            calls.append(x.shape[0])
            return np.exp(x)

        x = np.asarray([0.5, 1.0])
        known = numerical_diff(f, x, method=method, f0=np.exp(x))
        assert np.array_equal(known, numerical_diff(f, x, method=method))
        assert calls[1] == calls[0] + 1

    @pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
    def test_a_step_for_each_entry(self, backend, close):
        x, h = backend.asarray([-3.0, 0.5, 2.0]), backend.asarray([1e-4, 1e-3, 0.25])
        expected = (parabola(x + h) - parabola(x - h)) / (2 * h)
        close(numerical_diff(parabola, x, h=h), to_host(expected), rtol=1e-13)
        result = numerical_diff(parabola, x, h_rel=1e-4, full_output=True)
        close(result.step, [3e-4, 0.5e-4, 2e-4], rtol=1e-12)

    @pytest.mark.parametrize("h", [[1e-4, 0.0], [1e-4, -1.0], [1e-4, math.nan]])
    def test_bad_steps_for_entries(self, h):
        with pytest.raises(ValueError, match="h must be finite and > 0 in every entry"):
            numerical_diff(np.sin, np.asarray([1.0, 2.0]), h=np.asarray(h))

    def test_status(self):
        with np.errstate(all="ignore"):
            result = numerical_diff(
                lambda x: np.where(x > 0, np.sin(x), np.where(x < -5, np.nan, np.abs(x + 1))),
                np.asarray([1.0, -1.0, -7.0]),
                method="richardson",
                full_output=True,
            )
        assert result.status.tolist() == [0, 2, 3]
        strict = numerical_diff(np.exp, np.asarray([1.0]), method="richardson", rtol=1e-16, full_output=True)
        assert strict.status.tolist() == [1]
        assert numerical_diff(np.exp, np.asarray([1.0]), full_output=True, atol=1e-3).status.tolist() == [0]

    @pytest.mark.parametrize(
        ("options", "match"),
        [
            ({"order": 5}, "order must be 1, 2, 3 or 4"),
            ({"order": 2, "method": "complex"}, "order must be 1 for method='complex'"),
            ({"h": 1e-4, "h_rel": 1e-4}, "two names for one step"),
            ({"tolerance": (-1, 0)}, r"tolerance\[0\] must be"),
            ({"rtol": -1.0}, "rtol must be"),
            ({"tolerance": 1e-8}, r"tolerance must be a pair, \(absolute, relative\)"),
        ],
    )
    def test_bad_options(self, options, match):
        with pytest.raises((TypeError, ValueError), match=match):
            numerical_diff(np.sin, np.asarray([1.0]), **options)


class TestComplex:
    @pytest.mark.parametrize("f", [np.abs, lambda z: abs(z) ** 2 + 0j, lambda z: np.real(z) + 0j])
    def test_what_is_not_analytic_is_refused(self, f):
        with pytest.raises(ValueError, match=r"method='complex' needs an .*analytic.*take method='central'"):
            numerical_diff(f, np.asarray([1.0, 2.0]), method="complex")

    def test_functions_with_a_zero_derivative_are_not_refused(self, backend, close):
        x = backend.asarray([0.0, 0.0])
        close(numerical_diff(lambda z: z**2, x, method="complex"), [0.0, 0.0])
        close(numerical_diff(lambda z: z**3, x, method="complex"), [0.0, 0.0], atol=1e-30)
        close(numerical_diff(lambda z: 0 * z + 3, x, method="complex"), [0.0, 0.0])

    def test_bounds_are_refused(self):
        with pytest.raises(ValueError, match="bounds must be None for method='complex'"):
            numerical_diff(np.exp, 1.0, method="complex", bounds=(0, 2))


class TestInput:
    @pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
    def test_any_shape(self, backend, close):
        points = np.linspace(-1, 1, 12).reshape(2, 3, 2)
        close(numerical_diff(backend.xp.exp, backend.asarray(points)), np.exp(points), rtol=1e-9)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("shape", [(), (3,), (2, 3, 2), (0,), (0, 3)])
    def test_any_shape_by_every_method(self, shape, method):
        x = np.full(shape, 0.5)
        result = numerical_diff(np.exp, x, method=method, full_output=True)
        assert result.derivative.shape == result.error.shape == result.step.shape == shape
        np.testing.assert_allclose(result.derivative, np.exp(x), rtol=1e-6)

    def test_zero_dimensional(self, backend, close):
        close(numerical_diff(backend.xp.exp, backend.asarray(0.5)), math.exp(0.5), rtol=1e-9)

    def test_plain_python_functions_of_a_number(self):
        assert numerical_diff(math.sin, 0) == pytest.approx(1, rel=1e-9)
        assert isinstance(numerical_diff(math.sin, 0.5, method="richardson"), float)
        assert numerical_diff(lambda x: x * x if x > 0 else 0, 3.0) == pytest.approx(6, rel=1e-9)
        assert numerical_diff(lambda x: 7, 3.0) == 0

    def test_integers_and_booleans_are_promoted(self, backend, close):
        default = "float32" if backend.name == "torch" else "float64"
        for dtype in ("int64", "uint8", "bool"):
            x = backend.asarray([0, 1], dtype)
            close(numerical_diff(lambda x: x**2 + x, x, h=0.5), [1, 3], dtype=default)

    def test_a_function_that_returns_its_input(self, backend, close):
        close(numerical_diff(lambda x: x, backend.asarray([3.0, -1.0])), [1.0, 1.0], rtol=1e-15)

    def test_a_function_that_returns_whole_numbers(self, backend, close):
        close(numerical_diff(lambda x: backend.xp.astype(x, backend.xp.int64), backend.asarray([0.5])), [0.0])

    @pytest.mark.parametrize("method", ["central", "richardson"])
    def test_a_coarse_function_is_found_out_at_once(self, method):
        calls = []

        def f(x):
            calls.append(x.shape[0])
            return np.sin(1e3 * x).astype(np.float32)

        x = np.asarray([0.5, 1.0])
        result = numerical_diff(f, x, method=method, full_output=True)
        assert np.all(np.abs(result.derivative - 1e3 * np.cos(1e3 * x)) <= result.error)
        assert sum(calls) <= 12 + result.evaluations

    def test_x_is_not_changed(self, backend):
        x = backend.asarray([1.0, 2.0])
        numerical_diff(lambda x: x**2, x)
        assert to_host(x).tolist() == [1.0, 2.0]

    @pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
    def test_numbers_of_numpy_beside_another_library(self, backend):
        x = backend.asarray(0.5)
        assert float(numerical_diff(lambda x: np.float64(3.0), x)) == 0.0
        assert float(numerical_diff(lambda x: np.sin(float(x)), x, method="richardson")) == pytest.approx(math.cos(0.5))

    @pytest.mark.needs("jax")
    def test_under_jit(self):
        import jax

        x = jax.numpy.asarray([0.5, 1.0])
        derivative = jax.jit(lambda x: numerical_diff(jax.numpy.sin, x, method="richardson"))(x)
        np.testing.assert_allclose(derivative, np.cos([0.5, 1.0]), rtol=1e-5)

    @pytest.mark.parametrize("h", [0, 0.0, -1e-4, math.nan, math.inf])
    def test_bad_steps(self, h):
        with pytest.raises(ValueError, match=r"h must be a finite number > 0, got "):
            numerical_diff(np.sin, np.asarray([1.0]), h=h)

    @pytest.mark.parametrize(
        ("error", "match", "arguments", "options"),
        [
            (TypeError, r"f must be callable, got 3\.0 of type float", (3.0, np.ones(2)), {}),
            (TypeError, "x must be an array .* got list", (np.sin, [1.0, 2.0]), {}),
            (TypeError, "x must be an array .* got complex", (np.sin, 1j), {}),
            (TypeError, "x must be real, got dtype complex128", (np.sin, np.ones(2) * 1j), {}),
            (TypeError, "h must be a finite number > 0, got '1e-4' of type str", (np.sin, np.ones(2)), {"h": "1e-4"}),
            (TypeError, "f must return an array or a number, got NoneType", (lambda x: None, np.ones(2)), {}),
            (TypeError, "f must return an array or a number, got list", (lambda x: [1, 2], np.ones(2)), {}),
            (TypeError, "f must return real numbers.* got complex128", (lambda x: x * 1j, np.ones(2)), {}),
            (ValueError, r"shape \(3, 2\), got \(\).*take numerical_gradient", (np.sum, np.ones(2)), {}),
            (ValueError, r"shape \(3, 2\), got \(3,\)", (lambda x: x[:, 0], np.ones(2)), {}),
            (ValueError, r"shape \(\), got \(2,\)", (lambda x: np.stack([x, x]), 1.0), {}),
            (ValueError, "did you mean 'central'", (np.sin, np.ones(2)), {"method": "centrall"}),
            (ValueError, "compute_dtype must be one of", (np.sin, np.ones(2)), {"compute_dtype": "float8"}),
            (ValueError, "bounds must enclose every x", (np.sin, np.ones(2)), {"bounds": (2, 3)}),
        ],
    )
    def test_bad_input(self, error, match, arguments, options):
        with pytest.raises(error, match=match):
            numerical_diff(*arguments, **options)

    @pytest.mark.needs("torch")
    def test_values_of_another_library(self):
        import torch

        with pytest.raises(TypeError, match="all arrays must come from one library"):
            numerical_diff(lambda x: torch.ones(3, 2), np.ones(2))
