"""Losses, numerical derivatives and a two-layer network, on any array library and device."""

from xpnet.activations import identity, log_softmax, relu, sigmoid, softmax, tanh
from xpnet.devices import Device, DeviceUnavailableError, to_host

__all__ = [
    "Device",
    "DeviceUnavailableError",
    "identity",
    "log_softmax",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
    "to_host",
]
