"""Jacobians with many zeros, whose columns are moved in groups."""

from typing import Any

import numpy as np
from array_api_compat import device, is_array_api_obj

from xpnet._typing import Array, Namespace
from xpnet.devices import to_host
from xpnet.numerical.evaluation import WholeFunction

Host = np.ndarray[Any, Any]


class GroupedColumns:
    """The function that `Rows` wants, for a Jacobian with the `sparsity` (f(x).size, x.size)."""

    def __init__(self, whole: WholeFunction, x: Array, sparsity: Any, *, xp: Namespace) -> None:
        self._whole, self._xp, self._flat = whole, xp, xp.reshape(x, (-1,))
        self._pattern = _read(sparsity, (_size(whole.centre), _size(x)))
        self._group = group_columns(self._pattern)

    def __call__(self, points: list[Array], index: Array) -> Array:
        """Return f where the entries `index` have moved in groups: (points, entries, *shape of f), f(x) off pattern."""
        xp, flat, centre = self._xp, self._flat, self._whole.centre
        columns = to_host(index)
        groups, member = np.unique(self._group[columns], return_inverse=True)
        place = np.full(_size(flat), -1)
        place[columns] = np.arange(len(columns))

        def to_device(array: Host) -> Array:
            return xp.asarray(array, dtype=index.dtype, device=device(flat))

        # For each group and each entry of x: which of the points it moves to, -1 where it stays.
        chosen = np.where(self._group == groups[:, None], place, -1)
        source = to_device(np.where(chosen < 0, 0, chosen))
        moves = xp.asarray(chosen >= 0, device=device(flat))

        def rows(start: int, stop: int) -> Array:
            here = [xp.take(p, xp.reshape(source[start:stop, ...], (-1,))) for p in points]
            table = xp.stack([xp.reshape(p, (stop - start, flat.shape[0])) for p in here], axis=1)
            return xp.where(moves[start:stop, None, :], table, flat)

        values = xp.moveaxis(self._whole.at_rows(rows, len(groups), len(points), xp=xp), 1, 0)
        values = xp.take(values, to_device(member), axis=1)
        wanted = np.reshape(self._pattern[:, columns].T, (len(columns), *centre.shape))
        return xp.where(xp.asarray(wanted, device=device(flat)), values, xp.astype(centre, values.dtype))


def group_columns(pattern: Host) -> Host:
    """Return a group for each column, so that no two columns of a group have a row in common.

    Each column, those with most rows first, goes to the first group in which it fits: Curtis, Powell and Reid (1974).
    """
    group = np.zeros(pattern.shape[1], dtype=np.int64)
    taken: list[Host] = []
    for column in np.argsort(-np.sum(pattern, axis=0), kind="stable"):
        rows = pattern[:, column]
        free = [number for number, used in enumerate(taken) if not np.any(used & rows)]
        if not free:
            free = [len(taken)]
            taken.append(np.zeros(pattern.shape[0], dtype=bool))
        taken[free[0]] |= rows
        group[column] = free[0]
    return group


def _read(sparsity: Any, shape: tuple[int, int]) -> Host:
    sparsity = sparsity.toarray() if hasattr(sparsity, "toarray") else sparsity
    pattern: Host = np.not_equal(to_host(sparsity) if is_array_api_obj(sparsity) else np.asarray(sparsity), 0)
    if pattern.shape != shape:
        raise ValueError(f"sparsity must have shape (f(x).size, x.size) = {shape}, got {pattern.shape}")
    return pattern


def _size(array: Array) -> int:
    return int(np.prod(array.shape, dtype=np.int64))
