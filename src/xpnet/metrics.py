"""How good predictions are."""

import numpy as np
from array_api_compat import device

from xpnet._checks import as_floating, check_count, namespace_of
from xpnet._typing import Array, Namespace
from xpnet.devices import to_host
from xpnet.losses.targets import check_labels, check_shapes, is_labels
from xpnet.losses.tasks import Classification, Probabilistic


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

    Raises
    ------
    TypeError
        If `y` or `t` is no array, complex, or of another library.
    ValueError
        If shapes do not fit, or a label is no class.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.accuracy(np.asarray([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), np.asarray([1, 0, 0]))
    np.float64(0.6666666666666666)
    """
    return task_accuracy(y, t, Classification())


def task_accuracy(y: Array, t: Array, task: Probabilistic) -> Array:
    """Return the fraction of samples whose outputs `y` predict their targets, whatever the task is."""
    xp = namespace_of(y=y, t=t)
    y = as_floating(y, "y", xp=xp)
    labels = task.classification and is_labels(t, y.ndim, xp=xp)
    check_shapes(tuple(y.shape), t, labels=labels)
    if labels:
        check_labels(t, "t", task.classes(y.shape[-1]))
    samples = y.shape[-2] if y.ndim > 1 else 1
    return count_correct(y, t if labels else task.labels(as_floating(t, "t", xp=xp), xp=xp), task, xp=xp) / samples


def count_correct(y: Array, labels: Array, task: Probabilistic, *, xp: Namespace) -> Array:
    """Return the number of samples, in the dtype of `y`, whose outputs predict their label."""
    hits = xp.astype(task.hits(y, labels, xp=xp), y.dtype)
    return xp.sum(hits, axis=-1) if hits.ndim else hits


def confusion_matrix(true: Array, predicted: Array, classes: int | None = None) -> Array:
    """Count the samples of every class (row) that were taken for every class (column), as scikit-learn does.

    Parameters
    ----------
    true, predicted : array, shape (N,), integers >= 0
        True and predicted labels.
    classes : int, optional
        The number of classes; by default one more than the largest label.

    Returns
    -------
    array, shape (classes, classes), int64
        Counts; the diagonal holds what is right.

    Raises
    ------
    TypeError
        If `true` or `predicted` is no array of integers, or of another library.
    ValueError
        If shapes differ, or a label is not below `classes`.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.confusion_matrix(np.asarray([0, 1, 0]), np.asarray([0, 1, 1]))
    array([[1, 1],
           [0, 1]])
    """
    xp = namespace_of(true=true, predicted=predicted)
    for name, labels in (("true", true), ("predicted", predicted)):
        if not xp.isdtype(labels.dtype, "integral"):
            raise TypeError(f"{name} must hold integer labels, got dtype {labels.dtype}: take argmax(outputs, axis=-1)")
    if true.ndim != 1 or predicted.shape != true.shape or 0 in true.shape:
        raise ValueError(
            f"true and predicted must both have shape (samples,), got {tuple(true.shape)} and "
            f"{tuple(predicted.shape)}: take one network at a time"
        )
    rows, columns = to_host(true).astype(np.int64), to_host(predicted).astype(np.int64)
    if classes is None:
        classes = 1 + max(0, int(rows.max()), int(columns.max()))
    check_count(classes, "classes")
    check_labels(rows, "true", classes)
    check_labels(columns, "predicted", classes)
    # Counted on the host: a GPU would have to add to one number from many threads.
    counts = np.bincount(classes * rows + columns, minlength=classes * classes)
    return xp.asarray(counts.reshape(classes, classes), device=device(true))
