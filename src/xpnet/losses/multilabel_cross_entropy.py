"""The cross-entropy of labels of which any may hold."""

from dataclasses import dataclass

from xpnet.losses.binary_cross_entropy import BinaryCrossEntropy
from xpnet.losses.tasks import MultiLabel


@dataclass(frozen=True)
class MultiLabelCrossEntropy(BinaryCrossEntropy):
    """Sum of the binary cross-entropies of C labels, each with a logit `y_c` of its own.

    Called with ``(y, t, *, reduction="mean", sample_weight=None)``.

    Parameters
    ----------
    y : array, shape (C,), (N, C) or (M, N, C), real
        Logits.
    t : array, in the shape of `y`
        1 for a label that holds and 0 for others, or probabilities.
    reduction, sample_weight
        As for `SoftmaxCrossEntropy`.

    Raises
    ------
    TypeError
        As for `SoftmaxCrossEntropy`.
    ValueError
        If the shapes differ, or a target is not between 0 and 1.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> y, t = np.asarray([[2.0, -1.0]]), np.asarray([[1, 1]])
    >>> round(float(xpnet.multilabel_cross_entropy(y, t)), 6)
    1.44019
    >>> xpnet.multilabel_cross_entropy.gradient(y, t).round(6)
    array([[-0.119203, -0.731059]])
    """

    name = "multilabel_cross_entropy"
    task = MultiLabel()
