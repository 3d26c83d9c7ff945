"""The folder that a run leaves behind."""

import json
from pathlib import Path
from time import strftime
from typing import Any

from xpnet import __version__
from xpnet._files import append_line
from xpnet.checkpoint import Origin, save_model
from xpnet.network import TwoLayerNet
from xpnet.settings import Settings

FILES = ("config.json", "metrics.jsonl", "model.safetensors", "curves.png", "samples.png", "predictions.png")


class RunFolder:
    """A folder of one run: ``config.json``, ``metrics.jsonl`` with a line per epoch, ``model.safetensors``, pictures.

    Parameters
    ----------
    path : Path or None
        Checked at once and made by `create`; None is a new folder below ``runs/``.
    """

    def __init__(self, path: Path | None) -> None:
        existing = [file for file in FILES if path is not None and (path / file).exists()]
        if existing:
            raise ValueError(f"--out: {path} already holds {existing[0]} of another run: choose another folder")
        self._wanted = path

    def create(self, name: str, settings: Settings) -> None:
        """Make the folder, called by `name` and the time if it has no path, and write what the run was asked to do."""
        try:
            self.path = _new_folder(name) if self._wanted is None else self._wanted
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / "metrics.jsonl").touch(exist_ok=False)
        except OSError as error:
            where = error.filename if self._wanted is None else self._wanted
            raise ValueError(f"--out: cannot write to {where} ({error.strerror}): choose another folder") from error
        settings.write(self.path / "config.json", xpnet=__version__)

    def add(self, line: dict[str, Any]) -> None:
        """Append a line to the metrics."""
        append_line(self.path / "metrics.jsonl", json.dumps(line))

    def save(self, net: TwoLayerNet[float], origin: Origin) -> None:
        """Write the model."""
        save_model(net, self.path / "model.safetensors", origin=origin)

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
