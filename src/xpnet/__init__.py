"""Losses, numerical derivatives and a two-layer network, on any array library and device."""

from xpnet.activations import identity, log_softmax, relu, sigmoid, softmax, tanh
from xpnet.devices import Device, DeviceUnavailableError, list_devices, select_device, to_host
from xpnet.losses import cross_entropy_error, mean_squared_error, softmax_cross_entropy
from xpnet.metrics import accuracy, confusion_matrix
from xpnet.network import TwoLayerNet

__all__ = [
    "Device",
    "DeviceUnavailableError",
    "TwoLayerNet",
    "accuracy",
    "confusion_matrix",
    "cross_entropy_error",
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
