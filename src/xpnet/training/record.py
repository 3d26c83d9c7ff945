"""What is known after an epoch."""

from dataclasses import dataclass
from typing import Any, Generic

import numpy as np

from xpnet._text import html_table
from xpnet.network import Score
from xpnet.training.evaluation import Evaluation
from xpnet.training.state import TrainingState

_ROWS = 20


@dataclass(frozen=True, eq=False, repr=False)
class Record(Generic[Score]):
    """What is known after an epoch; with members, losses and accuracies are lists of one number for each.

    Its numbers go to any tracker that takes numbers by name, in MLflow and in Weights & Biases by

    .. code-block:: python

        for record in xpnet.fit_epochs(net, x, t, validation=0.1):
            mlflow.log_metrics(record.as_dict(), step=record.epoch)  # or
            wandb.log(record.as_dict(), step=record.epoch)
    """

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

    def __repr__(self) -> str:
        numbers = (f"{name}={_shown(value)}" for name, value in self.as_dict().items())
        return f"Record({', '.join(numbers)})"

    def _repr_html_(self) -> str:
        return Records([self])._repr_html_()

    def _validated(self) -> Evaluation[Score]:
        if self.validation is None:
            raise ValueError("this record has no validation: call fit with validation=0.2, or a pair (x, t)")
        return self.validation


class Records(list[Record[Score]]):
    """Records, one for each epoch; a notebook shows the first, the last and some between as a table."""

    def _repr_html_(self) -> str:
        some = np.unique(np.linspace(0, len(self) - 1, min(len(self), _ROWS)).astype(int))
        lines = [self[i].as_dict() for i in some]
        headers = [name.replace("_", " ") for name in lines[0]] if lines else []
        return html_table(headers, ([_shown(value) for value in line.values()] for line in lines))


def _shown(value: Any) -> str:
    """Return a number, or those of members, in four digits."""
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value[:3]))}{', ...' if len(value) > 3 else ''}]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
