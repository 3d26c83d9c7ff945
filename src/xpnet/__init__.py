"""Losses, numerical derivatives and a two-layer network, on any array library and device."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from xpnet._version import __version__ as __version__

if TYPE_CHECKING:
    from xpnet.activations import Activation, gelu, identity, log_softmax, relu, sigmoid, silu, softmax, tanh
    from xpnet.checkpoint import Checkpoint, CheckpointError, load_checkpoint, load_model, save_model
    from xpnet.datasets import DataError, Dataset, Scaling, fetch, load_data, load_digits, load_idx
    from xpnet.devices import Device, DeviceUnavailableError, list_devices, select_device, to_host
    from xpnet.gradcheck import GradientError, check_gradient, check_jvp, check_vjp, taylor_test
    from xpnet.losses import (
        BinaryCrossEntropy,
        CrossEntropyError,
        HuberLoss,
        Loss,
        MeanSquaredError,
        MultiLabelCrossEntropy,
        PoissonLoss,
        SoftmaxCrossEntropy,
        SoftmaxCrossEntropyError,
        binary_cross_entropy,
        cross_entropy_error,
        huber_loss,
        mean_squared_error,
        multilabel_cross_entropy,
        poisson_loss,
        softmax_cross_entropy,
    )
    from xpnet.metrics import accuracy, confusion_matrix
    from xpnet.model import Model
    from xpnet.network import TwoLayerNet
    from xpnet.numerical import (
        Derivative,
        DivergenceError,
        gradient_descent,
        numerical_diff,
        numerical_gradient,
        numerical_hessian,
        numerical_hvp,
        numerical_jacobian,
        numerical_jvp,
        numerical_partial_diff,
    )
    from xpnet.optimizers import (
        SGD,
        AdaGrad,
        Adam,
        AdamW,
        Momentum,
        Optimizer,
        OptimizerState,
        RMSProp,
        clip_gradient_norm,
    )
    from xpnet.schedules import CosineDecay, StepDecay, WarmUp
    from xpnet.settings import Settings
    from xpnet.sweeps import Sweep, sweep
    from xpnet.training import Evaluation, NonFiniteLossError, Record, TrainingState, evaluate, fit, fit_epochs

__all__ = [
    "SGD",
    "Activation",
    "AdaGrad",
    "Adam",
    "AdamW",
    "BinaryCrossEntropy",
    "Checkpoint",
    "CheckpointError",
    "CosineDecay",
    "CrossEntropyError",
    "DataError",
    "Dataset",
    "Derivative",
    "Device",
    "DeviceUnavailableError",
    "DivergenceError",
    "Evaluation",
    "GradientError",
    "HuberLoss",
    "Loss",
    "MeanSquaredError",
    "Model",
    "Momentum",
    "MultiLabelCrossEntropy",
    "NonFiniteLossError",
    "Optimizer",
    "OptimizerState",
    "PoissonLoss",
    "RMSProp",
    "Record",
    "Scaling",
    "Settings",
    "SoftmaxCrossEntropy",
    "SoftmaxCrossEntropyError",
    "StepDecay",
    "Sweep",
    "TrainingState",
    "TwoLayerNet",
    "WarmUp",
    "accuracy",
    "binary_cross_entropy",
    "check_gradient",
    "check_jvp",
    "check_vjp",
    "clip_gradient_norm",
    "confusion_matrix",
    "cross_entropy_error",
    "evaluate",
    "fetch",
    "fit",
    "fit_epochs",
    "gelu",
    "gradient_descent",
    "huber_loss",
    "identity",
    "list_devices",
    "load_checkpoint",
    "load_data",
    "load_digits",
    "load_idx",
    "load_model",
    "log_softmax",
    "mean_squared_error",
    "multilabel_cross_entropy",
    "numerical_diff",
    "numerical_gradient",
    "numerical_hessian",
    "numerical_hvp",
    "numerical_jacobian",
    "numerical_jvp",
    "numerical_partial_diff",
    "poisson_loss",
    "relu",
    "save_model",
    "select_device",
    "sigmoid",
    "silu",
    "softmax",
    "softmax_cross_entropy",
    "sweep",
    "tanh",
    "taylor_test",
    "to_host",
]

_ROOMS = {
    "xpnet.activations": "Activation gelu identity log_softmax relu sigmoid silu softmax tanh",
    "xpnet.checkpoint": "Checkpoint CheckpointError load_checkpoint load_model save_model",
    "xpnet.datasets": "DataError Dataset Scaling fetch load_data load_digits load_idx",
    "xpnet.devices": "Device DeviceUnavailableError list_devices select_device to_host",
    "xpnet.gradcheck": "GradientError check_gradient check_jvp check_vjp taylor_test",
    "xpnet.losses": "BinaryCrossEntropy CrossEntropyError HuberLoss Loss MeanSquaredError MultiLabelCrossEntropy "
    "PoissonLoss SoftmaxCrossEntropy SoftmaxCrossEntropyError binary_cross_entropy cross_entropy_error huber_loss "
    "mean_squared_error multilabel_cross_entropy poisson_loss softmax_cross_entropy",
    "xpnet.metrics": "accuracy confusion_matrix",
    "xpnet.model": "Model",
    "xpnet.network": "TwoLayerNet",
    "xpnet.numerical": "Derivative DivergenceError gradient_descent numerical_diff numerical_gradient "
    "numerical_hessian numerical_hvp numerical_jacobian numerical_jvp "
    "numerical_partial_diff",
    "xpnet.optimizers": "SGD AdaGrad Adam AdamW Momentum Optimizer OptimizerState RMSProp clip_gradient_norm",
    "xpnet.schedules": "CosineDecay StepDecay WarmUp",
    "xpnet.settings": "Settings",
    "xpnet.sweeps": "Sweep sweep",
    "xpnet.training": "Evaluation NonFiniteLossError Record TrainingState evaluate fit fit_epochs",
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Import a public name, or a room, when it is first asked for: ``import xpnet`` costs next to nothing."""
    if f"xpnet.{name}" in _ROOMS:
        return import_module(f"xpnet.{name}")
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'xpnet' has no attribute {name!r}")
    value = getattr(import_module(_ROOM_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
