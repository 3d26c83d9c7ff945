"""`sweep`: what it is asked is checked, and then the race begins."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from xpnet._checks import check_count
from xpnet._version import __version__
from xpnet.datasets import Dataset
from xpnet.settings import Settings
from xpnet.sweeps.folder import SweepFolder
from xpnet.sweeps.grid import Grid, Interval, candidates
from xpnet.sweeps.race import Progress, Race, Sweep
from xpnet.sweeps.work import dataset_of


def sweep(
    settings: Settings,
    grid: Grid,
    *,
    random: int | None = None,
    halving: Sequence[int] = (),
    folder: str | Path | None = None,
    executor: Executor | None = None,
    report: Callable[[Progress], None] | None = None,
    spelling: Callable[[str], str] = str,
) -> Sweep:
    """Train a network for every combination of some options' values, and find the best.

    Those of one shape train side by side, as many at once as fit the memory: what comes out is, to rounding, what
    ``fit`` makes of each alone.

    Parameters
    ----------
    settings : Settings
        What all have in common; with `validation`, the part of the training data by which they are compared.
    grid : dict of sequences
        The values of each option in which they differ; an `Interval` of real numbers, for `random`. Those that differ
        in the seed alone are one candidate, of which the mean counts.
    random : int, optional
        Draw so many combinations, by the first seed, instead of taking all; each gets all seeds.
    halving : sequence of int
        After each of these epochs, go on with the better half only.
    folder : path, optional
        Where all is kept; if it holds a part of this very sweep, go on from there. By default nothing is.
    executor : concurrent.futures.Executor, optional
        What trains several batches at once: a process pool, `Workers`, MPI's or Dask's. By default this process trains
        one after another; the results are the same.
    report : callable, optional
        Called with a `Progress` after every batch.
    spelling : callable, optional
        How errors call an option; by default by its name.

    Returns
    -------
    Sweep
        Rows are ranked by the mean validation accuracy, then loss; for numbers by the loss. The test set is not looked
        at.

    Raises
    ------
    TypeError, ValueError
        If an option or a value is wrong, or the folder holds another sweep.
    BrokenExecutor
        If the executor can train no more.

    References
    ----------
    K. Jamieson and A. Talwalkar, 2016, Non-stochastic best arm identification and hyperparameter optimization.

    Examples
    --------
    >>> import xpnet
    >>> settings = xpnet.Settings(init="xavier", epochs=3, validation=0.1, device="cpu")
    >>> found = xpnet.sweep(settings, {"learning_rate": [0.003, 0.3], "seed": range(2)})
    >>> [row.values for row in found.rows], found.rows[0].seeds
    ([{'learning_rate': 0.3}, {'learning_rate': 0.003}], 2)
    >>> found.rows[0].means["validation_accuracy"] > 0.8, found.settings.learning_rate
    (True, 0.3)
    """
    if settings.validation is None:
        raise ValueError(f"a sweep compares by {spelling('validation')}: give one, such as 0.1")
    chosen = candidates(settings, grid, random, spelling)
    dataset = dataset_of(chosen.settings[0])
    chosen = replace(chosen, settings=tuple(_completed(one, dataset) for one in chosen.settings))
    ends = _ends(chosen.settings, halving)
    written = {name: _as_json(axis) for name, axis in grid.items()}
    asked = {"random": random, "halving": list(halving), "grid": written}
    plan = {"xpnet": __version__, **asked, "settings": settings.as_dict()}
    with _place(folder) as path, SweepFolder(path, plan) as opened:
        return Race(chosen, dataset, ends, opened, executor, report).run()


@contextmanager
def _place(folder: str | Path | None) -> Iterator[Path]:
    if folder is not None:
        yield Path(folder)
        return
    with TemporaryDirectory() as temporary:
        yield Path(temporary)


def _completed(settings: Settings, dataset: Dataset) -> Settings:
    """Return the settings with all that they left to optimizer and data, but for the device: that of each process."""
    epochs = settings.fit_options(len(dataset.train.x))["epochs"]
    return settings.completed(epochs=epochs, device=settings.device)


def _ends(settings: Sequence[Settings], halving: Sequence[int]) -> list[int | None]:
    """Return the epochs after which candidates are compared; None for the end of each."""
    last = min(one.epochs or 0 for one in settings)
    if halving and len({one.epochs for one in settings}) > 1:
        raise ValueError("halving compares candidates after as many epochs: give one number of epochs for all")
    for number, epoch in enumerate(halving):
        check_count(epoch, "halving", minimum=halving[number - 1] + 1 if number else 1, maximum=last - 1)
    return [*halving, None]


def _as_json(axis: Any) -> Any:
    return f"{axis.low}..{axis.high}" if isinstance(axis, Interval) else [_plain(value) for value in axis]


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return list(value) if isinstance(value, tuple) else value
