"""Activations and softmax: values, derivatives, differences, invariants, and what they refuse."""

import copy
import math
import pickle
from decimal import Decimal, localcontext

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rounding import rounding
from scipy import special

import xpnet
from xpnet.activations import ACTIVATIONS

REFERENCES = {
    "sigmoid": special.expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "identity": lambda z: z,
    "gelu": lambda z: z / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))),
    "silu": lambda z: z * special.expit(z),
    "softmax": lambda z: special.softmax(z, axis=-1),
    "log_softmax": lambda z: special.log_softmax(z, axis=-1),
}
ROWS = np.asarray([[0.25, 2.875, 4.0], [-1.5, 0.0, 1.0], [50.0, -50.0, 49.0]])  # all of them numbers of float32
# In the shape of ROWS, since JAX compiles every operation for every shape anew.
POINTS = np.asarray([[-7.0, -1.0, -0.125], [0.0, 2.0**-10, 0.5], [1.5, 4.0, 6.0]])

every_function = pytest.mark.parametrize("name", list(REFERENCES))
every_activation = pytest.mark.parametrize("name", list(ACTIVATIONS))
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def test_every_activation_has_a_reference():
    assert list(ACTIVATIONS) == list(REFERENCES)[: len(ACTIVATIONS)]
    assert [f.name for f in ACTIVATIONS.values()] == list(ACTIVATIONS)


@every_function
@every_dtype
def test_equals_scipy_in_the_shape_and_dtype_of_its_input(backend, close, name, dtype):
    # Softmax takes exponentials of differences of up to 100. JAX takes what is below the smallest normal number for 0,
    # and PyTorch may: 50 times that is the silu of -50.
    rtol, atol = rounding(128, dtype), 50 * float(np.finfo(dtype).tiny)
    for z in (ROWS,) if dtype == "float32" else (ROWS[0], ROWS, ROWS[None, ...]):
        actual = getattr(xpnet, name)(backend.asarray(z, dtype))
        close(actual, REFERENCES[name](z), dtype=dtype, rtol=rtol, atol=atol)


@every_function
def test_integers_become_floating(backend, close, name):
    integers = np.asarray([[1, 0, -2], [3, 3, 3]])
    actual = getattr(xpnet, name)(backend.asarray(integers))
    assert actual.dtype == backend.xp.zeros(1).dtype
    close(actual, REFERENCES[name](integers), roundings=32)


@every_function
def test_input_is_left_as_it_is(backend, name):
    z = backend.asarray(ROWS)
    getattr(xpnet, name)(z)
    if name in ACTIVATIONS:
        ACTIVATIONS[name].derivative(z)
        ACTIVATIONS[name].difference(z, z)
    np.testing.assert_array_equal(xpnet.to_host(z), ROWS)


@every_function
def test_refuses_what_is_no_real_array(backend, name):
    function = getattr(xpnet, name)
    for call in (function, function.derivative) if name in ACTIVATIONS else (function,):
        with pytest.raises(TypeError, match=r"z must be real, got dtype .*complex128.*real part"):
            call(backend.asarray([1j]))
        with pytest.raises(TypeError, match=r"z must be an array .* got list: wrap it"):
            call([1.0])


@every_activation
def test_a_difference_refuses_what_is_no_real_array(backend, name):
    z = backend.asarray([1.0])
    with pytest.raises(TypeError, match=r"d must be real"):
        ACTIVATIONS[name].difference(z, backend.asarray([1j]))
    with pytest.raises(TypeError, match=r"d must be an array .* got float"):
        ACTIVATIONS[name].difference(z, 1.0)


@every_activation
@pytest.mark.parametrize("library", oracles.NAMES)
def test_equals_automatic_differentiation(name, library):
    oracle = oracles.oracle(library)
    value, gradients = oracle.value_and_gradients(lambda z: oracle.activations[name](z), {"z": POINTS})
    f = ACTIVATIONS[name]
    # gelu's tanh form loses digits at -7, where 1 + tanh cancels, and the slope of its argument is 12.
    np.testing.assert_allclose(f(POINTS), value, rtol=0, atol=rounding(64))
    np.testing.assert_allclose(f.derivative(POINTS), gradients["z"], rtol=0, atol=rounding(64))


@every_activation
@every_dtype
def test_the_derivative_is_that_of_numpy(backend, close, name, dtype):
    f = ACTIVATIONS[name]
    close(f.derivative(backend.asarray(POINTS, dtype)), f.derivative(POINTS), dtype=dtype, roundings=64)


def decimal_of(name, z):
    """Return the activation of a decimal number."""
    sigmoid = 1 / (1 + (-z).exp())
    if name == "gelu":
        scale = 2 * (2 / Decimal("3.14159265358979323846264338327950288419716939937510")).sqrt()
        return z / (1 + (-scale * (z + Decimal("0.044715") * z**3)).exp())
    return {
        "sigmoid": sigmoid,
        "tanh": 1 - 2 / (1 + (2 * z).exp()),
        "relu": max(z, Decimal(0)),
        "identity": z,
        "silu": z * sigmoid,
    }[name]


STEPS = [2.0**-100, -(2.0**-100), 2.0**-30, -(2.0**-10), 0.125, -0.125, 3.0, -200.0]


@every_activation
@every_dtype
def test_a_difference_is_exact_however_small_the_step(backend, close, name, dtype):
    for step in STEPS:
        with localcontext(prec=80):
            moves = [decimal_of(name, Decimal(z) + Decimal(step)) - decimal_of(name, Decimal(z)) for z in POINTS.flat]
        d = backend.asarray(np.full_like(POINTS, step), dtype)
        actual = ACTIVATIONS[name].difference(backend.asarray(POINTS, dtype), d)
        # A slope of up to 1.1 is right to its last place, up to gelu's: its gate is 12 times as steep, times z.
        expected = np.reshape([float(move) / step for move in moves], POINTS.shape)
        close(actual / d, expected, dtype=dtype, rtol=0, atol=rounding(64, dtype))


FAR = np.asarray([[-1e38, 1e38, 0.0]] * 3)


@every_dtype
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sigmoid", [0.0, 1.0, 0.5]),
        ("tanh", [-1.0, 1.0, 0.0]),
        ("gelu", [0.0, 1e38, 0.0]),
        ("silu", [0.0, 1e38, 0.0]),
        ("softmax", [0.0, 1.0, 0.0]),
        ("log_softmax", [-2e38, 0.0, -1e38]),
    ],
)
def test_nothing_overflows(backend, close, name, expected, dtype):
    actual = getattr(xpnet, name)(backend.asarray(FAR, dtype))
    close(actual, np.asarray([expected] * 3, dtype), dtype=dtype, rtol=rounding(8, dtype))


@every_dtype
@pytest.mark.parametrize(
    ("name", "slopes"),
    [("sigmoid", [0, 0, 0.25]), ("tanh", [0, 0, 1]), ("gelu", [0, 1, 0.5]), ("silu", [0, 1, 0.5])],
)
def test_no_slope_overflows(backend, close, name, slopes, dtype):
    f, z, step = ACTIVATIONS[name], backend.asarray(FAR, dtype), 2.0**-60
    close(f.derivative(z), [slopes] * 3, dtype=dtype, roundings=8)
    rises = f.difference(z, backend.asarray(np.full_like(FAR, step), dtype))
    close(rises / step, [slopes] * 3, dtype=dtype, roundings=8)


@pytest.mark.parametrize("name", ["sigmoid", "gelu", "silu"])
def test_the_limits_at_infinity_are_no_nan(backend, close, name):
    f, z = ACTIVATIONS[name], backend.asarray([-math.inf, math.inf])
    close(f(z), [0.0, 1.0 if name == "sigmoid" else math.inf], dtype="float64", rtol=0)
    close(f.derivative(z), [0.0, float(name != "sigmoid")], dtype="float64", rtol=0)


def test_a_masked_logit_has_probability_zero(backend, close):
    z = backend.asarray([1.0, -math.inf, 1.0])
    close(xpnet.softmax(z), [0.5, 0.0, 0.5], dtype="float64", roundings=8)
    close(xpnet.log_softmax(z), [-math.log(2), -math.inf, -math.log(2)], dtype="float64", rtol=rounding(8))
    close(xpnet.softmax(backend.asarray([3e38, -3e38], "float32")), [1.0, 0.0], dtype="float32", rtol=0)


def test_relu_has_slope_zero_at_its_kink_and_alone_has_one(backend, close):
    close(xpnet.relu.derivative(backend.asarray([0.0, -0.0])), [0.0, 0.0], dtype="float64")
    assert [name for name, f in ACTIVATIONS.items() if f.has_kink] == ["relu"]


@every_activation
def test_names_itself_and_travels(name):
    assert repr(ACTIVATIONS[name]) == f"xpnet.{name}"
    for other in (pickle.loads(pickle.dumps(ACTIVATIONS[name])), copy.deepcopy(ACTIVATIONS[name])):
        assert repr(other) == f"xpnet.{name}"
        np.testing.assert_array_equal(other(ROWS), ACTIVATIONS[name](ROWS))


logits = arrays(np.float64, st.sampled_from([(1,), (3, 3)]), elements=st.floats(-700, 700))
TINY = float(np.finfo(np.float64).tiny)


@given(z=logits)
def test_softmax_rows_are_probabilities_blind_to_a_shift(backend, z):
    p = xpnet.to_host(xpnet.softmax(backend.asarray(z)))
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=rounding(12))
    # Shifted logits of up to 764 are rounded, the largest as well, and so are their differences of up to 1400.
    rtol = rounding(2 * 764 + 1400)
    np.testing.assert_allclose(xpnet.to_host(xpnet.softmax(backend.asarray(z + 64.0))), p, rtol=rtol, atol=TINY)
    log_p = xpnet.to_host(xpnet.log_softmax(backend.asarray(z)))
    assert (log_p <= rounding(4)).all()
    np.testing.assert_allclose(np.exp(log_p), p, rtol=rounding(2 * 1400 + 12), atol=TINY)


@given(z=logits)
def test_sigmoid_and_tanh_are_symmetric(backend, z):
    def call(f, z):
        return xpnet.to_host(f(backend.asarray(z)))

    np.testing.assert_allclose(call(xpnet.sigmoid, z) + call(xpnet.sigmoid, -z), 1, rtol=rounding(12))
    np.testing.assert_allclose(call(xpnet.tanh, -z), -call(xpnet.tanh, z), rtol=rounding(8), atol=TINY)
    np.testing.assert_allclose(2 * call(xpnet.sigmoid, 2 * z) - 1, call(xpnet.tanh, z), rtol=0, atol=rounding(16))
