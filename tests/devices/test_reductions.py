"""Quick sums and maxima: the same as NumPy's, and all the rest of its namespace."""

import array_api_compat.numpy as xp
import numpy as np
import pytest

from xpnet.devices.reductions import QuickReductions


@pytest.mark.parametrize("name", ["sum", "max"])
@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "int8", "bool"])
def test_they_give_what_numpy_gives(name, axis, keepdims, dtype):
    x = (np.arange(12).reshape(3, 4) - 5).astype(dtype)
    options = {"axis": axis, "keepdims": keepdims}
    actual, expected = (getattr(namespace, name)(x, **options) for namespace in (QuickReductions(xp), xp))
    np.testing.assert_array_equal(actual, expected, strict=True)


def test_all_else_is_that_of_the_namespace():
    quick = QuickReductions(xp)
    assert quick.exp is quick.exp is xp.exp
    with pytest.raises(AttributeError, match="nothing"):
        _ = quick.nothing
