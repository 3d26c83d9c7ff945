"""The same work for all engines: sizes, data, initial weights, and what loss the training has to reach."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import xpnet
from xpnet.training import epoch_order

LEARNING_RATES = {"sgd": 0.1, "adam": 0.001}
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
SHAPES = ("64-50-10@32", "784-50-10@100", "784-256-10@128", "784-1024-10@512")
SEED = 0

Arrays = dict[str, np.ndarray]


class Case(NamedTuple):
    """One training: sizes of the network and the mini-batch, and the optimizer."""

    features: int
    hidden: int
    classes: int
    batch: int
    optimizer: str

    @classmethod
    def parse(cls, shape: str, optimizer: str) -> "Case":
        """Read a shape such as 784-50-10@100."""
        match = re.fullmatch(r"(\d+)-(\d+)-(\d+)@(\d+)", shape)
        if not match or any(int(number) < least for number, least in zip(match.groups(), (1, 1, 2, 1), strict=True)):
            raise ValueError(
                f"--shape must be FEATURES-HIDDEN-CLASSES@BATCH, all positive and at least two classes, got {shape!r}"
            )
        features, hidden, classes, batch = map(int, match.groups())
        return cls(features, hidden, classes, batch, optimizer)

    def __str__(self) -> str:
        return f"{self.shape.replace('@', ' @ ')}, {self.optimizer}"

    @property
    def shape(self) -> str:
        """What `parse` reads."""
        return f"{self.features}-{self.hidden}-{self.classes}@{self.batch}"

    @property
    def products(self) -> float:
        """Multiplications and additions of the five matrix products of a step."""
        return 2.0 * self.batch * self.hidden * (2 * self.features + 3 * self.classes)

    def usual_steps(self) -> int:
        """Return steps an epoch so that it takes some 0.15 s: long for the clock, short for many rounds."""
        return int(np.clip(round(0.15 / (150e-6 + self.products / 50e9)), 8, 800))


class Work(NamedTuple):
    """The arrays of a case; everything is float32, labels int64."""

    case: Case
    steps: int
    x: np.ndarray
    t: np.ndarray
    params: Arrays
    members: int = 1
    """How many networks train side by side, where an engine has many: all from these parameters."""

    def order(self, epoch: int) -> np.ndarray:
        """Return the order of the samples in an epoch, that of xpnet: cut into batches it gives the mini-batches."""
        return epoch_order(len(self.x), seed=SEED, epoch=epoch)

    def save(self, path: Path) -> None:
        """Write it for the workers."""
        arrays: Any = {"x": self.x, "t": self.t, **self.params}
        np.savez(
            path, shape=self.case.shape, optimizer=self.case.optimizer, steps=self.steps, members=self.members, **arrays
        )

    @classmethod
    def load(cls, path: Path) -> "Work":
        """Read what `save` wrote."""
        with np.load(path) as file:
            params = {name: file[name] for name in ("W1", "b1", "W2", "b2")}
            case = Case.parse(str(file["shape"]), str(file["optimizer"]))
            return cls(case, int(file["steps"]), file["x"], file["t"], params, int(file["members"]))


def make_work(case: Case, steps: int | None = None) -> Work:
    """Return sparse images that look like digits to a network, with labels that it can learn."""
    steps = steps or case.usual_steps()
    rng = np.random.default_rng(SEED)
    shape = (steps * case.batch, case.features)
    x = rng.random(shape, dtype=np.float32)
    x *= rng.random(shape, dtype=np.float32) > 0.8
    teacher = rng.standard_normal((case.features, case.classes), dtype=np.float32)
    centred = x - x.mean(axis=0)
    return Work(case, steps, x, np.argmax(centred @ teacher, axis=1), dict(network(case).params))


def network(case: Case, device: str = "cpu") -> xpnet.TwoLayerNet[float]:
    """Return the network that all engines start from."""
    return xpnet.TwoLayerNet(case.features, case.hidden, case.classes, init="xavier", seed=SEED, device=device)


def loss_of(params: Arrays, work: Work) -> float:
    """Return the mean loss on all samples, by the textbook's formulas in float64."""
    wide = {name: w.astype(np.float64) for name, w in params.items()}
    total, rows = 0.0, 4096
    for start in range(0, len(work.x), rows):
        x, t = work.x[start : start + rows].astype(np.float64), work.t[start : start + rows]
        hidden = 1 / (1 + np.exp(-(x @ wide["W1"] + wide["b1"])))
        outputs = hidden @ wide["W2"] + wide["b2"]
        outputs -= outputs.max(axis=1, keepdims=True)
        total += np.sum(np.log(np.exp(outputs).sum(axis=1)) - outputs[np.arange(len(t)), t])
    return float(total / len(work.x))


def expected_params(work: Work) -> Arrays:
    """Return the parameters after the first epoch, by the textbook's formulas in float64."""
    w: dict[str, Any] = {name: array.astype(np.float64) for name, array in work.params.items()}
    m, v = ({name: np.zeros_like(array) for name, array in w.items()} for _ in range(2))
    rate, batch = LEARNING_RATES[work.case.optimizer], work.case.batch
    for step, rows in enumerate(np.split(work.order(1), work.steps), start=1):
        x = work.x[rows].astype(np.float64)
        hidden = 1 / (1 + np.exp(-(x @ w["W1"] + w["b1"])))
        outputs = hidden @ w["W2"] + w["b2"]
        slopes = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        slopes /= slopes.sum(axis=1, keepdims=True)
        slopes[np.arange(batch), work.t[rows]] -= 1
        slopes /= batch
        back = (slopes @ w["W2"].T) * hidden * (1 - hidden)
        for name, g in {"W1": x.T @ back, "b1": back.sum(0), "W2": hidden.T @ slopes, "b2": slopes.sum(0)}.items():
            if work.case.optimizer == "adam":
                m[name] = BETA1 * m[name] + (1 - BETA1) * g
                v[name] = BETA2 * v[name] + (1 - BETA2) * g * g
                g = m[name] / (1 - BETA1**step) / (np.sqrt(v[name] / (1 - BETA2**step)) + EPSILON)
            w[name] = w[name] - rate * g
    return w


def tolerance(work: Work) -> float:
    """Return by how much the loss after the first epoch may differ from that in float64, relative to it.

    A sum of n products in float32 is off by about sqrt(n) eps, as roundings are independent; each step passes its
    error on to the parameters and so to the loss, and those of many steps add up as their square root again. Other
    mini-batches, or a learning rate that is 1 % off, change the loss by more than that.
    """
    longest = max(work.case.features, work.case.hidden, work.case.batch)
    return float(np.sqrt(work.steps * longest) * np.finfo(np.float32).eps)
