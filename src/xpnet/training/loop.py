"""The training loop: mini-batch descent over shuffled epochs, as a generator of records."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

import numpy as np
from array_api_compat import is_array_api_obj

from xpnet._checks import check_choice, check_count, check_positive
from xpnet._typing import Array, Namespace, Params
from xpnet.devices import to_host
from xpnet.losses.targets import Targets, divisor
from xpnet.network import TwoLayerNet, backward, forward
from xpnet.network.differences import structured_gradient
from xpnet.optimizers import SGD, Optimizer, OptimizerState, clip_gradient_norm
from xpnet.training.batches import epoch_order
from xpnet.training.evaluation import Split, evaluate_split

ITERATIONS = 10_000
"""The chapter's number of steps, which the default number of epochs rounds up."""

_BLOCK_BYTES = 4 * 2**20


class Data(Protocol):
    """What `fit` needs of a data set; `xpnet.datasets.Dataset` is one."""

    @property
    def x_train(self) -> Array: ...
    @property
    def t_train(self) -> Array: ...
    @property
    def x_test(self) -> Array: ...
    @property
    def t_test(self) -> Array: ...


class NonFiniteLossError(ArithmeticError):
    """The loss became NaN or infinite; the network holds the parameters of the last record again."""


@dataclass(frozen=True)
class Record:
    """What is known after an epoch; with members, losses and accuracies are lists of one number for each."""

    step: int
    """Mini-batches so far."""
    epoch: int
    train_loss: float | list[float]
    train_accuracy: float | list[float] | None
    """Fraction in [0, 1]; None for a network that predicts numbers."""
    test_loss: float | list[float]
    test_accuracy: float | list[float] | None
    seconds: float
    """Since the start, evaluation included."""
    samples_per_second: float
    """Of this epoch's training, evaluation not included."""
    batch_losses: np.ndarray[Any, Any]
    """The loss of every mini-batch of this epoch, before its step; shape (steps,) or (steps, M)."""

    def as_dict(self) -> dict[str, Any]:
        """Return all but `batch_losses`: a line of ``metrics.jsonl``."""
        return {name: value for name, value in asdict(self).items() if name != "batch_losses"}


def fit(
    net: TwoLayerNet,
    data: Data,
    *,
    optimizer: Optimizer | None = None,
    batch_size: int = 100,
    epochs: int | None = None,
    seed: int = 0,
    gradient: str = "backpropagation",
    max_gradient_norm: float | None = None,
    loss_options: Mapping[str, Any] | None = None,
) -> Iterator[Record]:
    """Return an iterator that trains `net` in place, one epoch for each `Record` it yields.

    Every epoch is a permutation of the training set, drawn on the host from (seed, epoch), and cut into mini-batches;
    the last one may be short. The data are moved to the device of the network once. Nothing is read back from there
    within an epoch.

    Parameters
    ----------
    net : TwoLayerNet
        Changed in place.
    data : object with x_train, t_train, x_test, t_test
        Features (n, D), and labels (n,) or targets (n, C): arrays on the host, or on the network's device already.
    optimizer : Optimizer, optional
        The chapter's by default: ``SGD(learning_rate=0.1)``.
    batch_size : int
        Samples in a mini-batch.
    epochs : int, optional
        By default as many as hold 10,000 mini-batches.
    seed : int
        Same seed, same mini-batches, on every device.
    gradient : {"backpropagation", "numerical"}
        How each step gets its gradient; "numerical" is `TwoLayerNet.numerical_gradient`, some hundred times slower.
    max_gradient_norm : float, optional
        Scale longer gradients down to this norm.
    loss_options : mapping, optional
        Options of the loss, such as ``{"label_smoothing": 0.1}``; a sample_weight belongs to the training set.

    Returns
    -------
    iterator of Record
        Nothing is trained before the first is asked for.

    Raises
    ------
    NonFiniteLossError
        At the end of an epoch, if a loss in it, or of the network after it, is not finite.
    TypeError, ValueError
        If an argument, a shape or a label does not fit.

    Examples
    --------
    >>> import xpnet
    >>> data = xpnet.load_digits()
    >>> net = xpnet.TwoLayerNet(64, 50, 10, init="xavier")
    >>> for record in xpnet.fit(net, data, optimizer=xpnet.Adam(learning_rate=0.01), epochs=2):
    ...     print(record.epoch, record.step, record.test_accuracy > 0.8)
    1 39 True
    2 78 True
    """
    optimizer = optimizer or SGD()
    check_count(batch_size, "batch_size")
    check_choice(gradient, "gradient", GRADIENTS)
    if max_gradient_norm is not None:
        check_positive(max_gradient_norm, "max_gradient_norm")
    options = dict(loss_options or {})
    train = Split.of(net, data.x_train, data.t_train, "train", options)
    options.pop("sample_weight", None)
    test = Split.of(net, data.x_test, data.t_test, "test", options)
    if epochs is None:
        epochs = default_epochs(train.x.shape[0], batch_size)
    check_count(epochs, "epochs")

    rules = _Rules(optimizer, GRADIENTS[gradient], batch_size, max_gradient_norm, seed)
    return _records(net, train, test, rules, epochs)


def default_epochs(samples: int, batch_size: int) -> int:
    """Return the number of epochs that hold the chapter's 10,000 mini-batches: 17 for MNIST.

    Examples
    --------
    >>> from xpnet.training import default_epochs
    >>> default_epochs(60_000, 100), default_epochs(3823, 100)
    (17, 257)
    """
    return math.ceil(ITERATIONS / math.ceil(samples / batch_size))


class _Rules(NamedTuple):
    """How to train, whatever is trained."""

    optimizer: Optimizer
    differentiate: Callable[[TwoLayerNet, Array, Targets, Namespace], tuple[Array, Params]]
    batch_size: int
    max_norm: float | None
    seed: int


def _records(net: TwoLayerNet, train: Split, test: Split, rules: _Rules, epochs: int) -> Iterator[Record]:
    samples = train.x.shape[0]
    state = rules.optimizer.initial_state(net.params)
    start = time.perf_counter()
    for epoch in range(1, epochs + 1):
        first_step, epoch_start = state.step, time.perf_counter()
        order = net.device.asarray(epoch_order(samples, seed=rules.seed, epoch=epoch))
        with _whole_or_undone(net, xp=train.xp):
            batch_losses = to_host(_train_epoch(net, train, order, rules, state))
            epoch_seconds = time.perf_counter() - epoch_start
            train_loss, train_accuracy = evaluate_split(net, train)
            test_loss, test_accuracy = evaluate_split(net, test)
            losses = np.stack([*batch_losses, np.asarray(train_loss) + np.asarray(test_loss)])
            if not np.isfinite(losses).all():
                raise _non_finite(losses, first_step, rules.optimizer)
        yield Record(
            step=state.step,
            epoch=epoch,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            test_loss=test_loss,
            test_accuracy=test_accuracy,
            seconds=time.perf_counter() - start,
            samples_per_second=samples / epoch_seconds,
            batch_losses=batch_losses,
        )


@contextmanager
def _whole_or_undone(net: TwoLayerNet, *, xp: Namespace) -> Iterator[None]:
    """Give `net` its parameters back if the epoch does not end: it diverges, or is interrupted."""
    before = {name: xp.asarray(w, copy=True) for name, w in net.params.items()}
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # Seen in the losses, all at once.
            yield
    except BaseException:
        net.params.update(before)
        raise


def _train_epoch(net: TwoLayerNet, train: Split, order: Array, rules: _Rules, state: OptimizerState) -> Array:
    """Do one step for each mini-batch; return the losses before each, still on the device."""
    losses = []
    for x, targets in _mini_batches(train, order, rules.batch_size):
        loss, gradients = rules.differentiate(net, x, targets, train.xp)
        if rules.max_norm is not None:
            gradients = clip_gradient_norm(gradients, rules.max_norm, members=net.members is not None)
        rules.optimizer.apply(net.params, gradients, state, xp=train.xp)
        losses.append(loss)
    return train.xp.stack(losses)


def _backpropagation(net: TwoLayerNet, x: Array, targets: Targets, xp: Namespace) -> tuple[Array, Params]:
    """Return the loss of a batch whose targets are ready and divided for the mean, and its gradients."""
    outputs, hidden = forward(net.params, x, activation=net.activation, xp=xp)
    losses, slopes = net.loss_function.losses_and_gradients(outputs, targets, xp=xp)
    gradients = backward(net.params, x, hidden, slopes, activation=net.activation, xp=xp)
    return xp.sum(losses, axis=-1), gradients


def _numerical(net: TwoLayerNet, x: Array, targets: Targets, xp: Namespace) -> tuple[Array, Params]:
    """Return the same by differences of the loss alone."""
    outputs, _ = forward(net.params, x, activation=net.activation, xp=xp)
    loss = xp.sum(net.loss_function.losses(outputs, targets, xp=xp), axis=-1)
    result = structured_gradient(net.params, x, targets, activation=net.activation, loss=net.loss_function, xp=xp)
    return loss, result.gradients


GRADIENTS = {"backpropagation": _backpropagation, "numerical": _numerical}
"""How a step gets its gradient, by name."""


def _mini_batches(train: Split, order: Array, batch_size: int) -> Iterator[tuple[Array, Targets]]:
    """Yield the mini-batches of an epoch, their targets divided so that sums over them are means.

    Rows are gathered for a block of many mini-batches at once: few launches on a GPU, and on a CPU a piece of memory
    that is large enough for the C library to keep, where one allocated per step goes back to the system each time.
    """
    xp, rows = train.xp, order.shape[0]
    sample_bytes = train.x.shape[1] * xp.finfo(train.x.dtype).bits // 8
    block_rows = batch_size * max(1, _BLOCK_BYTES // (batch_size * sample_bytes))
    full = rows - rows % batch_size
    starts = [*range(0, full, block_rows), *([full] if full < rows else [])]
    for start, stop in zip(starts, [*starts[1:], rows], strict=True):
        size = min(batch_size, stop - start)

        def gather(array: Array, indices: Array = order[start:stop], size: int = size) -> Array:
            return xp.reshape(xp.take(array, indices, axis=0), (-1, size, *array.shape[1:]))

        x, targets = gather(train.x), train.targets.map(gather)
        total = xp.expand_dims(divisor(targets, xp=xp), axis=(-2, -1))
        targets = targets._replace(weights=targets.weights / total)
        for i in range(x.shape[0]):
            yield x[i, ...], targets.map(itemgetter((i, ...)))


def _non_finite(losses: np.ndarray[Any, Any], first_step: int, optimizer: Optimizer) -> NonFiniteLossError:
    """Name the step that led to the first of the `losses`, shape (steps,) or (steps, M), that is not finite."""
    bad = np.argwhere(~np.isfinite(losses))[0]
    step = first_step + int(bad[0])
    rate = optimizer.rate(max(0, step - 1))
    rate = to_host(rate)[bad[-1]] if is_array_api_obj(rate) else rate
    member = f" of member {bad[1]}" if len(bad) > 1 else ""
    return NonFiniteLossError(
        f"the loss{member} became {losses[tuple(bad)]} after step {step} with "
        f"learning_rate={rate:g}: lower the learning rate, or clip gradients; "
        "the network holds the parameters of the last record"
    )
