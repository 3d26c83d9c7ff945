"""A function of one array, or of several named ones, and the gradient that is to be checked."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from array_api_compat import device

from xpnet._checks import as_floating, check_callable, namespace_of
from xpnet._random import generator
from xpnet._typing import Array
from xpnet.devices import to_host
from xpnet.gradcheck.judge import Host, Samples
from xpnet.numerical.evaluation import MAX_BYTES, WholeFunction
from xpnet.numerical.steps import SMALLEST_SCALE, best_step, check_step, epsilon, scale_of

Arrays = Array | Mapping[str, Array]

_PROBES = 9


class Problem:
    """`f` at `x` (a single array goes by the name "x"), with every number that comes out counted and on the host."""

    def __init__(self, f: Callable[[Any], Any], gradient: Any, x: Arrays, seed: int) -> None:
        check_callable(f, "f")
        self.named = isinstance(x, Mapping)
        given = dict(x) if isinstance(x, Mapping) else {"x": x}
        if not given:
            raise ValueError("x must name at least one array, got an empty mapping")
        self.xp = xp = namespace_of(**given)
        self.arrays = {name: as_floating(array, name, xp=xp) for name, array in given.items()}
        self.evaluations, self.seed = 0, seed
        self._f = f
        self._wholes = {name: self._whole(name) for name in self.arrays}
        centre = next(iter(self._wholes.values())).centre
        self.centre = float(centre)
        self.eps = epsilon(centre, *self.arrays.values(), xp=xp)
        self.gradient = self._read(gradient(x) if callable(gradient) else gradient)
        self.noise = self._rounding_noise()

    def _whole(self, name: str) -> WholeFunction:
        """Return f as a function of one of its arrays."""

        def f(array: Array) -> Any:
            self.evaluations += 1
            return self._f({**self.arrays, name: array} if self.named else array)

        whole = WholeFunction(f, self.arrays[name], vectorized=False, max_bytes=MAX_BYTES, xp=self.xp)
        whole.check_number()
        return whole

    def _read(self, gradient: Any) -> dict[str, Host]:
        if isinstance(gradient, Mapping) != self.named:
            kind = "a mapping" if self.named else "an array"
            raise TypeError(f"gradient must be {kind}, as x is, got {type(gradient).__name__}")
        given = dict(gradient) if self.named else {"x": gradient}
        if given.keys() != self.arrays.keys():
            raise ValueError(f"gradient must have the names of x, {list(self.arrays)}, got {list(given)}")
        for name, array in self.arrays.items():
            namespace_of(**{f"gradient of {name}": given[name]})
            if given[name].shape != array.shape:
                raise ValueError(f"gradient of {name} must have the shape {array.shape}, got {given[name].shape}")
        return {name: to_host(part).astype(np.float64) for name, part in given.items()}

    def around_entries(self, name: str, index: Host, h: float | None) -> Samples:
        """Return f around x, with one entry of one array at a time moved."""
        xp, array, whole = self.xp, self.arrays[name], self._wholes[name]
        flat = xp.reshape(array, (-1,))
        entries = xp.asarray(index, device=device(array))
        moving = xp.take(flat, entries)
        if h is None:
            step = best_step(moving, "central", self.eps, xp=xp)
        else:
            check_step(moving, h, xp=xp)
            step = xp.full_like(moving, h)
        points = [moving + k * step for k in (-2, -1, 1, 2)]
        values = to_host(whole.moved(points, entries, xp=xp)).astype(np.float64)
        centre = np.full((1, len(index)), self.centre)
        at = to_host(moving).astype(np.float64)
        steps = np.stack([to_host(point).astype(np.float64) for point in points]) - at
        return self._samples(
            np.concatenate([steps[:2], np.zeros_like(steps[:1]), steps[2:]]),
            np.concatenate([values[:2], centre, values[2:]]),
            np.abs(at),
        )

    def along(self, directions: list[dict[str, Host]], h: float) -> Samples:
        """Return f around x, moved along one direction at a time."""
        steps = h * np.arange(-2.0, 3.0)
        values = np.full((5, len(directions)), self.centre)
        for k in (0, 1, 3, 4):
            values[k] = [self.value(direction, steps[k]) for direction in directions]
        return self._samples(np.repeat(steps[:, None], len(directions), axis=1), values, np.zeros(len(directions)))

    def _samples(self, steps: Host, values: Host, size: Host) -> Samples:
        with np.errstate(invalid="ignore"):
            slope = (values[3] - values[1]) / (steps[3] - steps[1])
            return Samples(steps, values, self.noise + self.eps * size * np.abs(slope))

    def value(self, direction: dict[str, Host], s: float) -> float:
        """Return f at x + s * direction."""
        xp = self.xp
        moved = {
            name: array + xp.asarray(s * direction[name], dtype=array.dtype, device=device(array))
            for name, array in self.arrays.items()
        }
        self.evaluations += 1
        return float(self._f(moved if self.named else moved["x"]))

    def directions(self, count: int) -> list[dict[str, Host]]:
        """Return random directions that have length 1 if each entry is measured by its scale."""
        scales = {name: to_host(scale_of(array, xp=self.xp)).astype(np.float64) for name, array in self.arrays.items()}
        length = np.sqrt(sum(scale.size for scale in scales.values()))
        draws = generator(self.seed, "direction")
        return [{name: scale / length * _signs(draws, scale) for name, scale in scales.items()} for _ in range(count)]

    def slope(self, direction: dict[str, Host]) -> float:
        """Return what the gradient says of the slope along a direction."""
        return float(sum(np.sum(self.gradient[name] * part) for name, part in direction.items()))

    def _rounding_noise(self) -> float:
        """Return a bound of the rounding error of f: 2 units in the last place, or what tiny steps reveal.

        In steps of sqrt(eps), a fourth difference has room for nothing but rounding: its root mean square is sqrt(70)
        times that of the values. The bound is four times the latter.
        """
        draws = generator(self.seed, "direction", 1)
        hosts = {name: to_host(array).astype(np.float64) for name, array in self.arrays.items()}
        direction = {
            name: np.where(host == 0, SMALLEST_SCALE, np.abs(host)) * _signs(draws, host)
            for name, host in hosts.items()
        }
        values = np.asarray([self.value(direction, k * self.eps**0.5) for k in range(_PROBES)])
        if not np.all(np.isfinite(values)):
            return float("inf")
        revealed = 4 * np.sqrt(np.mean(np.diff(values, 4) ** 2) / 70)
        return float(max(2 * self.eps * np.max(np.abs(values)), revealed))


def _signs(draws: np.random.Generator, like: Host) -> Host:
    return np.where(draws.integers(0, 2, like.shape), 1.0, -1.0)
