"""From what a process trains on to mini-batches: in which order, and made ready many at a time."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xpnet._checks import check_count
from xpnet._random import generator
from xpnet._typing import Array, Namespace
from xpnet.devices import ahead
from xpnet.losses.targets import Targets
from xpnet.network import TwoLayerNet
from xpnet.training.inputs import taken_rows
from xpnet.training.sharding import Share
from xpnet.training.splits import Shards, Split

Batch: TypeAlias = tuple[Array, Array, Targets]
"""What a shard has of a mini-batch: inputs (size, D), (M, size, D) or (G, 1, size, D), ones (1, size), and targets."""

_BLOCK_BYTES = 2**18
"""A block holds one mini-batch, or as many as keep its outputs below so many bytes: more come from the system anew."""


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


class Block(NamedTuple):
    """What a shard has of some mini-batches, of each as much."""

    inputs: Iterator[Array]
    """Those of each step, good until the next is asked for; shape (size, D), or (M, size, D) where each member has its
    own, or (G, 1, size, D) where G groups of members side by side, each as many, have."""
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
        for x, value, weight in zip(self.inputs, values, weights, strict=True):
            yield x, self.ones, Targets(value, weight)


class Batches:
    """The mini-batches of every epoch, as far as this process has their samples."""

    def __init__(self, net: TwoLayerNet[Any], train: Shards) -> None:
        self._net, self.sharding = net, train.sharding
        self._shards = [_OfShard(net, *each) for each in zip(train.splits, train.shares, strict=True)]

    @contextmanager
    def blocks(self, orders: Sequence[NDArray[np.int64]]) -> Iterator[Iterator[list[Block]]]:
        """Give the mini-batches of an epoch, some at a time: what each shard has of them.

        `orders` are those of the samples of each shard, shape (n,) or (M, n). Inputs are to be used up in turn.
        """
        with ExitStack() as stack:
            each = [stack.enter_context(shard.blocks(order)) for shard, order in zip(self._shards, orders, strict=True)]
            yield ahead(self._together(each), xp=self._net.device.namespace)

    def _together(self, each: Sequence[Iterator[Block]]) -> Iterator[list[Block]]:
        loss = self._net.loss_function
        for blocks in zip(*each, strict=True):
            norms = self.sharding.sum([block.norms for block in blocks])[..., None]
            yield [block._replace(targets=loss.averaged(block.targets, norms, xp=block.xp)) for block in blocks]


class _OfShard:
    """What a shard has of the mini-batches of every epoch.

    Targets are made ready for a block of many mini-batches at once, and inputs gathered for as many as stay in the
    cache of a CPU until they are used, on a GPU for all of the block: few launches.
    """

    def __init__(self, net: TwoLayerNet[Any], train: Split, share: Share) -> None:
        self._net, self._train, self._share = net, train, share
        width = share.largest * np.dtype(net.dtype).itemsize
        self._steps = max(1, _BLOCK_BYTES // (width * (net.members or 1) * net.output_size))
        self._rows_at_once = share.largest * max(1, train.inputs.gather_bytes // (width * net.input_size))
        self._ones = train.xp.ones((1, share.largest), dtype=net.params["W1"].dtype, device=net.device.handle)

    @contextmanager
    def blocks(self, order: NDArray[np.int64]) -> Iterator[Iterator[Block]]:
        """Give the mini-batches of an epoch in blocks, which are of the same ones for every shard."""
        groups = list(self._groups(_shared(order)))
        parts = [part for group in groups for part in self._parts(group)]
        ends = np.cumsum([part.size for part in parts]).tolist()
        slices = [slice(end - part.size, end) for end, part in zip(ends, parts, strict=True)]
        by_step = np.concatenate([group.reshape(-1) for group in groups])
        indices = self._train.device.asarray(by_step)
        with closing(self._train.inputs.gathered(by_step, indices, slices)) as gathered:
            yield self._blocks(groups, indices, gathered)

    def _groups(self, order: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Yield the samples of each block, step by step: shape (steps, size), or (steps, G or M, size)."""
        start = 0
        for count, size in self._share.batches:
            for done in range(0, count, self._steps):
                steps = min(self._steps, count - done)
                some = order[..., start : start + steps * size]
                yield np.moveaxis(some.reshape(*order.shape[:-1], steps, size), -2, 0)
                start += steps * size

    def _parts(self, group: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Return the parts of a block whose inputs are gathered at once."""
        at_once = max(1, self._rows_at_once // max(1, prod(group.shape[1:])))
        return [group[start : start + at_once] for start in range(0, len(group), at_once)]

    def _blocks(self, groups: list[NDArray[np.int64]], indices: Array, gathered: Iterator[Array]) -> Iterator[Block]:
        start = 0
        for group in groups:
            targets, norms = self._targets(indices[start : start + group.size], group.shape)
            ones = self._ones[:, : group.shape[-1]]
            yield Block(self._inputs(group, gathered), targets, norms, ones, self._train.xp)
            start += group.size

    def _inputs(self, group: NDArray[np.int64], gathered: Iterator[Array]) -> Iterator[Array]:
        """Yield the inputs of each step."""
        grouped = group.ndim > 2 and group.shape[1] != self._net.members
        for part in self._parts(group):
            x, shape = next(gathered), (*part.shape[:-1], 1, part.shape[-1]) if grouped else part.shape
            yield from self._train.xp.unstack(self._train.xp.reshape(x, (*shape, x.shape[1])))

    def _targets(self, indices: Array, shape: tuple[int, ...]) -> tuple[Targets, Array]:
        """Gather the targets of a block, and the sums of their norms."""
        net, train, xp = self._net, self._train, self._train.xp
        if net.members and len(shape) == 2:
            shape = (shape[0], 1, shape[1])
        rows = xp.reshape(indices, shape)
        if net.members and 1 < shape[1] < net.members:
            steps, groups, size = shape
            rows = xp.broadcast_to(rows[:, :, None, :], (steps, groups, net.members // groups, size))
            shape = (steps, net.members, size)
            rows = xp.reshape(rows, shape)
        t, outputs = taken_rows(train.t, rows, xp=xp), (*shape, net.output_size)
        weight = train.weight_at(rows)
        targets, norms = net.loss_function.prepare(t, outputs, self._ones.dtype, sample_weight=weight, xp=xp)
        return targets, xp.sum(norms, axis=-1)


def _shared(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return orders, (n,), (G, n) or (M, n), once for members side by side that share one, if each has as many."""
    if order.ndim == 1:
        return order
    starts = np.flatnonzero(np.append(True, (order[1:] != order[:-1]).any(axis=-1)))
    if not np.array_equal(starts, np.arange(0, len(order), len(order) // len(starts))):
        return order
    return order[0] if len(starts) == 1 else order[starts]
