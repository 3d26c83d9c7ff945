"""The training loop: mini-batch descent over shuffled epochs."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xpnet._typing import Array, Namespace, Params
from xpnet.devices import to_host
from xpnet.network import Score, TwoLayerNet
from xpnet.optimizers import Optimizer
from xpnet.training.batches import Batches, epoch_order
from xpnet.training.blocks import Block
from xpnet.training.evaluation import Evaluation, read_evaluation, scores
from xpnet.training.record import Record
from xpnet.training.splits import Shards
from xpnet.training.state import Best, TrainingState, copied
from xpnet.training.step import Descent, Gradient
from xpnet.training.threads import Threads


class NonFiniteLossError(ArithmeticError):
    """The loss became NaN or infinite; the network holds the parameters of the last record again.

    Its `members` are those that have such a loss.
    """

    def __init__(self, text: str, members: tuple[int, ...] = ()) -> None:
        super().__init__(text, members)
        self.text, self.members = text, members

    def __str__(self) -> str:
        return self.text


class Job(NamedTuple):
    """What to train on, and how."""

    train: Shards
    validation: Shards | None
    optimizer: Optimizer
    gradient: Gradient
    batch_size: int
    epochs: int
    patience: int | None
    threads: int | str
    every: int
    """How many epochs from one record to the next."""
    members: tuple[int, ...] = ()
    """What to call the members, where these are some of more."""

    def is_done(self, state: TrainingState) -> bool:
        """Return whether all epochs are done, or the network, or a member of it, has to stop."""
        return state.epoch >= self.epochs or any(self.stopped(state))

    def stopped(self, state: TrainingState) -> list[bool]:
        """Return whether the validation loss has not fallen for too many epochs: one answer, or one for each member."""
        if self.patience is None or state.best is None:
            return []
        return [waited >= self.patience for waited in state.best.waited(state.epoch)]


def train_epochs(net: TwoLayerNet[Score], job: Job, state: TrainingState) -> Iterator[Record[Score]]:
    """Train `net`, whose parameters are those of `state`, and yield a record of every epoch, or of the last of some."""
    start, xp = time.perf_counter(), net.device.namespace
    net.device.keep_freed_memory()
    if net.device.compiles:
        _compile(net, job, state)
    with net.device.current():
        descent = Descent(net, job.optimizer, job.gradient, state.optimizer, job.train.sharding)
        batches, threads = Batches(net, job.train), Threads(job.threads, net.device)
    while not job.is_done(state):
        epoch_start, first_step = time.perf_counter(), descent.steps
        with net.device.current(), threads.in_use(), _whole_or_undone(net, state.params):
            descent.start_at(net.params)
            done, last = state.epoch, min(state.epoch + job.every, job.epochs)
            losses: list[Array] = []
            for first in range(state.epoch + 1, last + 1, batches.epochs_at_once):
                epochs = range(first, min(first + batches.epochs_at_once, last + 1))
                losses += _train_epochs(net, batches, _orders(job.train, state.seed, epochs), descent, threads)
            batch_losses = xp.concat(losses)
            net.params.update(descent.params())
            parts = [scores(net, shards) for shards in (job.train, job.validation) if shards is not None]
            batch_losses, *parts = _read_at_once([batch_losses, *parts], xp=xp)
            read = np.concatenate([batch_losses, *(part[:1] for part in parts)])
            if not np.isfinite(read).all():
                raise _non_finite(read, first_step, descent.steps, job)
            trained, *validated = (read_evaluation(net, part) for part in parts)
            state = _next_state(net, state, descent, last, *validated)
        yield Record(
            step=descent.steps,
            epoch=state.epoch,
            epochs=job.epochs,
            train=trained,
            validation=validated[0] if validated else None,
            seconds=time.perf_counter() - start,
            samples_per_second=(last - done) * job.train.samples / (time.perf_counter() - epoch_start),
            batch_losses=batch_losses,
            state=state,
        )
    if job.patience is not None and state.best is not None:
        with net.device.current():
            net.params.update(copied(state.best.params))


def _compile(net: TwoLayerNet[Any], job: Job, state: TrainingState) -> None:
    """Do a short epoch of which nothing stays, so that the first epoch's rate is that of the others."""
    with net.device.current(), np.errstate(all="ignore"):
        few = [shards.first(job.batch_size) for shards in (job.train, job.validation) if shards is not None]
        descent = Descent(net, job.optimizer, job.gradient, state.optimizer, job.train.sharding)
        orders = _orders(few[0], state.seed, range(state.epoch + 1, state.epoch + 2))
        batches, threads = Batches(net, few[0]), Threads(job.threads, net.device)
        losses = _train_epochs(net, batches, orders, descent, threads)
        _read_at_once([*losses, *(scores(net, shards) for shards in few)], xp=net.device.namespace)


def _next_state(
    net: TwoLayerNet[Any], state: TrainingState, descent: Descent, epoch: int, validated: Evaluation[Any] | None = None
) -> TrainingState:
    params, best = copied(net.params), state.best
    if validated is not None:
        loss = validated.loss
        first = Best([epoch] * len(loss) if isinstance(loss, list) else epoch, loss, params)
        best = first if best is None else best.next(epoch, loss, params)
    return TrainingState(params, descent.remembered(), epoch, state.seed, best)


@contextmanager
def _whole_or_undone(net: TwoLayerNet[Any], before: Params) -> Iterator[None]:
    """Give `net` its parameters back if the epoch does not end: it diverges, or is interrupted."""
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # Seen in the losses, all at once.
            yield
    except BaseException:
        net.params.update(copied(before))
        raise


def _orders(train: Shards, seed: int | tuple[int, ...], epochs: range) -> list[NDArray[np.int64]]:
    """Return in which order epochs have the samples of each shard, (epochs n,), or (M, epochs n) with own seeds."""
    seeds = seed if isinstance(seed, tuple) else (seed,)
    different = dict.fromkeys(seeds)
    orders = {one: [epoch_order(train.samples, seed=one, epoch=epoch) for epoch in epochs] for one in different}
    result = []
    for split, share in zip(train.splits, train.shares, strict=True):
        own = {one: np.concatenate([share.order(order) for order in orders[one]]) for one in different}
        if len(own) == 1 and split.rows is None:
            result.append(own[seeds[0]])
            continue
        order = np.stack([own[one] for one in seeds])
        result.append(order if split.rows is None else np.take_along_axis(split.rows, order, axis=-1))
    return result


def _train_epochs(
    net: TwoLayerNet[Any], batches: Batches, orders: list[NDArray[np.int64]], descent: Descent, threads: Threads
) -> list[Array]:
    """Do one step for each mini-batch; return the losses before each, block by block, still on the device."""
    losses = []
    with batches.blocks(orders) as every:
        for blocks in every:
            steps = zip(*(block.batches() for block in blocks), strict=True)
            outputs = [descent.step(*shards) for shards in threads.watched(steps, descent.differentiate)]
            # They are for the record alone, so that a whole block's can be computed at once.
            each = [_losses(net, *shard) for shard in zip(blocks, zip(*outputs, strict=True), strict=True)]
            losses.append(batches.sharding.sum(each))
    return losses


def _losses(net: TwoLayerNet[Any], block: Block, outputs: Sequence[Array]) -> Array:
    """Return the losses of some steps, shape (steps,) or (steps, M), from the outputs of a shard in each."""
    xp = net.device.namespace
    terms = net.loss_function._terms(xp.concat(list(outputs), axis=-2), block.targets, xp=xp)
    return xp.moveaxis(block.steps.sums(terms.losses(), xp=xp), -1, 0)


def _read_at_once(arrays: list[Array], *, xp: Namespace) -> list[Any]:
    """Return arrays as they are on the host, from a single transfer."""
    host = to_host(xp.concat([xp.reshape(array, (-1,)) for array in arrays]))
    ends = np.cumsum([math.prod(array.shape) for array in arrays])
    parts = np.split(host, ends[:-1])
    return [part.reshape(array.shape) for part, array in zip(parts, arrays, strict=True)]


def _non_finite(losses: np.ndarray[Any, Any], first_step: int, last_step: int, job: Job) -> NonFiniteLossError:
    """Name the step that led to the first of the `losses`, shape (steps,) or (steps, M), that is not finite."""
    bad = np.argwhere(~np.isfinite(losses))[0]
    step = min(first_step + int(bad[0]), last_step)
    rate = job.optimizer.rate(max(0, step - 1))
    rate = rate[bad[-1]] if isinstance(rate, tuple) else rate
    diverged: list[int] = np.flatnonzero(~np.isfinite(losses).all(axis=0)).tolist() if len(bad) > 1 else []
    member = f" of member {job.members[bad[1]] if job.members else bad[1]}" if len(bad) > 1 else ""
    return NonFiniteLossError(
        f"the loss{member} became {losses[tuple(bad)]} after step {step} with "
        f"learning_rate={rate:g}: lower the learning rate, or clip gradients; "
        "the network holds the parameters of the last record",
        tuple(job.members[member] if job.members else member for member in diverged),
    )
