"""Losses, numerical derivatives and a two-layer network, on any array library and device."""

from xpnet.activations import identity, log_softmax, relu, sigmoid, softmax, tanh
from xpnet.checkpoint import CheckpointError, load, save
from xpnet.datasets import DataError, Dataset, Scaling, fetch, load_digits, load_idx
from xpnet.devices import Device, DeviceUnavailableError, list_devices, select_device, to_host
from xpnet.evaluation import Evaluation, evaluate
from xpnet.losses import cross_entropy_error, mean_squared_error, softmax_cross_entropy
from xpnet.metrics import accuracy, confusion_matrix
from xpnet.network import TwoLayerNet
from xpnet.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Optimizer, OptimizerState, RMSProp, clip_gradient_norm
from xpnet.schedules import CosineDecay, StepDecay, WarmUp
from xpnet.training import NonFiniteLossError, Record, fit

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "CheckpointError",
    "CosineDecay",
    "DataError",
    "Dataset",
    "Device",
    "DeviceUnavailableError",
    "Evaluation",
    "Momentum",
    "NonFiniteLossError",
    "Optimizer",
    "OptimizerState",
    "RMSProp",
    "Record",
    "Scaling",
    "StepDecay",
    "TwoLayerNet",
    "WarmUp",
    "accuracy",
    "clip_gradient_norm",
    "confusion_matrix",
    "cross_entropy_error",
    "evaluate",
    "fetch",
    "fit",
    "identity",
    "list_devices",
    "load",
    "load_digits",
    "load_idx",
    "log_softmax",
    "mean_squared_error",
    "relu",
    "save",
    "select_device",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy",
    "tanh",
    "to_host",
]
