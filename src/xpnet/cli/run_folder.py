"""The folder of a run: one process writes to it, and whenever that is killed, another can go on."""

import json
import os
from pathlib import Path
from time import strftime
from types import TracebackType
from typing import Any, BinaryIO, Self

from xpnet import __version__
from xpnet._files import append_line, lock, naming, remove_unfinished, write_atomically
from xpnet.checkpoint import Checkpoint, CheckpointError, DamagedError, load_checkpoint, save_model
from xpnet.cli.logs import LOGS
from xpnet.cli.options import read_settings
from xpnet.cli.printing import warn
from xpnet.datasets import Origin
from xpnet.devices import Device, select_device
from xpnet.network import TwoLayerNet
from xpnet.settings import Settings
from xpnet.training import TrainingState

PICTURES = ("curves.png", "confusion.png", "samples.png", "predictions.png", "weights.png")
FILES = ("config.json", "metrics.jsonl", "model.safetensors", *PICTURES, "report.html")
CHECKPOINTS = "checkpoints"


class RunFolder:
    """An open folder of a run, locked against other processes until it is closed.

    It holds ``config.json``; ``metrics.jsonl``, a line per epoch; ``checkpoints/epoch-N.safetensors``, the last ones;
    and from the end of the run on ``model.safetensors`` and pictures. A checkpoint of epoch N is written after N lines
    of metrics are safe.

    Parameters
    ----------
    path : Path
        Made if it is not there.

    Raises
    ------
    ValueError
        If another process has it open.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._metrics = path / FILES[1]
        self._handle: BinaryIO = self._metrics.open("ab")
        if not lock(self._handle):
            self._handle.close()
            raise ValueError(f"another process is training in {path}: wait for its end, or choose another folder")

    @classmethod
    def create(cls, path: Path | None, name: str, settings: Settings) -> Self:
        """Make the folder, called by `name` and the time if it has no path, and write what the run was asked to do."""
        wanted = path
        try:
            path = new_folder(name) if path is None else path
            path.mkdir(parents=True, exist_ok=True)
            folder = cls(path)
        except OSError as error:
            where = error.filename if wanted is None else wanted
            raise ValueError(f"--out: cannot write to {where} ({error.strerror}): choose another folder") from error
        try:
            check_new(path)  # Again, now that nobody else can write there.
            folder._write(settings)
        except BaseException:
            folder.close()
            raise
        return folder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let other processes have it."""
        self._handle.close()

    def add(self, line: dict[str, Any]) -> None:
        """Append a line to the metrics."""
        append_line(self._metrics, json.dumps(line))

    def save_checkpoint(self, epoch: int, content: bytearray, keep: int) -> None:
        """Write the checkpoint of an epoch whose line is in the metrics, and drop all but the last ones."""
        with naming(self._metrics):
            os.fsync(self._handle.fileno())
        path = self.path / CHECKPOINTS / f"epoch-{epoch:06d}.safetensors"
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, content)
        for old in checkpoints(self.path)[keep:]:
            old.unlink(missing_ok=True)

    def save_model(self, net: TwoLayerNet[float], origin: Origin) -> None:
        """Write the model that the run has made."""
        save_model(net, self.path / "model.safetensors", origin=origin)

    def go_back(self, settings: Settings, state: TrainingState | None) -> dict[str, Any]:
        """Take back all that came after `state`, or all there is; return the last line of metrics that stays."""
        done = 0 if state is None else state.epoch
        lines = _whole_lines(self._metrics.read_bytes())
        if len(lines) < done:
            raise ValueError(
                f"{self._metrics} lacks the line of epoch {len(lines) + 1}, "
                f"while there is a checkpoint of epoch {done}: restore that file, or start a new run"
            )
        self._write(settings)
        end, last = lines[done - 1] if done else (0, {})
        with naming(self._metrics):
            os.truncate(self._metrics, end)
        for path in checkpoints(self.path):
            if _epoch(path) > done:
                path.unlink()
        for name in FILES[2:]:
            (self.path / name).unlink(missing_ok=True)
        for folder in (self.path, self.path / CHECKPOINTS):
            remove_unfinished(folder)
        return last

    def files(self) -> list[str]:
        """Return the names of the run's files that are there."""
        return [name for name in (*FILES, CHECKPOINTS, *LOGS) if (self.path / name).exists()]

    def _write(self, settings: Settings) -> None:
        settings.write(self.path / FILES[0], xpnet=__version__)


def check_new(path: Path) -> None:
    """Refuse a folder that holds a run; one that was killed before it wrote anything is none."""
    for name in (*FILES, CHECKPOINTS):
        file = path / name
        if file.exists() and not (file.name == FILES[1] and file.stat().st_size == 0):
            raise ValueError(
                f"--out: {path} already holds {name} of another run: "
                f"choose another folder, or go on with --resume {path}"
            )


def checkpoints(run: Path) -> list[Path]:
    """Return the checkpoints of a run, the newest first."""
    return sorted((run / CHECKPOINTS).glob("epoch-*.safetensors"), key=_epoch, reverse=True)


def newest_checkpoint(run: Path, device: str | Device = "cpu") -> Checkpoint | None:
    """Return the newest checkpoint that is whole, and tell of those that are not; None where there is none."""
    for path in checkpoints(run):
        try:
            return load_checkpoint(path, device=device)
        except DamagedError as error:
            warn(f"{error}; going back to the one before")
    return None


def settings_of(run: Path, name: str = "RUN") -> Settings:
    """Return what a run was asked to do; an error calls the folder by `name`."""
    if not (run / FILES[0]).is_file():
        raise ValueError(f"{name}: {run} holds no {FILES[0]} of a run: give the folder of one, or train with --out")
    return read_settings({}, run / FILES[0])


def metrics_of(run: Path) -> list[dict[str, Any]]:
    """Return the lines of all epochs of a run, one at least."""
    lines = [line for _, line in _whole_lines((run / FILES[1]).read_bytes())]
    if not lines:
        raise ValueError(f"{run} holds no metrics of a whole epoch: train it with --resume {run}")
    return lines


def load_trained(model: Path, device: str) -> tuple[TwoLayerNet[Any], Origin]:
    """Return the network of a file, or of a run's folder, and what it was trained on.

    That of a run which has not come to its end is of its newest checkpoint.
    """
    checkpoint = _load(model, select_device(device))
    if checkpoint.origin is None:
        raise ValueError(f"{model} does not say what it was trained on: use a model that xpnet train wrote")
    return checkpoint.net, checkpoint.origin


def _load(model: Path, device: Device) -> Checkpoint:
    if (model / "model.safetensors").is_file() or not checkpoints(model):
        return load_checkpoint(model, device=device)
    newest = newest_checkpoint(model, device)
    if newest is None:
        raise CheckpointError(
            f"there is no model.safetensors in {model}, and no whole checkpoint: train it again, or use a backup"
        )
    epoch = 0 if newest.state is None else newest.state.epoch
    warn(f"the run {model} has not come to its end: this is its model after epoch {epoch}")
    return newest


def _epoch(path: Path) -> int:
    number = path.stem.partition("-")[2]
    return int(number) if number.isdecimal() and number.isascii() else -1


def _whole_lines(content: bytes) -> list[tuple[int, dict[str, Any]]]:
    """Return where each line ends, and what it holds, as long as there is one after another for each epoch."""
    lines: list[tuple[int, dict[str, Any]]] = []
    end = 0
    for text in content.splitlines(keepends=True):
        end += len(text)
        try:
            line = json.loads(text)
            if not text.endswith(b"\n") or line["epoch"] != len(lines) + 1:
                break
            lines.append((end, line | {"step": int(line["step"]), "seconds": float(line["seconds"])}))
        except (ValueError, TypeError, KeyError, RecursionError):
            break
    return lines


def new_folder(name: str) -> Path:
    """Make a folder below runs/ that nobody else has, even one who starts in the same second."""
    Path("runs").mkdir(exist_ok=True)
    first = path = Path("runs") / f"{name}-{strftime('%Y%m%d-%H%M%S')}"
    number = 1
    while True:
        try:
            path.mkdir()
            return path
        except FileExistsError:
            number += 1
            path = Path(f"{first}-{number}")
