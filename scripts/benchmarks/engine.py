"""What an engine is, and which there are."""

import importlib
import time
from abc import ABC, abstractmethod
from importlib.util import find_spec
from typing import ClassVar, NamedTuple

import numpy as np

from benchmarks.work import Arrays, Work


class Engine(ABC):
    """A way to train. It has the data when it is made; what it does in an epoch is timed."""

    blas: ClassVar[bool] = False
    """Whether NumPy's matrix products do its work."""

    def __init__(self, work: Work, device: str, threads: int) -> None:
        self.work, self.device, self.threads = work, device, threads
        self.epochs = 0

    def epoch(self) -> dict[str, float]:
        """Train an epoch; return the microseconds of a step, and what else is known of it."""
        self.epochs += 1
        start = time.perf_counter()
        self.train(self.work.order(self.epochs))
        return {"microseconds": 1e6 * (time.perf_counter() - start) / self.work.steps}

    @abstractmethod
    def train(self, order: np.ndarray) -> object:
        """Do a step for each mini-batch of `order`, and return the losses before each, on the host."""

    @abstractmethod
    def params(self) -> Arrays | None:
        """Return copies of the parameters; None where nothing is trained."""

    def about(self) -> str:
        """Return what is worth knowing: a version, a kernel."""
        return ""


class Entry(NamedTuple):
    """Where an engine is, what it is called, and what it needs."""

    label: str
    place: str
    library: str
    devices: tuple[str, ...] = ("cpu", "gpu")


ENGINES = {
    "xpnet": Entry("xpnet", "xpnet_engine:XpnetEngine", "xpnet"),
    "floor": Entry("5 products alone", "numpy_engines:Floor", "numpy", ("cpu",)),
    "numpy": Entry("NumPy by hand, out=", "numpy_engines:ByHand", "numpy", ("cpu",)),
    "sklearn": Entry("scikit-learn", "sklearn_engine:SklearnEngine", "sklearn", ("cpu",)),
    "torch": Entry("PyTorch eager", "torch_engines:Eager", "torch"),
    "torch-compile": Entry("torch.compile", "torch_engines:Compiled", "torch"),
    "torch-graph": Entry("PyTorch, CUDA graph", "torch_engines:Graph", "torch", ("gpu",)),
    "jax": Entry("JAX jit + scan", "jax_engine:JaxEngine", "jax"),
}

MANY = {
    "xpnet-many": Entry("xpnet, side by side", "xpnet_engine:XpnetMany", "xpnet"),
    "xpnet": ENGINES["xpnet"]._replace(label="xpnet, one by one"),
    "joblib": Entry("joblib + scikit-learn", "sklearn_engine:JoblibEngine", "sklearn", ("cpu",)),
    "torch-vmap": Entry("PyTorch vmap", "torch_engines:Vmap", "torch"),
    "jax-vmap": Entry("JAX vmap + scan", "jax_engine:JaxVmap", "jax"),
}
"""Those that train many networks; "xpnet" trains one, so many times."""


def missing(name: str, device: str) -> str | None:
    """Return why an engine cannot be had on a device, in a few words."""
    entry = (ENGINES | MANY)[name]
    if device not in entry.devices:
        return f"not on the {device}"
    if find_spec(entry.library) is None:
        return f"{entry.library} is not installed"
    return None


def make_engine(name: str, work: Work, device: str, threads: int) -> Engine:
    """Import and make an engine."""
    module, _, kind = (ENGINES | MANY)[name].place.partition(":")
    engine: Engine = getattr(importlib.import_module(f"benchmarks.{module}"), kind)(work, device, threads)
    return engine
