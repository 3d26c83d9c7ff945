"""What is known of the data that a model was trained on."""

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from xpnet._text import printable
from xpnet.datasets.columns import Columns
from xpnet.datasets.encoding import REFUSE, Encoding
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
    encoding : Encoding
        What turned the columns of a table into raw features.
    missing : str
        What was done about missing values: "refuse", "mean" or "drop".
    stratified : bool
        Whether both parts of the split have the classes in the same proportions.

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
    encoding: Encoding = field(default_factory=Encoding)
    missing: str = REFUSE
    stratified: bool = False

    def __post_init__(self) -> None:
        for name in ("class_names", "columns"):
            object.__setattr__(self, name, tuple(map(printable, getattr(self, name))))

    @property
    def classification(self) -> bool:
        """Whether the targets are classes, not numbers."""
        return self.target_scaling is None

    def inputs(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Return raw columns as a network sees them."""
        return self.scaling.apply(self.encoding.apply(raw))

    def asked(self, label: str | int | None = None, *, features: int | None = None) -> Columns:
        """Return what to ask of a table: of samples, or of the columns alone that become so many features."""
        alone = features is not None
        return Columns(
            label,
            self.classification,
            features=self.encoding.columns(features) if features is not None else None,
            names=self.columns,
            usual=self.label,
            categories=self.encoding.categories,
            missing=self.encoding.fill is not None if alone else self.missing != REFUSE,
        )
