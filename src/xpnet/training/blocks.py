"""Mini-batches in a row: inputs one after the other, the targets of all at once, and sums over the samples of each."""

from collections.abc import Iterator
from itertools import accumulate, islice, pairwise
from typing import NamedTuple, TypeAlias

from xpnet._typing import Array, Namespace
from xpnet.losses.targets import Targets

Batch: TypeAlias = tuple[Array, Array, Targets]
"""What a shard has of a mini-batch: inputs (size, D), (M, size, D) or (G, 1, size, D), ones (1, size), and targets."""


class Steps(NamedTuple):
    """Mini-batches in a row, those of whole epochs or some of one: what belongs to their samples lies side by side.

    Examples
    --------
    >>> import array_api_compat.numpy as xp
    >>> from xpnet.training.blocks import Steps
    >>> steps = Steps(epochs=2, batches=((2, 2), (1, 1)))  # in each epoch two of two samples, and one of one
    >>> steps.sizes
    [2, 2, 1, 2, 2, 1]
    >>> steps.sums(xp.arange(10), xp=xp), steps.spread(xp.arange(6), xp=xp)
    (array([ 1,  5,  4, 11, 15,  9]), array([0, 0, 1, 1, 2, 3, 3, 4, 4, 5]))
    """

    epochs: int
    batches: tuple[tuple[int, int], ...]
    """In each epoch, so many mini-batches of so many samples."""

    @property
    def sizes(self) -> list[int]:
        """The number of samples of each."""
        return [size for count, size in self.batches for _ in range(count)] * self.epochs

    @property
    def samples(self) -> int:
        """The number of all."""
        return self.epochs * sum(count * size for count, size in self.batches)

    @property
    def slices(self) -> Iterator[slice]:
        """The samples of each."""
        return (slice(start, stop) for start, stop in pairwise(accumulate(self.sizes, initial=0)))

    def sums(self, terms: Array, *, xp: Namespace) -> Array:
        """Return the sums over each mini-batch, shape (..., steps), of a term for every sample, shape (..., n)."""
        lead, parts, start = terms.shape[:-1], [], 0
        by_epoch = xp.reshape(terms, (*lead, self.epochs, self.samples // self.epochs))
        for count, size in self.batches:
            stop = start + count * size
            part = xp.reshape(by_epoch[..., start:stop], (*lead, self.epochs, count, size))
            parts.append(xp.sum(part, axis=-1))
            start = stop
        return xp.reshape(xp.concat(parts, axis=-1), (*lead, len(self.sizes)))

    def spread(self, numbers: Array, *, xp: Namespace) -> Array:
        """Return the number of its mini-batch for every sample, shape (..., n), from one for each, (..., steps)."""
        lead, parts, start = numbers.shape[:-1], [], 0
        by_epoch = xp.reshape(numbers, (*lead, self.epochs, len(self.sizes) // self.epochs))
        for count, size in self.batches:
            part = by_epoch[..., start : start + count, None]
            part = xp.broadcast_to(part, (*lead, self.epochs, count, size))
            parts.append(xp.reshape(part, (*lead, self.epochs, count * size)))
            start += count
        return xp.reshape(xp.concat(parts, axis=-1), (*lead, self.samples))


class Block(NamedTuple):
    """What a shard has of some mini-batches."""

    inputs: Iterator[Array]
    """Those of each step, good until the next is asked for; shape (size, D), or (M, size, D) where each member has its
    own, or (G, 1, size, D) where G groups of members side by side, each as many, have."""
    targets: Targets
    """Those of all, shape (n, C), with members (1 or M, n, C); all shards' losses add up to the means."""
    norms: Array
    """Shape (steps,), with members (1 or M, steps): what this shard adds to the divisors of the means."""
    ones: Array
    """Shape (1, size) for the largest."""
    steps: Steps
    xp: Namespace

    def batches(self) -> Iterator[Batch]:
        """Yield what each step takes."""
        values, weights = self.targets
        for x, rows in zip(islice(self.inputs, len(self.steps.sizes)), self.steps.slices, strict=True):
            ones = self.ones[:, : rows.stop - rows.start]
            yield x, ones, Targets(values[..., rows, :], weights[..., rows, :])
