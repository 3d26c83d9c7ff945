"""What `xpnet train` shows while it trains: a live bar, about twenty plain lines, JSON lines, or nothing."""

import json
import math
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from xpnet.datasets import Dataset
from xpnet.network import TwoLayerNet
from xpnet.training import Record

_LINES = 20


class Reporter:
    """Shows nothing: the protocol of all reporters, and ``--quiet``."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def announce(self, dataset: Dataset, net: TwoLayerNet, rule: str) -> None:
        """Say what is about to be trained."""

    def show(self, record: Record) -> None:
        """Show an epoch."""

    def conclude(self, last: Record, folder: Path, files: list[str]) -> None:
        """Say how it ended and where it is kept."""


class JsonLines(Reporter):
    """The lines of metrics.jsonl, as they come."""

    def show(self, record: Record) -> None:
        print(json.dumps(record.as_dict()), flush=True)


class Lines(Reporter):
    """Plain lines, about twenty epochs of them, for pipes and files."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def announce(self, dataset: Dataset, net: TwoLayerNet, rule: str) -> None:
        parameters = sum(math.prod(w.shape) for w in net.params.values())
        reason = f" ({net.device.note})" if net.device.note else ""
        print(
            f"data      {dataset.name}: {len(dataset.x_train)} training and {len(dataset.x_test)} test samples, "
            f"{dataset.features} features, {dataset.classes} classes\n"
            f"device    {net.device}{reason}\n"
            f"network   {net.input_size}-{net.hidden_size}-{net.output_size}, {net.activation.name}, "
            f"{parameters:,} parameters, {net.dtype}\n"
            f"training  {rule}, {self.epochs} epochs",
            flush=True,
        )

    def show(self, record: Record) -> None:
        every = math.ceil(self.epochs / _LINES)
        if record.epoch % every == 0 or record.epoch in (1, self.epochs):
            print(
                f"epoch {record.epoch:{len(str(self.epochs))}}/{self.epochs}  step {record.step:5}  "
                f"loss {record.train_loss:.4f}  train {record.train_accuracy:7.2%}  test {record.test_accuracy:7.2%}  "
                f"{record.seconds:6.1f} s",
                flush=True,
            )

    def conclude(self, last: Record, folder: Path, files: list[str]) -> None:
        print(
            f"result    test accuracy {last.test_accuracy:.2%}, test loss {last.test_loss:.4f} "
            f"after {last.step:,} steps in {last.seconds:.1f} s\n"
            f"saved     {folder}/ ({', '.join(files)})",
            flush=True,
        )


class LiveBar(Lines):
    """A bar on a terminal."""

    def __init__(self, epochs: int) -> None:
        super().__init__(epochs)
        self._bar = Progress(
            TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(compact=True),
            console=Console(),
            expand=True,
        )
        self._task = self._bar.add_task("train", total=epochs, numbers="")

    def announce(self, dataset: Dataset, net: TwoLayerNet, rule: str) -> None:
        super().announce(dataset, net, rule)
        self._bar.start()

    def show(self, record: Record) -> None:
        numbers = (
            f"loss {record.train_loss:.4f}  train {record.train_accuracy:.2%}  test {record.test_accuracy:.2%}  "
            f"{record.samples_per_second:,.0f} samples/s"
        )
        self._bar.update(self._task, completed=record.epoch, numbers=numbers)

    def conclude(self, last: Record, folder: Path, files: list[str]) -> None:
        self._bar.stop()
        super().conclude(last, folder, files)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


def reporter(epochs: int, *, quiet: bool, as_json: bool) -> Reporter:
    """Return the reporter that fits the options and where the output goes."""
    if as_json:
        return JsonLines()
    if quiet:
        return Reporter()
    return LiveBar(epochs) if sys.stdout.isatty() else Lines(epochs)
