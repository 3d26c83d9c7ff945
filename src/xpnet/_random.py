"""Random numbers of a run: drawn on the host, so that every device sees the same ones.

Each draw belongs to (seed, purpose, counter) and to nothing else: no stream is shared, so resuming a run, or
asking for the draws in another order, changes none of them.
"""

from __future__ import annotations  # numpy.random takes long to import, and is imported only when used.

import numpy as np

from xpnet._checks import check_count

_PURPOSES = ("initial parameters", "epoch", "split", "sample", "direction", "validation", "sweep")


def generator(seed: int, purpose: str, counter: int = 0) -> np.random.Generator:
    """Return the NumPy generator (Philox) of one purpose of a run, such as the shuffle of epoch `counter`."""
    check_count(seed, "seed", minimum=0)
    key = np.random.SeedSequence([seed, _PURPOSES.index(purpose), counter])
    return np.random.Generator(np.random.Philox(key))
