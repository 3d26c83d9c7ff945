"""The results of a sweep, as its folder holds them."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xpnet._files import read_small
from xpnet.settings import Settings, read_values

PLAN, _RESULTS, _BEST = "sweep.json", "results.csv", "best"
_FIRST_COUNT = "seeds"
"""The column after those of the options in which candidates differ."""


@dataclass(frozen=True)
class SweepResults:
    """What came out of a sweep.

    Parameters
    ----------
    name : str
        What to call it.
    axes : list of str
        The options in which candidates differ.
    rows : list of dict
        Of each candidate, the best first, what ``results.csv`` says by its columns: texts.
    best : Settings
        Those of the best candidate.
    """

    name: str
    axes: list[str]
    rows: list[dict[str, str]]
    best: Settings

    @classmethod
    def read(cls, folder: Path, name: str) -> "SweepResults":
        """Return the results in the folder of a sweep.

        Raises
        ------
        ValueError
            If it is not finished, or holds something else.
        """
        try:
            rows = list(csv.DictReader(read_small(folder / _RESULTS).decode().splitlines()))
            columns = list(rows[0])
            axes = columns[: columns.index(_FIRST_COUNT)]
            best = Settings.of(read_values(folder / _BEST / "config.json"))
        except (OSError, ValueError, TypeError, IndexError) as error:
            raise ValueError(f"{folder} holds no results of a sweep ({error}): go on with --resume {folder}") from None
        return cls(name, axes, rows, best)

    @property
    def measure(self) -> str:
        """By what candidates are compared."""
        return "validation_accuracy" if "validation_accuracy" in self.rows[0] else "validation_loss"

    def values(self, column: str) -> list[float]:
        """Return the numbers of a column, NaN where there is none."""
        return [_number(row[column]) for row in self.rows]

    def is_number(self, axis: str) -> bool:
        """Return whether all values of an option are finite numbers."""
        return all(math.isfinite(value) for value in self.values(axis))

    def texts(self, axis: str) -> list[Any]:
        """Return the values of an option, as they are written."""
        return [row[axis] for row in self.rows]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
