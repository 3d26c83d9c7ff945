"""What training asks of a GPU, where somebody counts it: a simulator of CuPy, or CuPy itself with no GPU below it."""

import sys
from collections import Counter
from functools import partial

import numpy as np
import pytest
from small_networks import X, make, targets

import xpnet
from xpnet.activations import ACTIVATIONS
from xpnet.devices import fusion, products
from xpnet.losses import LOSSES
from xpnet.optimizers import OPTIMIZERS

MOST = 12
"""Launches that a step may take."""

pytestmark = pytest.mark.needs("cupy")


@pytest.fixture
def count(monkeypatch):
    """Give a function that returns how many launches, host reads and synchronizations there were so far."""
    import cupy

    if hasattr(cupy, "simulated"):
        # It has neither ElementwiseKernel nor cuBLAS, but can take a function for one kernel, and counts it as one.
        monkeypatch.setattr(products, "matmul", cupy.fuse(products.matmul))
        monkeypatch.setattr(
            fusion._Fused, "__call__", lambda self, *given: cupy.fuse(partial(self._function, xp=self._xp))(*given)
        )
        monkeypatch.setattr(products, "matmul", cupy.fuse(products.matmul))
        monkeypatch.setattr(fusion, "fused", lambda function, *, xp: cupy.fuse(partial(function, xp=xp)))
        from cupy import _count

        return lambda: Counter(_count.totals(_count.EVENTS))
    if "realcupy" in sys.modules:
        return lambda: Counter(kind for kind, *_ in sys.modules["realcupy"].LOG)
    return pytest.skip("nobody counts what this CuPy does")


def asked_for(count, steps, optimizer, **options):
    """Return what the second epoch of so many steps asks for: in the first, kernels are compiled."""
    net = make(**{"dtype": "float32", **options}).to("gpu:0")
    t = targets(net)[:4]
    x, t = np.tile(X[:4], (steps, 1)), np.tile(t, (steps, *(1 for _ in t.shape[1:])))
    records = xpnet.fit_epochs(net, x, t, optimizer=optimizer, batch_size=4, epochs=2)
    next(records)
    before = count()
    next(records)
    return count() - before


CASES = {
    **{f"optimizer {name}": (rule(), {}) for name, rule in OPTIMIZERS.items()},
    **{f"activation {name}": (xpnet.SGD(), {"activation": name}) for name in ACTIVATIONS},
    **{f"loss {name}": (xpnet.SGD(), {"loss": name}) for name in LOSSES},
    "members": (xpnet.Adam([0.1, 0.2, 0.3], beta2=[0.9, 0.99, 0.999]), {"members": 3}),
    "schedule and decay": (xpnet.Adam(xpnet.CosineDecay(0.1, steps=100), weight_decay=0.1), {"dtype": "float64"}),
}


@pytest.mark.parametrize("case", list(CASES))
def test_a_step_takes_few_launches_of_cupy(count, case):
    optimizer, options = CASES[case]
    few, many = (asked_for(count, steps, optimizer, **options) for steps in (4, 12))
    assert (many["launch"] - few["launch"]) / 8 <= MOST


def test_an_epoch_on_cupy_is_read_once(count):
    for steps in (4, 12):
        events = asked_for(count, steps, xpnet.SGD())
        assert (events["d2h"], events["sync"]) == (1, 1)
