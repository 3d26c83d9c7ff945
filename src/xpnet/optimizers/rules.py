"""The optimizers, each with its formula."""

from dataclasses import dataclass
from typing import Any

from xpnet._typing import Array, Namespace
from xpnet.optimizers.optimizer import LearningRate, Number, Optimizer, OptimizerState


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, ``w -= r g``.

    Examples
    --------
    >>> import xpnet
    >>> xpnet.SGD(learning_rate=xpnet.StepDecay(0.5, steps=100, factor=0.1)).rate(150)
    0.05
    """

    name = "sgd"

    def _direction(self, name: str, g: Array, state: OptimizerState, *, xp: Namespace) -> Array:
        return g


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Descent with momentum m, ``v = m v + g``, ``w -= r v``; with Nesterov's look-ahead, ``w -= r (g + m v)``.

    References
    ----------
    I. Sutskever et al., 2013, On the importance of initialization and momentum in deep learning.

    Examples
    --------
    >>> import xpnet
    >>> xpnet.Momentum(nesterov=True)
    Momentum(learning_rate=0.01, weight_decay=0.0, max_gradient_norm=None, momentum=0.9, nesterov=True)
    """

    learning_rate: LearningRate = 0.01
    momentum: Number = 0.9
    nesterov: bool = False

    name = "momentum"
    slot_names = ("velocity",)

    def _direction(self, name: str, g: Array, state: OptimizerState, *, xp: Namespace) -> Array:
        velocity, momentum = state.slots["velocity"], self.momentum
        velocity[name] *= momentum
        velocity[name] += g
        return g + momentum * velocity[name] if self.nesterov else velocity[name]


@dataclass(frozen=True)
class AdaGrad(Optimizer):
    """Rates that fall with the gradients seen, ``s += g^2``, ``w -= r g / (sqrt(s) + epsilon)``.

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, 2011, Adaptive subgradient methods for online learning.

    Examples
    --------
    >>> import xpnet
    >>> xpnet.AdaGrad()
    AdaGrad(learning_rate=0.01, weight_decay=0.0, max_gradient_norm=None, epsilon=1e-10)
    """

    learning_rate: LearningRate = 0.01
    epsilon: Number = 1e-10

    name = "adagrad"
    slot_names = ("squares",)

    def _direction(self, name: str, g: Array, state: OptimizerState, *, xp: Namespace) -> Array:
        squares = state.slots["squares"]
        squares[name] += g * g
        return g / (xp.sqrt(squares[name]) + self.epsilon)


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """AdaGrad that forgets, ``s = a s + (1 - a) g^2``, ``w -= r g / (sqrt(s) + epsilon)``.

    References
    ----------
    T. Tieleman and G. Hinton, 2012, Lecture 6.5: rmsprop.

    Examples
    --------
    >>> import xpnet
    >>> xpnet.RMSProp(decay=0.9)
    RMSProp(learning_rate=0.01, weight_decay=0.0, max_gradient_norm=None, decay=0.9, epsilon=1e-08)
    """

    learning_rate: LearningRate = 0.01
    decay: Number = 0.99
    epsilon: Number = 1e-8

    name = "rmsprop"
    slot_names = ("squares",)

    def _direction(self, name: str, g: Array, state: OptimizerState, *, xp: Namespace) -> Array:
        squares = state.slots["squares"]
        squares[name] *= self.decay
        squares[name] += self._complement("decay") * (g * g)
        return g / (xp.sqrt(squares[name]) + self.epsilon)


@dataclass(frozen=True)
class Adam(Optimizer):
    """Momentum over RMSProp, both corrected for their start at zero.

    ``m = b1 m + (1 - b1) g``, ``v = b2 v + (1 - b2) g^2`` and, at step k = 1, 2, ...,
    ``w -= r m / (1 - b1^k) / (sqrt(v / (1 - b2^k)) + epsilon)``.

    References
    ----------
    D. Kingma and J. Ba, 2015, Adam: a method for stochastic optimization.

    Examples
    --------
    >>> import xpnet
    >>> xpnet.Adam()
    Adam(learning_rate=0.001, weight_decay=0.0, max_gradient_norm=None, beta1=0.9, beta2=0.999, epsilon=1e-08)
    """

    learning_rate: LearningRate = 0.001
    beta1: Number = 0.9
    beta2: Number = 0.999
    epsilon: Number = 1e-8

    name = "adam"
    slot_names = ("means", "squares")

    def _direction(self, name: str, g: Array, state: OptimizerState, *, xp: Namespace) -> Array:
        means, squares = state.slots["means"], state.slots["squares"]
        means[name] *= self.beta1
        means[name] += self._complement("beta1") * g
        squares[name] *= self.beta2
        squares[name] += self._complement("beta2") * (g * g)
        # With the corrections c1 and c2 the step is m / ((sqrt(v) + epsilon sqrt(c2)) c1 / sqrt(c2)): one pass over an
        # array, and not three.
        scale = self._correction("beta2", state.step, xp=xp) ** 0.5
        root = xp.sqrt(squares[name])
        root += self.epsilon * scale
        root *= self._correction("beta1", state.step, xp=xp) / scale
        return means[name] / root

    def _correction(self, name: str, step: int, *, xp: Namespace) -> Any:
        """Return 1 - b^step."""
        if name not in self._complements:
            return 1 - getattr(self, name) ** step
        # In float32, b^step would be rounded to 1 at last.
        return -xp.expm1(step * xp.log1p(-self._complements[name]))


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay d: ``w -= r d w`` beside Adam's step.

    References
    ----------
    I. Loshchilov and F. Hutter, 2019, Decoupled weight decay regularization.

    Examples
    --------
    >>> import xpnet
    >>> xpnet.AdamW().weight_decay
    0.01
    """

    weight_decay: Number = 0.01

    name = "adamw"
    decoupled_decay = True


OPTIMIZERS: dict[str, type[Optimizer]] = {o.name: o for o in (SGD, Momentum, AdaGrad, RMSProp, Adam, AdamW)}
