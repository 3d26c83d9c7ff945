"""A race of candidates: they are trained side by side, the worse half may drop out, and the best one is kept."""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, as_completed
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from xpnet._version import __version__
from xpnet.checkpoint import save_model
from xpnet.datasets import Dataset
from xpnet.model import Model
from xpnet.settings import Settings
from xpnet.sweeps.folder import BEST, SweepFolder
from xpnet.sweeps.grid import Candidates
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


class _Run(NamedTuple):
    """One network of a sweep."""

    candidate: int
    seed: int


class Race:
    """What has become of every network until now."""

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
        self._same_data = not dataset.is_split or len(chosen.seeds) == 1
        self._results: dict[_Run, Result] = {}
        self._places: dict[_Run, tuple[str, int]] = {}
        """In which batch, and as which member there, a network's parameters are."""
        self._dropped: dict[int, int] = {}
        self._done: dict[_Run, int] = {}
        """The epoch up to which a network is trained, its last one if it has ended early."""
        self._ended: set[_Run] = set()
        """The networks that have stopped early, or diverged."""

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
        runs = [run for run in self._left() if run not in self._ended]
        settings = [self._settings(run) for run in runs]
        tasks: dict[str, Task] = {}
        members: dict[str, list[_Run]] = {}
        for number, batch in enumerate(batches(settings, self._parameters, same_data=self._same_data)):
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
            if result.measures is None and run in self._results:
                result = replace(result, measures=self._results[run].measures)
            self._results[run], self._done[run] = result, until
            if result.diverged or result.epochs < until:
                self._ended.add(run)
                self._done[run] = self._chosen.settings[run.candidate].epochs or 0
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
        results = {run: result for run, result in self._results.items() if run.candidate == first}
        measured = [(score(one.measures), run) for run, one in results.items() if one.measures and not one.diverged]
        if not measured:
            raise ValueError("every network of the sweep has diverged: take lower learning rates, or clip gradients")
        run = min(measured)[1]
        settings = self._settings(run)
        dataset = dataset_of(settings)
        name, member = self._places[run]
        state = self._folder.state(name)
        kept = state.params if settings.patience is None or state.best is None else state.best.params
        net = settings.make_network(dataset.features, dataset.outputs, labels=dataset.train.t)
        net.params = {name: net.device.asarray(np.array(w[member])) for name, w in kept.items()}
        path = self._folder.path / BEST
        path.mkdir(exist_ok=True)
        settings.write(path / "config.json", xpnet=__version__)
        save_model(net, path / "model.safetensors", origin=dataset.origin)
        return Sweep(tuple(rows), settings, Model(net, dataset.origin))

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
        done = sum(min(done, epochs[run.candidate]) for run, done in self._done.items())
        return Progress(self._rows(), done, sum(epochs) * len(self._chosen.seeds))


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
