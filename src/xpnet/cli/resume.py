"""What ``xpnet train --resume RUN`` goes on with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xpnet.checkpoint import Checkpoint, CheckpointError, difference
from xpnet.cli.options import flag, read_settings
from xpnet.cli.run_folder import FILES, settings_of
from xpnet.datasets import Origin
from xpnet.datasets.known import KNOWN
from xpnet.settings import OPTIONS, Settings
from xpnet.training import TrainingState

MAY_CHANGE = ("epochs", "patience", "device", "stream", "data_dir", "checkpoint_every", "checkpoint_seconds", "keep")
"""Options that decide how long, where and how safely a run trains, and not what comes out epoch after epoch."""


def located(data: str) -> str:
    """Return the name of a data set, or its path from everywhere."""
    return data if data in KNOWN else str(Path(data).resolve())


def resumed_settings(run: Path, given: Mapping[str, Any]) -> Settings:
    """Return the settings of a run with what is `given` anew, or refuse what would make it another one.

    Raises
    ------
    ValueError
        If there is no run, or an option is given that is none of `MAY_CHANGE` and has another value; and where a
        schedule was left to span the whole run, if that gets longer: its first epochs would have been other ones.
    """
    begun = settings_of(run, "--resume")
    for name, value in given.items():
        if value is None or name in MAY_CHANGE:
            continue
        value = OPTIONS[name].domain.read(value, flag(name))
        if (located(value) if name == "data" else value) != getattr(begun, name):
            raise ValueError(
                f"{flag(name)} is {getattr(begun, name)!r} in {run}, got {value!r}: leave it out, or start a new run"
            )
    settings = read_settings({name: given[name] for name in MAY_CHANGE}, run / FILES[0])
    if settings.epochs != begun.epochs and begun.make_optimizer(1) != begun.make_optimizer(2):
        raise ValueError(
            f"--epochs: the schedule {begun.schedule!r} of {run} spans its {begun.epochs} epochs, "
            f"got {settings.epochs}: leave it out, or start a new run, with a number of steps in its schedule"
        )
    return settings


def check_begun_with(checkpoint: Checkpoint, settings: Settings, run: Path) -> TrainingState:
    """Return the state that `settings` go on from, or refuse a checkpoint of another run."""
    begun, state = checkpoint.settings, checkpoint.state
    if begun is None or state is None or settings.epochs is None:
        raise CheckpointError(f"the newest checkpoint of {run} is none of a run: take it away")
    for name in OPTIONS:
        if name not in MAY_CHANGE and getattr(begun, name) != getattr(settings, name):
            raise CheckpointError(
                f"{name} is {getattr(settings, name)!r} in the config.json of {run}, "
                f"and {getattr(begun, name)!r} in its checkpoint: restore config.json, or start a new run"
            )
    if state.epoch > settings.epochs:
        raise ValueError(f"--epochs: {run} has done {state.epoch} epochs, got {settings.epochs}: give more")
    return state


def check_same_data(checkpoint: Checkpoint, origin: Origin, run: Path) -> None:
    """Refuse data that are not those a run began with."""
    changed = "origin" if checkpoint.origin is None else difference(checkpoint.origin, origin)
    if changed is not None:
        raise ValueError(
            f"{origin.data} is not what {run} was trained on (its {changed} is another): restore the data, or start a "
            "new run"
        )


def is_finished(settings: Settings, state: TrainingState | None) -> bool:
    """Return whether a run has come to its end, by its epochs or its patience."""
    if state is None:
        return False
    waited = [0] if state.best is None else state.best.waited(state.epoch)
    return state.epoch == settings.epochs or (settings.patience is not None and min(waited) >= settings.patience)
