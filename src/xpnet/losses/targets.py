"""Targets of a loss: their shapes, their checks, and the form in which a loss takes them."""

from collections.abc import Callable
from typing import Any, NamedTuple

from array_api_compat import device

from xpnet._checks import check_real, namespace_of
from xpnet._typing import Array, Namespace
from xpnet.devices import to_host

IGNORE_INDEX = -100


class Targets(NamedTuple):
    """Targets made ready: all that a loss needs of `t` and of its options, and nothing of `y`."""

    values: Array
    """Shape (..., N, C): what the outputs are compared with; for cross-entropy w_c q_nc."""
    scales: Array
    """Shape (..., N, 1): the factor of the sum of squares, or for cross-entropy the row sums of `values`."""
    weights: Array
    """Shape (..., N, 1): s_n."""
    norms: Array
    """Shape (..., N): s_n v_n."""
    delta: float = 0.0
    """What `cross_entropy_error` adds to probabilities."""

    def map(self, function: Callable[[Array], Array]) -> "Targets":
        """Return the targets with `function` applied to each array, such as one that takes some of the samples."""
        values, scales = function(self.values), function(self.scales)
        return Targets(values, scales, function(self.weights), function(self.norms), self.delta)

    def of_member(self, member: int) -> "Targets":
        """Return the targets of one member, with no member axis."""

        def pick(array: Array, axes: int = 2) -> Array:
            return array[member, ...] if array.ndim > axes else array

        return Targets(pick(self.values), pick(self.scales), pick(self.weights), pick(self.norms, 1), self.delta)


def divisor(targets: Targets, *, xp: Namespace) -> Array:
    """Return what the mean divides by, shape (...); 1 where no sample counts, so that the mean is 0 there."""
    total = xp.sum(targets.norms, axis=-1)
    return xp.where(total == 0, xp.ones_like(total), total)


def is_labels(y: Array, t: Array, *, xp: Namespace) -> bool:
    """Return whether `t` holds integer labels of the samples of `y`, not a value for every output."""
    return t.ndim < y.ndim and bool(xp.isdtype(t.dtype, "integral"))


def one_hot(t: Array, classes: int, dtype: Any, *, xp: Namespace) -> Array:
    """Return rows with a one at the label's place; all zero for a label outside ``range(classes)``."""
    t = xp.astype(t, xp.int32)  # Of one dtype, since the labels' own may be too small for all classes.
    places = xp.arange(classes, dtype=t.dtype, device=device(t))
    return xp.astype(xp.expand_dims(t, axis=-1) == places, dtype)


def not_ignored(t: Array, ignore_index: int, *, xp: Namespace) -> Array:
    """Return whether each label counts."""
    return xp.astype(t, xp.int32) != ignore_index  # An unsigned dtype could not be compared with -100.


def check_shapes(y: Array, t: Array, *, labels: bool) -> None:
    """Refuse outputs and targets whose shapes do not fit: nothing is broadcast but along the member axis."""
    if y.ndim not in (1, 2, 3) or 0 in y.shape:
        raise ValueError(
            "y must be (outputs,), (samples, outputs) or (members, samples, outputs), none of them 0, "
            f"got shape {tuple(y.shape)}: reshape y"
        )
    shape = tuple(y.shape[:-1]) if labels else tuple(y.shape)
    fitting = (shape, shape[1:]) if y.ndim == 3 else (shape,)
    if tuple(t.shape) not in fitting:
        kind = "integer labels" if labels else "targets"
        repair = "reshape t" if labels or t.ndim >= y.ndim else "reshape t, or make class labels integers"
        raise ValueError(
            f"t: {kind} for y of shape {tuple(y.shape)} must have shape {' or '.join(map(str, fitting))}, "
            f"got {tuple(t.shape)}: {repair}"
        )


def check_labels(labels: Array, name: str, classes: int, ignore_index: int | None = None) -> None:
    """Refuse labels that are no class; this reads them on the host."""
    host = to_host(labels)
    wrong = host[((host < 0) | (host >= classes)) & (host != ignore_index)]
    if wrong.size:
        allowed = f"0..{classes - 1}" + ("" if ignore_index is None else f" or ignore_index={ignore_index}")
        raise ValueError(
            f"{name} must hold labels in {allowed}, got {wrong.flat[0]}: count classes from 0, or add outputs"
        )


def as_batch(array: Array) -> Array:
    return array[None, :] if array.ndim == 1 else array


def dense(y: Array, t: Array, *, xp: Namespace) -> Array:
    check_real(t, "t", xp=xp)
    return t if t.dtype == y.dtype else xp.astype(t, y.dtype)


def sample_weights(y: Array, values: Array, sample_weight: Array | None, *, xp: Namespace) -> Array:
    """Return s_n, shape (..., N, 1), of the samples of `values`: ones without `sample_weight`."""
    if sample_weight is None:
        return xp.ones((*values.shape[:-1], 1), dtype=values.dtype, device=device(values))
    namespace_of(t=values, sample_weight=sample_weight)
    check_real(sample_weight, "sample_weight", xp=xp)
    shape = (values.shape[-2],)
    fitting = (shape, (y.shape[0], *shape)) if y.ndim == 3 else (shape,)
    if tuple(sample_weight.shape) not in fitting:
        raise ValueError(
            f"sample_weight must hold one weight per sample, shape {' or '.join(map(str, fitting))}, "
            f"got {tuple(sample_weight.shape)}"
        )
    return xp.expand_dims(xp.astype(sample_weight, values.dtype), axis=-1)


def class_weights(y: Array, class_weight: Array, *, xp: Namespace) -> Array:
    """Return w_c in the dtype of `y`."""
    namespace_of(y=y, class_weight=class_weight)
    check_real(class_weight, "class_weight", xp=xp)
    if tuple(class_weight.shape) != (y.shape[-1],):
        raise ValueError(
            f"class_weight must hold one weight per class, shape ({y.shape[-1]},), got {tuple(class_weight.shape)}"
        )
    return xp.astype(class_weight, y.dtype)
