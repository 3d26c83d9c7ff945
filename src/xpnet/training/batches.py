"""From data sets to mini-batches: what goes to the device, what is held back for validation, and in which order."""

from collections.abc import Iterator
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
"""What a shard has of a mini-batch: inputs (size, D), ones (1, size), and targets."""

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

    @classmethod
    def of(cls, net: TwoLayerNet[Any], x: Array, t: Array, sample_weight: Array | None = None) -> Self:
        """Bring checked arrays to the device, wherever they are."""
        move, loss = net.device.asarray, net.loss_function
        x, t = move(x, net.dtype), move(t, None if loss.classification else net.dtype)
        return cls(x, t, None if sample_weight is None else move(sample_weight, net.dtype), net.device.namespace)

    def at(self, rows: Any) -> Self:
        """Return the samples in a slice of rows."""
        weight = None if self.sample_weight is None else self.sample_weight[..., rows]
        return self._replace(x=self.x[rows, :], t=self.t[rows, ...], sample_weight=weight)

    def take(self, rows: Array) -> Self:
        """Return the samples at an array of indices."""
        weight = None if self.sample_weight is None else self.xp.take(self.sample_weight, rows, axis=-1)
        return self._replace(
            x=self.xp.take(self.x, rows, axis=0), t=self.xp.take(self.t, rows, axis=0), sample_weight=weight
        )


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
        samples = int(x.shape[0]) if rows is None else rows.size
        shares = sharding.shares(samples, samples if batch_size is None else batch_size)
        start, stop = shares[0].rows.start, shares[-1].rows.stop
        if rows is not None or stop - start < samples:
            own = (np.arange(samples) if rows is None else rows)[start:stop]
            x, t = _taken(x, own, axis=0), _taken(t, own, axis=0)
            sample_weight = None if sample_weight is None else _taken(sample_weight, own, axis=-1)
        split = Split.of(net, x, t, sample_weight)
        splits = [split.at(slice(share.rows.start - start, share.rows.stop - start)) for share in shares]
        return cls(splits, shares, samples, sharding)

    def first(self, batch_size: int) -> Self:
        """Return as many samples as a mini-batch has, each shard those it has first."""
        samples = min(batch_size, self.samples)
        shares = self.sharding.shares(samples, samples)
        sizes = [share.rows.stop - share.rows.start for share in shares]
        splits = [split.at(slice(0, size)) for split, size in zip(self.splits, sizes, strict=True)]
        return self._replace(splits=splits, shares=shares, samples=samples)


def _taken(array: Array, rows: NDArray[Any], axis: int) -> Array:
    """Return the entries at some rows, where the array is."""
    xp = namespace_of(array=array)
    return xp.take(array, xp.asarray(rows, device=device(array)), axis=axis)


class Block(NamedTuple):
    """What a shard has of some mini-batches, of each as much."""

    inputs: Iterator[Array]
    """Those of each step, shape (size, D), good until the next is asked for."""
    targets: Targets
    """Shape (steps, size, C), with members (steps, 1, size, C); over all shards, their losses add up to the means."""
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

    def blocks(self, order: NDArray[np.int64]) -> Iterator[list[Block]]:
        """Yield the mini-batches of an epoch, some at a time: what each shard has of them."""
        for blocks in zip(*(shard.blocks(order) for shard in self._shards), strict=True):
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
        self._steps_at_once = max(1, net.device.gather_bytes // (width * net.input_size))
        self._ones = xp.ones((1, share.largest), **kind)
        self._kept = xp.empty((min(self._steps_at_once * share.largest, train.x.shape[0]), net.input_size), **kind)

    def blocks(self, order: NDArray[np.int64]) -> Iterator[Block]:
        """Yield the mini-batches of an epoch in blocks, which are of the same ones for every shard."""
        rows, start = self._net.device.asarray(self._share.order(order)), 0
        for count, size in self._share.batches:
            for done in range(0, count, self._steps):
                steps = min(self._steps, count - done)
                some = rows[start : start + steps * size]
                targets, norms = self._targets(some, steps, size)
                yield Block(self._inputs(some, steps, size), targets, norms, self._ones[:, :size], self._train.xp)
                start += steps * size

    def _inputs(self, rows: Array, steps: int, size: int) -> Iterator[Array]:
        """Gather and yield the inputs of mini-batches of a size."""
        for some in ahead(self._gathered(rows, steps, size), xp=self._train.xp):
            yield from self._train.xp.unstack(some)

    def _gathered(self, rows: Array, steps: int, size: int) -> Iterator[Array]:
        for done in range(0, steps, self._steps_at_once):
            now = min(self._steps_at_once, steps - done)
            some = rows[done * size : (done + now) * size]
            x = self._net.device.take_into(self._train.x, some, self._kept[: now * size, :])
            yield self._train.xp.reshape(x, (now, size, x.shape[1]))

    def _targets(self, rows: Array, steps: int, size: int) -> tuple[Targets, Array]:
        """Gather the targets of mini-batches of a size, and the sums of their norms."""
        net, xp = self._net, self._train.xp
        shape = (steps, 1, size) if net.members else (steps, size)
        weight = self._train.sample_weight
        if weight is not None:
            weight = xp.take(weight, rows, axis=-1)
            weight = xp.reshape(weight, (weight.shape[0], *shape) if weight.ndim > 1 else shape)
            # Member weights (M, steps, 1, size) belong where the targets have an axis for them.
            weight = xp.moveaxis(weight[:, :, 0, :], 0, 1) if weight.ndim > len(shape) else weight
        t = xp.take(self._train.t, rows, axis=0)
        t = xp.reshape(t, (*shape, *t.shape[1:]))
        outputs = (*shape, net.output_size)
        targets, norms = net.loss_function.prepare(t, outputs, self._train.x.dtype, sample_weight=weight, xp=xp)
        return targets, xp.sum(norms, axis=-1)
