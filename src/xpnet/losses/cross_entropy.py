"""The cross-entropies: of probabilities as in the chapter, and of logits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, cast

from array_api_compat import device, is_array_api_obj

from xpnet._checks import as_numbers, check_count, check_fraction, check_not_negative
from xpnet._typing import Array, Namespace
from xpnet.activations import probabilities, shifted_exponentials
from xpnet.devices import to_host
from xpnet.losses.loss import Loss, Terms
from xpnet.losses.targets import Targets, is_counted, one_hot
from xpnet.losses.tasks import Classification


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """What all cross-entropies share: options, and targets with all weights folded into values and their row sums."""

    label_smoothing: float | Sequence[float] = 0.0
    class_weight: Sequence[float] | None = None
    ignore_index: int = -100

    task = Classification()
    _folded: ClassVar[tuple[str, ...]] = ("values", "weights")

    def __post_init__(self) -> None:
        smoothing = self.label_smoothing
        if is_array_api_obj(smoothing):
            smoothing = to_host(smoothing).tolist()
        if isinstance(smoothing, list | tuple):
            smoothing = as_numbers(smoothing, "label_smoothing", check_fraction)
        else:
            check_fraction(smoothing, "label_smoothing")
        object.__setattr__(self, "label_smoothing", smoothing)
        check_count(self.ignore_index, "ignore_index", minimum=-(2**31), maximum=2**31 - 1)
        weights = self.class_weight
        if weights is not None:
            weights = to_host(weights).tolist() if is_array_api_obj(weights) else weights
            object.__setattr__(self, "class_weight", as_numbers(weights, "class_weight", check_not_negative))

    @property
    def ignored_label(self) -> int | None:
        return self.ignore_index

    @property
    def members(self) -> int | None:
        return len(self.label_smoothing) if isinstance(self.label_smoothing, tuple) else None

    def of_members(self, members: Sequence[int]) -> Self:
        smoothing = self.label_smoothing
        return replace(self, label_smoothing=[smoothing[i] for i in members]) if isinstance(smoothing, tuple) else self

    def _prepare(self, t: Array, weights: Array, outputs: int, *, labels: bool, xp: Namespace) -> tuple[Targets, Array]:
        dtype = weights.dtype
        q = one_hot(t, outputs, dtype, xp=xp) if labels else xp.astype(t, dtype, copy=False)
        if labels:
            counted = xp.astype(is_counted(t, self.ignore_index, xp=xp), dtype)
            weights = weights * xp.expand_dims(counted, axis=-1)
        norms = weights
        totals = xp.sum(q, axis=-1, keepdims=True)
        if self.class_weight is not None:
            if len(self.class_weight) != outputs:
                raise ValueError(
                    f"class_weight must hold one weight for each of {outputs} classes, got {len(self.class_weight)}"
                )
            class_weight = xp.asarray(list(self.class_weight), dtype=dtype, device=device(weights))
            safe_totals = xp.where(totals == 0, xp.ones_like(totals), totals)
            norms = weights * xp.sum(class_weight * q, axis=-1, keepdims=True) / safe_totals
        if self.label_smoothing:
            kept, spread = self._smoothing(outputs, q, xp=xp)
            q = kept * q + spread * totals
        if self.class_weight is not None:
            q = class_weight * q
        values = weights * q
        return Targets(values, xp.sum(values, axis=-1, keepdims=True)), norms[..., 0]

    def _smoothing(self, outputs: int, like: Array, *, xp: Namespace) -> tuple[Any, Any]:
        """Return the factors 1 - e and e / C, numbers or of shape (M, 1, 1)."""
        if not isinstance(self.label_smoothing, tuple):
            e = float(cast(float, self.label_smoothing))
            return 1 - e, e / outputs
        pairs = [(1 - e, e / outputs) for e in self.label_smoothing]
        factors = xp.asarray(pairs, dtype=like.dtype, device=device(like))
        return factors[:, 0, None, None], factors[:, 1, None, None]


@dataclass(frozen=True)
class CrossEntropyError(CrossEntropy):
    """Cross-entropy of probabilities, ``- sum_c t_c log(y_c + delta)`` per sample, exactly as in the chapter.

    Called with ``(y, t, *, reduction="mean", sample_weight=None)``.

    Parameters
    ----------
    label_smoothing, class_weight, ignore_index
        As for `SoftmaxCrossEntropy`.
    delta : float, >= 0
        Keeps the logarithm finite at y = 0.
    y : array, shape (C,), (N, C) or (M, N, C), real
        Probabilities. For logits use `softmax_cross_entropy`, which is more accurate.
    t, reduction, sample_weight
        As for `SoftmaxCrossEntropy`.

    Raises
    ------
    TypeError, ValueError
        As for `SoftmaxCrossEntropy`; if `delta` is no number >= 0.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> y, t = np.asarray([0, 2, 3, 8, 9]), np.asarray([3, 4, 7, 8, 9])
    >>> float(xpnet.cross_entropy_error(y, t))  # the chapter's own arrays, though no probabilities
    1.4808580471604245
    >>> y = np.asarray([[0.1, 0.6, 0.3], [0.2, 0.0, 0.8]])
    >>> round(float(xpnet.cross_entropy_error(y, np.asarray([1, 2]))), 6)
    0.366984
    """

    delta: float = 1e-7

    name = "cross_entropy_error"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_not_negative(self.delta, "delta")

    def _terms(self, y: Array, targets: Targets, *, xp: Namespace) -> Terms:
        def losses() -> Array:
            return -xp.sum(_product(targets.values, xp.log(y + self.delta), xp=xp), axis=-1)

        return Terms(losses, xp.zeros_like(y), _product(targets.values, 1 / (y + self.delta), xp=xp))

    def _difference(self, y: Array, targets: Targets, change: Array, *, xp: Namespace) -> Array:
        # log(y + d + delta) - log(y + delta) = log1p(d / (y + delta))
        return -xp.sum(_product(targets.values, xp.log1p(change / (y + self.delta)), xp=xp), axis=-1)


@dataclass(frozen=True)
class SoftmaxCrossEntropyError(CrossEntropyError):
    """The chapter's cross-entropy error of the softmax of logits, ``cross_entropy_error(softmax(y), t)``.

    `SoftmaxCrossEntropy` is the same but for `delta`, and more accurate. Options, arguments and errors are those of
    `CrossEntropyError`, with logits for `y`.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> loss = xpnet.SoftmaxCrossEntropyError()
    >>> round(float(loss(np.asarray([2.0, 1.0, 0.1]), np.asarray(0))), 6)
    0.41703
    """

    name = "softmax_cross_entropy_error"

    def _terms(self, y: Array, targets: Targets, *, xp: Namespace) -> Terms:
        p = probabilities(y, xp=xp)
        terms = super()._terms(p, targets, xp=xp)
        # With r = q / (p + delta), the gradient is p_c (sum_k p_k r_k - r_c).
        ratios = p * terms.minus
        return Terms(terms.losses, p * xp.sum(ratios, axis=-1, keepdims=True), ratios)

    def _difference(self, y: Array, targets: Targets, change: Array, *, xp: Namespace) -> Array:
        # The softmax changes by p_c (expm1(d_c) - S) / (1 + S) with S = sum_c p_c expm1(d_c).
        p, exponentials = probabilities(y, xp=xp), xp.expm1(change)
        sums = xp.sum(p * exponentials, axis=-1, keepdims=True)
        return super()._difference(p, targets, p * (exponentials - sums) / (1 + sums), xp=xp)


@dataclass(frozen=True)
class SoftmaxCrossEntropy(CrossEntropy):
    """Cross-entropy of logits, ``- sum_c t_c log softmax(y)_c`` per sample, with no intermediate overflow.

    Called with ``(y, t, *, reduction="mean", sample_weight=None)``. A logit may be -inf where the target is 0: such a
    class is masked, and neither costs nor gets a gradient.

    Parameters
    ----------
    label_smoothing : float, in [0, 1]
        The part e of each target that is spread evenly over all classes; or a sequence, one for each member.
    class_weight : sequence of C numbers, optional
        Weights w of the classes, >= 0; kept as a tuple.
    ignore_index : int, of 32 bits
        The label of samples that do not count, whatever their logits are.
    y : array, shape (C,), (N, C) or (M, N, C), real
        Logits.
    t : array
        One-hot or other target probabilities in the shape of `y`, or integer labels with one axis less.
    reduction : {"mean", "sum", "none"}
        Over the samples; see the formula of `xpnet.losses`.
    sample_weight : array, shape (N,) or (M, N), optional
        Weights s of the samples, >= 0.

    Raises
    ------
    TypeError
        If `y`, `t` or `sample_weight` is no array, complex, or of another library, or an option is of another kind.
    ValueError
        If shapes do not fit, a label is no class, or an option has no such value.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> y = np.asarray([[2.0, 1.0, 0.1], [0.5, 2.5, 0.3]])
    >>> float(xpnet.softmax_cross_entropy(y, np.asarray([0, 1]))).__round__(6)
    0.31854
    >>> xpnet.softmax_cross_entropy.gradient(y, np.asarray([0, 1])).round(6)
    array([[-0.170499,  0.121216,  0.049283],
           [ 0.054302, -0.09876 ,  0.044459]])
    >>> smooth = xpnet.SoftmaxCrossEntropy(label_smoothing=0.1)
    >>> float(smooth(y, np.asarray([0, 1]))).__round__(6)
    0.436873
    """

    name = "softmax_cross_entropy"
    _line_has_outputs = False

    def _terms(self, y: Array, targets: Targets, *, xp: Namespace) -> Terms:
        exponentials, shifted = shifted_exponentials(y, xp=xp)
        sums = xp.sum(exponentials, axis=-1, keepdims=True)

        def losses() -> Array:
            # log softmax(y)_c = (y_c - max) - log sum exp(y - max), so no probability is ever formed and logged.
            logs = _product(targets.weights, xp.log(sums), xp=xp)[..., 0]
            return logs - xp.sum(_product(targets.values, shifted, xp=xp), axis=-1)

        return Terms(losses, exponentials * (targets.weights / sums), targets.values)

    def _difference(self, y: Array, targets: Targets, change: Array, *, xp: Namespace) -> Array:
        # log sum exp(y + d) - log sum exp(y) = log1p(sum p expm1(d)) with p = softmax(y)
        sums = xp.sum(probabilities(y, xp=xp) * xp.expm1(change), axis=-1)
        return _product(targets.weights[..., 0], xp.log1p(sums), xp=xp) - xp.sum(targets.values * change, axis=-1)

    def _line(self, y: Array, targets: Targets, directions: Array, reach: float, *, xp: Namespace) -> tuple[Array, ...]:
        # sum_c p_c expm1(s v_c) = sum_k s^k m_k / k! with the moments m_k = sum_c p_c v_c^k: as many terms as the
        # series of expm1 needs up to `reach`, and no exponential of every sample, unit and class.
        p = probabilities(y, xp=xp)
        moments, power = [], xp.ones_like(directions)
        for k in range(1, _series_terms(reach, float(xp.finfo(y.dtype).eps)) + 1):
            power = power * directions / k
            moments.append(xp.matmul(p, xp.matrix_transpose(power)))
        return targets.weights, xp.matmul(targets.values, xp.matrix_transpose(directions)), *moments

    def _line_difference(self, s: Array, line: tuple[Array, ...], directions: Array, *, xp: Namespace) -> Array:
        weights, slopes, *moments = line
        series = moments[-1]
        for moment in reversed(moments[:-1]):
            series = moment + s * series
        return weights * xp.log1p(s * series) - slopes * s


def _product(weights: Array, factors: Array, *, xp: Namespace) -> Array:
    """Return the product, 0 where the weight is 0: the limit where the factor is a logarithm of 0, or of no account."""
    product = weights * factors
    return xp.where(xp.broadcast_to(weights == 0, product.shape), xp.zeros_like(product), product)


def _series_terms(reach: float, eps: float) -> int:
    """Return how many terms of ``expm1(d) = d + d^2/2! + ...`` are exact to rounding for |d| <= `reach`."""
    terms, remainder = 1, reach / 2
    while remainder > eps / 4:
        terms += 1
        remainder *= reach / (terms + 1)
    return terms
