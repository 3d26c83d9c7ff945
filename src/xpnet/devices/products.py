"""Products of matrices, one for each member, in one call of cuBLAS; CuPy's own takes kernels and copies beside it."""

from math import prod
from typing import Any, NamedTuple

import numpy as np

from xpnet._typing import Array
from xpnet.devices.libraries import import_cupy


def matmul(a: Array, b: Array, out: Array | None = None) -> Array:
    """Return ``a @ b`` for arrays of CuPy, both with four axes or with fewer: in `out`, whose rows are contiguous."""
    cupy = import_cupy()
    if a.ndim > 3:  # cuBLAS counts matrices along one axis; what is shared along another is repeated.
        lead = tuple(map(max, a.shape[:-2], b.shape[:-2]))
        a, b = (cupy.broadcast_to(each, (*lead, *each.shape[-2:])) for each in (a, b))
        a, b, into = (each if each is None else each.reshape(prod(lead), *each.shape[-2:]) for each in (a, b, out))
        product = matmul(a, b, into)
        return product.reshape(*lead, *product.shape[-2:])
    plain = a.ndim == b.ndim == 2 and a.shape[0] * b.shape[1] > 1  # CuPy multiplies and sums where one number results.
    if plain or not hasattr(cupy.cuda, "cublas"):
        return cupy.matmul(a, b, out=out)
    cublas, kind = cupy.cuda.cublas, a.dtype.name
    left, right = _Operand.of(a), _Operand.of(b)
    lead, rows, columns = a.shape[:-2] or b.shape[:-2], a.shape[-2], b.shape[-1]
    out = cupy.empty((*lead, rows, columns), dtype=a.dtype) if out is None else out
    # cuBLAS counts along columns first, so that to it all arrays are transposed: (a b)^T = b^T a^T.
    cublas.gemmStridedBatchedEx(
        *(cupy.cuda.device.get_cublas_handle(), right.transposed, left.transposed, columns, rows, a.shape[-1]),
        *(_ONE[kind].ctypes.data, *right.matrices(), *left.matrices()),
        *(_ZERO[kind].ctypes.data, *_Operand.of(out).matrices(), *(lead or (1,))),
        *(getattr(cublas, _COMPUTE[kind]), cublas.CUBLAS_GEMM_DEFAULT),
    )
    return out


_COMPUTE = {"float32": "CUBLAS_COMPUTE_32F", "float64": "CUBLAS_COMPUTE_64F"}
_ONE = {name: np.ones((), name) for name in _COMPUTE}
_ZERO = {name: np.zeros((), name) for name in _COMPUTE}
_CUDA_TYPE = {"float32": 0, "float64": 1}


class _Operand(NamedTuple):
    """An array as cuBLAS takes it."""

    array: Array
    transposed: int
    """Whether its columns are contiguous, and not its rows."""
    step: int
    """From one row, or column, to the next; in elements."""
    member_step: int

    @classmethod
    def of(cls, array: Array) -> "_Operand":
        *members, by_row, by_column = (stride // array.itemsize for stride in array.strides)
        rows, columns = array.shape[-2:]
        member_step = members[0] if members and array.shape[0] > 1 else 0
        if by_column == 1 or columns == 1:
            return cls(array, 0, by_row if rows > 1 else columns, member_step)
        if by_row == 1 or rows == 1:
            return cls(array, 1, by_column, member_step)
        return cls.of(import_cupy().ascontiguousarray(array))

    def matrices(self) -> tuple[Any, ...]:
        """Return where the matrices begin, their type, and the steps in them and between them."""
        return self.array.data.ptr, _CUDA_TYPE[self.array.dtype.name], self.step, self.member_step
