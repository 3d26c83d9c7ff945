"""What is known of the data that a model was trained on."""

from dataclasses import dataclass

from xpnet._text import printable
from xpnet.datasets.scaling import Scaling


@dataclass(frozen=True, eq=False)
class Origin:
    """What a model was trained on: enough to prepare new data, and to name what it says, in the same way.

    Parameters
    ----------
    data : str
        The name of the data set, or the absolute path of its file or folder.
    label : str, int or None
        The column of a table that held the targets: its name, or its index where columns have no names.
    seed : int
        What the split into a training and a test part depended on.
    scaling : Scaling
        What turned raw features into inputs.
    class_names : tuple of str
        What the outputs stand for; empty for a model that says numbers.
    target_scaling : Scaling or None
        What makes the numbers a model says those of the data.
    columns : tuple of str
        The names of the features, in order, if they had any.
    digest : str
        SHA-256 of the data file, or of the four files of a folder one after another; empty if unknown.

    Examples
    --------
    >>> import xpnet
    >>> origin = xpnet.load_digits().origin
    >>> origin.data, origin.class_names[:3], origin.scaling.factor
    ('digits', ('0', '1', '2'), 0.0625)
    """

    data: str
    label: str | int | None
    seed: int
    scaling: Scaling
    class_names: tuple[str, ...]
    target_scaling: Scaling | None = None
    columns: tuple[str, ...] = ()
    digest: str = ""

    def __post_init__(self) -> None:
        for name in ("class_names", "columns"):
            object.__setattr__(self, name, tuple(map(printable, getattr(self, name))))

    @property
    def classification(self) -> bool:
        """Whether the targets are classes, not numbers."""
        return self.target_scaling is None
