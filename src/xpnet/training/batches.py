"""From data sets to mini-batches: what goes to the device, what is held back for validation, and in which order."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
from array_api_compat import device
from numpy.typing import NDArray

from xpnet._checks import check_count, check_real, namespace_of
from xpnet._random import generator
from xpnet._typing import Array, Namespace
from xpnet.devices import ahead, to_host
from xpnet.losses.targets import Targets, check_sample_weight, check_targets, is_labels
from xpnet.losses.tasks import Probabilistic
from xpnet.network import TwoLayerNet
from xpnet.training.sharding import Sharding, Share

Batch: TypeAlias = tuple[Array, Array, Targets]
"""What a shard has of a mini-batch: inputs (size, D) or (M, size, D), ones (1, size), and targets."""

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


class Split(NamedTuple):
    """A data set on the network's device."""

    x: Array
    """Shape (N, D), in the dtype of the network."""
    t: Array
    """Labels (N,), or values (N, C)."""
    sample_weight: Array | None
    """Shape (N,) or (M, N)."""
    xp: Namespace
    rows: Array | None = None
    """Which samples are those of each member, shape (M, n); None where all are every member's."""

    @classmethod
    def of(cls, net: TwoLayerNet[Any], x: Array, t: Array, sample_weight: Array | None = None) -> Self:
        """Bring checked arrays to the device, wherever they are."""
        move, loss = net.device.asarray, net.loss_function
        x, t = move(x, net.dtype), move(t, None if loss.classification else net.dtype)
        return cls(x, t, None if sample_weight is None else move(sample_weight, net.dtype), net.device.namespace)

    def of_members(self, members: Sequence[int]) -> Self:
        """Return the samples and weights of some of the members."""
        places = self.xp.asarray(members, device=device(self.x))
        rows = None if self.rows is None else self.xp.take(self.rows, places, axis=0)
        weight = self.sample_weight
        if weight is not None and weight.ndim > 1:
            weight = self.xp.take(weight, places, axis=0)
        return self._replace(rows=rows, sample_weight=weight)

    @property
    def samples(self) -> int:
        """How many there are, for each member."""
        return int(self.x.shape[0] if self.rows is None else self.rows.shape[-1])

    @property
    def targets(self) -> Array:
        """Those of its samples, shape (n, ...), or (M, n, ...) where each member has its own."""
        return self.t if self.rows is None else taken_rows(self.t, self.rows, xp=self.xp)

    def at(self, piece: slice) -> Self:
        """Return the samples in a slice: of shape (n, D), or (M, n, D) where each member has its own."""
        if self.rows is not None:
            return self.take(self.rows[:, piece])
        weight = None if self.sample_weight is None else self.sample_weight[..., piece]
        return self._replace(x=self.x[piece, :], t=self.t[piece, ...], sample_weight=weight)

    def first(self, samples: int) -> Self:
        """Return the first samples, those of each member by themselves, as a data set."""
        return self.at(slice(0, samples)) if self.rows is None else self._replace(rows=self.rows[:, :samples])

    def take(self, rows: Array) -> Self:
        """Return the samples at an array of indices, shape (n,), or (M, n) for those of each member."""
        x, t = taken_rows(self.x, rows, xp=self.xp), taken_rows(self.t, rows, xp=self.xp)
        return self._replace(x=x, t=t, sample_weight=self.weight_at(rows), rows=None)

    def weight_at(self, rows: Array) -> Array | None:
        """Return the weights of the samples at an array of indices, shape (n,) or (M, n)."""
        weight = self.sample_weight
        if weight is None or weight.ndim < rows.ndim:
            return None if weight is None else taken_rows(weight, rows, xp=self.xp)
        if rows.ndim == 1:
            return self.xp.take(weight, rows, axis=-1)
        return self.xp.take_along_axis(weight, rows, axis=-1)


def taken_rows(array: Array, rows: Array, *, xp: Namespace) -> Array:
    """Return the rows of an array at indices of any shape."""
    taken = xp.take(array, xp.reshape(rows, (-1,)), axis=0)
    return xp.reshape(taken, (*rows.shape, *array.shape[1:]))


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
    check_real(x, "x", xp=namespace_of(x=x))
    loss, xp = net.loss_function, namespace_of(t=t)
    shape: tuple[int, ...] = (int(x.shape[0]), net.output_size)
    check_targets(shape, t, None, task=loss.task, ignore_index=loss.ignored_label, xp=xp)
    if sample_weight is not None:
        shape = shape if net.members is None else (net.members, *shape)
        check_sample_weight(shape, sample_weight, xp=namespace_of(sample_weight=sample_weight))


def _check_place(net: TwoLayerNet[Any], name: str, array: Array) -> None:
    if not isinstance(array, np.ndarray) and namespace_of(**{name: array}) is not net.device.namespace:
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


class Shards(NamedTuple):
    """Those samples of a set that belong to this process, shard by shard."""

    splits: list[Split]
    shares: list[Share]
    samples: int
    """How many all processes have together."""
    sharding: Sharding

    @classmethod
    def of(
        cls,
        net: TwoLayerNet[Any],
        x: Array,
        t: Array,
        sample_weight: Array | None = None,
        *,
        sharding: Sharding,
        rows: NDArray[Any] | None = None,
        batch_size: int | None = None,
    ) -> Self:
        """Bring this process's part of checked arrays, or of some of their rows, to the device."""
        samples = int(x.shape[0] if rows is None else rows.shape[-1])
        shares = sharding.shares(samples, samples if batch_size is None else batch_size)
        start, stop = shares[0].rows.start, shares[-1].rows.stop
        if rows is not None and rows.ndim > 1:  # All samples stay, of which each member has some.
            split = Split.of(net, x, t, sample_weight)._replace(rows=net.device.asarray(rows))
            return cls([split], shares, samples, sharding)
        if rows is not None or stop - start < samples:
            own = (np.arange(samples) if rows is None else rows)[start:stop]
            x, t = taken(x, own, axis=0), taken(t, own, axis=0)
            sample_weight = None if sample_weight is None else taken(sample_weight, own, axis=-1)
        split = Split.of(net, x, t, sample_weight)
        splits = [split.at(slice(share.rows.start - start, share.rows.stop - start)) for share in shares]
        return cls(splits, shares, samples, sharding)

    def first(self, batch_size: int) -> Self:
        """Return as many samples as a mini-batch has, each shard those it has first."""
        samples = min(batch_size, self.samples)
        shares = self.sharding.shares(samples, samples)
        sizes = [share.rows.stop - share.rows.start for share in shares]
        splits = [split.first(size) for split, size in zip(self.splits, sizes, strict=True)]
        return self._replace(splits=splits, shares=shares, samples=samples)

    def of_members(self, members: Sequence[int]) -> Self:
        """Return the samples and weights of some of the members."""
        return self._replace(splits=[split.of_members(members) for split in self.splits])


def taken(array: Array, rows: NDArray[Any], axis: int) -> Array:
    """Return the entries at some rows, where the array is."""
    xp = namespace_of(array=array)
    return xp.take(array, xp.asarray(rows, device=device(array)), axis=axis)


class Block(NamedTuple):
    """What a shard has of some mini-batches, of each as much."""

    inputs: Iterator[Array]
    """Those of each step, shape (size, D) or (M, size, D), good until the next is asked for."""
    targets: Targets
    """Shape (steps, size, C), with members (steps, 1 or M, size, C); all shards' losses add up to the means."""
    norms: Array
    """Shape (steps,), with members (steps, 1 or M): what this shard adds to the divisors of the means."""
    ones: Array
    """Shape (1, size)."""
    xp: Namespace

    def batches(self) -> Iterator[Batch]:
        """Yield what each step takes."""
        values, weights = map(self.xp.unstack, self.targets)
        for x, *targets in zip(self.inputs, values, weights, strict=True):
            yield x, self.ones, Targets(*targets)


class Batches:
    """The mini-batches of every epoch, as far as this process has their samples."""

    def __init__(self, net: TwoLayerNet[Any], train: Shards) -> None:
        self._loss, self.sharding = net.loss_function, train.sharding
        self._shards = [_OfShard(net, *each) for each in zip(train.splits, train.shares, strict=True)]

    def blocks(self, orders: Sequence[Array]) -> Iterator[list[Block]]:
        """Yield the mini-batches of an epoch, some at a time: what each shard has of them.

        `orders` are those of the samples of each shard, shape (n,) or (M, n).
        """
        each = [shard.blocks(order) for shard, order in zip(self._shards, orders, strict=True)]
        for blocks in zip(*each, strict=True):
            norms = self.sharding.sum([block.norms for block in blocks])[..., None]
            yield [block._replace(targets=self._loss.averaged(block.targets, norms, xp=block.xp)) for block in blocks]


class _OfShard:
    """What a shard has of the mini-batches of every epoch.

    Targets are made ready for a block of many mini-batches at once, and inputs gathered for as many as stay in the
    cache of a CPU until they are used, on a GPU for all of the block: few launches. They are gathered into the same
    memory each time, since what a CPU gives back to the system comes again page by page.
    """

    def __init__(self, net: TwoLayerNet[Any], train: Split, share: Share) -> None:
        self._net, self._train, self._share = net, train, share
        xp, kind = train.xp, {"dtype": train.x.dtype, "device": device(train.x)}
        width = share.largest * xp.finfo(train.x.dtype).bits // 8
        self._steps = max(1, _BLOCK_BYTES // (width * (net.members or 1) * net.output_size))
        self._rows_at_once = share.largest * max(1, net.device.gather_bytes // (width * net.input_size))
        self._ones = xp.ones((1, share.largest), **kind)
        self._kept, self._kind = xp.empty((0, net.input_size), **kind), kind

    def blocks(self, order: Array) -> Iterator[Block]:
        """Yield the mini-batches of an epoch in blocks, which are of the same ones for every shard."""
        start = 0
        for count, size in self._share.batches:
            for done in range(0, count, self._steps):
                steps = min(self._steps, count - done)
                rows = self._by_step(order[..., start : start + steps * size], steps, size)
                weight = self._train.weight_at(order[..., start : start + steps * size])
                targets, norms = self._targets(rows, None if weight is None else self._by_step(weight, steps, size))
                yield Block(self._inputs(rows), targets, norms, self._ones[:, :size], self._train.xp)
                start += steps * size

    def _inputs(self, rows: Array) -> Iterator[Array]:
        """Gather and yield the inputs at the rows of each step."""
        for some in ahead(self._gathered(rows), xp=self._train.xp):
            yield from self._train.xp.unstack(some)

    def _gathered(self, rows: Array) -> Iterator[Array]:
        """Gather and yield the inputs of some steps at a time."""
        xp, steps, step = self._train.xp, rows.shape[0], prod(rows.shape[1:])
        at_once = max(1, self._rows_at_once // max(1, step))
        for start in range(0, steps, at_once):
            some = xp.reshape(rows[start : min(start + at_once, steps), ...], (-1,))
            if self._kept.shape[0] < some.shape[0]:
                self._kept = xp.empty((some.shape[0], self._kept.shape[1]), **self._kind)
            x = self._net.device.take_into(self._train.x, some, self._kept[: some.shape[0], :])
            yield xp.reshape(x, (min(at_once, steps - start), *rows.shape[1:], x.shape[1]))

    def _targets(self, rows: Array, weight: Array | None) -> tuple[Targets, Array]:
        """Gather the targets at the rows of each step, and the sums of their norms."""
        net, xp, train = self._net, self._train.xp, self._train
        if net.members and rows.ndim == 2:
            rows = rows[:, None, :]
        if weight is not None and weight.ndim < rows.ndim:
            weight = weight[:, None, :]
        t = taken_rows(train.t, rows, xp=xp)
        outputs = (*rows.shape, net.output_size)
        targets, norms = net.loss_function.prepare(t, outputs, train.x.dtype, sample_weight=weight, xp=xp)
        return targets, xp.sum(norms, axis=-1)

    def _by_step(self, array: Array, steps: int, size: int) -> Array:
        """Return what belongs to samples, shape (n,) or (M, n), step by step: (steps, size) or (steps, M, size)."""
        xp = self._train.xp
        return xp.moveaxis(xp.reshape(array, (*array.shape[:-1], steps, size)), -2, 0)
