"""From data sets to mini-batches: what goes to the device, what is held back for validation, and in which order."""

from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple, Protocol, Self, TypeVar

import numpy as np
from array_api_compat import device
from numpy.typing import NDArray

from xpnet._checks import check_count, check_real, namespace_of
from xpnet._random import generator
from xpnet._typing import Array, Namespace
from xpnet.datasets import Rows
from xpnet.devices import Device, to_host
from xpnet.losses.targets import Targets, check_sample_weight, check_targets, is_labels
from xpnet.metrics import as_labels
from xpnet.network import TwoLayerNet

_BLOCK_BYTES = 4 * 2**20
"""A block holds one mini-batch, or as many as keep its inputs and its outputs below so many bytes."""

Item = TypeVar("Item")


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


class Source(Protocol):
    """What is trained on or evaluated: a `Split`, or what gives a `Split` of some of its samples at a time."""

    @property
    def samples(self) -> int:
        """How many there are."""

    @property
    def xp(self) -> Namespace:
        """The namespace of the network's device."""

    @property
    def block_bytes(self) -> int:
        """How much is to be gathered at once."""

    def indices(self, order: NDArray[np.int64]) -> Array:
        """Return indices as what gathers wants them."""

    def gatherer(self, rows: int) -> Callable[[Array], "Split"]:
        """Return what gathers the samples at some `indices`, no more than `rows`."""

    def at(self, rows: slice) -> "Split":
        """Return the samples in a slice of rows."""

    def select(self, rows: NDArray[np.int64], *, weighted: bool = True) -> "Source":
        """Return the data set of the samples at some rows, with their weights or without."""

    def ahead(self, items: Iterator[Item]) -> Generator[Item, None, None]:
        """Yield items that are made of samples, made ahead of their use where they would be waited for."""


class Split(NamedTuple):
    """A data set on the network's device."""

    x: Array
    """Shape (N, D), in the dtype of the network."""
    t: Array
    """Labels (N,), or values (N, C)."""
    sample_weight: Array | None
    """Shape (N,) or (M, N)."""
    device: Device

    @property
    def xp(self) -> Namespace:
        """The namespace of the device."""
        return self.device.namespace

    @property
    def samples(self) -> int:
        """How many there are."""
        return int(self.x.shape[0])

    @property
    def block_bytes(self) -> int:
        """So many stay in the cache of a CPU."""
        return _BLOCK_BYTES

    @classmethod
    def of(cls, net: TwoLayerNet[Any], x: Array, t: Array, sample_weight: Array | None = None) -> Self:
        """Bring checked arrays to the device, wherever they are."""
        move, loss = net.device.asarray, net.loss_function
        # Of rows that do not lie together, numpy.take would make a copy of all for every block.
        x = np.ascontiguousarray(x) if isinstance(x, np.ndarray | Rows) else x
        x, t = move(x, net.dtype), move(t, None if loss.classification else net.dtype)
        return cls(x, t, None if sample_weight is None else move(sample_weight, net.dtype), net.device)

    def at(self, rows: Any) -> Self:
        """Return the samples in a slice of rows."""
        weight = None if self.sample_weight is None else self.sample_weight[..., rows]
        return self._replace(x=self.x[rows, :], t=self.t[rows, ...], sample_weight=weight)

    def indices(self, order: NDArray[np.int64]) -> Array:
        """Return indices on the device."""
        return self.device.asarray(order)

    def gatherer(self, rows: int) -> Callable[[Array], "Split"]:
        """Return what gathers inputs into the same memory, which on a CPU would else go and come page by page."""
        kept = self.xp.empty((min(rows, self.samples), self.x.shape[1]), dtype=self.x.dtype, device=device(self.x))

        def gather(indices: Array) -> Split:
            x = self.device.take_into(self.x, indices, kept[: indices.shape[0], :])
            return self._replace(x=x, t=self.xp.take(self.t, indices, axis=0), sample_weight=self._weights(indices))

        return gather

    def select(self, rows: NDArray[np.int64], *, weighted: bool = True) -> "Split":
        """Return the data set of the samples at some rows."""
        indices, take = self.indices(rows), self.xp.take
        weight = self._weights(indices) if weighted else None
        return self._replace(x=take(self.x, indices, axis=0), t=take(self.t, indices, axis=0), sample_weight=weight)

    def ahead(self, items: Iterator[Item]) -> Generator[Item, None, None]:
        """Yield the items, for which nothing is waited."""
        yield from items

    def _weights(self, indices: Array) -> Array | None:
        return None if self.sample_weight is None else self.xp.take(self.sample_weight, indices, axis=-1)


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
    check_targets(shape, t, None, classification=loss.classification, ignore_index=loss.ignored_label, xp=xp)
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
    if net.loss_function.classification:
        xp = namespace_of(t=t)
        labels = to_host(t if is_labels(t, 2, xp=xp) else as_labels(t, xp=xp))[order]
        # Each sample gets its place among those of its class, as a number in (0, 1); the first of all go.
        by_class = np.argsort(labels, kind="stable")
        _, starts, sizes = np.unique(labels[by_class], return_index=True, return_counts=True)
        places = np.empty(samples)
        places[by_class] = (np.arange(samples) - np.repeat(starts, sizes) + 0.5) / np.repeat(sizes, sizes)
        order = order[np.argsort(places, kind="stable")]
    return np.sort(order[count:]), np.sort(order[:count])


class Block(NamedTuple):
    """Some mini-batches of one size."""

    x: Array
    """Shape (steps, size, D)."""
    targets: Targets
    """Shape (steps, size, C), with members (steps, 1, size, C); their losses add up to the mean of each mini-batch."""
    ones: Array
    """Shape (1, size)."""

    def batches(self) -> Iterator[tuple[Array, Targets]]:
        """Yield the inputs and targets of each step."""
        for step in range(self.x.shape[0]):
            yield self.x[step, ...], Targets(self.targets.values[step, ...], self.targets.weights[step, ...])


class Batches:
    """The mini-batches of every epoch.

    Rows are gathered for a block of many mini-batches at once: few launches on a GPU.
    """

    def __init__(self, net: TwoLayerNet[Any], train: Source, batch_size: int) -> None:
        self._net, self._train = net, train
        self._size = min(batch_size, train.samples)
        dtype = net.params["W1"].dtype
        row_bytes = max(net.input_size, (net.members or 1) * net.output_size) * np.dtype(net.dtype).itemsize
        self._block_rows = self._size * max(1, train.block_bytes // (self._size * row_bytes))
        self._ones = train.xp.ones((1, self._size), dtype=dtype, device=device(net.params["W1"]))
        self._gather = train.gatherer(self._block_rows)

    def blocks(self, order: NDArray[np.int64]) -> Generator[Block, None, None]:
        """Yield the mini-batches of an epoch in this order; a block may be overwritten by the next."""
        return self._train.ahead(self._blocks(self._train.indices(order)))

    def _blocks(self, indices: Array) -> Iterator[Block]:
        rows = indices.shape[0]
        full = rows - rows % self._size
        starts = [*range(0, full, self._block_rows), *([full] if full < rows else [])]
        for start, stop in zip(starts, [*starts[1:], rows], strict=True):
            yield self._block(self._gather(indices[start:stop]))

    def _block(self, split: Split) -> Block:
        net, xp, count = self._net, split.xp, split.samples
        size = min(self._size, count)
        steps = (count // size, 1, size) if net.members else (count // size, size)
        weight = split.sample_weight
        if weight is not None:
            weight = xp.reshape(weight, (-1, *steps) if weight.ndim > 1 else steps)
            # Member weights (M, steps, 1, size) belong where the targets have an axis for them.
            weight = xp.moveaxis(weight[:, :, 0, :], 0, 1) if weight.ndim > len(steps) else weight
        t, shape = xp.reshape(split.t, (*steps, *split.t.shape[1:])), (*steps, net.output_size)
        targets = net.loss_function.prepare_mean(t, shape, split.x.dtype, sample_weight=weight, xp=xp)
        return Block(xp.reshape(split.x, (-1, size, net.input_size)), targets, self._ones[:, :size])
