"""From data sets to mini-batches: what goes to the device, what is held back for validation, and in which order."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain, islice
from math import prod
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from xpnet._checks import check_count, check_real, namespace_of
from xpnet._random import generator
from xpnet._typing import Array, Namespace
from xpnet.datasets import Rows
from xpnet.devices import Device, ahead, to_host
from xpnet.losses.targets import Targets, check_sample_weight, check_targets, is_labels
from xpnet.losses.tasks import Probabilistic
from xpnet.network import TwoLayerNet
from xpnet.training.inputs import Inputs, Part, placed, taken_rows

_BLOCK_BYTES = 2**20
"""A block holds one mini-batch, or as many as keep its outputs below so many bytes."""


def epoch_order(n: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return a true permutation of ``0 .. n-1``, drawn on the host, that depends on `seed` and `epoch` alone.

    Cut into blocks of the batch size it gives the mini-batches; the last may be short.

    Examples
    --------
    >>> from xpnet.training import epoch_order
    >>> sorted(epoch_order(5, seed=0, epoch=1).tolist())
    [0, 1, 2, 3, 4]
    """
    check_count(n, "n")
    check_count(epoch, "epoch", minimum=0)
    return generator(seed, "epoch", epoch).permutation(n).astype(np.int64, copy=False)


class Piece(NamedTuple):
    """Some samples, all of them on the device."""

    x: Array
    """Shape (n, D), or (M, n, D) where each member has its own."""
    t: Array
    """Labels or values, with the same axes before the last."""
    sample_weight: Array | None
    """Shape (n,) or (M, n)."""


class Split(NamedTuple):
    """A data set for the network's device: targets and weights are there, inputs may be streamed to it."""

    inputs: Inputs
    t: Array
    """Labels (N,), or values (N, C)."""
    sample_weight: Array | None
    """Shape (N,) or (M, N)."""
    device: Device
    rows: NDArray[np.int64] | None = None
    """Which samples are those of each member, shape (M, n); None where all are every member's."""

    @property
    def xp(self) -> Namespace:
        """The namespace of the device."""
        return self.device.namespace

    @property
    def samples(self) -> int:
        """How many there are, for each member."""
        return self.inputs.samples if self.rows is None else self.rows.shape[-1]

    @classmethod
    def of(
        cls, net: TwoLayerNet[Any], x: Array, t: Array, sample_weight: Array | None = None, stream: bool | None = None
    ) -> Self:
        """Bring checked arrays to the device, wherever they are; the inputs as `placed` says."""
        move, loss = net.device.asarray, net.loss_function
        inputs = placed(x, net.device, net.dtype, stream=stream)
        t = move(t, None if loss.classification else net.dtype)
        return cls(inputs, t, None if sample_weight is None else move(sample_weight, net.dtype), net.device)

    def select(self, rows: NDArray[np.int64]) -> Self:
        """Return the samples at indices, shape (n,); or (M, n) for those of each member, which stay where they are."""
        if rows.ndim > 1:
            return self._replace(rows=rows)
        indices = self.device.asarray(rows)
        t = taken_rows(self.t, indices, xp=self.xp)
        return self._replace(inputs=self.inputs.select(rows), t=t, sample_weight=self.weight_at(indices))

    def first(self, samples: int) -> Self:
        """Return the first samples, of so many or of all."""
        rows = np.arange(self.inputs.samples) if self.rows is None else self.rows
        return self.select(rows[..., :samples])

    def of_members(self, members: Sequence[int]) -> Self:
        """Return the samples and weights of some of the members."""
        rows, weight = None if self.rows is None else self.rows[list(members)], self.sample_weight
        if weight is not None and weight.ndim > 1:
            weight = self.xp.take(weight, self.device.asarray(list(members)), axis=0)
        return self._replace(rows=rows, sample_weight=weight)

    def pieces(self, slices: Sequence[slice]) -> Generator[Piece, None, None]:
        """Yield the samples piece after piece."""
        parts: Sequence[Part] = slices if self.rows is None else [self.rows[:, part] for part in slices]
        with closing(self.inputs.pieces(parts)) as inputs:
            for part, x in zip(parts, inputs, strict=True):
                if isinstance(part, slice):
                    weight = None if self.sample_weight is None else self.sample_weight[..., part]
                    yield Piece(x, self.t[part, ...], weight)
                else:
                    indices = self.device.asarray(part)
                    yield Piece(x, taken_rows(self.t, indices, xp=self.xp), self.weight_at(indices))

    def weight_at(self, rows: Array) -> Array | None:
        """Return the weights of the samples at indices, whose last axis but one, if any, is that of the members."""
        xp, weight = self.xp, self.sample_weight
        if weight is not None and weight.ndim > 1:
            members, samples = weight.shape
            starts = xp.arange(members, dtype=rows.dtype, device=self.device.handle) * samples
            rows, weight = rows + starts[:, None], xp.reshape(weight, (-1,))
        return None if weight is None else taken_rows(weight, rows, xp=xp)


def check_split(net: TwoLayerNet[Any], x: Array, t: Array, sample_weight: Array | None = None) -> None:
    """Refuse arrays that do not fit the network, before anything is moved to its device."""
    for name, array in (("x", x), ("t", t), ("sample_weight", sample_weight)):
        if array is not None:
            _check_place(net, name, array)
    if x.ndim != 2 or x.shape[1] != net.input_size or x.shape[0] == 0:
        raise ValueError(
            f"x must have shape (samples, {net.input_size}), got {tuple(x.shape)}: "
            "reshape it, or make a network for its number of features"
        )
    check_real(x, "x", xp=namespace_of(x=x.table if isinstance(x, Rows) else x))
    loss, xp = net.loss_function, namespace_of(t=t)
    shape: tuple[int, ...] = (int(x.shape[0]), net.output_size)
    check_targets(shape, t, None, task=loss.task, ignore_index=loss.ignored_label, xp=xp)
    if sample_weight is not None:
        shape = shape if net.members is None else (net.members, *shape)
        check_sample_weight(shape, sample_weight, xp=namespace_of(sample_weight=sample_weight))


def _check_place(net: TwoLayerNet[Any], name: str, array: Array) -> None:
    if not isinstance(array, np.ndarray | Rows) and namespace_of(**{name: array}) is not net.device.namespace:
        raise TypeError(
            f"{name} must be a NumPy array, or one of the network's device {net.device}, got one of "
            f"{type(array).__module__.partition('.')[0]}: move it with xpnet.to_host"
        )


def held_back(net: TwoLayerNet[Any], t: Array, fraction: float, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Draw which samples train and which validate: a `fraction` of all, and as nearly as can be of every class.

    Both in rising order, since what is trained on is shuffled in every epoch.
    """
    samples = t.shape[0]
    count = round(fraction * samples)
    if not 0 < count < samples:
        raise ValueError(
            f"validation: {fraction:g} of {samples} samples leaves none to {'train on' if count else 'validate'}: "
            "take another fraction, or more samples"
        )
    order = generator(seed, "validation").permutation(samples)
    task = net.loss_function.task
    if isinstance(task, Probabilistic) and task.classification:
        xp = namespace_of(t=t)
        labels = to_host(t if is_labels(t, 2, xp=xp) else task.labels(t, xp=xp))[order]
        # Each sample gets its place among those of its class, as a number in (0, 1); the first of all go.
        by_class = np.argsort(labels, kind="stable")
        _, starts, sizes = np.unique(labels[by_class], return_index=True, return_counts=True)
        places = np.empty(samples)
        places[by_class] = (np.arange(samples) - np.repeat(starts, sizes) + 0.5) / np.repeat(sizes, sizes)
        order = order[np.argsort(places, kind="stable")]
    return np.sort(order[count:]), np.sort(order[:count])


class Block(NamedTuple):
    """Some mini-batches of one size."""

    inputs: Iterator[Array]
    """Those of each step, shape (size, D) or (M, size, D), good until the next is asked for."""
    targets: Targets
    """Shape (steps, size, C), with members (steps, 1 or M, size, C); their losses add up to a mini-batch's mean."""
    ones: Array
    """Shape (1, size)."""
    xp: Namespace

    def batches(self) -> Iterator[tuple[Array, Array, Targets]]:
        """Yield the inputs, the row of ones and the targets of each step."""
        values, weights = map(self.xp.unstack, self.targets)
        for x, *targets in zip(self.inputs, values, weights, strict=True):
            yield x, self.ones, Targets(*targets)


class Batches:
    """The mini-batches of every epoch.

    Targets are made ready for a block of many mini-batches at once, and inputs gathered for as many as stay in the
    cache of a CPU until they are used, on a GPU for all of the block: few launches.
    """

    def __init__(self, net: TwoLayerNet[Any], train: Split, batch_size: int) -> None:
        self._net, self._train = net, train
        self._size = min(batch_size, train.samples)
        width = self._size * np.dtype(net.dtype).itemsize
        self._steps = max(1, _BLOCK_BYTES // (width * (net.members or 1) * net.output_size))
        self._rows_at_once = self._size * max(1, train.inputs.gather_bytes // (width * net.input_size))
        self._ones = train.xp.ones((1, self._size), dtype=net.params["W1"].dtype, device=net.device.handle)

    @contextmanager
    def blocks(self, order: NDArray[np.int64]) -> Iterator[Iterator[Block]]:
        """Give the mini-batches of an epoch, from the order of all samples, shape (n,) or (M, n), block by block.

        The inputs of each block are to be used up.
        """
        groups = list(self._groups(order))
        ends = np.cumsum([group.size for group in groups]).tolist()
        parts = [self._parts(end - group.size, group.shape) for end, group in zip(ends, groups, strict=True)]
        by_step = np.concatenate([group.reshape(-1) for group in groups])
        indices = self._train.device.asarray(by_step)
        with closing(self._train.inputs.gathered(by_step, indices, list(chain(*parts)))) as gathered:
            blocks = (
                self._block(indices[end - group.size : end], group.shape, islice(gathered, len(own)))
                for end, group, own in zip(ends, groups, parts, strict=True)
            )
            yield ahead(blocks, xp=self._train.xp)

    def _groups(self, order: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Yield the samples of each block, shape (steps, size) or (steps, M, size)."""
        rows, block_rows = order.shape[-1], self._size * self._steps
        full = rows - rows % self._size
        starts = [*range(0, full, block_rows), *([full] if full < rows else [])]
        for start, stop in zip(starts, [*starts[1:], rows], strict=True):
            size = min(self._size, stop - start)
            yield np.moveaxis(order[..., start:stop].reshape(*order.shape[:-1], -1, size), -2, 0)

    def _parts(self, start: int, shape: tuple[int, ...]) -> list[slice]:
        """Return those parts of a block, which starts there, whose inputs are gathered at once."""
        step, stop = prod(shape[1:]), start + prod(shape)
        at_once = max(step, self._rows_at_once // step * step)
        return [slice(first, min(first + at_once, stop)) for first in range(start, stop, at_once)]

    def _block(self, indices: Array, shape: tuple[int, ...], gathered: Iterator[Array]) -> Block:
        inputs, xp = self._unstacked(gathered, shape[1:]), self._train.xp
        return Block(inputs, self._targets(indices, shape), self._ones[:, : shape[-1]], xp)

    def _unstacked(self, gathered: Iterator[Array], shape: tuple[int, ...]) -> Iterator[Array]:
        """Yield the inputs of each mini-batch, whose samples have a shape."""
        for x in gathered:
            yield from self._train.xp.unstack(self._train.xp.reshape(x, (-1, *shape, x.shape[1])))

    def _targets(self, indices: Array, shape: tuple[int, ...]) -> Targets:
        """Gather the targets of a block."""
        net, train, xp = self._net, self._train, self._train.xp
        if net.members and len(shape) == 2:
            shape = (shape[0], 1, shape[1])
        rows = xp.reshape(indices, shape)
        t, outputs = taken_rows(train.t, rows, xp=xp), (*shape, net.output_size)
        weight = train.weight_at(rows)
        return net.loss_function.prepare_mean(t, outputs, self._ones.dtype, sample_weight=weight, xp=xp)
