"""How good predictions are."""

from xpnet._checks import as_floating, check_count, namespace_of
from xpnet._typing import Array, Namespace
from xpnet.losses.targets import check_labels, check_shapes, is_labels, one_hot


def accuracy(y: Array, t: Array) -> Array:
    """Return the fraction of samples whose largest output is at their class.

    Parameters
    ----------
    y : array, shape (C,), (N, C) or (M, N, C)
        Logits or probabilities; of equal ones the first counts.
    t : array
        Integer labels with one axis less than `y`, or one-hot targets in the shape of `y`.

    Returns
    -------
    array, shape () or (M,)
        In the floating dtype of `y`.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.accuracy(np.asarray([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), np.asarray([1, 0, 0]))
    np.float64(0.6666666666666666)
    """
    xp = namespace_of(y=y, t=t)
    y = as_floating(y, "y", xp=xp)
    labels = is_labels(y, t, xp=xp)
    check_shapes(y, t, labels=labels)
    if labels:
        check_labels(t, "t", y.shape[-1])
    samples = y.shape[-2] if y.ndim > 1 else 1
    return count_correct(y, labels_of(y, t, xp=xp), xp=xp) / samples


def labels_of(y: Array, t: Array, *, xp: Namespace) -> Array:
    """Return the integer labels of `t`, be it labels already or a value for every class."""
    return t if is_labels(y, t, xp=xp) else xp.argmax(as_floating(t, "t", xp=xp), axis=-1)


def count_correct(y: Array, labels: Array, *, xp: Namespace) -> Array:
    """Return the number of samples, in the dtype of `y`, whose largest output is at their label."""
    hits = xp.astype(xp.argmax(y, axis=-1) == labels, y.dtype)
    return xp.sum(hits, axis=-1) if hits.ndim else hits


def confusion_matrix(predicted: Array, t: Array, classes: int) -> Array:
    """Count the samples of every class (row) that were taken for every class (column).

    Parameters
    ----------
    predicted, t : array, shape (N,), integers in 0..classes-1
        Predicted and true labels.
    classes : int
        The number of classes.

    Returns
    -------
    array, shape (classes, classes), int64
        Counts; the diagonal holds what is right.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.confusion_matrix(np.asarray([0, 1, 1]), np.asarray([0, 1, 0]), 2)
    array([[1, 1],
           [0, 1]])
    """
    xp = namespace_of(predicted=predicted, t=t)
    check_count(classes, "classes")
    for name, labels in (("predicted", predicted), ("t", t)):
        if not xp.isdtype(labels.dtype, "integral"):
            raise TypeError(f"{name} must hold integer labels, got dtype {labels.dtype}: take argmax(outputs, axis=-1)")
        check_labels(labels, name, classes)
    if predicted.ndim != 1 or predicted.shape != t.shape:
        raise ValueError(
            f"predicted and t must both have shape (samples,), got {tuple(predicted.shape)} and {tuple(t.shape)}: "
            "take one network at a time"
        )
    true_rows = one_hot(t, classes, xp.int64, xp=xp)
    return xp.matmul(xp.matrix_transpose(true_rows), one_hot(predicted, classes, xp.int64, xp=xp))
