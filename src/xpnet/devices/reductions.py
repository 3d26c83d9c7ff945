"""NumPy's sums and maxima of small arrays, which take longer in Python than in C."""

from typing import Any

import numpy as np

from xpnet._typing import Array, Namespace

_add: Any = np.add.reduce
_maximum: Any = np.maximum.reduce


class QuickReductions:
    """The functions of a NumPy namespace, but its sums and maxima without their three layers of Python."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._namespace, name)
        setattr(self, name, value)
        return value

    @staticmethod
    def max(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
        """Return the maximum over an axis."""
        return _maximum(x, axis, None, None, keepdims)

    @staticmethod
    def sum(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
        """Return the sum over an axis."""
        return _add(x, axis, None, None, keepdims)
