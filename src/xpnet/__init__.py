"""Losses, numerical derivatives and a two-layer network, on any array library and device."""

from xpnet.activations import identity, log_softmax, relu, sigmoid, softmax, tanh
from xpnet.devices import Device, DeviceUnavailableError, list_devices, select_device, to_host
from xpnet.losses import cross_entropy_error, mean_squared_error, softmax_cross_entropy
from xpnet.metrics import accuracy, confusion_matrix
from xpnet.network import TwoLayerNet
from xpnet.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Optimizer, OptimizerState, RMSProp, clip_gradient_norm
from xpnet.schedules import CosineDecay, StepDecay, WarmUp
from xpnet.training import Evaluation, NonFiniteLossError, Record, evaluate, fit

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "CosineDecay",
    "Device",
    "DeviceUnavailableError",
    "Evaluation",
    "Momentum",
    "NonFiniteLossError",
    "Optimizer",
    "OptimizerState",
    "RMSProp",
    "Record",
    "StepDecay",
    "TwoLayerNet",
    "WarmUp",
    "accuracy",
    "clip_gradient_norm",
    "confusion_matrix",
    "cross_entropy_error",
    "evaluate",
    "fit",
    "identity",
    "list_devices",
    "log_softmax",
    "mean_squared_error",
    "relu",
    "select_device",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy",
    "tanh",
    "to_host",
]
