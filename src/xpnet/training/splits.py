"""From data sets to what a process trains on: where it lies, what each shard has, and what is held back."""

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from xpnet._checks import check_real, namespace_of
from xpnet._random import generator
from xpnet._typing import Array, Namespace
from xpnet.datasets import Rows
from xpnet.devices import Device, to_host
from xpnet.losses.targets import check_sample_weight, check_targets, is_labels
from xpnet.losses.tasks import Probabilistic
from xpnet.network import TwoLayerNet
from xpnet.training.inputs import Inputs, Part, placed, taken, taken_rows
from xpnet.training.sharding import Sharding, Share


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

    @property
    def targets(self) -> Array:
        """Those of its samples, shape (n, ...), or (M, n, ...) where each member has its own."""
        return self.t if self.rows is None else taken_rows(self.t, self.device.asarray(self.rows), xp=self.xp)

    @classmethod
    def of(
        cls,
        net: TwoLayerNet[Any],
        x: Array,
        t: Array,
        sample_weight: Array | None = None,
        *,
        chosen: NDArray[np.int64] | None = None,
        stream: bool | None = None,
    ) -> Self:
        """Bring checked arrays, or the rows that are chosen, to the device; the inputs as `placed` says."""
        move, loss, weight = net.device.asarray, net.loss_function, sample_weight
        inputs = placed(x, net.device, net.dtype, chosen=chosen, stream=stream)
        if chosen is not None:
            t, weight = taken(t, chosen, axis=0), None if weight is None else taken(weight, chosen, axis=-1)
        t = move(t, None if loss.classification else net.dtype)
        return cls(inputs, t, None if weight is None else move(weight, net.dtype), net.device)

    def at(self, part: slice) -> Self:
        """Return the samples in a slice, or those of each member."""
        if self.rows is not None:
            return self._replace(rows=self.rows[:, part])
        weight = None if self.sample_weight is None else self.sample_weight[..., part]
        return self._replace(inputs=self.inputs.at(part), t=self.t[part, ...], sample_weight=weight)

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
        stream: bool | None = None,
    ) -> Self:
        """Bring this process's part of checked arrays, or of some of their rows, to the device."""
        samples = int(x.shape[0] if rows is None else rows.shape[-1])
        shares = sharding.shares(samples, samples if batch_size is None else batch_size)
        start, stop = shares[0].rows.start, shares[-1].rows.stop
        if rows is not None and rows.ndim > 1:  # All samples stay, of which each member has some.
            split = Split.of(net, x, t, sample_weight, stream=stream)._replace(rows=rows)
            return cls([split], shares, samples, sharding)
        own = None
        if rows is not None or stop - start < samples:
            own = (np.arange(samples) if rows is None else rows)[start:stop]
        split = Split.of(net, x, t, sample_weight, chosen=own, stream=stream)
        splits = [split]
        if len(shares) > 1:
            splits = [split.at(slice(share.rows.start - start, share.rows.stop - start)) for share in shares]
        return cls(splits, shares, samples, sharding)

    def first(self, batch_size: int) -> Self:
        """Return as many samples as a mini-batch has, each shard those it has first."""
        samples = min(batch_size, self.samples)
        shares = self.sharding.shares(samples, samples)
        sizes = [share.rows.stop - share.rows.start for share in shares]
        splits = [split.at(slice(0, size)) for split, size in zip(self.splits, sizes, strict=True)]
        return self._replace(splits=splits, shares=shares, samples=samples)

    def of_members(self, members: Sequence[int]) -> Self:
        """Return the samples and weights of some of the members."""
        return self._replace(splits=[split.of_members(members) for split in self.splits])
