"""From what a process trains on to mini-batches: in which order, and made ready many at a time."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet._checks import check_count
from xpnet._random import generator
from xpnet._typing import Array
from xpnet.devices import ahead
from xpnet.losses.targets import Targets, divisor
from xpnet.network import TwoLayerNet
from xpnet.training.blocks import Block, Steps
from xpnet.training.inputs import taken_rows
from xpnet.training.sharding import Share
from xpnet.training.splits import Shards, Split

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


class Batches:
    """The mini-batches of every epoch, as far as this process has their samples."""

    def __init__(self, net: TwoLayerNet[Any], train: Shards) -> None:
        self._net, self.sharding = net, train.sharding
        self._shards = [_OfShard(net, *each) for each in zip(train.splits, train.shares, strict=True)]

    @property
    def epochs_at_once(self) -> int:
        """Of how many epochs the mini-batches fit into a block; 1 where those of one do not."""
        return min(shard.epochs_at_once for shard in self._shards)

    @contextmanager
    def blocks(self, orders: Sequence[NDArray[np.int64]]) -> Iterator[Iterator[list[Block]]]:
        """Give the mini-batches of one epoch, or of as many as fit into a block, some at a time: those of each shard.

        `orders` are those of the samples of each shard, shape (epochs n,) or (M, epochs n). Inputs are to be used up
        in turn.
        """
        with ExitStack() as stack:
            each = [stack.enter_context(shard.blocks(order)) for shard, order in zip(self._shards, orders, strict=True)]
            yield ahead(self._together(each), xp=self._net.device.namespace)

    def _together(self, each: Sequence[Iterator[Block]]) -> Iterator[list[Block]]:
        loss = self._net.loss_function
        for blocks in zip(*each, strict=True):
            totals = divisor(self.sharding.sum([block.norms for block in blocks])[..., None], xp=blocks[0].xp)
            by = [block.steps.spread(totals, xp=block.xp)[..., None] for block in blocks]
            yield [
                block._replace(targets=loss.divided(block.targets, by)) for block, by in zip(blocks, by, strict=True)
            ]


class _OfShard:
    """What a shard has of the mini-batches of every epoch.

    Targets are made ready for a block of many mini-batches at once, and inputs gathered for as many as stay in the
    cache of a CPU until they are used, on a GPU for all of the block: few launches.
    """

    def __init__(self, net: TwoLayerNet[Any], train: Split, share: Share) -> None:
        self._net, self._train = net, train
        self._batches = tuple((count, size) for count, size in share.batches if count)
        item = np.dtype(net.dtype).itemsize
        self._steps = max(1, _BLOCK_BYTES // (share.largest * item * (net.members or 1) * net.output_size))
        self._rows_at_once = train.inputs.gather_bytes // (item * net.input_size)
        self._ones = train.xp.ones((1, share.largest), dtype=net.params["W1"].dtype, device=net.device.handle)

    @property
    def epochs_at_once(self) -> int:
        """Of how many epochs the mini-batches fit into a block; 1 where those of one do not."""
        return max(1, self._steps // sum(count for count, _ in self._batches))

    @contextmanager
    def blocks(self, order: NDArray[np.int64]) -> Iterator[Iterator[Block]]:
        """Give the mini-batches of epochs in blocks, which are of the same ones for every shard."""
        blocks = list(self._cut(order.shape[-1]))
        sizes = [size for steps in blocks for size in steps.sizes]
        shared = by_step = _shared(order)
        rows = indices = self._train.device.asarray(order if shared.ndim > 1 else shared)
        if shared.ndim > 1:
            ends = accumulate(sizes, initial=0)
            by_step = np.concatenate([shared[:, start:stop].reshape(-1) for start, stop in pairwise(ends)])
            rows = self._train.device.asarray(by_step)
            sizes = [size * len(shared) for size in sizes]
        parts = list(_packed(sizes, self._rows_at_once))
        ends = accumulate(map(sum, parts), initial=0)
        slices = [slice(start, stop) for start, stop in pairwise(ends)]
        with closing(self._train.inputs.gathered(by_step, rows, slices)) as gathered:
            lead = shared.shape[:-1] if shared.ndim == 1 or len(shared) == len(order) else (len(shared), 1)
            yield self._blocks(blocks, indices, self._inputs(parts, gathered, lead))

    def _cut(self, samples: int) -> Iterator[Steps]:
        """Yield the mini-batches of each block, for so many samples of whole epochs."""
        epochs = samples // Steps(1, self._batches).samples
        if epochs <= self._steps // sum(count for count, _ in self._batches):
            yield Steps(epochs, self._batches)
            return
        for count, size in self._batches * epochs:
            for done in range(0, count, self._steps):
                yield Steps(1, ((min(self._steps, count - done), size),))

    def _inputs(
        self, parts: Sequence[Sequence[int]], gathered: Iterator[Array], lead: tuple[int, ...]
    ) -> Iterator[Array]:
        """Yield the inputs of each step: views of those that are gathered at once."""
        for sizes, x in zip(parts, gathered, strict=True):
            for start, stop in pairwise(accumulate(sizes, initial=0)):
                rows = x[start:stop, :]
                yield self._train.xp.reshape(rows, (*lead, -1, x.shape[1])) if lead else rows

    def _blocks(self, blocks: Sequence[Steps], indices: Array, inputs: Iterator[Array]) -> Iterator[Block]:
        start = 0
        for steps in blocks:
            targets, norms = self._targets(indices[..., start : start + steps.samples])
            norms = steps.sums(norms, xp=self._train.xp)
            yield Block(inputs, targets, norms, self._ones, steps, self._train.xp)
            start += steps.samples

    def _targets(self, indices: Array) -> tuple[Targets, Array]:
        """Gather the targets of a block, and their norms."""
        net, train, xp = self._net, self._train, self._train.xp
        rows = indices[None, :] if net.members and indices.ndim == 1 else indices
        t, outputs = taken_rows(train.t, rows, xp=xp), (*rows.shape, net.output_size)
        weight = train.weight_at(rows)
        return net.loss_function.prepare(t, outputs, self._ones.dtype, sample_weight=weight, xp=xp)


def _packed(sizes: Sequence[int], most: int) -> Iterator[list[int]]:
    """Yield one size after another, as many at once as have a sum of at most so much, but one at least."""
    part: list[int] = []
    for size in sizes:
        if part and sum(part) + size > most:
            yield part
            part = []
        part.append(size)
    yield part


def _shared(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return orders, (n,), (G, n) or (M, n), once for members side by side that share one, if each has as many."""
    if order.ndim == 1:
        return order
    starts = np.flatnonzero(np.append(True, (order[1:] != order[:-1]).any(axis=-1)))
    if not np.array_equal(starts, np.arange(0, len(order), len(order) // len(starts))):
        return order
    return order[0] if len(starts) == 1 else order[starts]
