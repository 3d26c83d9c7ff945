"""The progress bar of `fit`, for terminals and notebooks."""

from collections.abc import Iterable, Iterator

from xpnet.network import Score
from xpnet.training.record import Record


def with_bar(records: Iterable[Record[Score]]) -> Iterator[Record[Score]]:
    """Yield the records and show a bar that moves with them, on stderr."""
    from rich.console import Console  # imported here, since most runs do without
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, TimeRemainingColumn(compact=True), console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        for record in records:
            bar.update(task, completed=record.epoch, total=record.epochs, description=_description(record))
            yield record


def _description(record: Record[Score]) -> str:
    numbers = {name: value for name, value in record.as_dict().items() if isinstance(value, float)}
    shown = [name for name in numbers if name.endswith(("loss", "accuracy", "r2"))]
    return "  ".join(f"{name.replace('_', ' ')} {numbers[name]:.4g}" for name in shown)
