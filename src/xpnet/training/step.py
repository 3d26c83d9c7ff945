"""One step of training, in as few array calls as it takes: on a GPU each is a launch, on a CPU a microsecond.

Weights and biases of the first layer are one array, so that with a column of ones beside the features one product gives
``x W1 + b1``, and one the gradients of both.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from xpnet._typing import Array, Namespace, Params
from xpnet.losses.targets import Targets
from xpnet.network import TwoLayerNet
from xpnet.network.differences import structured_gradient


def joined(arrays: Params, *, xp: Namespace) -> Params:
    """Return copies of parameters, or of what an optimizer remembers of them, in the layout of a step.

    ``first`` (D + 1, H), ``W2`` (H, C) and ``b2`` (1, C), or all with a leading axis of members.
    """
    return {
        "first": xp.concat([arrays["W1"], arrays["b1"][..., None, :]], axis=-2),
        "W2": xp.asarray(arrays["W2"], copy=True),
        "b2": xp.asarray(arrays["b2"][..., None, :], copy=True),
    }


def separated(layers: Params, *, xp: Namespace) -> Params:
    """Return copies of the same under the names of the network's parameters."""
    first = layers["first"]
    parts = {"W1": first[..., :-1, :], "b1": first[..., -1, :], "W2": layers["W2"], "b2": layers["b2"][..., 0, :]}
    return {name: xp.asarray(part, copy=True) for name, part in parts.items()}


def backpropagation(
    net: TwoLayerNet[Any], layers: Params, x: Array, ones: Array, targets: Targets, xp: Namespace
) -> tuple[Array, Params]:
    """Return the outputs of a batch with a column of ones, and the gradients of the sum of its losses."""
    hidden = x @ layers["first"]
    values = net.activation._value(hidden, xp=xp)
    # Transposed twice, so that the samples of a class lie side by side: softmax's sums and maxima run along them.
    outputs = (layers["W2"].mT @ values.mT).mT
    outputs += layers["b2"]
    slopes = net.loss_function._terms(outputs, targets, xp=xp).gradient()
    hidden_slopes = slopes @ layers["W2"].mT
    hidden_slopes *= net.activation._derivative(hidden, values, xp=xp)
    # A product with ones takes half the time of a sum over the samples.
    return outputs, {"first": x.mT @ hidden_slopes, "W2": values.mT @ slopes, "b2": ones @ slopes}


def numerical(
    net: TwoLayerNet[Any], layers: Params, x: Array, ones: Array, targets: Targets, xp: Namespace
) -> tuple[Array, Params]:
    """Return the same by differences of the loss alone."""
    outputs = net.activation._value(x @ layers["first"], xp=xp) @ layers["W2"] + layers["b2"]
    result = structured_gradient(
        separated(layers, xp=xp), x[..., :-1], targets, activation=net.activation, loss=net.loss_function, xp=xp
    )
    return outputs, joined(result.gradients, xp=xp)


Differentiate: TypeAlias = Callable[[TwoLayerNet[Any], Params, Array, Array, Targets, Namespace], tuple[Array, Params]]

GRADIENTS: dict[str, Differentiate] = {"backpropagation": backpropagation, "numerical": numerical}
"""How a step gets its gradient, by name."""
