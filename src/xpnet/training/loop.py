"""The training loop: mini-batch descent over shuffled epochs."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from array_api_compat import device

from xpnet._checks import check_choice, check_count, namespace_of
from xpnet._typing import Array, Namespace, Params
from xpnet.devices import to_host
from xpnet.losses.targets import Targets
from xpnet.network import Score, TwoLayerNet, backward, forward
from xpnet.network.differences import structured_gradient
from xpnet.optimizers import SGD, Optimizer, OptimizerState
from xpnet.training.batches import Split, blocks, check_split, epoch_order, held_back
from xpnet.training.evaluation import read_evaluation, scores
from xpnet.training.progress import with_bar
from xpnet.training.record import Record
from xpnet.training.state import Best, TrainingState, copied, restored

ITERATIONS = 10_000
"""The chapter's number of steps, which the default number of epochs rounds up."""


class NonFiniteLossError(ArithmeticError):
    """The loss became NaN or infinite; the network holds the parameters of the last record again."""


def fit(
    net: TwoLayerNet[Score],
    x: Array,
    t: Array,
    *,
    validation: float | tuple[Array, Array] | None = None,
    sample_weight: Array | None = None,
    optimizer: Optimizer | None = None,
    batch_size: int = 100,
    epochs: int | None = None,
    seed: int | None = None,
    gradient: str = "backpropagation",
    patience: int | None = None,
    state: TrainingState | None = None,
    progress: bool = False,
) -> list[Record[Score]]:
    """Train `net` in place and return a record of every epoch.

    Every epoch is a permutation of the training set, drawn on the host from (seed, epoch), and cut into mini-batches;
    the last one may be short. The data are moved to the device of the network once, and read back from it once an
    epoch.

    Parameters
    ----------
    net : TwoLayerNet
        Changed in place.
    x : array, shape (n, D)
        Features, on the host or on the network's device.
    t : array, shape (n,) or (n, C)
        Labels, or targets with a value for every output.
    validation : float or pair of arrays, optional
        What every epoch is judged by: a fraction of the samples, in (0, 1), which is then not trained on (drawn by the
        seed, and of every class alike), or a set ``(x, t)`` of its own.
    sample_weight : array, shape (n,), optional
        Weights of the training samples.
    optimizer : Optimizer, optional
        The chapter's by default: ``SGD(learning_rate=0.1)``.
    batch_size : int
        Samples in a mini-batch.
    epochs : int, optional
        The epoch to train up to, those of `state` included; by default as many as hold 10,000 mini-batches.
    seed : int, optional
        Same seed, same mini-batches, on every device. By default 0, or that of `state`.
    gradient : {"backpropagation", "numerical"}
        How each step gets its gradient; "numerical" is `TwoLayerNet.numerical_gradient`, some hundred times slower.
    patience : int, optional
        Stop when the validation loss has not fallen for so many epochs; at the end the network gets the parameters of
        the epoch where it was lowest.
    state : TrainingState, optional
        Go on from ``record.state`` of an earlier call with the same arguments: 2 epochs and 2 more equal 4.
    progress : bool
        Show a bar, on a terminal or in a notebook.

    Returns
    -------
    list of Record
        One for each epoch that this call trained. Each holds a copy of the parameters, and of what the optimizer
        remembers, in its `state`: for very many epochs of a large network take `fit_epochs`.

    Raises
    ------
    NonFiniteLossError
        At the end of an epoch, if a loss in it, or of the network after it, is not finite.
    TypeError, ValueError
        If an argument, a shape or a label does not fit; before anything is moved to the device.

    Examples
    --------
    >>> import xpnet
    >>> data = xpnet.load_digits()
    >>> net = xpnet.TwoLayerNet(64, 50, 10, init="xavier")
    >>> rule = xpnet.Adam(learning_rate=0.01)
    >>> records = xpnet.fit(net, *data.train, validation=data.test, optimizer=rule, epochs=2)
    >>> [(record.epoch, record.step, record.validation_accuracy > 0.8) for record in records]
    [(1, 39, True), (2, 78, True)]
    """
    records = fit_epochs(
        net,
        x,
        t,
        validation=validation,
        sample_weight=sample_weight,
        optimizer=optimizer,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
        gradient=gradient,
        patience=patience,
        state=state,
    )
    return list(with_bar(records) if progress else records)


def fit_epochs(
    net: TwoLayerNet[Score],
    x: Array,
    t: Array,
    *,
    validation: float | tuple[Array, Array] | None = None,
    sample_weight: Array | None = None,
    optimizer: Optimizer | None = None,
    batch_size: int = 100,
    epochs: int | None = None,
    seed: int | None = None,
    gradient: str = "backpropagation",
    patience: int | None = None,
    state: TrainingState | None = None,
) -> Iterator[Record[Score]]:
    """Return an iterator that trains `net` one epoch for each record it yields: `fit` for those who look in between.

    Nothing is trained before the first record is asked for, and nothing more after a ``break``. Arguments are those
    of `fit`, and checked at once.

    Examples
    --------
    >>> import xpnet
    >>> data = xpnet.load_digits()
    >>> net = xpnet.TwoLayerNet(64, 50, 10, init="xavier")
    >>> for record in xpnet.fit_epochs(net, *data.train, validation=0.2, optimizer=xpnet.Adam(0.01)):
    ...     if record.validation_accuracy > 0.9:
    ...         break
    >>> record.epoch
    2
    """
    optimizer = optimizer or SGD()
    check_count(batch_size, "batch_size")
    check_choice(gradient, "gradient", GRADIENTS)
    if epochs is not None:
        check_count(epochs, "epochs")
    if seed is None:
        seed = 0 if state is None else state.seed
    check_count(seed, "seed", minimum=0)
    if patience is not None:
        check_count(patience, "patience")
        if validation is None or net.members is not None:
            need = "a validation set to watch" if validation is None else "a network without members"
            raise ValueError(f"patience={patience} needs {need}: give validation=0.2, say, or leave patience out")
    optimizer.prepare(net.params, members=net.members is not None, xp=net.device.namespace)
    check_split(net, x, t, sample_weight)
    parts, held = _parts(net, x, t, sample_weight, validation, seed)

    done = 0 if state is None else state.epoch
    samples = int(parts[0].shape[0])
    epochs = default_epochs(samples, batch_size) if epochs is None else epochs
    if state is not None:
        if state.seed != seed:
            raise ValueError(f"seed must be that of the state, {state.seed}, got {seed}: leave it out")
        if done >= epochs:
            raise ValueError(f"epochs must be more than the {done} of the state, got {epochs}: it has them already")
        params, slots = restored(state, net, optimizer)
        net.params.update(params)
    else:
        slots = optimizer.initial_state(net.params)
    job = _Job(optimizer, GRADIENTS[gradient], batch_size, done, epochs, seed, patience)
    with net.device.current():
        train = Split.of(net, *parts)
        test = None if held is None else Split.of(net, *held, None)
    return _records(net, train, test, job, slots, None if state is None else state.best)


def default_epochs(samples: int, batch_size: int) -> int:
    """Return the number of epochs that hold the chapter's 10,000 mini-batches: 17 for MNIST.

    Examples
    --------
    >>> from xpnet.training import default_epochs
    >>> default_epochs(60_000, 100), default_epochs(3823, 100)
    (17, 257)
    """
    return math.ceil(ITERATIONS / math.ceil(samples / batch_size))


Differentiate: TypeAlias = Callable[[TwoLayerNet[Any], Array, Targets, Namespace], tuple[Array, Params]]
"""Gives the outputs of a batch, and the gradients of the sum of its losses."""


class _Job(NamedTuple):
    """How to train, whatever is trained."""

    optimizer: Optimizer
    differentiate: Differentiate
    batch_size: int
    done: int
    epochs: int
    seed: int
    patience: int | None


def _parts(
    net: TwoLayerNet[Any],
    x: Array,
    t: Array,
    sample_weight: Array | None,
    validation: Any,
    seed: int,
) -> tuple[tuple[Array, Array, Array | None], tuple[Array, Array] | None]:
    """Return what to train on and what to validate on, still where it came from."""
    if validation is None:
        return (x, t, sample_weight), None
    if isinstance(validation, tuple | list) and len(validation) == 2:
        try:
            check_split(net, validation[0], validation[1], None)
        except (TypeError, ValueError) as error:
            raise type(error)(f"validation: {error}") from None
        return (x, t, sample_weight), (validation[0], validation[1])
    if isinstance(validation, bool) or not isinstance(validation, int | float) or not 0 < validation < 1:
        raise ValueError(
            f"validation must be a fraction in (0, 1), a pair (x, t) or None, got {type(validation).__name__} "
            f"{validation if isinstance(validation, int | float) else ''}".rstrip()
        )
    kept, held = held_back(net, t, validation, seed)

    def rows(array: Array, indices: Any, axis: int = 0) -> Array:
        xp = namespace_of(array=array)
        return xp.take(array, xp.asarray(indices, device=device(array)), axis=axis)

    weight = None if sample_weight is None else rows(sample_weight, kept, -1)
    return (rows(x, kept), rows(t, kept), weight), (rows(x, held), rows(t, held))


def _records(
    net: TwoLayerNet[Score],
    train: Split,
    validation: Split | None,
    job: _Job,
    slots: OptimizerState,
    best: Best | None,
) -> Iterator[Record[Score]]:
    start, samples = time.perf_counter(), train.x.shape[0]
    with net.device.current():
        rule = job.optimizer.prepare(net.params, members=net.members is not None, xp=train.xp)
        kept = copied(net.params)
    for epoch in range(job.done + 1, job.epochs + 1):
        first_step, epoch_start = slots.step, time.perf_counter()
        with net.device.current(), _whole_or_undone(net, kept):
            batch_losses, *parts = _read_at_once(
                [
                    _train_epoch(net, train, epoch, job._replace(optimizer=rule), slots),
                    *(scores(net, split) for split in (train, validation) if split is not None),
                ],
                xp=train.xp,
            )
            losses = np.concatenate([batch_losses, *(part[:1] for part in parts)])
            if not np.isfinite(losses).all():
                raise _non_finite(losses, first_step, slots.step, job.optimizer)
            kept = copied(net.params)
            slots_kept = {name: copied(arrays) for name, arrays in slots.slots.items()}
        trained, *validated = (read_evaluation(net, part) for part in parts)
        if validated and net.members is None and (best is None or parts[1][0] < best.loss):
            best = Best(epoch, float(parts[1][0]), kept)
        yield Record(
            step=slots.step,
            epoch=epoch,
            epochs=job.epochs,
            train=trained,
            validation=validated[0] if validated else None,
            seconds=time.perf_counter() - start,
            samples_per_second=samples / (time.perf_counter() - epoch_start),
            batch_losses=batch_losses,
            state=TrainingState(kept, OptimizerState(slots.step, slots_kept), epoch, job.seed, best),
        )
        if job.patience is not None and best is not None and epoch - best.epoch >= job.patience:
            break
    if job.patience is not None and best is not None:
        with net.device.current():
            net.params.update(copied(best.params))


@contextmanager
def _whole_or_undone(net: TwoLayerNet[Any], before: Params) -> Iterator[None]:
    """Give `net` its parameters back if the epoch does not end: it diverges, or is interrupted."""
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # Seen in the losses, all at once.
            yield
    except BaseException:
        net.params.update(copied(before))
        raise


def _train_epoch(net: TwoLayerNet[Any], train: Split, epoch: int, job: _Job, slots: OptimizerState) -> Array:
    """Do one step for each mini-batch; return the losses before each, still on the device."""
    xp, members = train.xp, net.members is not None
    order = net.device.asarray(epoch_order(train.x.shape[0], seed=job.seed, epoch=epoch))
    losses = []
    for block in blocks(train, order, job.batch_size, net.loss_function, members=members, outputs=net.output_size):
        outputs = []
        for x, targets in block.batches():
            y, gradients = job.differentiate(net, x, targets, xp)
            job.optimizer.apply(net.params, gradients, slots, members=members, xp=xp)
            outputs.append(y)
        # The loss values are for the record alone, so that a whole block's can be computed at once.
        terms = net.loss_function._terms(xp.stack(outputs), block.targets, xp=xp)
        losses.append(xp.sum(terms.losses(), axis=-1))
    return xp.concat(losses)


def _backpropagation(net: TwoLayerNet[Any], x: Array, targets: Targets, xp: Namespace) -> tuple[Array, Params]:
    hidden, values, outputs = forward(net.params, x, activation=net.activation, xp=xp)
    slopes = net.loss_function._terms(outputs, targets, xp=xp).gradient()
    return outputs, backward(net.params, x, hidden, values, slopes, activation=net.activation, xp=xp)


def _numerical(net: TwoLayerNet[Any], x: Array, targets: Targets, xp: Namespace) -> tuple[Array, Params]:
    outputs = forward(net.params, x, activation=net.activation, xp=xp).outputs
    result = structured_gradient(net.params, x, targets, activation=net.activation, loss=net.loss_function, xp=xp)
    return outputs, result.gradients


GRADIENTS: dict[str, Differentiate] = {"backpropagation": _backpropagation, "numerical": _numerical}
"""How a step gets its gradient, by name."""


def _read_at_once(arrays: list[Array], *, xp: Namespace) -> list[Any]:
    """Return arrays as they are on the host, from a single transfer."""
    host = to_host(xp.concat([xp.reshape(array, (-1,)) for array in arrays]))
    ends = np.cumsum([math.prod(array.shape) for array in arrays])
    parts = np.split(host, ends[:-1])
    return [part.reshape(array.shape) for part, array in zip(parts, arrays, strict=True)]


def _non_finite(
    losses: np.ndarray[Any, Any], first_step: int, last_step: int, optimizer: Optimizer
) -> NonFiniteLossError:
    """Name the step that led to the first of the `losses`, shape (steps,) or (steps, M), that is not finite."""
    bad = np.argwhere(~np.isfinite(losses))[0]
    step = min(first_step + int(bad[0]), last_step)
    rate = optimizer.rate(max(0, step - 1))
    rate = rate[bad[-1]] if isinstance(rate, tuple) else rate
    member = f" of member {bad[1]}" if len(bad) > 1 else ""
    return NonFiniteLossError(
        f"the loss{member} became {losses[tuple(bad)]} after step {step} with "
        f"learning_rate={rate:g}: lower the learning rate, or clip gradients; "
        "the network holds the parameters of the last record"
    )
