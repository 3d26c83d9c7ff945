"""How good a network is on a whole data set, kept on its device."""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import is_array_api_obj

from xpnet._checks import namespace_of
from xpnet._typing import Array, Namespace
from xpnet.devices import to_host
from xpnet.losses.targets import IGNORE_INDEX, Targets, check_labels, check_shapes, divisor, is_labels, not_ignored
from xpnet.metrics import count_correct, labels_of
from xpnet.network import TwoLayerNet, forward

_ROWS = 8192
"""Samples that are evaluated at once, or fewer: as many as have hidden values of so many bytes."""
_HIDDEN_BYTES = 256 * 2**20


class Evaluation(NamedTuple):
    """The loss and the accuracy (None where there are no classes): numbers, or lists of one for each member."""

    loss: float | list[float]
    accuracy: float | list[float] | None


def evaluate(net: TwoLayerNet, x: Array, t: Array, **options: Any) -> Evaluation:
    """Return the loss and accuracy of `net` on a whole data set, in pieces that fit any memory.

    Arrays may be on the host or on the network's device; `options` are those of the loss.

    Examples
    --------
    >>> import xpnet
    >>> data = xpnet.load_digits()
    >>> loss, accuracy = xpnet.evaluate(xpnet.TwoLayerNet(64, 50, 10), data.x_test, data.t_test)
    >>> round(loss, 1)
    2.3
    """
    return evaluate_split(net, Split.of(net, x, t, "evaluate", options))


class Split(NamedTuple):
    """A data set on the device, its targets ready for the loss."""

    x: Array
    targets: Targets
    labels: Array | None
    """Shape (N,), -1 where ignored."""
    counted: int
    """The number of samples that are not ignored."""
    xp: Namespace

    @classmethod
    def of(cls, net: TwoLayerNet, x: Array, t: Array, name: str, options: Mapping[str, Any]) -> "Split":
        x, t = net.device.asarray(x, net.dtype), net.device.asarray(t)
        xp = namespace_of(x=x, t=t)
        if x.ndim != 2 or x.shape[1] != net.input_size or x.shape[0] == 0:
            raise ValueError(
                f"x_{name} must have shape (samples, {net.input_size}), got {tuple(x.shape)}: "
                "reshape it, or make a network for its number of features"
            )
        like = xp.zeros((1, net.output_size), dtype=x.dtype, device=net.device.handle)
        classification = net.loss_function.classification
        has_labels = classification and is_labels(like, t, xp=xp)
        check_shapes(xp.broadcast_to(like, (x.shape[0], net.output_size)), t, labels=has_labels)
        ignore_index = options.get("ignore_index", IGNORE_INDEX)
        if has_labels:
            check_labels(t, f"t_{name}", net.output_size, ignore_index)
        options = {
            key: net.device.asarray(value) if is_array_api_obj(value) and value.ndim else value
            for key, value in options.items()
        }
        targets = net.loss_function.prepare(like, t, xp=xp, **options)
        labels, counted = None, x.shape[0]
        if classification and not has_labels:
            labels = labels_of(like, t, xp=xp)
        elif has_labels:
            counts = not_ignored(t, ignore_index, xp=xp)
            labels = xp.where(counts, xp.astype(t, xp.int32), -1)
            counted = max(1, int(np.count_nonzero(to_host(counts))))
        return cls(x, targets, labels, counted, xp)


def evaluate_split(net: TwoLayerNet, split: Split) -> Evaluation:
    """Return the loss and accuracy on a split: `evaluate` for data that are on the device already."""
    xp, rows = split.xp, split.x.shape[0]
    losses, correct = [], []
    sample_bytes = (net.members or 1) * net.hidden_size * xp.finfo(split.x.dtype).bits // 8
    at_once = max(1, min(_ROWS, _HIDDEN_BYTES // sample_bytes))
    for start in range(0, rows, at_once):
        piece = slice(start, min(start + at_once, rows))
        outputs, _ = forward(net.params, split.x[piece, :], activation=net.activation, xp=xp)
        targets = split.targets.map(itemgetter((piece, ...)))
        losses.append(xp.sum(net.loss_function.losses(outputs, targets, xp=xp), axis=-1))
        if split.labels is not None:
            correct.append(count_correct(outputs, split.labels[piece], xp=xp))
    loss = to_host(sum(losses) / divisor(split.targets, xp=xp)).tolist()
    return Evaluation(loss, to_host(sum(correct) / split.counted).tolist() if correct else None)
