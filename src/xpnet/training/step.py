"""One step of training, in as few array calls as it takes: on a GPU each is a launch, on a CPU a microsecond."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

from xpnet._typing import Array, Namespace, Params
from xpnet.devices import fused
from xpnet.losses.targets import Targets
from xpnet.network import TwoLayerNet
from xpnet.network.differences import structured_gradient
from xpnet.optimizers import Optimizer, OptimizerState
from xpnet.training.blocks import Batch
from xpnet.training.layout import Layout
from xpnet.training.sharding import Sharding

Differentiate: TypeAlias = Callable[[Params, Array, Array, Targets], tuple[Array, Array]]
"""From parts of a `Layout`, inputs, a row of ones as long as the batch, and targets to the outputs and the gradient of
the sum of the losses, in the layout; that may be overwritten by the next call."""


def operations(input_size: int, hidden_size: int, output_size: int, batch_size: int, members: int = 1) -> int:
    """Return how many floating-point operations the matrix products of a step take.

    Examples
    --------
    >>> from xpnet.training import operations
    >>> operations(784, 50, 10, 100)
    15980000
    """
    return 2 * members * batch_size * hidden_size * (2 * input_size + 3 * output_size)


def backpropagation(net: TwoLayerNet[Any], layout: Layout) -> Differentiate:
    """Return the function that differentiates by backpropagation; all that stays the same is looked up here, once."""
    xp, device = net.device.step_namespace, net.device
    activation, loss = net.activation, net.loss_function
    to_hidden, back = map(device.matmul, (net.input_size, net.output_size))
    to_outputs = (device.matmul_across if layout.lead else device.matmul)(net.hidden_size)
    to_gradient = cache(device.matmul_into)
    kept = layout.joined(net.params)
    g = layout.parts(kept)

    # What is done element by element between two products: on a GPU a kernel each.

    def activate(hidden: Array, bias: Array, *, xp: Namespace) -> tuple[Array, Array]:
        hidden += bias
        return hidden, activation._value(hidden, xp=xp)

    def differentiate_loss(
        outputs: Array, bias: Array, values: Array, weights: Array, *, xp: Namespace
    ) -> tuple[Array, Array]:
        outputs += bias
        return outputs, loss._terms(outputs, Targets(values, weights), xp=xp).gradient()

    def differentiate_activation(slopes: Array, hidden: Array, values: Array, *, xp: Namespace) -> Array:
        slopes *= activation._derivative(hidden, values, xp=xp)
        return slopes

    activated, differentiated, sloped = (
        fused(function, xp=xp) for function in (activate, differentiate_loss, differentiate_activation)
    )

    def differentiate(params: Params, x: Array, ones: Array, targets: Targets) -> tuple[Array, Array]:
        hidden, values = activated(_each(to_hidden(x, _grouped(params["W1"], x, xp=xp)), xp=xp), params["b1"])
        # Transposed twice, so that the samples of a class lie side by side: softmax's sums and maxima run along them.
        outputs, slopes = differentiated(to_outputs(params["W2"].mT, values.mT).mT, params["b2"], *targets)
        hidden_slopes = sloped(back(slopes, params["W2"].mT), hidden, values)
        # A product with ones takes half the time of a sum over the samples.
        into = to_gradient(ones.shape[-1])
        parts = {
            "W1": _each(into(x.mT, _grouped(hidden_slopes, x, xp=xp), _grouped(g["W1"], x, xp=xp)), xp=xp),
            "b1": into(ones, hidden_slopes, g["b1"]),
            "W2": into(values.mT, slopes, g["W2"]),
            "b2": into(ones, slopes, g["b2"]),
        }
        return outputs, kept if parts["b2"] is g["b2"] else layout.joined(parts)

    return differentiate


def _grouped(array: Array, x: Array, *, xp: Namespace) -> Array:
    """Return an array of members, (M, R, N), as inputs that some share multiply it: by groups, (G, M / G, R, N)."""
    return array if x.ndim < 4 else xp.reshape(array, (x.shape[0], array.shape[0] // x.shape[0], *array.shape[1:]))


def _each(array: Array, *, xp: Namespace) -> Array:
    """Return an array by groups member by member again."""
    return array if array.ndim < 4 else xp.reshape(array, (array.shape[0] * array.shape[1], *array.shape[2:]))


def numerical(net: TwoLayerNet[Any], layout: Layout) -> Differentiate:
    """Return the function that differentiates by differences of the loss alone."""
    xp, loss, activation = layout.xp, net.loss_function, net.activation

    def differentiate(params: Params, x: Array, ones: Array, targets: Targets) -> tuple[Array, Array]:
        if x.ndim > 3:
            groups, _, *shape = x.shape
            x = _each(xp.broadcast_to(x, (groups, layout.lead[0] // groups, *shape)), xp=xp)
        outputs = activation._value(x @ params["W1"] + params["b1"], xp=xp) @ params["W2"] + params["b2"]
        rows = {name: part if name.startswith("W") else part[..., 0, :] for name, part in params.items()}
        if not x.shape[-2]:  # A shard without samples in the last mini-batch.
            return outputs, xp.zeros_like(layout.joined(rows))
        result = structured_gradient(rows, x, targets, activation=activation, loss=loss, xp=xp)
        return outputs, layout.joined(result.gradients)

    return differentiate


Gradient: TypeAlias = Callable[[TwoLayerNet[Any], Layout], Differentiate]

GRADIENTS: dict[str, Gradient] = {"backpropagation": backpropagation, "numerical": numerical}
"""How a step gets its gradient, by name."""

_ALL = "parameters"
"""What all parameters together are called, where an optimizer asks for the name of one."""


class Descent:
    """The parameters of a network and what the optimizer remembers, in the layout of a step, and that step."""

    def __init__(
        self,
        net: TwoLayerNet[Any],
        optimizer: Optimizer,
        gradient: Gradient,
        remembered: OptimizerState,
        sharding: Sharding,
    ) -> None:
        self._layout = Layout.of(net)
        slots: dict[str, Params] = {name: {_ALL: self._layout.joined(slot)} for name, slot in remembered.slots.items()}
        self._memory = OptimizerState(remembered.step, slots)
        self.start_at(net.params)
        self._rule = optimizer.prepare(self._flat, members=net.members is not None, xp=self._layout.xp)
        self._sharding = sharding
        # One for each shard, since each has a gradient of its own until their sum is known.
        self._differentiate = [gradient(net, self._layout) for _ in range(sharding.own)]

    def start_at(self, params: Params) -> None:
        """Go on from copies of these parameters."""
        self._flat = {_ALL: self._layout.joined(params)}
        self._seen = self._flat[_ALL]
        self._parts = self._layout.parts(self._seen)

    def differentiate(self, *shards: Batch) -> tuple[list[Array], list[Array]]:
        """Return the outputs of each shard of a mini-batch, and the gradient of each; and do no step."""
        outputs, gradients = [], []
        for one, shard in zip(self._differentiate, shards, strict=True):
            y, gradient = one(self._parts, *shard)
            outputs.append(y)
            gradients.append(gradient)
        return outputs, gradients

    def step(self, *shards: Batch) -> list[Array]:
        """Do one step with a mini-batch, and return the outputs of each shard before it."""
        outputs, gradients = self.differentiate(*shards)
        self._rule.apply(self._flat, {_ALL: self._sharding.sum(gradients)}, self._memory)
        if self._flat[_ALL] is not self._seen:  # A library whose arrays cannot be changed has made a new one.
            self._seen = self._flat[_ALL]
            self._parts = self._layout.parts(self._seen)
        return outputs

    @property
    def steps(self) -> int:
        """How many are done."""
        return self._memory.step

    def params(self) -> Params:
        """Return copies of the parameters."""
        return self._layout.separated(self._flat[_ALL])

    def remembered(self) -> OptimizerState:
        """Return a copy of what the optimizer remembers."""
        slots = {name: self._layout.separated(slot[_ALL]) for name, slot in self._memory.slots.items()}
        return OptimizerState(self._memory.step, slots)
