"""What comes out of a sweep: a row for every candidate, the best first."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xpnet.settings import Settings
from xpnet.sweeps.work import Result


@dataclass(frozen=True)
class Row:
    """What has become of one candidate."""

    settings: Settings
    """With the first seed."""
    values: dict[str, Any]
    """In what it differs from others."""
    seeds: int
    """So many networks there are until now."""
    diverged: int
    """So many of them have come to losses that are not finite, and do not count any further."""
    epochs: float
    """Trained, the mean over the seeds."""
    dropped_after: int | None
    """The epoch after which it was among the worse half."""
    means: dict[str, float]
    """Loss and metrics on the training and the validation set, over the seeds; empty where all have diverged."""
    deviations: dict[str, float]
    """Their standard deviations; empty for fewer than two seeds."""

    @classmethod
    def of(
        cls, settings: Settings, values: dict[str, Any], results: Sequence[Result], dropped_after: int | None
    ) -> "Row":
        """Return the row of the results of all seeds that there are."""
        counted = [result.measures for result in results if result.measures is not None and not result.diverged]
        table = {name: [measures[name] for measures in counted] for name in (counted[0] if counted else {})}
        return cls(
            settings,
            values,
            seeds=len(results),
            diverged=sum(result.diverged for result in results),
            epochs=float(np.mean([result.epochs for result in results])) if results else 0.0,
            dropped_after=dropped_after,
            means={name: float(np.mean(numbers)) for name, numbers in table.items()},
            deviations={name: float(np.std(n, ddof=1)) for name, n in table.items() if len(n) > 1},
        )

    @property
    def rank(self) -> tuple[Any, ...]:
        """What rows are sorted by: those that came further, those that never diverged, and then by `score`."""
        dropped = np.inf if self.dropped_after is None else self.dropped_after
        return (-dropped, not self.means, self.diverged > 0, *(score(self.means) if self.means else ()))


def score(measures: dict[str, float]) -> tuple[float, ...]:
    """Return what is lower for the better: minus the validation accuracy of classes, then the validation loss."""
    return (-measures.get("validation_accuracy", 0.0), measures["validation_loss"])


def as_csv(rows: Sequence[Row]) -> str:
    """Return the text of ``results.csv``: six digits of each measure, empty where there is none.

    Examples
    --------
    >>> import xpnet
    >>> from xpnet.sweeps.results import Row, as_csv
    >>> from xpnet.sweeps.work import Result
    >>> results = [Result(5, measures={"validation_loss": loss}) for loss in (0.5, 0.25)]
    >>> print(as_csv([Row.of(xpnet.Settings(), {"hidden": 50}, results, None)]))
    hidden,seeds,diverged,epochs,dropped_after,validation_loss,validation_loss_deviation
    50,2,0,5,,0.375,0.176777
    <BLANKLINE>
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = next((list(row.means) for row in rows if row.means), [])
    axes = list(rows[0].values) if rows else []
    writer.writerow(
        [*axes, "seeds", "diverged", "epochs", "dropped_after", *(n + e for n in names for e in ("", "_deviation"))]
    )
    for row in rows:
        measures = [part.get(name) for name in names for part in (row.means, row.deviations)]
        counts = [row.seeds, row.diverged, f"{row.epochs:g}", row.dropped_after]
        writer.writerow([*map(_written, row.values.values()), *counts, *map(_digits, measures)])
    return text.getvalue()


def _written(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, tuple) else value


def _digits(number: float | None) -> str:
    return "" if number is None else f"{number:.6g}"
