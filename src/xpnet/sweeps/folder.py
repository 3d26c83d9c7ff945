"""The folder of a sweep: every batch that is finished, so that whatever kills it, nothing is trained twice."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from xpnet._files import lock, read_small, remove_unfinished, write_atomically
from xpnet.checkpoint import load_checkpoint
from xpnet.settings import Settings
from xpnet.sweeps.results import Row, as_csv
from xpnet.sweeps.work import Result, Task, Trained
from xpnet.training import TrainingState

PLAN = "sweep.json"
RESULTS = "results.csv"
PICTURE = "sweep.png"
BEST = "best"
_BATCHES = "batches"
_LOCK = "sweep.lock"


class SweepFolder:
    """An open folder of a sweep, locked against other processes until it is closed.

    It holds ``sweep.json``, what was asked for; ``batches/``, for each that is finished its results and the parameters
    of all its members; ``results.csv``, ``sweep.png`` and ``best/``, the best model with its ``config.json``.

    Parameters
    ----------
    path : Path
        Made if it is not there.
    plan : dict
        What is asked for, as JSON has it.

    Raises
    ------
    ValueError
        If another process has it open, or it holds another sweep.
    """

    def __init__(self, path: Path, plan: dict[str, Any]) -> None:
        self.path = path
        (path / _BATCHES).mkdir(parents=True, exist_ok=True)
        self._handle = (path / _LOCK).open("ab")
        try:
            if not lock(self._handle):
                raise ValueError(f"another process is at work in {path}: wait for its end, or choose another folder")
            self._open(plan)
        except BaseException:
            self._handle.close()
            raise

    def _open(self, plan: dict[str, Any]) -> None:
        text = json.dumps(plan, indent=2) + "\n"
        path = self.path / PLAN
        if path.exists() and read_small(path).decode() != text:
            raise ValueError(f"{self.path} holds another sweep: choose another folder, or go on with that one")
        for folder in (self.path, self.path / _BATCHES):
            remove_unfinished(folder)
        write_atomically(path, text.encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handle.close()

    def finished(self, name: str, task: Task) -> Trained | None:
        """Return what a task of that name has come to; None if it is not finished."""
        path = self._path(name, "json")
        if not path.exists():
            return None
        facts = json.loads(path.read_bytes())
        if facts["settings"] != json.loads(json.dumps(task.settings.as_dict())) or facts["until"] != task.until:
            raise ValueError(f"{path} is of another sweep: start a new one, in another folder")
        return Trained([Result(**result) for result in facts["results"]], facts["survivors"], b"")

    def keep(self, name: str, task: Task, trained: Trained) -> None:
        """Write what a task has come to: it is finished once its results are there."""
        if trained.survivors:
            write_atomically(self._path(name, "safetensors"), trained.model)
        facts = {
            "settings": task.settings.as_dict(),
            "until": task.until,
            "results": [asdict(result) for result in trained.results],
            "survivors": trained.survivors,
        }
        write_atomically(self._path(name, "json"), json.dumps(facts).encode())

    def state(self, name: str) -> TrainingState:
        """Return the state of the survivors of a finished task."""
        path = self._path(name, "safetensors")
        state = load_checkpoint(path).state
        if state is None:
            raise ValueError(f"{path} holds no state of a training: start a new sweep, in another folder")
        return state

    def write_results(self, rows: Sequence[Row]) -> None:
        """Write ``results.csv``."""
        write_atomically(self.path / RESULTS, as_csv(rows).encode())

    def _path(self, name: str, ending: str) -> Path:
        return self.path / _BATCHES / f"{name}.{ending}"


def read_plan(path: Path) -> tuple[Settings, dict[str, Any]]:
    """Return the settings of the sweep in a folder, and what else was asked for.

    Raises
    ------
    ValueError
        If there is no sweep.
    """
    file = path / PLAN
    try:
        plan = json.loads(read_small(file))
        return Settings.of(plan.pop("settings"), where=str(file)), plan
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} holds no {PLAN} of a sweep ({error}): give the folder of one") from None
