"""What `xpnet train` shows while it trains: a live bar, about twenty plain lines, JSON lines, or nothing."""

import json
import math
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from xpnet.cli.printing import say
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

    def conclude(self, last: Record | None, folder: Path, files: list[str]) -> None:
        """Say how it ended, after the last epoch or before, and where it is kept."""


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
        say(
            "data",
            f"{dataset.name}: {len(dataset.x_train)} training and {len(dataset.x_test)} test samples, "
            f"{dataset.features} features, {dataset.classes} classes",
        )
        say("device", f"{net.device}, {net.device.note}" if net.device.note else str(net.device))
        say(
            "network",
            f"{net.input_size}-{net.hidden_size}-{net.output_size}, {net.activation.name}, "
            f"{parameters:,} parameters, {net.dtype}",
        )
        say("training", f"{rule}, {self.epochs} {'epoch' if self.epochs == 1 else 'epochs'}")

    def show(self, record: Record) -> None:
        due = record.epoch * _LINES // self.epochs > (record.epoch - 1) * _LINES // self.epochs
        if due or record.epoch == 1:
            print(
                f"epoch {record.epoch:{len(str(self.epochs))}}/{self.epochs}  step {record.step:5}  "
                f"{_measures(record)}  {record.seconds:6.1f} s",
                flush=True,
            )

    def conclude(self, last: Record | None, folder: Path, files: list[str]) -> None:
        if last is not None:
            say(
                "result",
                f"test accuracy {last.test_accuracy:.2%}, test loss {last.test_loss:#.4g} "
                f"after {last.step:,} steps in {last.seconds:.1f} s",
            )
        say("saved", f"{folder}{os.sep} ({', '.join(files)})")


class LiveBar(Lines):
    """A bar on a terminal."""

    def __init__(self, epochs: int) -> None:
        super().__init__(epochs)
        self._bar = Progress(
            TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[measures]}"),
            TimeRemainingColumn(compact=True),
            expand=True,
        )
        self._task = self._bar.add_task("train", total=epochs, measures="")

    def announce(self, dataset: Dataset, net: TwoLayerNet, rule: str) -> None:
        super().announce(dataset, net, rule)
        self._bar.start()

    def show(self, record: Record) -> None:
        rate = record.samples_per_second
        measures = f"{_measures(record)} {f'{rate / 1000:,.0f}k' if rate >= 10_000 else f'{rate:.0f}'} samples/s"
        self._bar.update(self._task, completed=record.epoch, measures=measures)

    def conclude(self, last: Record | None, folder: Path, files: list[str]) -> None:
        self._bar.stop()
        super().conclude(last, folder, files)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


def reporter(epochs: int, *, quiet: bool, as_json: bool) -> Reporter:
    """Return the reporter that fits the options and where the output goes."""
    if quiet:
        return Reporter()
    if as_json:
        return JsonLines()
    # Some environments call every pipe a terminal, and some terminals cannot move the cursor.
    live = sys.stdout.isatty() and Console().is_interactive
    return LiveBar(epochs) if live else Lines(epochs)


def _measures(record: Record) -> str:
    return f"loss {record.train_loss:#7.4g} train {record.train_accuracy:6.2%} test {record.test_accuracy:6.2%}"
