"""Which column of a table holds the targets."""

from dataclasses import dataclass
from pathlib import Path

from xpnet.datasets.decoding import DataError

TARGET_NAMES = ("label", "target", "class")
"""Names (in any case) by which a column of targets is known without being asked for."""


@dataclass(frozen=True)
class TargetColumn:
    """What a reader of tables is asked for.

    Parameters
    ----------
    label : str, int or None
        Name or index of the column of targets, if it was chosen.
    classification : bool
        Whether it holds labels, which may be text, or numbers.
    features : int or None
        How many features a sample must have, where these alone are wanted; then the column may be missing.
    """

    label: str | int | None = None
    classification: bool = True
    features: int | None = None

    def find(self, path: Path, width: int, names: list[str] | None = None) -> int | None:
        """Return the index of the column in a table of `width`, or None where it is missing and need not be there.

        It is the one that was chosen, else one with an obvious name, else the last.
        """
        if self.features is not None and width != self.features + 1:
            if width == self.features and self.label is None:
                return None
            raise DataError(
                f"{path}: has {width} columns where {self.features} features and {'at most ' * (self.label is None)}"
                "a column of labels were expected: give such data"
            )
        if width < 2:
            raise DataError(f"{path}: has one column only, expected features and labels: separate columns by commas")
        lowered = [name.lower() for name in names or ()]
        if self.label is None:
            return next((lowered.index(name) for name in TARGET_NAMES if name in lowered), width - 1)
        if names and self.label in names:
            return names.index(str(self.label))
        try:
            index = int(self.label)
        except ValueError:
            columns = f"columns {', '.join(names[:20])}" if names else "no column names"
            raise DataError(
                f"{path}: no column is called {self.label!r}, it has {columns}: give a name or an index"
            ) from None
        if not -width <= index < width:
            raise DataError(
                f"{path}: label column {index} is outside its {width} columns: give {-width} to {width - 1}"
            )
        return index % width
