"""The order of an epoch: which sample comes when."""

import numpy as np
from numpy.typing import NDArray

from xpnet._checks import check_count
from xpnet._random import generator


def epoch_order(n: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return a true permutation of ``0 .. n-1``, drawn on the host, that depends on `seed` and `epoch` alone.

    Cut into blocks of the batch size it gives the mini-batches; the last may be short.

    Examples
    --------
    >>> from xpnet.training import epoch_order
    >>> sorted(epoch_order(5, seed=0, epoch=1).tolist())
    [0, 1, 2, 3, 4]
    """
    check_count(n, "n")
    check_count(epoch, "epoch", minimum=0)
    return generator(seed, "epoch", epoch).permutation(n).astype(np.int64, copy=False)
