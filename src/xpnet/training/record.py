"""What is known after an epoch."""

from dataclasses import dataclass
from typing import Any, Generic

import numpy as np

from xpnet.network import Score
from xpnet.training.evaluation import Evaluation
from xpnet.training.state import TrainingState


@dataclass(frozen=True, eq=False)
class Record(Generic[Score]):
    """What is known after an epoch; with members, losses and accuracies are lists of one number for each."""

    step: int
    """Mini-batches so far."""
    epoch: int
    epochs: int
    """How many there are to be."""
    train: Evaluation[Score]
    validation: Evaluation[Score] | None
    """None where there is nothing to validate on."""
    seconds: float
    """Since this call of `fit` began to train, evaluation included."""
    samples_per_second: float
    """Training samples over the time of this epoch, evaluation included."""
    batch_losses: np.ndarray[Any, Any]
    """The loss of every mini-batch since the last record, before its step; shape (steps,) or (steps, M)."""
    state: TrainingState
    """What ``fit(..., state=)`` goes on from."""

    @property
    def train_loss(self) -> Score:
        """Of the whole training set, after the epoch."""
        return self.train.loss

    @property
    def train_accuracy(self) -> Score:
        """Fraction in [0, 1]."""
        return self.train.accuracy

    @property
    def validation_loss(self) -> Score:
        """Of the validation set, after the epoch."""
        return self._validated().loss

    @property
    def validation_accuracy(self) -> Score:
        """Fraction in [0, 1]."""
        return self._validated().accuracy

    def as_dict(self, validation: str = "validation") -> dict[str, Any]:
        """Return its numbers by name, for a line of ``metrics.jsonl``; `validation` is what to call those of that set.

        Without `batch_losses` and `state`.
        """
        parts = {"train": self.train} | ({} if self.validation is None else {validation: self.validation})
        numbers = {
            f"{part}_{name}": value
            for part, evaluation in parts.items()
            for name, value in {"loss": evaluation.loss, **evaluation.metrics}.items()
        }
        rest = {"seconds": self.seconds, "samples_per_second": self.samples_per_second}
        return {"step": self.step, "epoch": self.epoch, **numbers, **rest}

    def _validated(self) -> Evaluation[Score]:
        if self.validation is None:
            raise ValueError("this record has no validation: call fit with validation=0.2, or a pair (x, t)")
        return self.validation
