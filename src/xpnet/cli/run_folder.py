"""The folder that a run leaves behind."""

import json
from pathlib import Path
from typing import Any, TextIO

from xpnet._files import write_atomically
from xpnet.checkpoint import Origin, save
from xpnet.network import TwoLayerNet
from xpnet.training import Record

FILES = ("config.json", "metrics.jsonl", "model.safetensors", "curves.png", "samples.png")


class RunFolder:
    """A new folder: ``config.json``, ``metrics.jsonl`` with a line per epoch, ``model.safetensors``, pictures."""

    def __init__(self, path: Path) -> None:
        self.path = path
        existing = [name for name in FILES if (path / name).exists()]
        if existing:
            raise ValueError(f"--out: {path} already holds {existing[0]} of another run: choose another folder")
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._metrics: TextIO = (path / "metrics.jsonl").open("x", encoding="utf-8")
        except OSError as error:
            raise ValueError(f"--out: cannot write to {path} ({error.strerror}): choose another folder") from error

    def write_config(self, config: dict[str, Any]) -> None:
        """Write what the run was asked to do."""
        write_atomically(self.path / "config.json", (json.dumps(config, indent=2) + "\n").encode())

    def add(self, record: Record) -> None:
        """Append a line to the metrics, out of the reach of a crash of this process."""
        self._metrics.write(json.dumps(record.as_dict()) + "\n")
        self._metrics.flush()

    def finish(self, net: TwoLayerNet, origin: Origin) -> None:
        """Write the model and close the metrics."""
        self._metrics.close()
        save(net, self.path / "model.safetensors", origin=origin)

    def files(self) -> list[str]:
        """Return the names of the run's files that are there."""
        return [name for name in FILES if (self.path / name).exists()]
