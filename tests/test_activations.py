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
    "gelu": lambda z: z * special.expit(2 * np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)),
    "silu": lambda z: z * special.expit(z),
    "softmax": lambda z: special.softmax(z, axis=-1),
    "log_softmax": lambda z: special.log_softmax(z, axis=-1),
}
EPS = float(np.finfo(float).eps)
ROWS = np.asarray([[0.3, 2.9, 4.0], [-1.5, 0.0, 1.0], [50.0, -50.0, 49.0]])

every_function = pytest.mark.parametrize("name", list(REFERENCES))
every_activation = pytest.mark.parametrize("name", list(ACTIVATIONS))


@every_function
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("z", [ROWS[0], ROWS, ROWS[None, ...]], ids=["vector", "batch", "members"])
def test_equals_scipy_in_the_shape_and_dtype_of_its_input(backend, close, name, dtype, z):
    rtol = 1e-12 if dtype == "float64" else 3e-6
    expected = REFERENCES[name](z)
    # 50 times the inverse of exp(88), at which the sigmoid is held in float32.
    close(getattr(xpnet, name)(backend.asarray(z, dtype)), expected, dtype=dtype, rtol=rtol, atol=50 * np.exp(-88.0))


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
def test_derivative_refuses_what_is_no_real_array(backend, name):
    with pytest.raises(TypeError, match=r"z must be real"):
        ACTIVATIONS[name].derivative(backend.asarray([1j]))
    with pytest.raises(TypeError, match=r"z must be an array"):
        ACTIVATIONS[name].derivative(1.0)


@every_activation
@pytest.mark.parametrize("library", oracles.NAMES)
def test_derivative_equals_automatic_differentiation(backend, close, name, library):
    z = np.asarray([-7.0, -1.0, -1e-3, 0.0, 1e-3, 0.5, 6.0])
    oracle = oracles.oracle(library)
    value, gradients = oracle.value_and_gradients(lambda z: oracle.activations[name](z), {"z": z})
    f = ACTIVATIONS[name]
    # Where 1 + tanh u cancels, both libraries keep errors of some roundings of numbers up to 7.
    close(f(backend.asarray(z)), value, dtype="float64", rtol=1e-10, atol=16 * EPS)
    close(f.derivative(backend.asarray(z)), gradients["z"], dtype="float64", rtol=1e-10, atol=64 * EPS)


@every_activation
def test_derivative_keeps_float32(backend, close, name):
    f = ACTIVATIONS[name]
    expected = f.derivative(ROWS)
    close(f.derivative(backend.asarray(ROWS, "float32")), expected, dtype="float32", rtol=1e-5, atol=1e-6)


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


@every_activation
@given(z=st.floats(-6, 6), d=st.floats(-3, 3))
def test_difference_is_that_of_values(name, z, d):
    f = ACTIVATIONS[name]
    both = f(np.asarray([z + d, z]))
    # Each value is a few roundings of numbers up to 9 off.
    assert float(f.difference(np.asarray(z), np.asarray(d))) == pytest.approx(
        both[0] - both[1], rel=1e-11, abs=64 * EPS
    )


@every_activation
@given(z=st.floats(-6, 6).filter(lambda z: abs(z) > 1e-3), d=st.floats(1e-300, 1e-12))
def test_difference_does_not_cancel(name, z, d):
    f = ACTIVATIONS[name]
    slope = float(f.derivative(np.asarray(z)))
    # The second order is less than d relative to it but where the slope vanishes, as those of gelu and silu do.
    assert float(f.difference(np.asarray(z), np.asarray(d))) == pytest.approx(slope * d, rel=1e-9, abs=64 * EPS * d)


def test_an_activation_of_ones_own_needs_three_methods(backend, close):
    class Square(xpnet.Activation):
        name = "square"

        def _value(self, z, *, xp):
            return z * z

        def _derivative(self, z, a, *, xp):
            return 2 * z

        def _difference(self, z, a, d, *, xp):
            return d * (2 * z + d)

    f, z = Square(), backend.asarray(ROWS)
    close(f(z), ROWS**2, rtol=EPS)
    close(f.derivative(z), 2 * ROWS, rtol=EPS)
    close(f.difference(z, backend.asarray(np.full(ROWS.shape, 1e-30))), 2e-30 * ROWS, rtol=4 * EPS, atol=1e-59)
