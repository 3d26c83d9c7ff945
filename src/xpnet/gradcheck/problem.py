"""A function of one array, or of several named ones, and the gradient that is to be checked."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np
from array_api_compat import device, is_array_api_obj

from xpnet._checks import as_floating, check_callable, check_positive, namespace_of
from xpnet._random import generator
from xpnet._typing import Array
from xpnet.devices import to_host
from xpnet.numerical.noise import Host, difference_noise
from xpnet.numerical.steps import SMALLEST_SCALE, epsilon

Arrays = Array | Mapping[str, Array]

_PROBES = 9
_CAUTION = 4.0
"""How many standard deviations of noise a bound allows for."""


class Problem:
    """`f` at `x` (a single array goes by the name "x"), with every number that comes out counted and on the host.

    `f` gets copies of every array, so that nothing it does changes those of the caller.
    """

    def __init__(self, f: Callable[[Any], Any], x: Arrays, *, scale: Any = None, seed: int = 0) -> None:
        check_callable(f, "f")
        self.named = isinstance(x, Mapping)
        given = dict(x) if isinstance(x, Mapping) else {"x": x}
        if not given:
            raise ValueError("x must name at least one array, got an empty mapping")
        self.xp = xp = namespace_of(**given)
        self.arrays = {name: as_floating(array, name, xp=xp) for name, array in given.items()}
        self.hosts = {name: to_host(array).astype(np.float64) for name, array in self.arrays.items()}
        self.evaluations, self.seed = 0, seed
        self._f = f
        first = self._call(self.copies())
        self.shape = first.shape if is_array_api_obj(first) else ()
        dtypes = [*self.arrays.values(), first] if is_array_api_obj(first) else list(self.arrays.values())
        self.eps = epsilon(*dtypes, xp=xp)
        self.tiny = max(float(xp.finfo(array.dtype).smallest_normal * xp.finfo(array.dtype).eps) for array in dtypes)
        self.centre = self._read([first])[0]
        self.scales = self.per_entry(scale, "scale")
        for name, host in self.hosts.items():
            self.scales.setdefault(name, np.maximum(np.abs(host), SMALLEST_SCALE))

    def copies(self, **replaced: Array) -> Any:
        """Return what f takes: copies of the arrays of x, but for those replaced."""
        named = {
            name: replaced[name] if name in replaced else self.xp.asarray(array, copy=True)
            for name, array in self.arrays.items()
        }
        return named if self.named else named["x"]

    def per_entry(self, given: Any, what: str) -> dict[str, Host]:
        """Return positive numbers for every entry of x, from one number, arrays like x, or None (no names)."""
        if given is None:
            return {}
        parts = given if isinstance(given, Mapping) else dict.fromkeys(self.arrays, given)
        if unknown := parts.keys() - self.arrays.keys():
            raise ValueError(f"{what} must have names of x, {list(self.arrays)}, got {sorted(unknown)}")
        found = {}
        for name, part in parts.items():
            if not is_array_api_obj(part) or part.ndim == 0:
                check_positive(part if not is_array_api_obj(part) else float(part), what)
            shape = self.arrays[name].shape
            host = to_host(part).astype(np.float64) if is_array_api_obj(part) else np.asarray(float(part))
            if host.shape not in ((), shape) or not np.all(np.isfinite(host) & (host > 0)):
                raise ValueError(f"{what} of {name} must be finite numbers > 0, one or one for each entry, {shape}")
            found[name] = np.broadcast_to(host, shape)
        return found

    def read_gradient(self, gradient: Any) -> tuple[dict[str, Host], float]:
        """Return what to check, of shape (values of f, entries of x) for each array, and the precision of its dtype."""
        if callable(gradient) and not is_array_api_obj(gradient):
            gradient = gradient(self.copies())
        if isinstance(gradient, Mapping) != self.named:
            kind = "a mapping" if self.named else "an array"
            raise TypeError(f"gradient must be {kind}, as x is, got {type(gradient).__name__}")
        given = dict(gradient) if self.named else {"x": gradient}
        if given.keys() != self.arrays.keys():
            raise ValueError(f"gradient must have the names of x, {list(self.arrays)}, got {list(given)}")
        eps, parts = 0.0, {}
        for name, array in self.arrays.items():
            xp = namespace_of(**{f"gradient of {name}": given[name]})
            shape = (*self.shape, *array.shape)
            if given[name].shape != shape:
                raise ValueError(
                    f"gradient of {name} must have the shape {shape}, that of f(x) and of {name}, "
                    f"got {given[name].shape}"
                )
            part = as_floating(given[name], f"gradient of {name}", xp=xp)
            eps = max(eps, float(xp.finfo(part.dtype).eps))
            parts[name] = to_host(part).astype(np.float64).reshape(prod(self.shape), prod(array.shape))
        return parts, eps

    def moved(self, name: str, index: Host, steps: Host) -> tuple[Host, Host]:
        """Return f where, one after another, entry ``index[j]`` of an array is moved by about ``steps[j]``.

        With it, by how much it really moved, in the precision of the array.
        """
        xp, array = self.xp, self.arrays[name]
        flat = xp.reshape(array, (-1,))
        points, actual = self.shifted(name, index, steps)
        every = xp.arange(flat.shape[0], device=device(array))
        values = [
            self._probe({name: xp.reshape(xp.where(every == int(i), points[j], flat), array.shape)})
            for j, i in enumerate(index)
        ]
        return actual, self._read(values)

    def shifted(self, name: str, index: Host, steps: Host) -> tuple[Array, Host]:
        """Return entries of an array moved by some steps, and by how much they really moved."""
        array, at = self.arrays[name], self.hosts[name].reshape(-1)[index]
        points = self.xp.asarray(at + steps, dtype=array.dtype, device=device(array))
        return points, to_host(points).astype(np.float64) - at

    def along(self, direction: dict[str, Host], steps: Host) -> Host:
        """Return f at ``x + step * direction`` for every step."""
        xp, values = self.xp, []
        for step in steps:
            moved = {
                name: xp.asarray(self.hosts[name] + step * direction[name], dtype=array.dtype, device=device(array))
                for name, array in self.arrays.items()
            }
            values.append(self._probe(moved))
        return self._read(values)

    def directions(self, count: int) -> list[dict[str, Host]]:
        """Return random directions that have length 1 if each entry is measured by its scale."""
        length = np.sqrt(max(1, sum(scale.size for scale in self.scales.values())))
        draws = generator(self.seed, "direction")
        return [
            {name: scale / length * _signs(draws, scale) for name, scale in self.scales.items()} for _ in range(count)
        ]

    def slope(self, slopes: dict[str, Host], direction: dict[str, Host]) -> Host:
        """Return what a gradient says of the slope along a direction, for each value of f."""
        parts = [slopes[name] @ part.reshape(-1) for name, part in direction.items()]
        return np.sum(np.stack(parts), axis=0)

    def noise(self) -> tuple[Host, Host]:
        """Return the noise of every value of f near x, times 4: the least and the most that difference tables show.

        Their steps are from those in which nothing but rounding can change f to those of a first difference.
        """
        draws = generator(self.seed, "direction", 1)
        direction = {name: scale * _signs(draws, scale) for name, scale in self.scales.items()}
        points = np.arange(-(_PROBES // 2), _PROBES // 2 + 1)
        steps = (self.eps ** (3 / 4), self.eps ** (1 / 2), self.eps ** (1 / 3) / 4)
        tables = [self.along(direction, step * points) for step in steps]
        found = [[difference_noise(values) for values in table.T] for table in tables]
        levels = _CAUTION * np.asarray(found, dtype=np.float64).reshape(len(steps), -1)
        least, most = np.fmin.reduce(levels, axis=0), np.fmax.reduce(levels, axis=0)
        return np.nan_to_num(least, nan=0.0), np.nan_to_num(most, nan=0.0)

    def _probe(self, moved: dict[str, Array]) -> Any:
        """Return f away from x, where it may fail: None."""
        try:
            with np.errstate(all="ignore"):
                return self._call(self.copies(**moved))
        except (ArithmeticError, ValueError):
            return None

    def _call(self, x: Any) -> Any:
        self.evaluations += 1
        value = self._f(x)
        if isinstance(value, np.generic):
            value = value.item()
        if is_array_api_obj(value):
            namespace_of(x=next(iter(self.arrays.values())), **{"f(x)": value})
            return as_floating(value, "f(x)", xp=self.xp)
        if not isinstance(value, int | float):
            raise TypeError(f"f must return an array or a number, got {type(value).__name__}: does it lack a return?")
        return float(value)

    def _read(self, values: list[Any]) -> Host:
        """Return values of f as rows of an array on the host, with one transfer; NaN where f failed."""
        rows = np.full((len(values), prod(self.shape)), np.nan)
        known = [value for value in values if value is not None]
        shapes = {value.shape if is_array_api_obj(value) else () for value in known}
        if shapes - {self.shape}:
            raise ValueError(f"f must always return the same shape, {self.shape}, got {sorted(shapes - {self.shape})}")
        if known:
            arrays = all(is_array_api_obj(value) for value in known)
            read = to_host(self.xp.stack(known)) if arrays else np.asarray([float(value) for value in known])
            where = np.asarray([value is not None for value in values])
            rows[where] = read.astype(np.float64).reshape(len(known), -1)
        return rows


def _signs(draws: np.random.Generator, like: Host) -> Host:
    return np.where(draws.integers(0, 2, like.shape), 1.0, -1.0)
