"""What a report says of predictions, beside their accuracy: how sure it is, class by class, and how well calibrated."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_BINS = 10


class Interval(NamedTuple):
    """The ends of a confidence interval."""

    low: float
    high: float


def wilson_interval(successes: int, trials: int) -> Interval:
    r"""Return Wilson's 95 % confidence interval of a proportion.

    .. math:: \frac{\hat p + z^2/2n \pm z \sqrt{\hat p (1 - \hat p)/n + z^2/4n^2}}{1 + z^2/n}, \quad z = 1.96

    Parameters
    ----------
    successes : int
        In [0, `trials`].
    trials : int
        At least 1.

    References
    ----------
    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22, 1927.

    Examples
    --------
    >>> from xpnet.report.statistics import wilson_interval
    >>> low, high = wilson_interval(9, 10)
    >>> print(f"{low:.3f} {high:.3f}")
    0.596 0.982
    """
    z = 1.959963984540054  # The normal distribution's quantile at 0.975.
    share, weight = successes / trials, z * z / trials
    centre = share + weight / 2
    half = math.sqrt(weight * (share * (1 - share) + weight / 4))
    return Interval((centre - half) / (1 + weight), min(1.0, (centre + half) / (1 + weight)))


class ClassScores(NamedTuple):
    """How well each class was found; arrays of shape (classes,), NaN where nothing was counted."""

    precision: NDArray[np.float64]
    """Of the samples taken for the class, the part that is of it."""
    recall: NDArray[np.float64]
    """Of the samples of the class, the part that was taken for it."""
    f1: NDArray[np.float64]
    """The harmonic mean of both."""
    support: NDArray[np.int64]
    """How many samples are of the class."""


def class_scores(counts: NDArray[np.int64]) -> ClassScores:
    """Return precision, recall and F1 of every class from a confusion matrix, rows true and columns predicted.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.report.statistics import class_scores
    >>> class_scores(np.asarray([[3, 1], [0, 4]])).recall
    array([0.75, 1.  ])
    """
    right, support, said = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    with np.errstate(invalid="ignore"):
        return ClassScores(right / said, right / support, 2 * right / (said + support), support)


class Calibration(NamedTuple):
    """Confidence against accuracy in bins of equal width; arrays of shape (bins,), the means NaN in an empty bin."""

    confidence: NDArray[np.float64]
    """The mean probability of the predicted class."""
    accuracy: NDArray[np.float64]
    samples: NDArray[np.int64]
    error: float
    """The expected calibration error."""


def calibration(true: NDArray[Any], probabilities: NDArray[Any]) -> Calibration:
    r"""Return how well the probabilities of the predicted classes are calibrated, in ten bins.

    .. math:: \mathrm{ECE} = \sum_b \frac{n_b}{n} |\mathrm{accuracy}_b - \mathrm{confidence}_b|

    Parameters
    ----------
    true : array, shape (n,), integers
        The labels.
    probabilities : array, shape (n, classes)
        What the network says.

    References
    ----------
    C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.report.statistics import calibration
    >>> print(f"{calibration(np.asarray([0, 0]), np.asarray([[0.9, 0.1], [0.3, 0.7]])).error:.2f}")
    0.40
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == true
    bins = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
    samples = np.bincount(bins, minlength=_BINS)
    said, was = (np.bincount(bins, weights=values, minlength=_BINS) for values in (confidence, right))
    with np.errstate(invalid="ignore"):
        means = said / samples, was / samples
    return Calibration(*means, samples, float(np.abs(said - was).sum() / len(true)))
