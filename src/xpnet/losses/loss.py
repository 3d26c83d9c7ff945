"""What every loss is and does."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import reduce
from typing import Any, ClassVar, NamedTuple, Self

from array_api_compat import device

from xpnet._checks import as_floating, check_choice, check_members, namespace_of, quietly
from xpnet._typing import Array, Namespace
from xpnet.losses.targets import Targets, as_batch, check_targets, divisor, is_labels
from xpnet.losses.tasks import Regression, Task


class Terms(NamedTuple):
    """A loss at some outputs: the loss of each sample, and the gradient ``factor * (plus - minus)``."""

    losses: Callable[[], Array]
    """Gives shape (..., N); not computed before it is asked for, since a step of training does without."""
    plus: Array
    """Shape (..., N, C)."""
    minus: Array
    factor: Array | None = None
    """None for 1."""

    def gradient(self) -> Array:
        """Return the gradient of the sum of all losses with respect to the outputs, shape (..., N, C)."""
        gradient = self.plus - self.minus
        if self.factor is not None:
            gradient *= self.factor
        return gradient

    def magnitudes(self, *, xp: Namespace) -> Array:
        """Return the gradient with its difference made a sum of absolute values: what rounding acts on."""
        sums = xp.abs(self.plus) + xp.abs(self.minus)
        return sums if self.factor is None else xp.abs(self.factor) * sums


@dataclass(frozen=True)
class Loss(ABC):
    """A loss: ``loss(y, t)`` is its value, ``loss.gradient(y, t)`` its gradient with respect to `y`.

    Its options are its fields; a call may override them, ``loss(y, t, label_smoothing=0.1)``. A loss of your own is a
    subclass with a `name`, the three methods `_prepare`, `_terms` and `_difference`, and, unless it learns numbers, a
    `task` of `xpnet.losses.tasks`.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> from xpnet.losses import Terms
    >>> from xpnet.losses.targets import Targets
    >>> class LogCosh(xpnet.Loss):
    ...     name = "log_cosh"
    ...
    ...     def _prepare(self, t, weights, outputs, *, labels, xp):
    ...         return Targets(xp.astype(t, weights.dtype), weights), weights[..., 0]
    ...
    ...     def _terms(self, y, targets, *, xp):
    ...         error = y - targets.values
    ...         losses = lambda: xp.sum(xp.log(xp.cosh(error)) * targets.weights, axis=-1)
    ...         return Terms(losses, xp.tanh(error), xp.zeros_like(error), factor=targets.weights)
    ...
    ...     def _difference(self, y, targets, change, *, xp):  # cosh(e + d) = cosh e cosh d (1 + tanh e tanh d)
    ...         moved = xp.log1p(xp.tanh(y - targets.values) * xp.tanh(change)) + xp.log(xp.cosh(change))
    ...         return xp.sum(moved * targets.weights, axis=-1)
    >>> y, t = np.asarray([[1.0, 2.0]]), np.asarray([[0.0, 2.0]])
    >>> float(LogCosh()(y, t)).__round__(6), LogCosh().gradient(y, t).round(6)
    (0.433781, array([[0.761594, 0.      ]]))
    >>> xpnet.TwoLayerNet(4, 3, 2, loss=LogCosh())
    TwoLayerNet(4, 3, 2, activation='sigmoid', loss='log_cosh', device='cpu', dtype='float32')
    """

    name: ClassVar[str]
    task: ClassVar[Task] = Regression()
    """What targets are, and what the outputs of a network mean."""
    _folded: ClassVar[tuple[str, ...]] = ("weights",)
    """The fields of `Targets` in which the loss is linear, all together."""

    @property
    def classification(self) -> bool:
        """Whether targets may be labels of classes, not only a value for every output."""
        return self.task.classification

    @property
    def ignored_label(self) -> int | None:
        """The label of samples that do not count, where there is one."""
        return None

    @property
    def members(self) -> int | None:
        """How many networks its sequences tell apart; None where there are none."""
        return None

    def of_members(self, members: Sequence[int]) -> Self:
        """Return the loss of some of the members."""
        return self

    @quietly
    def __call__(
        self, y: Array, t: Array, *, reduction: str = "mean", sample_weight: Array | None = None, **options: Any
    ) -> Array:
        """Return the loss: one number per member, or with ``reduction="none"`` one per sample."""
        loss, y, targets, norms, xp = self._read(y, t, reduction, sample_weight, options)
        losses = loss._terms(as_batch(y), targets, xp=xp).losses()
        return loss._reduce(losses, targets, norms, reduction, y.ndim == 1, xp=xp)

    @quietly
    def gradient(
        self, y: Array, t: Array, *, reduction: str = "mean", sample_weight: Array | None = None, **options: Any
    ) -> Array:
        """Return the gradient of the loss with respect to `y`, in the shape of `y` (of the sum, for "none")."""
        loss, y, targets, norms, xp = self._read(y, t, reduction, sample_weight, options)
        gradient = loss._terms(as_batch(y), targets, xp=xp).gradient()
        gradient = _zero_where(xp.expand_dims(loss._unused(targets, xp=xp), axis=-1), gradient, xp=xp)
        if reduction == "mean":
            gradient = gradient / xp.expand_dims(divisor(norms, xp=xp), axis=(-2, -1))
        return xp.reshape(gradient, y.shape)

    @quietly
    def difference(
        self,
        y: Array,
        t: Array,
        change: Array,
        *,
        reduction: str = "mean",
        sample_weight: Array | None = None,
        **options: Any,
    ) -> Array:
        """Return ``loss(y + change, t) - loss(y, t)``, exact to rounding even where both are the same number.

        That holds for samples none of whose outputs changes by more than 1/8; larger changes show in the losses, and
        their difference is returned.

        Examples
        --------
        >>> import numpy as np, xpnet
        >>> y, change = np.asarray([[1.0, 1.0]]), np.asarray([[0.0, 1e-30]])
        >>> float(xpnet.softmax_cross_entropy.difference(y, np.asarray([0]), change))
        5e-31
        """
        loss, y, targets, norms, xp = self._read(y, t, reduction, sample_weight, options)
        namespace_of(y=y, change=change)
        if change.shape != y.shape:
            raise ValueError(f"change must have the shape of y, {tuple(y.shape)}, got {tuple(change.shape)}")
        batch, moves = as_batch(y), xp.astype(as_floating(as_batch(change), "change", xp=xp), y.dtype)
        before, after = (loss._terms(outputs, targets, xp=xp).losses() for outputs in (batch, batch + moves))
        large = xp.any(xp.abs(moves) > 1 / 8, axis=-1)
        differences = xp.where(large, after - before, loss._difference(batch, targets, moves, xp=xp))
        return loss._reduce(differences, targets, norms, reduction, y.ndim == 1, xp=xp)

    def prepare(
        self, t: Array, shape: tuple[int, ...], dtype: Any, *, sample_weight: Array | None = None, xp: Namespace
    ) -> tuple[Targets, Array]:
        """Return checked targets ready for outputs of a shape (..., N, C) and a dtype, and their norms, shape (..., N).

        The loss is the sum of the `_terms` for these targets, for the mean divided by the sum of the norms.
        """
        labels = self.classification and is_labels(t, len(shape), xp=xp)
        if sample_weight is None:
            weights = xp.ones((*(t.shape if labels else t.shape[:-1]), 1), dtype=dtype, device=device(t))
        else:
            weights = xp.expand_dims(xp.astype(sample_weight, dtype), axis=-1)
        return self._prepare(t, weights, shape[-1], labels=labels, xp=xp)

    def prepare_mean(
        self, t: Array, shape: tuple[int, ...], dtype: Any, *, sample_weight: Array | None = None, xp: Namespace
    ) -> Targets:
        """Return targets as `prepare` does, divided so that the sum of the `_terms` is the mean."""
        targets, norms = self.prepare(t, shape, dtype, sample_weight=sample_weight, xp=xp)
        return self.divided(targets, xp.expand_dims(divisor(norms, xp=xp), axis=(-2, -1)))

    def divided(self, targets: Targets, numbers: Array) -> Targets:
        """Return targets for the loss divided by numbers, shape (..., N, 1) or one that broadcasts to it."""
        return targets._replace(**{name: getattr(targets, name) / numbers for name in self._folded})

    @abstractmethod
    def _prepare(self, t: Array, weights: Array, outputs: int, *, labels: bool, xp: Namespace) -> tuple[Targets, Array]:
        """Return targets and norms from labels (..., N) or values (..., N, C), and sample weights (..., N, 1)."""

    @abstractmethod
    def _terms(self, y: Array, targets: Targets, *, xp: Namespace) -> Terms:
        """Return the terms of the loss at outputs with at least two axes."""

    @abstractmethod
    def _difference(self, y: Array, targets: Targets, change: Array, *, xp: Namespace) -> Array:
        """Return how much the loss of each sample changes, shape (..., N), when `y` does by little; nothing cancels."""

    # The numerical gradient moves the outputs of sample n along lines y_n + s v_j. A loss that can say what it does
    # there with less than all outputs for each pair of n and j overrides these three.

    _line_has_outputs: ClassVar[bool] = True
    """Whether `_line_difference` holds arrays of shape (N, J, C), or only (N, J)."""

    def _line(self, y: Array, targets: Targets, directions: Array, reach: float, *, xp: Namespace) -> tuple[Array, ...]:
        """Return arrays with a row for each sample that describe its lines, for `y` (N, C) and `directions` (J, C).

        Exact to rounding where no ``|s v_jc|`` is above `reach`.
        """
        return y, *targets

    def _line_difference(self, s: Array, line: tuple[Array, ...], directions: Array, *, xp: Namespace) -> Array:
        """Return how much the loss changes at step `s`, shape (N, J), given the rows of `_line` for these samples."""
        y, values, weights = (part[:, None, :] for part in line)
        return self._difference(y, Targets(values, weights), s[..., None] * directions, xp=xp)

    def _read(
        self, y: Array, t: Array, reduction: str, sample_weight: Array | None, options: dict[str, Any]
    ) -> tuple[Self, Array, Targets, Array, Namespace]:
        xp = namespace_of(y=y, t=t)
        y = as_floating(y, "y", xp=xp)
        check_choice(reduction, "reduction", ("mean", "sum", "none"))
        loss = self._with(options)
        shape = tuple(y.shape)
        if loss.members is not None:
            check_members(loss.members, loss.name, shape[0] if len(shape) == 3 else None)
        check_targets(shape, t, sample_weight, task=loss.task, ignore_index=loss.ignored_label, xp=xp)
        if y.ndim == 1:
            shape, t = (1, *shape), t[None, ...]
        targets, norms = loss.prepare(t, shape, y.dtype, sample_weight=sample_weight, xp=xp)
        return loss, y, targets, norms, xp

    def _with(self, options: dict[str, Any]) -> Self:
        names = [option.name for option in fields(self)]
        if unknown := [name for name in options if name not in names]:
            raise TypeError(f"{self.name} has no option {unknown[0]!r}: it has {', '.join(names) or 'none'}")
        return replace(self, **options) if options else self

    def _unused(self, targets: Targets, *, xp: Namespace) -> Array:
        """Return which samples do not count, shape (..., N), whatever their outputs are: NaN, too."""
        zero = [xp.all(getattr(targets, name) == 0, axis=-1) for name in self._folded]
        return reduce(xp.logical_and, zero)

    def _reduce(
        self, losses: Array, targets: Targets, norms: Array, reduction: str, single: bool, *, xp: Namespace
    ) -> Array:
        losses = _zero_where(self._unused(targets, xp=xp), losses, xp=xp)
        if reduction == "none":
            return losses[0, ...] if single else losses
        total = xp.sum(losses, axis=-1)
        return total if reduction == "sum" else total / divisor(norms, xp=xp)


def _zero_where(condition: Array, array: Array, *, xp: Namespace) -> Array:
    return xp.where(xp.broadcast_to(condition, array.shape), xp.zeros_like(array), array)
