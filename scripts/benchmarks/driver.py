"""Measures a case: starts its workers, checks what they compute, and times them in turn."""

import statistics
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.engine import ENGINES
from benchmarks.work import Case, Work, expected_params, loss_of, make_work, tolerance
from benchmarks.worker_process import EngineError, Worker, counts, worker

WARM_UP = 2
"""Epochs that are not timed: the first is the one whose loss is checked."""

OURS = "xpnet"


class Setting(NamedTuple):
    """How to measure, whatever is measured."""

    engines: tuple[str, ...]
    device: str
    threads: int
    own_threads: bool
    """Whether xpnet chooses its threads itself, where the others get `threads`."""
    rounds: int
    steps: int | None


class Row(NamedTuple):
    """One engine on one case."""

    engine: str
    about: str
    microseconds: list[float]
    """Of a step, in each round."""
    ratios: list[float]
    """Of our time to its, in each round."""
    loss: float | None
    """After the first epoch; None where nothing is trained."""
    page_faults: float | None

    @property
    def median(self) -> float:
        """Microseconds of a step."""
        return statistics.median(self.microseconds)

    @property
    def ratio(self) -> float | None:
        """Our time over its."""
        return statistics.median(self.ratios) if self.ratios else None


class Result(NamedTuple):
    """A case that was measured."""

    case: Case
    steps: int
    rows: list[Row]
    expected_loss: float
    tolerance: float
    counts: dict[str, Any] | None
    wrong: list[str]
    """Engines whose loss rounding does not explain, left out."""


def measure(case: Case, setting: Setting, say: Callable[[str], None]) -> Result:
    """Measure all engines on one case; what does not work is said and left out."""
    work = make_work(case, setting.steps)
    expected, allowed = loss_of(expected_params(work), work), tolerance(work)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        path = Path(folder) / "work.npz"
        work.save(path)
        counted = _counts(path, say) if OURS in setting.engines and setting.device == "cpu" else None
        workers, losses, wrong = {}, {}, []
        for name in setting.engines:
            threads = None if name == OURS and setting.own_threads else setting.threads
            try:
                one = stack.enter_context(worker(name, path, setting.device, threads))
                losses[name] = first_loss(one, path, work)
                for _ in range(WARM_UP - 1):
                    one.ask("epoch")
            except EngineError as error:
                say(f"{ENGINES[name].label}: left out, {error}")
                continue
            loss = losses[name]
            if loss is None or abs(loss - expected) <= allowed * expected:
                workers[name] = one
                continue
            wrong.append(name)
            say(
                f"{ENGINES[name].label}: left out, since it does other work on {case}: its loss after an epoch is "
                f"{loss:.7g}; in float64 it is {expected:.7g}, and rounding explains {allowed:.1e} of that"
            )
        rounds = _rounds(workers, setting.rounds)
    rows = [_row(name, one.about, losses[name], rounds) for name, one in workers.items()]
    return Result(case, work.steps, rows, expected, allowed, counted, wrong)


def first_loss(one: Worker, path: Path, work: Work) -> float | None:
    """Train the first epoch and return the loss after it."""
    one.ask("epoch")
    saved = path.with_name("params.npz")
    if not one.ask(f"save {saved}")["saved"]:
        return None
    with np.load(saved) as params:
        return loss_of(dict(params), work)


def _rounds(workers: dict[str, Worker], count: int) -> dict[str, list[dict[str, float]]]:
    """Let each worker train an epoch in each round; who is first changes from round to round."""
    answers: dict[str, list[dict[str, float]]] = {name: [] for name in workers}
    names = list(workers)
    for number in range(count if names else 0):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            answers[name].append(workers[name].ask("epoch"))
    return answers


def _row(name: str, about: str, loss: float | None, rounds: dict[str, list[dict[str, float]]]) -> Row:
    times = {engine: [answer["microseconds"] for answer in answers] for engine, answers in rounds.items()}
    ratios = [ours / its for ours, its in zip(times.get(OURS, []), times[name], strict=False)]
    faults = [answer["page_faults"] for answer in rounds[name] if "page_faults" in answer]
    return Row(name, about, times[name], ratios, loss, statistics.median(faults) if faults else None)


def _counts(path: Path, say: Callable[[str], None]) -> dict[str, Any] | None:
    try:
        return counts(path)
    except EngineError as error:
        say(f"counts: left out, {error}")
        return None
