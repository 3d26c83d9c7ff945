"""Training and evaluating a network."""

from xpnet.training.batches import epoch_order
from xpnet.training.evaluation import Evaluation, evaluate
from xpnet.training.fitting import default_epochs, fit, fit_epochs
from xpnet.training.loop import NonFiniteLossError
from xpnet.training.parallel import MPIProcesses, Processes
from xpnet.training.record import Record
from xpnet.training.state import Best, TrainingState
from xpnet.training.step import GRADIENTS, operations

__all__ = [
    "GRADIENTS",
    "Best",
    "Evaluation",
    "MPIProcesses",
    "NonFiniteLossError",
    "Processes",
    "Record",
    "TrainingState",
    "default_epochs",
    "epoch_order",
    "evaluate",
    "fit",
    "fit_epochs",
    "operations",
]
