"""Activations and softmax: values, derivatives, invariants, and what they refuse."""

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special

import xpnet
from xpnet.activations import ACTIVATIONS

REFERENCES = {
    "sigmoid": special.expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "identity": lambda z: z,
    "softmax": lambda z: special.softmax(z, axis=-1),
    "log_softmax": lambda z: special.log_softmax(z, axis=-1),
}
ROWS = np.asarray([[0.3, 2.9, 4.0], [-1.5, 0.0, 1.0], [50.0, -50.0, 49.0]])

every_function = pytest.mark.parametrize("name", list(REFERENCES))
every_activation = pytest.mark.parametrize("name", list(ACTIVATIONS))


@every_function
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("z", [ROWS[0], ROWS, ROWS[None, ...]], ids=["vector", "batch", "members"])
def test_equals_scipy_in_the_shape_and_dtype_of_its_input(backend, close, name, dtype, z):
    rtol = 1e-12 if dtype == "float64" else 3e-6
    expected = REFERENCES[name](z)
    close(getattr(xpnet, name)(backend.asarray(z, dtype)), expected, dtype=dtype, rtol=rtol, atol=1e-38)


@every_function
def test_integers_become_floating(backend, close, name):
    integers = np.asarray([[1, 0, -2], [3, 3, 3]])
    default = backend.xp.zeros(1).dtype
    actual = getattr(xpnet, name)(backend.asarray(integers))
    assert actual.dtype == default
    close(actual, REFERENCES[name](integers), rtol=1e-6)


@every_function
def test_input_is_left_as_it_is(backend, name):
    z = backend.asarray(ROWS)
    getattr(xpnet, name)(z)
    np.testing.assert_array_equal(xpnet.to_host(z), ROWS)


@every_function
def test_refuses_what_is_no_real_array(backend, name):
    function = getattr(xpnet, name)
    with pytest.raises(TypeError, match=r"z must be real, got dtype .*complex128.*real part"):
        function(backend.asarray([1j]))
    with pytest.raises(TypeError, match=r"z must be an array .* got list: wrap it"):
        function([1.0])


@every_activation
def test_derivative_of_a_value_refuses_what_is_no_real_array(backend, name):
    with pytest.raises(TypeError, match=r"a must be real"):
        ACTIVATIONS[name].derivative(backend.asarray([1j]))
    with pytest.raises(TypeError, match=r"a must be an array"):
        ACTIVATIONS[name].derivative(1.0)


@every_activation
@pytest.mark.parametrize("library", oracles.NAMES)
def test_derivative_equals_automatic_differentiation(backend, close, name, library):
    z = np.asarray([-7.0, -1.0, -1e-3, 0.0, 1e-3, 0.5, 6.0])
    oracle = oracles.oracle(library)
    value, gradients = oracle.value_and_gradients(lambda z: oracle.activations[name](z), {"z": z})
    f = ACTIVATIONS[name]
    close(f(backend.asarray(z)), value, dtype="float64", rtol=1e-10)
    close(f.derivative(f(backend.asarray(z))), gradients["z"], dtype="float64", rtol=1e-10)


@every_activation
def test_derivative_keeps_float32(backend, close, name):
    f = ACTIVATIONS[name]
    expected = f.derivative(f(ROWS))
    close(f.derivative(f(backend.asarray(ROWS, "float32"))), expected, dtype="float32", rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [("sigmoid", [0.0, 1.0]), ("tanh", [-1.0, 1.0]), ("softmax", [0.0, 1.0]), ("log_softmax", [-2e4, 0.0])],
)
def test_nothing_overflows_at_ten_thousand(backend, close, name, expected, dtype):
    close(getattr(xpnet, name)(backend.asarray([-1e4, 1e4], dtype)), expected, dtype=dtype, atol=1e-37)


def test_relu_has_slope_zero_at_its_kink(backend, close):
    close(xpnet.relu.derivative(backend.asarray([0.0, -0.0])), [0.0, 0.0], dtype="float64")


@every_activation
def test_names_itself(name):
    assert repr(ACTIVATIONS[name]) == f"xpnet.{name}"


logits = arrays(np.float64, st.sampled_from([(1,), (4,), (2, 3, 4)]), elements=st.floats(-700, 700))


@given(z=logits)
def test_softmax_rows_are_probabilities_blind_to_a_shift(backend, z):
    p = xpnet.to_host(xpnet.softmax(backend.asarray(z)))
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-14)
    np.testing.assert_allclose(xpnet.to_host(xpnet.softmax(backend.asarray(z + 64.0))), p, rtol=1e-10, atol=1e-300)
    log_p = xpnet.to_host(xpnet.log_softmax(backend.asarray(z)))
    assert (log_p <= 0).all()
    np.testing.assert_allclose(np.exp(log_p), p, rtol=1e-11, atol=1e-300)


@given(z=logits)
def test_sigmoid_and_tanh_are_symmetric(backend, z):
    def call(f, z):
        return xpnet.to_host(f(backend.asarray(z)))

    np.testing.assert_allclose(call(xpnet.sigmoid, z) + call(xpnet.sigmoid, -z), 1, rtol=1e-14)
    np.testing.assert_array_equal(call(xpnet.tanh, -z), -call(xpnet.tanh, z))
    np.testing.assert_allclose(2 * call(xpnet.sigmoid, 2 * z) - 1, call(xpnet.tanh, z), rtol=1e-9, atol=1e-14)
