"""The two passes through a network: forward to its outputs, backward to the gradients of its parameters."""

from typing import NamedTuple

from xpnet._typing import Array, Namespace, Params
from xpnet.activations import Activation


class Forward(NamedTuple):
    """What a batch (..., N, D) becomes on its way."""

    hidden: Array
    """Shape (..., N, H), before the activation."""
    values: Array
    """Shape (..., N, H), after it."""
    outputs: Array
    """Shape (..., N, C)."""


def forward(params: Params, x: Array, *, activation: Activation, xp: Namespace) -> Forward:
    """Return the hidden units, before and after the activation, and the outputs of a batch `x`."""
    hidden = xp.matmul(x, params["W1"])
    hidden += params["b1"][..., None, :]
    values = activation._value(hidden, xp=xp)
    outputs = xp.matmul(values, params["W2"])
    outputs += params["b2"][..., None, :]
    return Forward(hidden, values, outputs)


def backward(
    params: Params, x: Array, hidden: Array, values: Array, slopes: Array, *, activation: Activation, xp: Namespace
) -> Params:
    """Return the gradients of all parameters, given that of the outputs (`slopes`)."""
    hidden_slopes = xp.matmul(slopes, xp.matrix_transpose(params["W2"]))
    hidden_slopes *= activation._derivative(hidden, values, xp=xp)
    return {
        "W1": xp.matmul(xp.matrix_transpose(x), hidden_slopes),
        "b1": xp.sum(hidden_slopes, axis=-2),
        "W2": xp.matmul(xp.matrix_transpose(values), slopes),
        "b2": xp.sum(slopes, axis=-2),
    }
