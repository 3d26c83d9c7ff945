"""The two passes through a network: forward to its outputs, and back to the gradients of its parameters."""

from typing import NamedTuple

from xpnet._typing import Array, Namespace, Params
from xpnet.activations import Activation
from xpnet.losses import Loss, Terms
from xpnet.losses.targets import Targets


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
    # Transposed twice, so that the samples of a class lie side by side: softmax's sums and maxima run along them.
    outputs = xp.matmul(xp.matrix_transpose(params["W2"]), xp.matrix_transpose(values)).mT
    outputs += params["b2"][..., None, :]
    return Forward(hidden, values, outputs)


def backpropagate(
    params: Params, x: Array, targets: Targets, *, activation: Activation, loss: Loss, xp: Namespace
) -> tuple[Array, Terms, Params]:
    """Return the outputs of a batch `x`, the terms of the loss there, and the gradients of the sum of its losses."""
    hidden, values, outputs = forward(params, x, activation=activation, xp=xp)
    terms = loss._terms(outputs, targets, xp=xp)
    slopes = terms.gradient()
    hidden_slopes = xp.matmul(slopes, xp.matrix_transpose(params["W2"]))
    hidden_slopes *= activation._derivative(hidden, values, xp=xp)
    return (
        outputs,
        terms,
        {
            "W1": xp.matmul(xp.matrix_transpose(x), hidden_slopes),
            "b1": xp.sum(hidden_slopes, axis=-2),
            "W2": xp.matmul(xp.matrix_transpose(values), slopes),
            "b2": xp.sum(slopes, axis=-2),
        },
    )
