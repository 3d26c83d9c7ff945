"""`sweep`: candidates are trained side by side, compared by validation, and the best one is kept."""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from xpnet._checks import check_count
from xpnet._version import __version__
from xpnet.checkpoint import save_model
from xpnet.datasets import Dataset
from xpnet.model import Model
from xpnet.settings import Settings
from xpnet.sweeps.folder import BEST, SweepFolder
from xpnet.sweeps.grid import Candidates, Grid, Interval, candidates
from xpnet.sweeps.members import batches, joined, state_of
from xpnet.sweeps.results import Row, score
from xpnet.sweeps.work import Result, Task, Trained, dataset_of, train


@dataclass(frozen=True, eq=False)
class Sweep:
    """What a sweep has found."""

    rows: tuple[Row, ...]
    """One for each candidate, the best first."""
    settings: Settings
    """Of the best network: that of the best candidate's seeds which validated best."""
    model: Model
    """That network, with what it knows of its data."""


class Progress(NamedTuple):
    """How far a sweep is."""

    rows: Sequence[Row]
    """The best first."""
    done: int
    """Epochs of single networks, those that ended early counted in."""
    total: int


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
        return _Race(chosen, dataset, ends, opened, executor, report).run()


class _Run(NamedTuple):
    """One network of a sweep."""

    candidate: int
    seed: int


@contextmanager
def _place(folder: str | Path | None) -> Iterator[Path]:
    if folder is not None:
        yield Path(folder)
        return
    with TemporaryDirectory() as temporary:
        yield Path(temporary)


class _Race:
    """A sweep at work: what has become of every network until now."""

    def __init__(
        self,
        chosen: Candidates,
        dataset: Dataset,
        ends: Sequence[int | None],
        folder: SweepFolder,
        executor: Executor | None,
        report: Callable[[Progress], None] | None,
    ) -> None:
        self._chosen, self._dataset, self._ends, self._folder = chosen, dataset, ends, folder
        self._executor, self._report = executor, report
        self._results: dict[_Run, Result] = {}
        self._places: dict[_Run, tuple[str, int]] = {}
        """In which batch, and as which member there, a network's parameters are."""
        self._dropped: dict[int, int] = {}
        self._done: dict[_Run, int] = {}
        """The epoch up to which a network is trained, if it did not end before."""

    def run(self) -> Sweep:
        """Train all, and return what is best."""
        for rung, end in enumerate(self._ends):
            self._train_rung(rung, end)
            if end is not None and rung < len(self._ends) - 1:
                self._drop_worse_half(end)
        rows = self._rows()
        self._folder.write_results(rows)
        return self._best(rows)

    def _train_rung(self, rung: int, end: int | None) -> None:
        """Train all that are left up to an epoch, or each to its own end."""
        runs = [run for run in self._left() if run not in self._results or not self._results[run].diverged]
        settings = [self._settings(run) for run in runs]
        tasks: dict[str, Task] = {}
        members: dict[str, list[_Run]] = {}
        for number, batch in enumerate(batches(settings, self._parameters)):
            name = f"{rung}-{number:04d}"
            members[name] = [runs[index] for index in batch]
            tasks[name] = self._task([settings[index] for index in batch], members[name], end)
        for name, trained in self._trained(tasks):
            self._note(name, members[name], trained, tasks[name].until)

    def _task(self, settings: Sequence[Settings], runs: Sequence[_Run], end: int | None) -> Task:
        state = None
        if self._places:
            states = {name: self._folder.state(name) for name in {self._places[run][0]: None for run in runs}}
            state = state_of([(states[name], member) for name, member in (self._places[run] for run in runs)])
        return Task(joined(settings), end or settings[0].epochs or 0, state)

    def _trained(self, tasks: dict[str, Task]) -> Iterator[tuple[str, Trained]]:
        """Yield what has become of each task, those that were finished before first, and keep it."""
        missing: dict[str, Task] = {}
        for name, task in tasks.items():
            finished = self._folder.finished(name, task)
            if finished is None:
                missing[name] = task
            else:
                yield name, finished
        for name, trained in _train_all(missing, self._executor):
            self._folder.keep(name, missing[name], trained)
            yield name, trained

    def _note(self, name: str, runs: Sequence[_Run], trained: Trained, until: int) -> None:
        for run, result in zip(runs, trained.results, strict=True):
            before = self._results.get(run, Result())
            self._results[run] = result if result.measures is not None else replace(result, measures=before.measures)
            self._done[run] = until
        for place, member in enumerate(trained.survivors):
            self._places[runs[member]] = (name, place)
        if self._report is not None:
            self._report(self._progress())

    def _drop_worse_half(self, epoch: int) -> None:
        left = {run.candidate for run in self._left()}
        ranked = [index for index, _ in self._ranked() if index in left]
        for index in ranked[math.ceil(len(ranked) / 2) :]:
            self._dropped[index] = epoch

    def _best(self, rows: Sequence[Row]) -> Sweep:
        """Return the network that validated best, of the best candidate; and keep it."""
        first = self._ranked()[0][0]
        survivors = {run: self._results[run].measures for run in self._left() if run.candidate == first}
        measured = [(score(measures), run) for run, measures in survivors.items() if measures and run in self._places]
        if not measured:
            raise ValueError("every network of the sweep has diverged: take lower learning rates, or clip gradients")
        run = min(measured)[1]
        settings = self._settings(run)
        name, member = self._places[run]
        state = self._folder.state(name)
        kept = state.params if settings.patience is None or state.best is None else state.best.params
        net = settings.make_network(self._dataset.features, self._dataset.outputs, labels=self._dataset.train.t)
        net.params = {name: net.device.asarray(np.array(w[member])) for name, w in kept.items()}
        origin = dataset_of(settings).origin
        path = self._folder.path / BEST
        path.mkdir(exist_ok=True)
        settings.write(path / "config.json", xpnet=__version__)
        save_model(net, path / "model.safetensors", origin=origin)
        return Sweep(tuple(rows), settings, Model(net, origin))

    def _left(self) -> list[_Run]:
        """Return the networks that no halving has dropped."""
        indices = [index for index in range(len(self._chosen.settings)) if index not in self._dropped]
        return [_Run(index, seed) for index in indices for seed in self._chosen.seeds]

    def _settings(self, run: _Run) -> Settings:
        return replace(self._chosen.settings[run.candidate], seed=run.seed)

    def _parameters(self, settings: Settings) -> int:
        inputs, hidden, outputs = self._dataset.features, settings.hidden, self._dataset.outputs
        return (inputs + 1) * hidden + (hidden + 1) * outputs

    def _ranked(self) -> list[tuple[int, Row]]:
        """Return the candidates by their rank."""
        rows = []
        for index, settings in enumerate(self._chosen.settings):
            there = [self._results.get(_Run(index, seed)) for seed in self._chosen.seeds]
            results = [result for result in there if result is not None]
            rows.append((index, Row.of(settings, self._chosen.values(index), results, self._dropped.get(index))))
        return sorted(rows, key=lambda pair: pair[1].rank)

    def _rows(self) -> list[Row]:
        return [row for _, row in self._ranked()]

    def _progress(self) -> Progress:
        epochs = [self._dropped.get(index, one.epochs or 0) for index, one in enumerate(self._chosen.settings)]
        return Progress(self._rows(), sum(self._done.values()), sum(epochs) * len(self._chosen.seeds))


def _train_all(tasks: dict[str, Task], executor: Executor | None) -> Iterator[tuple[str, Trained]]:
    """Yield what becomes of each task, as soon as it is finished."""
    if executor is None:
        for name, task in tasks.items():
            yield name, train(task)
        return
    futures = {executor.submit(train, task): name for name, task in tasks.items()}
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenExecutor as error:
        raise BrokenExecutor(
            f"the executor trains no more ({error}): what is finished is in the sweep's folder; go on with another one"
        ) from error
    finally:
        for future in futures:
            future.cancel()


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
