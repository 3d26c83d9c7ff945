"""How the columns of a table become the numbers that are scaled: categories one-hot, missing values filled in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet.datasets.decoding import DataError
from xpnet.datasets.scaling import Scaling

REFUSE, MEAN, DROP = POLICIES = ("refuse", "mean", "drop")
"""What is done about missing values: nothing, they take the mean of the training part, their samples are left out."""


@dataclass(frozen=True, eq=False)
class Encoding:
    """What turns the columns of a table into features: a text into as many numbers as there are categories, a 1 and 0s.

    Parameters
    ----------
    categories : tuple of tuples of str
        Of each column the texts that its values number, none where these are numbers; empty if all are numbers.
    fill : float64 array, shape (features,), or None
        What takes the place of missing values: the means of the training part, of one-hot features the frequencies of
        the categories; None if no value may be missing.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.datasets import Encoding
    >>> encoding = Encoding((("blue", "red"), ()), np.asarray([0.25, 0.75, 6.5]))
    >>> encoding.apply(np.asarray([[1.0, 8.0], [0.0, 7.0], [np.nan, np.nan]]))
    array([[0.  , 1.  , 8.  ],
           [1.  , 0.  , 7.  ],
           [0.25, 0.75, 6.5 ]])
    """

    categories: tuple[tuple[str, ...], ...] = ()
    fill: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, raw: NDArray[Any], categories: tuple[tuple[str, ...], ...], *, fill: bool, where: str) -> "Encoding":
        """Return the encoding of training features, shape (n, columns), with the means where `fill` is asked for."""
        encoding = cls(categories)
        size = 4 * len(raw) * encoding.features(raw.shape[1])
        if size > max(2**26, 8 * raw.nbytes):
            raise DataError(
                f"{where}: its categories would take {size} bytes where the table has {raw.nbytes}: "
                "leave out columns with many categories"
            )
        if not fill:
            return encoding
        means = []
        for column in range(raw.shape[1]):
            values = encoding._one_hot(column, raw[:, column])
            known = values[~np.isnan(values[:, 0])]
            if not len(known):
                raise DataError(f"{where}: feature {column} has no value in the training part: leave it out")
            means.append(known.mean(axis=0, dtype=np.float64))
        return cls(categories, np.concatenate(means))

    def features(self, columns: int) -> int:
        """Return how many features so many columns become."""
        return sum(len(names) or 1 for names in self.categories) or columns

    def columns(self, features: int) -> int:
        """Return how many columns become so many features."""
        return len(self.categories) or features

    def apply(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Return the features, shape (n, features), that are columns, shape (n, columns)."""
        x = raw
        if self.categories:
            x = np.concatenate([self._one_hot(column, raw[:, column]) for column in range(raw.shape[1])], axis=1)
        return x if self.fill is None or x.dtype.kind != "f" else np.where(np.isnan(x), self.fill, x)

    def scaling(self, raw: NDArray[Any]) -> Scaling:
        """Return the scaling of the features that training columns become: one-hot ones stay as they are."""
        scaling = Scaling.of(raw)
        if not self.categories:
            return scaling
        offset, factor = np.broadcast_arrays(scaling.offset, scaling.factor)
        parts = [
            ([0.0] * len(names), [1.0] * len(names)) if names else ([offset[column]], [factor[column]])
            for column, names in enumerate(self.categories)
        ]
        return Scaling(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def _one_hot(self, column: int, values: NDArray[Any]) -> NDArray[Any]:
        """Return what a column becomes, shape (n, features); a missing category is NaN in all of them."""
        count = len(self.categories[column]) if self.categories else 0
        if not count:
            return values[:, None]
        one_hot: NDArray[Any] = (values[:, None] == np.arange(count)).astype(values.dtype)
        one_hot[np.isnan(values)] = np.nan
        return one_hot


def as_told(raw: NDArray[Any], categories: Sequence[Sequence[str]]) -> NDArray[Any]:
    """Return columns as a table has them: texts, not the numbers of categories, and None where they are missing."""
    told = raw.astype(np.object_)
    for column, names in enumerate(categories):
        if names:
            texts = np.asarray([*names, None], np.object_)
            values = raw[:, column]
            told[:, column] = texts[np.where(np.isnan(values), len(names), values).astype(np.int64)]
    return told
