"""What is done to raw features and numeric targets before training, and how it is undone."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from xpnet.datasets.decoding import DataError
from xpnet.losses.tasks import Probabilistic, Rates, Task

_PIECE = 2**15
"""So many numbers are scaled at once: they stay in the cache of the processor."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """What turns raw numbers into those a network sees: ``x = (raw - offset) * factor``.

    It belongs to the trained model: new raw data must be scaled exactly as the training data were.

    Parameters
    ----------
    offset, factor : float or float64 array, shape (columns,)
        One number for all columns, or one for each.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.datasets import Scaling
    >>> Scaling(0.0, 1 / 16).apply(np.asarray([[0, 8, 16]]))
    array([[0. , 0.5, 1. ]], dtype=float32)
    """

    offset: float | NDArray[np.float64]
    factor: float | NDArray[np.float64]

    @classmethod
    def of(cls, raw: NDArray[Any]) -> "Scaling":
        """Return the scaling of training features: uint8 by 255, else by the least and greatest of each column.

        A constant column becomes 0; NaN, a missing value, does not count.

        Examples
        --------
        >>> import numpy as np
        >>> from xpnet.datasets import Scaling
        >>> raw = np.asarray([[1.0, 7.0], [3.0, 7.0], [5.0, 7.0]])
        >>> Scaling.of(raw).apply(raw)
        array([[0. , 0. ],
               [0.5, 0. ],
               [1. , 0. ]], dtype=float32)
        """
        if raw.dtype == np.uint8:
            return cls(0.0, 1 / 255)
        offset = np.fmin.reduce(raw, axis=0).astype(np.float64)
        span = np.fmax.reduce(raw, axis=0).astype(np.float64) - offset
        factor = np.divide(1.0, span, out=np.zeros_like(span), where=span > np.finfo(np.float64).tiny)
        return cls(offset, factor)

    @classmethod
    def standard(cls, raw: NDArray[Any]) -> "Scaling":
        """Return the scaling of training targets, shape (n,) or (n, outputs): to mean 0 and standard deviation 1.

        A constant target becomes 0.

        Examples
        --------
        >>> import numpy as np
        >>> from xpnet.datasets import Scaling
        >>> Scaling.standard(np.asarray([3.0, 7.0])).apply(np.asarray([3.0, 7.0, 9.0]), np.float64)
        array([-1.,  1.,  2.])
        """
        low = raw.min(axis=0).astype(np.float64)
        # Relative to the least value, so that the mean of equal numbers is that number, without rounding.
        offset = low + (raw - low).mean(axis=0)
        deviation = np.sqrt(np.square(raw - offset).mean(axis=0))
        factor = 1 / np.where(deviation > 0, deviation, 1.0)
        return cls(offset, factor)

    @classmethod
    def of_targets(cls, raw: NDArray[Any], task: Task) -> "Scaling":
        """Return the scaling of training targets, shape (n, outputs), that are the numbers of a task.

        `standard`; but rates, whose zero has a meaning, are divided by their mean, and labels stay 0 and 1.

        Examples
        --------
        >>> import numpy as np, xpnet
        >>> from xpnet.datasets import Scaling
        >>> counts = np.asarray([[0.0], [3.0], [9.0]])
        >>> Scaling.of_targets(counts, xpnet.poisson_loss.task).apply(counts).tolist()
        [[0.0], [0.75], [2.25]]
        """
        if isinstance(task, Rates):
            means = raw.mean(axis=0)
            return cls(np.zeros_like(means), 1 / np.where(means > 0, means, 1.0))
        if isinstance(task, Probabilistic):
            return cls(np.zeros(raw.shape[1:]), np.ones(raw.shape[1:]))
        return cls.standard(raw)

    def apply(self, raw: NDArray[Any], dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """Return raw numbers, shape (n, columns), scaled, in `dtype`.

        Raises
        ------
        DataError
            If `raw` has another number of columns, or values so far outside the training range that they overflow.
        """
        expected = np.size(self.offset)
        if expected > 1 and raw.shape[-1] != expected:
            raise DataError(f"data has {raw.shape[-1]} features, but its scaling was made for {expected}")
        wide = np.result_type(raw, self.offset, self.factor, dtype)
        x: NDArray[Any] = np.empty(raw.shape, dtype)
        at_once = max(1, _PIECE // max(1, math.prod(raw.shape[1:])))
        try:
            with np.errstate(over="raise", invalid="raise"):
                for start in range(0, len(raw), at_once):
                    rows = slice(start, start + at_once)
                    piece = np.subtract(raw[rows], self.offset, dtype=wide)
                    piece *= self.factor
                    x[rows] = piece
            return x
        except FloatingPointError:
            raise DataError(
                "values lie too far outside the range of the training data to be scaled: correct or remove them"
            ) from None

    def invert(self, scaled: NDArray[Any]) -> NDArray[np.float64]:
        """Return the raw numbers, in float64, of which `apply` made `scaled`.

        A constant column of the training features has lost its other values: it becomes that constant.

        Examples
        --------
        >>> import numpy as np
        >>> from xpnet.datasets import Scaling
        >>> Scaling(offset=5.0, factor=0.5).invert(np.asarray([-1.0, 0.0, 2.0]))
        array([3., 5., 9.])
        """
        raw = np.zeros(scaled.shape)
        np.divide(scaled, self.factor, out=raw, where=np.not_equal(self.factor, 0))
        raw += self.offset
        return raw
