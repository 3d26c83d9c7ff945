"""What a data set is: scaled features with their targets, and what was done to the raw ones."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from numpy.typing import NDArray

from xpnet._typing import Array
from xpnet.datasets.origin import Origin
from xpnet.datasets.scaling import Scaling


class Samples(NamedTuple):
    """Features, shape (n, features), and what belongs to them: labels, shape (n,), or numbers, shape (n, outputs)."""

    x: Array
    t: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training and a test part, on the host.

    Parameters
    ----------
    name : str
        What to call it.
    train, test : Samples
        ``x``: float32, shape (n, features), scaled so that the training part lies in [0, 1]; an array, or `Rows` where
        they are not held in memory. ``t``: where the targets are classes, int64, shape (n,), from 0 to ``classes - 1``;
        where they are numbers, float64, shape (n, outputs), standardised by the mean and the standard deviation of the
        training part.
        The training part is empty where these are new data for a trained model.
    image_shape : (int, int) or None
        Height and width, where a row of features is an image.
    origin : Origin
        What a model needs to know of these data to be given others.
    is_split : bool
        Whether the parts were drawn from one, by the seed.

    Examples
    --------
    >>> from xpnet.datasets import load_digits
    >>> data = load_digits()
    >>> x, t = data.train
    >>> x.shape, t.shape, data.classification
    ((3823, 64), (3823,), True)
    """

    name: str
    train: Samples
    test: Samples
    image_shape: tuple[int, int] | None
    origin: Origin
    is_split: bool = False

    @property
    def scaling(self) -> Scaling:
        """What turned the raw features into these."""
        return self.origin.scaling

    @property
    def target_scaling(self) -> Scaling | None:
        """What turned the raw targets into these, where they are numbers; its `Scaling.invert` turns them back."""
        return self.origin.target_scaling

    @property
    def class_names(self) -> tuple[str, ...]:
        """What each class stands for; empty where the targets are numbers."""
        return self.origin.class_names

    @property
    def classification(self) -> bool:
        """Whether the targets are classes, not numbers."""
        return self.origin.classification

    @property
    def classes(self) -> int:
        """The number of classes, 0 where the targets are numbers."""
        return len(self.class_names)

    @property
    def features(self) -> int:
        """The number of features of a sample."""
        return int(self.train.x.shape[1])

    @property
    def outputs(self) -> int:
        """How many outputs a network for these data has: one for each class, or for each number of a target."""
        return self.classes if self.classification else int(self.train.t.shape[1])
