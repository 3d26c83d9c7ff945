"""Many networks side by side, of which each stops when it has to: it is frozen, and the others go on without it.

They go on in a network of their own, since an epoch takes far longer than a copy of its parameters.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from xpnet.devices import to_host
from xpnet.network import TwoLayerNet
from xpnet.training.evaluation import Evaluation, read_evaluation, scores
from xpnet.training.loop import Job, train_epochs
from xpnet.training.record import Record
from xpnet.training.state import TrainingState, copied


def train_members(net: TwoLayerNet[Any], job: Job, state: TrainingState) -> Iterator[Record[Any]]:
    """Train `net`, whose parameters are those of `state`, and yield a record of every epoch.

    The figures of a member that has stopped are those of its last epoch, and its batches have no losses (NaN).
    """
    last: Record[Any] | None = None
    while going := _going(net, job, state):
        seconds, are_all = 0.0 if last is None else last.seconds, len(going) == net.members
        before = () if are_all else _figures(net, job) if last is None else (last.train, last.validation)
        for record in train_epochs(*_of_members(net, job, state, going)):
            if not are_all:
                record = _put_back(record, going, state, before)
                with net.device.current():
                    net.params.update(copied(record.state.params))
            state, last = record.state, replace(record, seconds=seconds + record.seconds)
            yield last
        with net.device.current():
            net.params.update(copied(state.params))
    if job.patience is not None and state.best is not None:
        with net.device.current():
            net.params.update(copied(state.best.params))


def _going(net: TwoLayerNet[Any], job: Job, state: TrainingState) -> list[int]:
    """Return the members that go on."""
    if state.epoch >= job.epochs:
        return []
    stopped = job.stopped(state)
    return [member for member in range(net.members or 1) if not any(stopped[member : member + 1])]


def _of_members(
    net: TwoLayerNet[Any], job: Job, state: TrainingState, members: Sequence[int]
) -> tuple[TwoLayerNet[Any], Job, TrainingState]:
    """Return what trains some members alone; all there is, where these are all."""
    if len(members) == net.members:
        return net, job, state
    with net.device.current():
        part, state = net.of_members(members), state.of_members(members)
        train, validation = job.train.of_members(members), job.validation and job.validation.of_members(members)
    optimizer = job.optimizer.of_members(members)
    job = job._replace(train=train, validation=validation, optimizer=optimizer, members=tuple(members))
    return part, job, state


def _figures(net: TwoLayerNet[Any], job: Job) -> tuple[Evaluation[Any] | None, ...]:
    """Return how good all members are before some go on."""
    with net.device.current(), np.errstate(over="ignore"):
        train, validation = (
            None if shards is None else read_evaluation(net, to_host(scores(net, shards)))
            for shards in (job.train, job.validation)
        )
    return train, validation


def _put_back(
    part: Record[Any], members: Sequence[int], state: TrainingState, before: Sequence[Evaluation[Any] | None]
) -> Record[Any]:
    """Return a record of all members from one of those that trained, the state of all and what they were before."""
    count = int(state.params["W1"].shape[0])
    places = [members.index(i) if i in members else len(members) + i for i in range(count)]
    losses = np.full((len(part.batch_losses), count), np.nan, part.batch_losses.dtype)
    losses[:, list(members)] = part.batch_losses
    train, validation = (
        old and _merged(after, old, places) for after, old in zip((part.train, part.validation), before, strict=True)
    )
    return replace(
        part,
        train=train or part.train,
        validation=validation,
        batch_losses=losses,
        state=part.state.of_members(places, state),
    )


def _merged(after: Any, before: Evaluation[Any], places: Sequence[int]) -> Evaluation[Any]:
    def chosen(new: list[float], old: list[float]) -> list[float]:
        both = [*new, *old]
        return [both[place] for place in places]

    metrics = {name: chosen(after.metrics[name], old) for name, old in before.metrics.items()}
    return Evaluation(chosen(after.loss, before.loss), metrics)
