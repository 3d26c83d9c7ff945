"""Training and evaluating a network."""

from xpnet.training.batches import epoch_order
from xpnet.training.evaluation import Evaluation, evaluate
from xpnet.training.loop import GRADIENTS, NonFiniteLossError, Record, default_epochs, fit

__all__ = [
    "GRADIENTS",
    "Evaluation",
    "NonFiniteLossError",
    "Record",
    "default_epochs",
    "epoch_order",
    "evaluate",
    "fit",
]
