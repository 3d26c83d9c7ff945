"""What `xpnet train` shows while it trains: a live bar, about twenty plain lines, JSON lines, or nothing."""

import json
import math
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from xpnet.cli.loading import doubt
from xpnet.cli.printing import say
from xpnet.datasets import Dataset
from xpnet.losses.tasks import MultiLabel
from xpnet.network import TwoLayerNet
from xpnet.schedules import CONSTANT
from xpnet.settings import Settings
from xpnet.settings.presets import CHAPTER, MODERN

_LINES = 20
MEASURES = {
    "accuracy": ("accuracy", ".2%"),
    "rmse": ("RMSE", "#.5g"),
    "mae": ("MAE", "#.5g"),
    "r2": ("R²", ".4f"),
    "loss": ("loss", "#.4g"),
}
"""What is measured, in the order of saying it: its name, and how it is written."""


class Reporter:
    """Shows nothing: the protocol of all reporters, and ``--quiet``.

    What it shows of an epoch is a line of ``metrics.jsonl``, whose names begin with ``train_`` and `other`.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def announce(
        self, dataset: Dataset, net: TwoLayerNet[float], settings: Settings, done: int, processes: int
    ) -> None:
        """Say what is about to be trained, `done` epochs of it before, in so many processes."""

    def show(self, line: dict[str, Any]) -> None:
        """Show an epoch."""

    def keep(self, best: int, epochs: int) -> None:
        """Say which epoch's parameters are kept, the best on the validation set."""

    def conclude(self, last: dict[str, Any], result: dict[str, Any], folder: Path, files: list[str]) -> None:
        """Say how it ended, after the last epoch or before: the measures on the test set, and where all is kept."""


class JsonLines(Reporter):
    """The lines of metrics.jsonl as they come, and one of the test set where they do not hold it."""

    def show(self, line: dict[str, Any]) -> None:
        print(json.dumps(line), flush=True)

    def conclude(self, last: dict[str, Any], result: dict[str, Any], folder: Path, files: list[str]) -> None:
        if not result.keys() <= last.keys():
            print(json.dumps(result), flush=True)


class Lines(Reporter):
    """Plain lines, about twenty epochs of them, for pipes and files."""

    def __init__(self, epochs: int, other: str) -> None:
        self.epochs = epochs
        self.other = other

    def announce(
        self, dataset: Dataset, net: TwoLayerNet[float], settings: Settings, done: int, processes: int
    ) -> None:
        parameters = sum(math.prod(w.shape) for w in net.params.values())
        each = "label" if isinstance(net.loss_function.task, MultiLabel) else "number"
        kind = "classes" if dataset.classification else f"{each}{'' if dataset.outputs == 1 else 's'} each"
        say(
            "data",
            f"{dataset.name}: {len(dataset.train.x)} training and {len(dataset.test.x)} test samples, "
            f"{dataset.features} features, {dataset.outputs} {kind}",
        )
        if note := doubt(dataset):
            say("note", note)
        other = CHAPTER if settings.preset == MODERN else MODERN
        say("preset", f"{settings.preset}, for options that are not given; there is --preset {other}, too")
        say("device", f"{net.device}, {net.device.note}" if net.device.note else str(net.device))
        say(
            "network",
            f"{net.input_size}-{net.hidden_size}-{net.output_size}, {net.activation.name}, "
            f"{parameters:,} parameters, {net.dtype}",
        )
        after = f", going on after epoch {done}" if done else ""
        say(
            "training",
            f"{_rule(settings, processes)}, {self.epochs} {'epoch' if self.epochs == 1 else 'epochs'}{after}",
        )

    def show(self, line: dict[str, Any]) -> None:
        epoch = line["epoch"]
        due = epoch * _LINES // self.epochs > (epoch - 1) * _LINES // self.epochs
        if due or epoch == 1:
            print(
                f"epoch {epoch:{len(str(self.epochs))}}/{self.epochs}  step {line['step']:5}  "
                f"{self._measures(line)}  {line['seconds']:6.1f} s",
                flush=True,
            )

    def keep(self, best: int, epochs: int) -> None:
        say("kept", f"the parameters of epoch {best}, whose validation loss is the lowest of {epochs} epochs")

    def conclude(self, last: dict[str, Any], result: dict[str, Any], folder: Path, files: list[str]) -> None:
        if result:
            after = f"after {last['step']:,} steps in {last['seconds']:.1f} s"
            measures = [
                f"test {name} {result[f'test_{key}']:{layout}}"
                for key, (name, layout) in MEASURES.items()
                if f"test_{key}" in result
            ]
            say("result", f"{', '.join(measures)} {after}")
        say("saved", f"{folder}{os.sep} ({', '.join(files)})")

    def _measures(self, line: dict[str, Any]) -> str:
        name, layout = ("accuracy", "6.2%") if "train_accuracy" in line else ("r2", "6.3f")
        train, other = (f"{part[:5]} {line[f'{part}_{name}']:{layout}}" for part in ("train", self.other))
        return f"loss {line['train_loss']:#7.4g} {'R² ' if name == 'r2' else ''}{train} {other}"


class LiveBar(Lines):
    """A bar on a terminal."""

    def __init__(self, epochs: int, other: str) -> None:
        super().__init__(epochs, other)
        self._bar = Progress(
            TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[measures]}"),
            TimeRemainingColumn(compact=True),
            expand=True,
        )
        self._task = self._bar.add_task("train", total=epochs, measures="")

    def announce(
        self, dataset: Dataset, net: TwoLayerNet[float], settings: Settings, done: int, processes: int
    ) -> None:
        super().announce(dataset, net, settings, done, processes)
        self._bar.start()
        self._bar.console.show_cursor()  # A process that is killed cannot show it again.

    def show(self, line: dict[str, Any]) -> None:
        rate = line["samples_per_second"]
        speed = f"{rate / 1000:,.0f}k" if rate >= 10_000 else f"{rate:.0f}"
        measures = self._measures(line)
        texts = (f"{measures} {speed} samples/s", measures, " ".join(measures.split()[-2:]))
        room = self._bar.console.width - len(f"epoch {self.epochs}/{self.epochs}    00:00")
        shown = next((text for text in texts if len(text) <= room), texts[-1])
        self._bar.update(self._task, completed=line["epoch"], measures=shown)

    def keep(self, best: int, epochs: int) -> None:
        self._bar.stop()
        super().keep(best, epochs)

    def conclude(self, last: dict[str, Any], result: dict[str, Any], folder: Path, files: list[str]) -> None:
        self._bar.stop()
        super().conclude(last, result, folder, files)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


def reporter(epochs: int, other: str, *, quiet: bool, as_json: bool) -> Reporter:
    """Return the reporter that fits the options and where the output goes."""
    if quiet:
        return Reporter()
    if as_json:
        return JsonLines()
    # Some environments call every pipe a terminal, and some terminals cannot move the cursor.
    live = sys.stdout.isatty() and Console().is_interactive
    return LiveBar(epochs, other) if live else Lines(epochs, other)


def _rule(settings: Settings, processes: int) -> str:
    schedule = "" if settings.schedule == CONSTANT else f" ({settings.schedule})"
    shards = "" if settings.shards in (None, 1) else f" in {settings.shards} shards"
    shards += "" if processes == 1 else f" over {processes} processes"
    batches = f"batches of {settings.batch_size}{shards}"
    return f"{settings.optimizer}, learning rate {settings.learning_rate:g}{schedule}, {batches}"
