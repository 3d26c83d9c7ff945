"""Which columns of a table hold the features, and which the targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xpnet._text import listed
from xpnet.datasets.decoding import DataError

TARGET_NAMES = ("label", "target", "class")
"""Names (in any case) by which a column of targets is known without being asked for."""


@dataclass(frozen=True)
class Columns:
    """What a reader of tables is asked for.

    Parameters
    ----------
    label : str, int or None
        Name or index of the column of targets, if it was chosen.
    classification : bool
        Whether it holds labels, which may be text, or numbers.
    features : int or None
        How many features a sample must have, where these alone are wanted; then the column may be missing.
    names : sequence of str
        The names of a trained model's features, in its order.
    usual : str, int or None
        The column of targets of the table that it was trained on.
    categories : sequence of sequences of str, or None
        The categories of each of its features, none of a number; empty if all are numbers, None without a model.
    missing : bool
        Whether features may be missing.
    """

    label: str | int | None = None
    classification: bool = True
    features: int | None = None
    names: Sequence[str] = ()
    usual: str | int | None = None
    categories: tuple[tuple[str, ...], ...] | None = None
    missing: bool = False

    def find(self, path: Path | str, width: int, names: Sequence[str] = ()) -> tuple[list[int], int | None]:
        """Return the indices of the features and of the targets, None where these are missing and need not be there.

        A model's features are found by name, where both have names. The targets are the column that was chosen, else
        the usual one, else one with an obvious name, else the last.
        """
        if names and self.names:
            features = positions(names, self.names, str(path))
            target = self._target(path, width, names) if self.features is None else None
            if target in features:
                raise DataError(f"{path}: {names[target]} is a feature of the model: choose another column of labels")
            return features, target
        target = None if self._lacks_targets(path, width) else self._target(path, width, names)
        return [column for column in range(width) if column != target], target

    def is_header(self, cells: Sequence[str]) -> bool:
        """Return whether a first row that holds numbers, too, as "0,1,label" does, is that of the names."""
        if self.names and set(self.names) <= set(cells):
            return True
        # A chosen 0 is an index: as a name it would make a header of every first row that holds a 0.
        sought = {label for label in (self.label, self.usual) if isinstance(label, str) and not _is_index(label)}
        return any(cell in sought or cell.lower() in TARGET_NAMES for cell in cells)

    def _lacks_targets(self, path: Path | str, width: int) -> bool:
        if self.features is None or width == self.features + 1:
            return False
        if width == self.features and self.label is None:
            return True
        raise DataError(
            f"{path}: has {width} columns where {self.features} features and {'at most ' * (self.label is None)}"
            "a column of labels were expected: give such data"
        )

    def _target(self, path: Path | str, width: int, names: Sequence[str]) -> int:
        if width < 2:
            raise DataError(f"{path}: has one column only, expected features and labels: separate columns by commas")
        label = self.usual if self.label is None else self.label
        if label is None:
            lowered = [name.lower() for name in names]
            return next((lowered.index(name) for name in TARGET_NAMES if name in lowered), width - 1)
        if label in names:
            return names.index(str(label))
        if not _is_index(label):
            columns = f"columns {listed(names)}" if names else "no column names"
            raise DataError(f"{path}: no column is called {label!r}, it has {columns}: give a name or an index")
        index = int(label)
        if not -width <= index < width:
            raise DataError(
                f"{path}: label column {index} is outside its {width} columns: give {-width} to {width - 1}"
            )
        return index % width


def positions(names: Sequence[str], wanted: Sequence[str], where: str) -> list[int]:
    """Return the indices of the columns that are `wanted`, by name."""
    column_of = {name: column for column, name in enumerate(names)}
    if missing := [name for name in wanted if name not in column_of]:
        raise DataError(
            f"{where}: has no {listed(missing)} among its columns {listed(names)}: "
            f"give data with those of the model, {listed(wanted)}"
        )
    return [column_of[name] for name in wanted]


def _is_index(label: str | int) -> bool:
    try:
        int(label)
    except ValueError:
        return False
    return True
