"""What every loss is and does."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from xpnet._checks import as_floating, check_choice, namespace_of
from xpnet._typing import Array, Namespace
from xpnet.losses.targets import IGNORE_INDEX, Targets, as_batch, check_labels, check_shapes, divisor, is_labels


class Loss(ABC):
    """A loss: ``loss(y, t)`` is its value, ``loss.gradient(y, t)`` its gradient with respect to `y`."""

    name: str
    classification: bool
    """Whether the network's output means classes (through softmax), or the predicted numbers themselves."""
    prepare: Callable[..., Targets]
    """``prepare(y, t, *, xp, **options)`` makes `t` ready for outputs like `y`, without a look at any value."""

    def __call__(self, y: Array, t: Array, *, reduction: str = "mean", **options: Any) -> Array:
        """Return the loss: one number per member, or with ``reduction="none"`` one per sample."""
        y, targets, xp = self._read(y, t, reduction, options)
        return _reduce(self.losses(as_batch(y), targets, xp=xp), targets, reduction, y.ndim == 1, xp=xp)

    def gradient(self, y: Array, t: Array, *, reduction: str = "mean", **options: Any) -> Array:
        """Return the gradient of the loss with respect to `y`, in the shape of `y` (of the sum, for "none")."""
        y, targets, xp = self._read(y, t, reduction, options)
        _, gradient = self.losses_and_gradients(as_batch(y), targets, xp=xp)
        if reduction == "mean":
            gradient = gradient / xp.expand_dims(divisor(targets, xp=xp), axis=(-2, -1))
        return xp.reshape(gradient, y.shape)

    def difference(self, y: Array, t: Array, change: Array, *, reduction: str = "mean", **options: Any) -> Array:
        """Return ``loss(y + change, t) - loss(y, t)``, exact to rounding even where both are the same number."""
        y, targets, xp = self._read(y, t, reduction, options)
        if change.shape != y.shape:
            raise ValueError(f"change must have the shape of y, {tuple(y.shape)}, got {tuple(change.shape)}")
        differences = self.differences(as_batch(y), targets, xp.astype(as_batch(change), y.dtype), xp=xp)
        return _reduce(differences, targets, reduction, y.ndim == 1, xp=xp)

    def summands(self, y: Array, t: Array, *, reduction: str = "mean", **options: Any) -> Targets:
        """Return targets, checked and weighted so that the loss is the plain sum of what `losses` gives for them."""
        _, targets, xp = self._read(y, t, reduction, options)
        if reduction != "mean":
            return targets
        total = xp.expand_dims(divisor(targets, xp=xp), axis=(-2, -1))
        return targets._replace(weights=targets.weights / total)

    def _read(self, y: Array, t: Array, reduction: str, options: dict[str, Any]) -> tuple[Array, Targets, Namespace]:
        xp = namespace_of(y=y, t=t)
        y = as_floating(y, "y", xp=xp)
        check_choice(reduction, "reduction", ("mean", "sum", "none"))
        labels = self.classification and is_labels(y, t, xp=xp)
        check_shapes(y, t, labels=labels)
        if labels:
            check_labels(t, "t", y.shape[-1], options.get("ignore_index", IGNORE_INDEX))
        return y, self.prepare(y, t, xp=xp, **options), xp

    @abstractmethod
    def losses(self, y: Array, targets: Targets, *, xp: Namespace) -> Array:
        """Return s_n l_n, shape (..., N), of outputs with at least two axes."""

    @abstractmethod
    def losses_and_gradients(self, y: Array, targets: Targets, *, xp: Namespace) -> tuple[Array, Array]:
        """Return s_n l_n and their gradients, shape (..., N, C), with respect to `y`."""

    @abstractmethod
    def differences(self, y: Array, targets: Targets, change: Array, *, xp: Namespace) -> Array:
        """Return how much each s_n l_n changes, shape (..., N), when `y` changes by `change`; nothing cancels."""

    def __repr__(self) -> str:
        return f"xpnet.{self.name}"


class OutputLoss(Loss):
    """A loss of the raw outputs of a network, which also knows how it changes along lines through them.

    The line of sample n and direction j is ``y_n + s v_j``, and what the loss does there for all s takes only a few
    numbers: `line` computes them once, `line_differences` uses them for many s.
    """

    @abstractmethod
    def magnitudes(self, y: Array, targets: Targets, *, xp: Namespace) -> Array:
        """Return the gradients with each difference in them made a sum of absolute values: what rounding acts on."""

    @abstractmethod
    def line(self, y: Array, targets: Targets, directions: Array, reach: float, *, xp: Namespace) -> tuple[Array, ...]:
        """Return arrays with one row per sample that describe all lines, exact to rounding where |s v_jc| <= `reach`.

        `y` is (N, C), `directions` (J, C).
        """

    @abstractmethod
    def line_differences(self, s: Array, line: tuple[Array, ...], directions: Array, *, xp: Namespace) -> Array:
        """Return how much s_n l_n changes at step `s`, shape (N, J), given `line` with rows for the same samples."""


def _reduce(losses: Array, targets: Targets, reduction: str, single: bool, *, xp: Namespace) -> Array:
    if reduction == "none":
        return losses[0] if single else losses
    total = xp.sum(losses, axis=-1)
    return total if reduction == "sum" else total / divisor(targets, xp=xp)
