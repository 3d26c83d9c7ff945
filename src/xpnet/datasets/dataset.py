"""What a data set is: scaled features, labels, and what was done to the raw features."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class DataError(ValueError):
    """A data set cannot be found, read or used; the text names the file, what was wrong and how to repair it."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """What turns raw features into [0, 1]: ``x = (raw - offset) * factor``.

    It belongs to the trained model: new raw data must be scaled exactly as the training data were.

    Parameters
    ----------
    offset, factor : float or float64 array, shape (features,)
        One number for all features, or one for each.

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
        """Return the scaling of training data: uint8 by 255, anything else by the least and greatest of each column.

        A constant column becomes 0.

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
        offset = raw.min(axis=0).astype(np.float64)
        span = raw.max(axis=0).astype(np.float64) - offset
        factor = np.divide(1.0, span, out=np.zeros_like(span), where=span > np.finfo(np.float64).tiny)
        return cls(offset, factor)

    def apply(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Return raw features, shape (n, features), scaled, in float32.

        Raises
        ------
        DataError
            If `raw` has another number of features, or values so far outside the training range that they overflow.
        """
        expected = np.size(self.offset)
        if expected > 1 and raw.shape[-1] != expected:
            raise DataError(f"data has {raw.shape[-1]} features, but its scaling was made for {expected}")
        wide = np.result_type(raw, self.offset, self.factor, np.float32)
        try:
            with np.errstate(over="raise", invalid="raise"):
                x = np.subtract(raw, self.offset, dtype=wide)
                x *= self.factor
                scaled: NDArray[np.float32] = x.astype(np.float32, copy=False)
        except FloatingPointError:
            raise DataError(
                "features lie too far outside the range of the training data to be scaled: correct or remove them"
            ) from None
        return scaled


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training and a test part, as NumPy arrays on the host.

    Parameters
    ----------
    name : str
        What to call it.
    x_train, x_test : float32 array, shape (n, features)
        Features, scaled so that the training part lies in [0, 1].
    t_train, t_test : int64 array, shape (n,)
        Labels, from 0 to ``classes - 1``.
    class_names : tuple of str
        What each label stands for.
    image_shape : (int, int) or None
        Height and width, where a row of features is an image.
    scaling : Scaling
        What turned the raw features into these.
    """

    name: str
    x_train: NDArray[np.float32]
    t_train: NDArray[np.int64]
    x_test: NDArray[np.float32]
    t_test: NDArray[np.int64]
    class_names: tuple[str, ...]
    image_shape: tuple[int, int] | None
    scaling: Scaling

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def features(self) -> int:
        """The number of features of a sample."""
        return int(self.x_train.shape[1])
