"""Optimizers: how a step turns gradients into new parameters.

An optimizer is a set of numbers and keeps nothing. What it must remember is data, made by ``initial_state(params)``
and updated by ``update(params, gradients, state)`` together with the parameters, in place where the array library
can. All formulas are PyTorch's, so results agree step by step; g is the gradient, w a parameter, r the learning rate,
and ``weight_decay`` d adds d w to g (L2), except in `AdamW`.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np
from array_api_compat import is_array_api_obj

from xpnet._checks import check_fraction, check_positive, namespace_of
from xpnet._typing import Array, Namespace, Params
from xpnet.devices import to_host
from xpnet.schedules import LearningRate


@dataclass
class OptimizerState:
    """What an optimizer remembers: the number of steps done, and named arrays like the parameters.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.Momentum().initial_state({"w": np.asarray([1.0, 2.0])})
    OptimizerState(step=0, slots={'velocity': {'w': array([0., 0.])}})
    """

    step: int = 0
    slots: dict[str, Params] = field(default_factory=dict)


@dataclass(frozen=True)
class Optimizer(ABC):
    """What all optimizers share.

    Parameters
    ----------
    learning_rate : float, schedule, or array of shape (M,)
        A number > 0, a callable of the step (see `xpnet.schedules`), or one number for each member of the network.
    weight_decay : float
        L2 penalty factor d >= 0.
    """

    learning_rate: LearningRate = 0.1
    weight_decay: float = 0.0

    name: ClassVar[str]
    slot_names: ClassVar[tuple[str, ...]] = ()
    decoupled_decay: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if isinstance(value, np.generic):  # A NumPy scalar would promote float32 arrays to float64.
                object.__setattr__(self, option.name, value.item())
        if is_array_api_obj(self.learning_rate):
            for rate in to_host(self.learning_rate).ravel().tolist():
                check_positive(rate, "learning_rate of every member")
        elif not callable(self.learning_rate):
            check_positive(self.learning_rate, "learning_rate")
        check_positive(self.weight_decay, "weight_decay", zero=True)

    def initial_state(self, params: Params) -> OptimizerState:
        """Return the state before the first step: zeros like the parameters."""
        xp = namespace_of(**params)
        rate: Any = self.learning_rate
        if is_array_api_obj(rate):
            namespace_of(learning_rate=rate, **params)
            if any(w.shape[:1] != rate.shape for w in params.values()):
                raise ValueError(
                    "learning_rate must be a number, or an array of one number for each member (the first axis of "
                    f"every parameter), got shape {tuple(rate.shape)}"
                )
        slots: dict[str, Params] = {
            slot: {name: xp.zeros_like(w) for name, w in params.items()} for slot in self.slot_names
        }
        return OptimizerState(0, slots)

    def update(self, params: Params, gradients: Params, state: OptimizerState) -> None:
        """Do one step: change `params` and `state`, in place where their library can.

        Examples
        --------
        >>> import numpy as np, xpnet
        >>> params, optimizer = {"w": np.asarray([1.0, 2.0])}, xpnet.SGD(learning_rate=0.5)
        >>> optimizer.update(params, {"w": np.asarray([2.0, 2.0])}, optimizer.initial_state(params))
        >>> params
        {'w': array([0., 1.])}
        """
        self.apply(params, gradients, state, xp=namespace_of(**params))

    def apply(self, params: Params, gradients: Params, state: OptimizerState, *, xp: Namespace) -> None:
        """Do what `update` does, for a caller who knows the namespace."""
        rate = self.rate(state.step)
        state.step += 1
        for name, w in params.items():
            g = gradients[name]
            if self.weight_decay and not self.decoupled_decay:
                g = g + self.weight_decay * w
            direction = self.direction(name, g, state, xp=xp)
            if self.weight_decay and self.decoupled_decay:
                direction = direction + self.weight_decay * w
            params[name] -= _per_member(rate, w, xp=xp) * direction

    def rate(self, step: int) -> Any:
        """Return the learning rate of step `step`, counted from 0."""
        return float(self.learning_rate(step)) if callable(self.learning_rate) else self.learning_rate

    @abstractmethod
    def direction(self, name: str, g: Array, state: OptimizerState, *, xp: Namespace) -> Array:
        """Return what the learning rate multiplies, and update the slots of parameter `name`."""


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, ``w -= r g``.

    Examples
    --------
    >>> import xpnet
    >>> xpnet.SGD(learning_rate=xpnet.StepDecay(0.5, factor=0.1, every=100)).rate(150)
    0.05
    """

    name = "sgd"

    def direction(self, name: str, g: Array, state: OptimizerState, *, xp: Namespace) -> Array:
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
    Momentum(learning_rate=0.01, weight_decay=0.0, momentum=0.9, nesterov=True)
    """

    learning_rate: LearningRate = 0.01
    momentum: float = 0.9
    nesterov: bool = False

    name = "momentum"
    slot_names = ("velocity",)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fraction(self.momentum, "momentum", one=False)

    def direction(self, name: str, g: Array, state: OptimizerState, *, xp: Namespace) -> Array:
        velocity = state.slots["velocity"]
        velocity[name] *= self.momentum
        velocity[name] += g
        return g + self.momentum * velocity[name] if self.nesterov else velocity[name]


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
    AdaGrad(learning_rate=0.01, weight_decay=0.0, epsilon=1e-10)
    """

    learning_rate: LearningRate = 0.01
    epsilon: float = 1e-10

    name = "adagrad"
    slot_names = ("squares",)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(self.epsilon, "epsilon", zero=True)

    def direction(self, name: str, g: Array, state: OptimizerState, *, xp: Namespace) -> Array:
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
    RMSProp(learning_rate=0.01, weight_decay=0.0, decay=0.9, epsilon=1e-08)
    """

    learning_rate: LearningRate = 0.01
    decay: float = 0.99
    epsilon: float = 1e-8

    name = "rmsprop"
    slot_names = ("squares",)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fraction(self.decay, "decay", one=False)
        check_positive(self.epsilon, "epsilon", zero=True)

    def direction(self, name: str, g: Array, state: OptimizerState, *, xp: Namespace) -> Array:
        squares = state.slots["squares"]
        squares[name] *= self.decay
        squares[name] += (1 - self.decay) * (g * g)
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
    Adam(learning_rate=0.001, weight_decay=0.0, beta1=0.9, beta2=0.999, epsilon=1e-08)
    """

    learning_rate: LearningRate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    name = "adam"
    slot_names = ("means", "squares")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fraction(self.beta1, "beta1", one=False)
        check_fraction(self.beta2, "beta2", one=False)
        check_positive(self.epsilon, "epsilon", zero=True)

    def direction(self, name: str, g: Array, state: OptimizerState, *, xp: Namespace) -> Array:
        means, squares = state.slots["means"], state.slots["squares"]
        means[name] *= self.beta1
        means[name] += (1 - self.beta1) * g
        squares[name] *= self.beta2
        squares[name] += (1 - self.beta2) * (g * g)
        # The two corrections are numbers, so they cost no pass of their own over the arrays.
        root = xp.sqrt(squares[name])
        root *= 1 / math.sqrt(1 - self.beta2**state.step)
        root += self.epsilon
        root *= 1 - self.beta1**state.step
        return means[name] / root


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

    weight_decay: float = 0.01

    name = "adamw"
    decoupled_decay = True


OPTIMIZERS: dict[str, type[Optimizer]] = {o.name: o for o in (SGD, Momentum, AdaGrad, RMSProp, Adam, AdamW)}


def clip_gradient_norm(gradients: Params, max_norm: float, *, members: bool = False) -> Params:
    """Return gradients scaled down to a joint Euclidean norm of at most `max_norm`, for each member by itself.

    Parameters
    ----------
    gradients : mapping of arrays
        Left as they are.
    max_norm : float
        The largest norm that stays as it is, > 0.
    members : bool
        Whether the first axis of every array counts members.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.clip_gradient_norm({"a": np.asarray([3.0]), "b": np.asarray([4.0])}, max_norm=1.0)
    {'a': array([0.6]), 'b': array([0.8])}
    """
    xp = namespace_of(**gradients)
    check_positive(max_norm, "max_norm")
    squares = [xp.sum(g * g, axis=tuple(range(int(members), g.ndim))) for g in gradients.values()]
    norm = xp.sqrt(sum(squares[1:], start=squares[0]))
    # Dividing by the larger of the two leaves small gradients alone without a look at the norm on the host.
    max_norm = float(max_norm)
    scale = max_norm / xp.maximum(norm, max_norm)
    return {name: _per_member(scale, g, xp=xp) * g for name, g in gradients.items()}


def _per_member(value: Any, like: Array, *, xp: Namespace) -> Any:
    """Return a number as it is, and one number per member in a shape that multiplies `like` member by member."""
    if not is_array_api_obj(value) or value.ndim == 0:
        return value
    return xp.reshape(xp.astype(value, like.dtype), (-1,) + (1,) * (like.ndim - 1))
