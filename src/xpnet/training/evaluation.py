"""How good a network is on a whole data set."""

from contextlib import closing
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np

from xpnet._typing import Array, Namespace
from xpnet.devices import to_host
from xpnet.losses.targets import divisor, is_counted
from xpnet.losses.tasks import Probabilistic
from xpnet.metrics import count_correct
from xpnet.network import Score, TwoLayerNet, forward
from xpnet.training.sharding import Sharding
from xpnet.training.splits import Piece, Shards, Split, check_split


@dataclass(frozen=True)
class Evaluation(Generic[Score]):
    """The loss and the metrics of a data set: numbers, or lists of one for each member.

    For classes, the accuracy; of several labels, all must be right. For numbers, the root mean squared error, the mean
    absolute error and the coefficient of determination R², each the mean over the outputs.
    """

    loss: Score
    metrics: dict[str, Score]

    @property
    def accuracy(self) -> Score:
        """Fraction in [0, 1]."""
        return self._metric("accuracy")

    @property
    def rmse(self) -> Score:
        """Root mean squared error, in the unit of the targets."""
        return self._metric("rmse")

    @property
    def mae(self) -> Score:
        """Mean absolute error, in the unit of the targets."""
        return self._metric("mae")

    @property
    def r2(self) -> Score:
        """1 for perfect predictions, 0 for those of the targets' mean."""
        return self._metric("r2")

    def _metric(self, name: str) -> Score:
        if name not in self.metrics:
            raise ValueError(f"this network's loss gives no {name}, but {', '.join(self.metrics)}: use one of these")
        return self.metrics[name]


def evaluate(net: TwoLayerNet[Score], x: Array, t: Array, *, sample_weight: Array | None = None) -> Evaluation[Score]:
    """Return the loss and the metrics of `net` on a whole data set, in pieces that fit any memory.

    Parameters
    ----------
    net : TwoLayerNet
        The network.
    x, t : array, shape (n, D), and (n,) labels or (n, C)
        On the host or on the network's device; a mapped file is read piece by piece.
    sample_weight : array, shape (n,), optional
        Weights of the samples in the loss; the metrics count every sample alike.

    Raises
    ------
    TypeError, ValueError
        If an array does not fit the network.

    Examples
    --------
    >>> import xpnet
    >>> data = xpnet.load_digits()
    >>> result = xpnet.evaluate(xpnet.TwoLayerNet(64, 50, 10), *data.test)
    >>> round(result.loss, 1), result.accuracy < 0.2
    (2.3, True)
    """
    with net.device.current(), np.errstate(over="ignore"):  # A sigmoid's exponential may, on its way to 0.
        check_split(net, x, t, sample_weight)
        shards = Shards.of(net, x, t, sample_weight, sharding=Sharding())
        return read_evaluation(net, to_host(scores(net, shards)))


def scores(net: TwoLayerNet[Any], shards: Shards) -> Array:
    """Return the loss and the metrics on all shards, still on the device, shape (1 + metrics,) or (1 + metrics, M)."""
    xp = net.device.namespace
    columns = zip(*(_sums(net, split, xp=xp) for split in shards.splits), strict=True)
    loss, norm, *measures = (shards.sharding.sum(column) for column in columns)
    loss = loss / divisor(norm[..., None], xp=xp)
    if isinstance(net.loss_function.task, Probabilistic):
        correct, counted = measures
        metrics = [correct / xp.maximum(counted, xp.ones_like(counted))]
    else:
        metrics = _regression(measures[0], measures[1], shards, xp=xp)
    return xp.stack([loss, *(xp.broadcast_to(metric, loss.shape) for metric in metrics)])


def read_evaluation(net: TwoLayerNet[Score], scores: Any) -> Evaluation[Score]:
    """Return what `scores` gave, once it is on the host."""
    loss, *metrics = scores.tolist()
    return Evaluation(loss, dict(zip(net.loss_function.task.metrics, metrics, strict=True)))


def _sums(net: TwoLayerNet[Any], split: Split, *, xp: Namespace) -> list[Array]:
    """Return what a split adds to loss and norm, and to correct and counted, or to squared and absolute errors."""
    parts, slices = [], list(net.pieces(split.samples, own_inputs=split.rows is not None))
    with closing(split.pieces(slices)) as pieces:
        for piece in pieces:
            outputs = forward(net.params, piece.x, activation=net.activation, xp=xp).outputs
            parts.append(_sums_of_piece(net, piece, outputs, xp=xp))
    return [sum(column[1:], start=column[0]) for column in zip(*parts, strict=True)]


def _sums_of_piece(net: TwoLayerNet[Any], piece: Piece, outputs: Array, *, xp: Namespace) -> tuple[Array, ...]:
    """Return what a piece adds to loss and norm, and to correct and counted, or to squared and absolute errors."""
    loss, shape = net.loss_function, (*piece.x.shape[:-1], net.output_size)
    targets, norms = loss.prepare(piece.t, shape, outputs.dtype, sample_weight=piece.sample_weight, xp=xp)
    total = xp.sum(loss._terms(outputs, targets, xp=xp).losses(), axis=-1), xp.sum(norms, axis=-1)
    task = loss.task
    if not isinstance(task, Probabilistic):
        error = task.mean(outputs) - piece.t
        return *total, xp.sum(error * error, axis=-2), xp.sum(xp.abs(error), axis=-2)
    if piece.t.ndim == piece.x.ndim or loss.ignored_label is None:
        labels = task.labels(piece.t, xp=xp) if piece.t.ndim == piece.x.ndim else piece.t
        return *total, count_correct(outputs, labels, task, xp=xp), xp.ones_like(norms[..., 0]) * shape[-2]
    counted = is_counted(piece.t, loss.ignored_label, xp=xp)
    labels = xp.where(counted, xp.astype(piece.t, xp.int32), -1)
    return *total, count_correct(outputs, labels, task, xp=xp), xp.sum(xp.astype(counted, outputs.dtype), axis=-1)


def _regression(squares: Array, absolutes: Array, shards: Shards, *, xp: Namespace) -> list[Array]:
    """Return RMSE, MAE and R² from the sums of errors of each output, shape (..., C)."""
    ts = [split.targets for split in shards.splits]
    samples, total = shards.samples, shards.sharding.sum
    mean = total([xp.sum(t, axis=-2) for t in ts]) / samples
    spread = total([xp.sum((t - mean[..., None, :]) ** 2, axis=-2) for t in ts])
    spread = xp.broadcast_to(spread, squares.shape)
    # Where the targets do not vary there is nothing to explain: 1 for no error, else 0.
    ratio = squares / xp.where(spread == 0, xp.ones_like(spread), spread)
    ratio = xp.where(spread == 0, xp.astype(squares != 0, squares.dtype), ratio)
    return [
        xp.mean(xp.sqrt(squares / samples), axis=-1),
        xp.mean(absolutes / samples, axis=-1),
        xp.mean(1 - ratio, axis=-1),
    ]
