"""`fit`: every argument checked, the data brought to the device, and then the loop."""

import math
from collections.abc import Iterator, Sequence
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xpnet._checks import check_choice, check_count, check_members, check_switch
from xpnet._typing import Array
from xpnet.network import Score, TwoLayerNet
from xpnet.optimizers import SGD, Optimizer
from xpnet.training.inputs import taken
from xpnet.training.loop import Job, train_epochs
from xpnet.training.members import train_members
from xpnet.training.parallel import Processes
from xpnet.training.progress import with_bar
from xpnet.training.record import Record, Records
from xpnet.training.sharding import Sharding
from xpnet.training.splits import Shards, check_split, held_back
from xpnet.training.state import TrainingState, copied, restored
from xpnet.training.step import GRADIENTS
from xpnet.training.threads import AUTO, check_threads

ITERATIONS = 10_000
"""The chapter's number of steps, which the default number of epochs rounds up."""

Validation: TypeAlias = float | tuple[Array, Array] | None


def fit(
    net: TwoLayerNet[Score],
    x: Array,
    t: Array,
    *,
    validation: Validation = None,
    sample_weight: Array | None = None,
    optimizer: Optimizer | None = None,
    batch_size: int = 100,
    epochs: int | None = None,
    seed: int | Sequence[int] | None = None,
    gradient: str = "backpropagation",
    patience: int | None = None,
    stream: bool | None = None,
    threads: int | str = AUTO,
    state: TrainingState | None = None,
    shards: int = 1,
    processes: Processes | None = None,
    progress: bool = False,
) -> Records[Score]:
    """Train `net` in place and return a record of every epoch.

    Every epoch is a permutation of the training set, drawn on the host from (seed, epoch), and cut into mini-batches;
    the last one may be short. The data are moved to the device of the network once, unless they are streamed.

    Parameters
    ----------
    net : TwoLayerNet
        Changed in place.
    x : array, shape (n, D)
        Features, on the host or on the network's device; ``numpy.load(path, mmap_mode="r")`` of a file of any size.
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
        Same seed, same mini-batches, on every device. Or a sequence, one for each member: those that share one see the
        same mini-batches and hold back the same samples. By default 0, or what `state` has.
    gradient : {"backpropagation", "numerical"}
        How each step gets its gradient; "numerical" is `TwoLayerNet.numerical_gradient`, some hundred times slower.
    patience : int, optional
        Stop when the validation loss has not fallen for so many epochs; at the end the network gets the parameters of
        the epoch where it was lowest. Each member by itself: one that has stopped is frozen while others go on.
    stream : bool, optional
        Whether data on the host stay there, and the next mini-batches are brought to the device while those before
        them are trained on: the same numbers, bit for bit. By default where the features lie in a mapped file, of
        which no more than a part is then ever in memory, or would take half of the device's memory or more.
    threads : int or "auto"
        Of NumPy's matrix products; "auto" takes one or all the caller allows, whichever is faster (see
        `xpnet.training.threads`).
    state : TrainingState, optional
        Go on from ``record.state`` of an earlier call with the same arguments: 2 epochs and 2 more equal 4, to the bit
        on one device. The network gets the parameters of the state.
    shards : int
        Cut every mini-batch into so many parts, and add up their gradients: what several processes can do together. The
        result depends on it, and not on the number of processes.
    processes : Processes, optional
        ``xpnet.training.MPIProcesses()``, where ``mpiexec`` started several: each calls `fit` with the same arguments,
        holds the samples of some of the shards, and ends with the same network and records. By default this one alone.
    progress : bool
        Show a bar, on a terminal or in a notebook.

    Returns
    -------
    list of Record
        One for each epoch that this call trained; a notebook shows them as a table. Each holds a copy of the
        parameters, and of what the optimizer remembers, in its `state`: for very many epochs of a large network take
        `fit_epochs`.

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
        stream=stream,
        threads=threads,
        state=state,
        shards=shards,
        processes=processes,
    )
    first = processes is None or processes.rank == 0
    return Records(with_bar(records) if progress and first else records)


def fit_epochs(
    net: TwoLayerNet[Score],
    x: Array,
    t: Array,
    *,
    validation: Validation = None,
    sample_weight: Array | None = None,
    optimizer: Optimizer | None = None,
    batch_size: int = 100,
    epochs: int | None = None,
    seed: int | Sequence[int] | None = None,
    gradient: str = "backpropagation",
    patience: int | None = None,
    stream: bool | None = None,
    threads: int | str = AUTO,
    state: TrainingState | None = None,
    every: int = 1,
    rows: NDArray[np.integer[Any]] | None = None,
    shards: int = 1,
    processes: Processes | None = None,
) -> Iterator[Record[Score]]:
    """Return an iterator that trains `net` one epoch for each record it yields: `fit` for those who look in between.

    Nothing is trained before the first record is asked for, and nothing more after a ``break``. Arguments are those
    of `fit`, and checked at once; with `every`, there is a record only after so many epochs and after the last, and the
    time that it takes to evaluate small data is saved. With `rows`, integers of shape (M, n), each member has n samples
    of its own: those of `x` at its row, of which a fraction of `validation` is held back.

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
    optimizer = SGD() if optimizer is None else optimizer
    seed = _checked_seed(seed, net.members, state)
    _check_options(optimizer, batch_size, epochs, gradient, patience, stream)
    check_count(every, "every")
    check_threads(threads, "threads")
    if patience is not None and validation is None:
        raise ValueError(
            f"patience={patience} needs a validation set to watch: give validation=0.2, say, or leave patience out"
        )
    check_split(net, x, t, sample_weight)
    fraction, pair = _read_validation(net, validation)
    _check_rows(rows, net.members, int(x.shape[0]), shards)
    kept, held = rows, None
    if fraction is not None:
        (kept, held), pair = _held_back(net, t, fraction, seed, rows), (x, t)
    samples = int(x.shape[0] if kept is None else kept.shape[-1])
    sharding = _checked_sharding(shards, processes, batch_size, samples, pair, held)
    epochs = default_epochs(samples, batch_size) if epochs is None else epochs
    if state is not None and state.epoch >= epochs:
        raise ValueError(f"epochs must be more than the {state.epoch} of the state, got {epochs}: it has them already")
    with net.device.current():
        optimizer.prepare(net.params, members=net.members is not None, xp=net.device.namespace)
        if state is None:
            state = TrainingState(copied(net.params), optimizer.initial_state(net.params), 0, seed)
        else:
            state = restored(state, net, optimizer)
        train = Shards.of(net, x, t, sample_weight, sharding=sharding, rows=kept, batch_size=batch_size, stream=stream)
        test = None if pair is None else Shards.of(net, *pair, sharding=sharding, rows=held, stream=stream)
        net.params.update(copied(state.params))
    job = Job(train, test, optimizer, GRADIENTS[gradient], batch_size, epochs, patience, threads, every)
    return train_epochs(net, job, state) if net.members is None else train_members(net, job, state)


def _checked_sharding(
    shards: Any,
    processes: Any,
    batch_size: int,
    samples: int,
    validation: tuple[Array, Array] | None,
    held: NDArray[Any] | None,
) -> Sharding:
    if not isinstance(processes, Processes | None):
        raise TypeError(f"processes must be Processes such as MPIProcesses(), got {processes!r}: make them")
    limits = {"batch_size": batch_size, "number of samples": samples}
    if validation is not None:
        limits["number of validation samples"] = int(validation[0].shape[0] if held is None else held.shape[-1])
    sharding = Sharding(shards, processes or Processes())
    sharding.check(limits)
    if held is not None and held.ndim > 1 and shards > 1:
        raise ValueError(
            f"shards={shards} needs the same samples for all members, whose seeds hold back others: "
            "give one seed, or a set (x, t) to validate on"
        )
    return sharding


def default_epochs(samples: int, batch_size: int) -> int:
    """Return the number of epochs that hold the chapter's 10,000 mini-batches: 17 for MNIST.

    Examples
    --------
    >>> from xpnet.training import default_epochs
    >>> default_epochs(60_000, 100), default_epochs(3823, 100)
    (17, 257)
    """
    check_count(samples, "samples")
    check_count(batch_size, "batch_size")
    return math.ceil(ITERATIONS / math.ceil(samples / batch_size))


def _check_options(optimizer: Any, batch_size: Any, epochs: Any, gradient: Any, patience: Any, stream: Any) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"optimizer must be an Optimizer such as xpnet.Adam(0.001), got {optimizer!r} of type "
            f"{type(optimizer).__name__}: make one"
        )
    check_count(batch_size, "batch_size")
    check_choice(gradient, "gradient", GRADIENTS)
    for name, value in (("epochs", epochs), ("patience", patience)):
        if value is not None:
            check_count(value, name)
    if stream is not None:
        check_switch(stream, "stream")


def _check_rows(rows: Any, members: int | None, samples: int, shards: int) -> None:
    if rows is None:
        return
    fits = isinstance(rows, np.ndarray) and rows.dtype.kind in "iu" and rows.ndim == 2 and rows.size > 0
    if not fits or len(rows) != members or rows.min() < 0 or rows.max() >= samples:
        raise ValueError(
            f"rows must be a NumPy array of integers from 0 to {samples - 1}, shape (members, n), for {members} members"
        )
    if shards > 1:
        raise ValueError(f"shards={shards} needs the same samples for all members: leave rows or shards out")


def _held_back(
    net: TwoLayerNet[Any], t: Array, fraction: float, seed: int | tuple[int, ...], rows: NDArray[Any] | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return which samples train and which validate, (n,), or (M, n) if members have seeds or rows of their own."""
    seeds = seed if isinstance(seed, tuple) else (seed,)
    if rows is not None:
        seeds = seeds * len(rows) if len(seeds) == 1 else seeds
        places = [held_back(net, taken(t, own, axis=0), fraction, one) for own, one in zip(rows, seeds, strict=True)]
        kept, held = (np.stack([own[two[part]] for own, two in zip(rows, places, strict=True)]) for part in (0, 1))
        return kept, held
    parts = {one: held_back(net, t, fraction, one) for one in seeds}
    if len(parts) == 1:
        return parts[seeds[0]]
    kept, held = (np.stack([parts[one][part] for one in seeds]) for part in (0, 1))
    return kept, held


def _checked_seed(seed: Any, members: int | None, state: TrainingState | None) -> int | tuple[int, ...]:
    if state is not None and not isinstance(state, TrainingState):
        raise TypeError(f"state must be a TrainingState, got a {type(state).__name__}: pass record.state")
    if seed is None:
        return 0 if state is None else state.seed
    if isinstance(seed, Sequence) and not isinstance(seed, str):
        check_members(len(seed), "seed", members)
        seed = tuple(seed)
    for one in seed if isinstance(seed, tuple) else (seed,):
        check_count(one, "seed", minimum=0)
    if state is not None and state.seed != seed:
        raise ValueError(f"seed must be that of the state, {state.seed}, got {seed}: leave it out")
    checked: int | tuple[int, ...] = seed
    return checked


def _read_validation(
    net: TwoLayerNet[Any], validation: Any
) -> tuple[float, None] | tuple[None, tuple[Array, Array] | None]:
    """Return the part of the data that is to be held back, or the pair of arrays that is given."""
    if validation is None:
        return None, None
    if isinstance(validation, tuple | list) and len(validation) == 2:
        x, t = validation
        try:
            check_split(net, x, t)
        except (TypeError, ValueError) as error:
            raise type(error)(f"validation: {error}") from None
        return None, (x, t)
    expected = "validation must be a fraction in (0, 1), a pair (x, t) or None"
    if isinstance(validation, bool) or not isinstance(validation, Real):
        raise TypeError(f"{expected}, got one of type {type(validation).__name__}: give validation=0.2, say")
    if not 0 < float(validation) < 1:
        raise ValueError(f"{expected}, got {validation}: give validation=0.2, say")
    return float(validation), None
