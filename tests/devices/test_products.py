"""Products of matrices of members, however they lie in memory, and into views of larger arrays."""

import numpy as np
import pytest

import xpnet

RNG = np.random.default_rng(0)


def lying(backend, array, how):
    """Return an array whose matrices lie by rows, by columns, or in a larger array."""
    if how == "columns":
        return backend.asarray(np.ascontiguousarray(array.swapaxes(-1, -2)), array.dtype).mT
    if how == "part":
        return backend.asarray(np.pad(array, [(0, 1)] * array.ndim))[tuple(slice(n) for n in array.shape)]
    if how == "steps":
        return backend.asarray(np.repeat(np.repeat(array, 2, axis=-1), 2, axis=-2))[..., ::2, ::2]
    return backend.asarray(array)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "shapes",
    [
        *(((4, 5), (5, 3)), ((2, 4, 5), (2, 5, 3)), ((4, 5), (2, 5, 3)), ((2, 1, 5), (5, 1)), ((1, 5), (5, 1))),
        *(((2, 1, 4, 5), (2, 3, 5, 2)), ((4, 1), (1, 3)), ((2, 4, 1), (2, 1, 3))),
    ],
)
@pytest.mark.parametrize("second", ["rows", "columns", "part", "steps"])
@pytest.mark.parametrize("first", ["rows", "columns", "part", "steps"])
def test_a_product_is_that_of_its_matrices(backend, close, first, second, shapes, dtype):
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=shape).astype(dtype) for shape in shapes)
    device, expected = backend.select(), a.astype("float64") @ b
    a, b = lying(backend, a, first), lying(backend, b, second)
    close(device.matmul(a.shape[-1])(a, b), expected, dtype=dtype, roundings=32)
    flat = backend.xp.zeros((*expected.shape[:-2], expected.shape[-2] * expected.shape[-1] + 2), dtype=a.dtype)
    out = backend.xp.reshape(flat[..., 1:-1], expected.shape)
    close(device.matmul_into(a.shape[-1])(a, b, out), expected, dtype=dtype, roundings=32)


def test_a_product_lies_where_it_is_to_if_arrays_can_be_written_to(backend):
    if backend.name in ("numpy", "cupy"):
        a, out = backend.asarray(RNG.normal(size=(2, 3, 3))), backend.asarray(np.zeros((2, 3, 3)))
        assert backend.select().matmul_into(3)(a, a, out) is out
        np.testing.assert_allclose(xpnet.to_host(out), xpnet.to_host(a @ a), rtol=1e-12)
