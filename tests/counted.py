"""NumPy arrays that count what is done with them: a measure of speed that does not depend on the machine."""

from collections import Counter
from typing import Any

import numpy as np

CALLS: Counter[str] = Counter()
"""Calls that made an array or changed one, by name; one that only gives a view is no work."""


class Counted(np.ndarray):
    """An array that counts in `CALLS`, as does what is made from it, and that nobody may read on the host."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        options |= {} if out is None else {"out": tuple(map(_plain, out))}
        CALLS[ufunc.__name__] += 1
        result = getattr(ufunc, method)(*map(_plain, inputs), **options)
        return result.view(Counted) if out is None else out[0]

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        result = function(*_plain(args), **kwargs)
        results = result if isinstance(result, tuple) else (result,)
        CALLS[function.__name__] += not any(np.may_share_memory(part, _plain(self)) for part in results)
        return type(result)(map(_counted, result)) if isinstance(result, tuple) else _counted(result)

    def __bool__(self) -> bool:
        raise AssertionError("an array was read on the host")

    __float__ = __int__ = __index__ = __iter__ = __bool__


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    return value.view(np.ndarray) if isinstance(value, Counted) else value


def _counted(array: Any) -> Any:
    return array.view(Counted)
