"""A training from its data to its model: what it needs, and what it leaves in the folder of its run."""

import shlex
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

import numpy as np

from xpnet.checkpoint import Checkpoint, packed
from xpnet.cli.drawing import draw
from xpnet.cli.loading import OR_LOSS, load
from xpnet.cli.logs import open_log
from xpnet.cli.progress import Reporter
from xpnet.cli.resume import check_same_data, is_finished, located
from xpnet.cli.run_folder import RunFolder
from xpnet.cli.signals import Stopped, StopSignals
from xpnet.datasets import Dataset
from xpnet.datasets.dataset import Samples
from xpnet.network import TwoLayerNet
from xpnet.optimizers import OptimizerState
from xpnet.settings import Settings
from xpnet.training import Processes, Record, TrainingState, fit_epochs, operations
from xpnet.training.measures import in_units, measure

_SECONDS = 10.0
"""So much training may be lost, where nothing else is asked for."""
_NO_STATE = TrainingState({}, OptimizerState(), 0, 0)


@dataclass(frozen=True, eq=False)
class Job:
    """What is trained."""

    settings: Settings
    """Completed: they say all that was left to the data."""
    dataset: Dataset
    net: TwoLayerNet[float]
    records: Iterable[Record[float]]
    epochs: int
    other: str
    """What is measured after every epoch beside the training set: "test" or "validation"."""
    state: TrainingState | None
    """What it goes on from."""
    processes: Processes

    @classmethod
    def of(
        cls,
        settings: Settings,
        processes: Processes,
        checkpoint: Checkpoint | None = None,
        run: Path | None = None,
        *,
        quiet: bool,
    ) -> Self:
        """Load the data, and make the network, or bring it back to the `checkpoint` of a `run`."""
        # A device that is asked for has to work before data are read; which is best, their size decides.
        device = None if settings.device == "auto" else processes.select_device(settings.device)
        dataset = processes.from_first(lambda: load(settings, or_numbers=OR_LOSS, quiet=quiet))
        if device is None:
            sizes = dataset.features, settings.hidden, dataset.outputs
            device = processes.select_device("auto", operations=operations(*sizes, settings.batch_size))
        net = settings.make_network(dataset.features, dataset.outputs, labels=dataset.train.t, device=device)
        fit_options = settings.fit_options(len(dataset.train.x), processes.size)
        epochs, other = fit_options["epochs"], "validation"
        if settings.validation is None:
            fit_options["validation"], other = dataset.test, "test"
        lasting = processes.lasting_name(device)
        settings = settings.completed(epochs=epochs, device=lasting, processes=processes.size)
        settings = replace(settings, data=located(settings.data))
        if settings.data_dir is not None:
            settings = replace(settings, data_dir=str(Path(settings.data_dir).resolve()))
        state: TrainingState | None = None
        records: Iterable[Record[float]] = ()
        if checkpoint is not None and run is not None:
            check_same_data(checkpoint, dataset.origin, run)
            state = checkpoint.state
        if state is not None and is_finished(settings, state):
            kept = state.params if settings.patience is None or state.best is None else state.best.params
            net.params.update({name: device.asarray(np.array(w), net.dtype) for name, w in kept.items()})
        else:
            records = fit_epochs(net, *dataset.train, state=state, processes=processes, **fit_options)
        if processes.rank:  # It has its part of the data, and is not asked for the whole.
            nothing = Samples(dataset.train.x[:0].copy(), dataset.train.t[:0].copy())
            dataset = replace(dataset, train=nothing, test=nothing)
        return cls(settings, dataset, net, records, epochs, other, state, processes)

    def run(
        self,
        folder: RunFolder,
        signals: StopSignals,
        report: Reporter,
        *,
        plot: bool,
        log: str | None,
        last: dict[str, Any] | None = None,
    ) -> None:
        """Train, and leave in `folder`, whose metrics end with `last`, all that a run leaves."""
        keeper = _Keeper(folder, self)
        try:
            with report:
                self._train(keeper, signals, report, plot=plot, log=log, line=last or {})
            signals.check()
        except Stopped as stop:
            done = 0 if keeper.state is None else keeper.state.epoch
            command = ["xpnet", "train", "--resume", str(folder.path), *(["--plot"] if plot else [])]
            command += [] if log is None else ["--log", log]
            if self.processes.size > 1:
                command = ["mpiexec", "-n", str(self.processes.size), *command, "--parallel", "mpi"]
            after = f"after epoch {done} of {self.epochs}" if done else "before the end of its first epoch"
            stop.note = f"{stop} {after}; to go on: {shlex.join(command)}"
            raise

    def follow(self, signals: StopSignals) -> None:
        """Train with the first process, which does all the rest."""
        for _ in signals.between(self.records):
            pass
        signals.check()

    def _train(
        self,
        keeper: "_Keeper",
        signals: StopSignals,
        report: Reporter,
        *,
        plot: bool,
        log: str | None,
        line: dict[str, Any],
    ) -> None:
        folder, history, before = keeper.folder, [], line.get("seconds", 0.0)
        with keeper, open_log(log, folder.path, line.get("step", 0)) as write:
            done = 0 if self.state is None else self.state.epoch
            report.announce(self.dataset, self.net, self.settings, done, self.processes.size)
            for record in signals.between(self.records):
                if plot:
                    history.append(replace(record, state=_NO_STATE))
                line = in_units(record.as_dict(self.other), self.dataset)
                line["seconds"] += before
                folder.add(line)
                write(line)
                keeper.keep(record.state)
                report.show(line)
        folder.save_model(self.net, self.dataset.origin)
        if self.settings.patience is not None and keeper.state is not None and keeper.state.best is not None:
            report.keep(keeper.state.best.epoch, keeper.state.epoch)
        result = {name: value for name, value in line.items() if name.startswith("test_")}
        if plot or not result:
            measures = measure(self.net, self.dataset)
            result = result or measures.as_dict(self.dataset)
            if plot:
                draw(history, self.other, measures, self.dataset, self.net, self.settings.optimizer, folder.path)
        report.conclude(line, result, folder.path, folder.files())


class _Keeper:
    """Keeps a checkpoint when it is time, and of the last whole epoch however its body ends.

    The disk is waited for in another thread, while the next epoch is trained.
    """

    def __init__(self, folder: RunFolder, job: Job) -> None:
        self.folder = folder
        self.state = job.state
        self._job = job
        self._saved = 0 if job.state is None else job.state.epoch
        self._saved_at = self._epoch_at = monotonic()
        self._writer = ThreadPoolExecutor(1)
        self._written: Future[None] | None = None

    def keep(self, state: TrainingState) -> None:
        """Take `state` for the last whole epoch."""
        if self._written is not None and self._written.done():
            self._wait()
        now = monotonic()
        self.state, epoch_seconds, self._epoch_at = state, now - self._epoch_at, now
        every, seconds = self._job.settings.checkpoint_every, self._job.settings.checkpoint_seconds
        if every is None and seconds is None:
            seconds = _SECONDS
        # The next epoch would end too late.
        if (every and state.epoch % every == 0) or (
            seconds is not None and now - self._saved_at + epoch_seconds > seconds
        ):
            self._save()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._save()
            self._wait()
        except OSError:
            if not isinstance(error, OSError):  # That of a failing disk is told already.
                raise
        finally:
            self._writer.shutdown()

    def _save(self) -> None:
        if self.state is not None and self.state.epoch > self._saved:
            self._wait()
            settings, net = self._job.settings, self._job.net
            content = packed(net, origin=self._job.dataset.origin, settings=settings, state=self.state)
            self._written = self._writer.submit(self.folder.save_checkpoint, self.state.epoch, content, settings.keep)
            self._saved, self._saved_at = self.state.epoch, monotonic()

    def _wait(self) -> None:
        """Have the last checkpoint on the disk, or raise why it is not."""
        if self._written is not None:
            self._written.result()
