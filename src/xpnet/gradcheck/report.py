"""What a gradient check finds."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from xpnet._text import html_table

VERDICTS = ("PASS", "INCONCLUSIVE", "FAIL")


class GradientError(AssertionError):
    """A gradient is wrong; the text names the worst entry."""


@dataclass(frozen=True)
class Entry:
    """One entry of a gradient, or its slope in one direction."""

    name: str
    index: tuple[int, ...]
    """Where in the array; for a direction, its number. Of an f with many values, the index of the value comes first."""
    analytic: float
    numerical: float
    step: float
    bound: float
    """The largest difference of the two that rounding and truncation explain; infinite where nothing is known."""
    kink: bool
    """Whether f has a kink here: then the gradient may lie between the slopes on both sides."""
    verdict: str
    reason: str = ""
    """Why nothing can be said, if the verdict is INCONCLUSIVE."""

    @property
    def error(self) -> float:
        """The difference of the two gradients."""
        return abs(self.analytic - self.numerical)

    def __str__(self) -> str:
        index = ", ".join(str(i) for i in self.index)
        return (
            f"{self.name}[{index}]: analytic {self.analytic:.9g}, numerical {self.numerical:.9g}, "
            f"error {self.error:.2g}, bound {self.bound:.2g}, step {self.step:.2g}"
            f"{', at a kink' if self.kink else ''}: {self.verdict}{f' ({self.reason})' if self.reason else ''}"
        )


@dataclass(frozen=True)
class ArrayReport:
    """What came out for one array."""

    name: str
    entries: int
    """How many were looked at."""
    failed: int
    inconclusive: int
    """How many could not be judged: neither right nor wrong by what f shows."""
    kinks: int
    excluded: float
    """Errors above this part of the largest entry are excluded in every entry that did not fail."""
    worst: tuple[Entry, ...]
    """The worst entries, the very worst first: failed, then inconclusive, then by error over bound."""

    @property
    def judged(self) -> int:
        """How many entries were found right or wrong."""
        return self.entries - self.inconclusive

    @property
    def verdict(self) -> str:
        """FAIL if any entry fails, else INCONCLUSIVE if any is, else PASS: all were judged, and found right."""
        return "FAIL" if self.failed else "INCONCLUSIVE" if self.inconclusive else "PASS"

    def called(self, name: str) -> "ArrayReport":
        """Return the same under another name."""
        return replace(self, name=name, worst=tuple(replace(entry, name=name) for entry in self.worst))

    def row(self) -> tuple[str, ...]:
        """Return name, verdict, counts, and the error and bound of the worst entry, as texts."""
        counts = (f"{count:,}" for count in (self.entries, self.failed, self.inconclusive))
        worst = (f"{self.worst[0].error:.1e}", f"{self.worst[0].bound:.1e}") if self.worst else ("", "")
        return (self.name, self.verdict, *counts, *worst)

    def __str__(self) -> str:
        worst = f"; worst {self.worst[0]}" if self.worst else ""
        return (
            f"{self.name}: {self.verdict}, {self.entries} checked, {self.failed} failed, "
            f"{self.inconclusive} inconclusive, {self.kinks} at kinks, "
            f"errors above {self.excluded:.1g} of the largest entry excluded{worst}"
        )


@dataclass(frozen=True)
class GradientReport:
    """What came out for all arrays; as text, a line for each."""

    arrays: dict[str, ArrayReport]
    noise: float = 0.0
    """The rounding error of f near x that the verdicts reckon with."""
    evaluations: int = 0
    """How often f was called."""

    @property
    def verdict(self) -> str:
        """The worst verdict of all arrays."""
        return worst_of(array.verdict for array in self.arrays.values())

    @property
    def passed(self) -> bool:
        """Whether every entry was judged and found right."""
        return self.verdict == "PASS"

    @property
    def judged(self) -> int:
        """How many entries were found right or wrong."""
        return sum(array.judged for array in self.arrays.values())

    @property
    def unjudged(self) -> int:
        """How many entries are inconclusive."""
        return sum(array.inconclusive for array in self.arrays.values())

    def raise_on_failure(self) -> None:
        """Raise `GradientError` if an entry failed."""
        failures = [array for array in self.arrays.values() if array.verdict == "FAIL"]
        if failures:
            counts = ", ".join(f"{array.failed} of {array.entries} entries of {array.name}" for array in failures)
            raise GradientError(f"the gradient is wrong in {counts}; worst {failures[0].worst[0]}")

    def __str__(self) -> str:
        return "\n".join(str(array) for array in self.arrays.values())

    def _repr_html_(self) -> str:
        headers = ("array", "verdict", "checked", "failed", "inconclusive", "worst error", "its bound")
        return html_table(headers, (array.row() for array in self.arrays.values()))


def worst_of(verdicts: Iterable[str]) -> str:
    """Return the worst of some verdicts."""
    return max(verdicts, key=VERDICTS.index, default="PASS")
