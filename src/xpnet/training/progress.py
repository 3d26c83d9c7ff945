"""The progress bar of `fit`, for terminals and notebooks."""

from collections.abc import Iterable, Iterator

from xpnet.network import Score
from xpnet.training.record import Record


def with_bar(records: Iterable[Record[Score]]) -> Iterator[Record[Score]]:
    """Yield the records and show a bar that moves with them, on stderr; in a notebook below its cell."""
    from rich.console import Console  # imported here, since most runs do without
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"))
    console = Console(stderr=True)
    if console.is_jupyter:  # Rich's own way there needs ipywidgets; a line that is written over needs nothing.
        console = Console(force_jupyter=False, force_terminal=True)
    with Progress(*columns, TimeRemainingColumn(compact=True), console=console) as bar:
        task = bar.add_task("", total=None)
        for record in records:
            bar.update(task, completed=record.epoch, total=record.epochs, description=_description(record))
            yield record


def _description(record: Record[Score]) -> str:
    """Return the numbers of the set that is watched, as many as an ordinary terminal has room for."""
    part, watched = ("train", record.train) if record.validation is None else ("validation", record.validation)
    numbers = {"loss": watched.loss, **watched.metrics}
    shown = [name for name in ("loss", "accuracy", "r2") if isinstance(numbers.get(name), float)]
    return "  ".join(f"{part} {name} {numbers[name]:.4g}" for name in shown)
