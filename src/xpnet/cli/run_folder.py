"""The folder that a run leaves behind."""

import json
from pathlib import Path
from time import strftime
from typing import Any

from xpnet._files import append_line, write_atomically
from xpnet.checkpoint import Origin, save
from xpnet.network import TwoLayerNet
from xpnet.training import Record

FILES = ("config.json", "metrics.jsonl", "model.safetensors", "curves.png", "samples.png")


class RunFolder:
    """A folder of one run: ``config.json``, ``metrics.jsonl`` with a line per epoch, ``model.safetensors``, pictures.

    Parameters
    ----------
    path : Path or None
        Made if it is not there; None is a new folder below ``runs/``, called by `name` and the time.
    name : str
        What was learned.
    """

    def __init__(self, path: Path | None, name: str) -> None:
        existing = [file for file in FILES if path is not None and (path / file).exists()]
        if existing:
            raise ValueError(f"--out: {path} already holds {existing[0]} of another run: choose another folder")
        try:
            self.path = _new_folder(name) if path is None else path
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / "metrics.jsonl").touch(exist_ok=False)
        except OSError as error:
            where = error.filename if path is None else path
            raise ValueError(f"--out: cannot write to {where} ({error.strerror}): choose another folder") from error

    def write_config(self, config: dict[str, Any]) -> None:
        """Write what the run was asked to do."""
        write_atomically(self.path / "config.json", (json.dumps(config, indent=2) + "\n").encode())

    def add(self, record: Record) -> None:
        """Append a line to the metrics."""
        append_line(self.path / "metrics.jsonl", json.dumps(record.as_dict()))

    def save(self, net: TwoLayerNet, origin: Origin) -> None:
        """Write the model."""
        save(net, self.path / "model.safetensors", origin=origin)

    def files(self) -> list[str]:
        """Return the names of the run's files that are there."""
        return [name for name in FILES if (self.path / name).exists()]


def _new_folder(name: str) -> Path:
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
