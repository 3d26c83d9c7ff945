"""What is differentiated: a function of numbers that can be moved, each by itself."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from array_api_compat import device

from xpnet._typing import Array, Namespace
from xpnet.devices import to_host
from xpnet.numerical.evaluation import Function, as_values, check_elementwise
from xpnet.numerical.steps import SMALLEST_SCALE, epsilon, step_exponent

Evaluate = Callable[[list[Array], Array], Array]
"""From points that belong to the numbers of an index to f there: shape (points, numbers, *shape of f)."""
Merge = Callable[[Array, Array], Array]
"""Puts a result for a part of a problem in its place among those for the whole."""


class Problem(ABC):
    """Numbers x, of any shape, and a function of them, which has an array of values (shape of f) for each number.

    Attributes
    ----------
    x : array
        The numbers.
    size : array
        |x|, or what stands in for it where x is a distance along a direction: the rounding of x is eps times that.
    eps : float
        The relative precision of x and f, whatever is coarser.
    centre : array, shape (1, *shape of x or ones, *shape of f)
        f(x); known after the first call of `at`.
    magnitude : array or number
        How large numbers are inside f whose rounding its values do not show.
    """

    def __init__(self, x: Array, eps: float, *, size: Array | None = None, xp: Namespace) -> None:
        self.x, self.eps, self.magnitude = x, eps, 0.0
        self.size = xp.abs(x) if size is None else size
        self._has_own_size = size is not None
        self.centre: Array = None

    def extent(self, smallest: float, *, xp: Namespace) -> Array:
        """Return a length over which f may change: |x|, but not less than `smallest`."""
        return self.size if self._has_own_size else xp.maximum(self.size, smallest)

    def best_step(self, method: str, order: int, *, xp: Namespace) -> Array:
        """Return the step of a plain difference that suits x and the precision."""
        return self.eps ** step_exponent(method, order) * self.extent(SMALLEST_SCALE, xp=xp)

    def spread(self, array: Array | float, like: Array, *, xp: Namespace) -> Array:
        """Return an array of the shape of x with axes for those of f, as `like` has them; a number as it is."""
        if isinstance(array, float):
            return array
        return xp.reshape(array, array.shape + (1,) * (like.ndim - self.x.ndim))

    @abstractmethod
    def at(self, points: list[Array], *, xp: Namespace) -> Array:
        """Return f at points, each of the shape of x: shape (points, *shape of x, *shape of f)."""

    def part(self, mask: Array, *, xp: Namespace) -> "tuple[Problem, Callable[[Array], Array], Merge]":
        """Return the problem without the numbers that no entry of `mask` (like a result) wants.

        With it come a function that cuts arrays like x down in the same way, and one that puts results back.
        """

        def merge(whole: Array, part: Array) -> Array:
            return xp.where(mask, part, whole)

        return self, lambda array: array, merge


class Elementwise(Problem):
    """An elementwise function, called once with all points; where x is 0-d, once for each."""

    def __init__(self, f: Function, x: Array, f0: object, *, xp: Namespace) -> None:
        super().__init__(x, epsilon(x, xp=xp), xp=xp)
        self._f = f
        if f0 is not None:
            self._know(as_values(f0, x, xp=xp), xp=xp)

    def _know(self, centre: Array, *, xp: Namespace) -> None:
        check_elementwise(centre, self.x.shape)
        self.centre = centre[None, ...]
        self.eps = epsilon(self.x, centre, xp=xp)

    def at(self, points: list[Array], *, xp: Namespace) -> Array:
        """Return f at the points; f(x), if it is not known and the points are real, comes from the same call."""
        with_centre = self.centre is None and not xp.isdtype(points[0].dtype, "complex floating")
        points = [self.x, *points] if with_centre else points
        if self.x.ndim == 0:
            each = [as_values(self._f(point), point, xp=xp) for point in points]
            for value in each:
                check_elementwise(value, ())
            values = xp.stack(each)
        else:
            batch = xp.stack(points)
            values = as_values(self._f(batch), batch, xp=xp)
            check_elementwise(values, batch.shape)
        if with_centre:
            self._know(values[0, ...], xp=xp)
        return values[1:, ...] if with_centre else values

    def part(self, mask: Array, *, xp: Namespace) -> tuple[Problem, Callable[[Array], Array], Merge]:
        """Return the whole problem with x in place of those points that nobody wants.

        It keeps its shape, since `f` may hold arrays that go with x.
        """
        _, cut, merge = super().part(mask, xp=xp)
        return _Masked(self, mask, xp=xp), cut, merge


class _Masked(Problem):
    def __init__(self, whole: Elementwise, mask: Array, *, xp: Namespace) -> None:
        super().__init__(whole.x, whole.eps, xp=xp)
        self._whole, self._mask, self.centre = whole, mask, whole.centre

    def at(self, points: list[Array], *, xp: Namespace) -> Array:
        return self._whole.at([xp.where(self._mask, point, self.x) for point in points], xp=xp)


class Rows(Problem):
    """A function of a whole array: in each of many copies of that, one of the numbers (a 1-d x) moves."""

    def __init__(
        self,
        evaluate: Evaluate,
        x: Array,
        index: Array,
        centre: Array,
        *,
        size: Array | None = None,
        magnitude: Array | float = 0.0,
        xp: Namespace,
    ) -> None:
        super().__init__(x, epsilon(x, centre, xp=xp), size=size, xp=xp)
        self._evaluate, self._index = evaluate, index
        self.centre, self.magnitude = centre[None, None, ...], magnitude

    def at(self, points: list[Array], *, xp: Namespace) -> Array:
        """Return f where one number at a time has moved."""
        return self._evaluate(points, self._index)

    def part(self, mask: Array, *, xp: Namespace) -> tuple[Problem, Callable[[Array], Array], Merge]:
        """Return the problem for the numbers that are wanted, of which the host must know how many there are."""
        wanted = np.any(np.reshape(to_host(mask), (mask.shape[0], -1)), axis=1)
        place = np.where(wanted, np.cumsum(wanted) - 1, 0)
        kept, place = (
            xp.asarray(a, dtype=self._index.dtype, device=device(self.x)) for a in (np.nonzero(wanted)[0], place)
        )

        def cut(array: Array) -> Array:
            return xp.take(array, kept, axis=0)

        def merge(whole: Array, part: Array) -> Array:
            return xp.where(mask, xp.take(part, place, axis=0), whole)

        part = Rows(
            self._evaluate,
            cut(self.x),
            cut(self._index),
            self.centre[0, 0, ...],
            size=cut(self.size) if self._has_own_size else None,
            magnitude=self.magnitude,
            xp=xp,
        )
        return part, cut, merge
