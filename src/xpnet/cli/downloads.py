"""The progress bar of downloads."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from xpnet.datasets import Progress as Callback


@contextmanager
def download_bar() -> Iterator[Callback]:
    """Give a callback that shows a bar for each file, on stderr, which leaves stdout to the results."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with ExitStack() as stack:
        bar = Progress(*columns, console=Console(stderr=True))
        tasks: dict[str, TaskID] = {}

        def show(name: str, done: int, total: int) -> None:
            if not tasks:
                stack.enter_context(bar)
            if name not in tasks:
                tasks[name] = bar.add_task(name)
            bar.update(tasks[name], completed=done, total=total or None)

        yield show
