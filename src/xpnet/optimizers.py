"""Optimizers: how a step turns gradients into new parameters.

An optimizer is a set of numbers and keeps nothing. What it must remember is data, made by ``initial_state(params)``
and updated by ``update(params, gradients, state)`` together with the parameters, in place where the array library
can. All formulas are PyTorch's, so results agree step by step; g is the gradient, w a parameter, r the learning rate,
and ``weight_decay`` d adds d w to g (L2), except in `AdamW`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, fields
from functools import partial, reduce
from typing import Any, ClassVar, Self, TypeAlias

from array_api_compat import device, is_array_api_obj

from xpnet._checks import (
    as_numbers,
    check_fraction,
    check_not_negative,
    check_positive,
    check_switch,
    namespace_of,
    quietly,
)
from xpnet._typing import Array, Namespace, Params
from xpnet.devices import to_host
from xpnet.schedules import Schedule

Number: TypeAlias = float | Sequence[float]
"""A number, or one for each member, kept as a tuple."""

LearningRate: TypeAlias = Number | Schedule


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


_below_one = partial(check_fraction, one=False)
_DOMAINS: dict[str, Callable[[Any, str], None]] = {
    "learning_rate": check_positive,
    "weight_decay": check_not_negative,
    "max_gradient_norm": check_positive,
    "momentum": _below_one,
    "decay": _below_one,
    "beta1": _below_one,
    "beta2": _below_one,
    "epsilon": check_not_negative,
    "nesterov": check_switch,
}
"""What the options of the rules are checked by, each under one name in all of them."""


def _taken(value: Any, name: str) -> None:
    """Take an option that is none of ours."""


@dataclass(frozen=True)
class Optimizer(ABC):
    """What all optimizers share. Every number may also be a list, tuple or array, one for each member of the network.

    An optimizer of your own is a frozen dataclass, a subclass with a `name`, `slot_names` and the method `_direction`.

    Parameters
    ----------
    learning_rate : number or schedule
        > 0; a schedule is a callable of the step (see `xpnet.schedules`).
    weight_decay : number
        L2 penalty factor d >= 0.
    max_gradient_norm : number, optional
        Scale longer gradients down to this norm, > 0: see `clip_gradient_norm`.

    Raises
    ------
    TypeError, ValueError
        If an option is no number, or one outside its domain.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.SGD(learning_rate=np.asarray([0.1, 0.5]), max_gradient_norm=1.0)  # for a network of two members
    SGD(learning_rate=(0.1, 0.5), weight_decay=0.0, max_gradient_norm=1.0)
    """

    learning_rate: LearningRate = 0.1
    weight_decay: Number = 0.0
    max_gradient_norm: Number | None = None

    name: ClassVar[str]
    slot_names: ClassVar[tuple[str, ...]] = ()
    decoupled_decay: ClassVar[bool] = False
    _complements: ClassVar[dict[str, Array]] = {}

    def __post_init__(self) -> None:
        for option in fields(self):
            value, check = getattr(self, option.name), _DOMAINS.get(option.name, _taken)
            if is_array_api_obj(value):  # NumPy's scalars, too, which would promote float32 arrays to float64.
                value = to_host(value).tolist()
            if isinstance(value, list | tuple) and check is not check_switch:
                value = as_numbers(value, option.name, check)
            elif not (value is option.default is None or (option.name == "learning_rate" and callable(value))):
                check(value, option.name)
            object.__setattr__(self, option.name, value)

    def initial_state(self, params: Params) -> OptimizerState:
        """Return the state before the first step: zeros like the parameters."""
        xp = namespace_of(**params)
        slots: dict[str, Params] = {
            slot: {name: xp.zeros_like(w) for name, w in params.items()} for slot in self.slot_names
        }
        return OptimizerState(0, slots)

    @quietly
    def update(self, params: Params, gradients: Params, state: OptimizerState, *, members: bool = False) -> None:
        """Do one step: change `params` and `state`, in place where their library can.

        Parameters
        ----------
        params, gradients : mapping of arrays
            Under the same names; `gradients` are left as they are.
        state : OptimizerState
            Of this optimizer and these parameters.
        members : bool
            Whether the first axis of every array counts members.

        Raises
        ------
        ValueError
            If there is a number for each member, and there are not so many.

        Examples
        --------
        >>> import numpy as np, xpnet
        >>> params, optimizer = {"w": np.asarray([1.0, 2.0])}, xpnet.SGD(learning_rate=0.5)
        >>> optimizer.update(params, {"w": np.asarray([2.0, 2.0])}, optimizer.initial_state(params))
        >>> params
        {'w': array([0., 1.])}
        """
        xp = namespace_of(**params)
        self.prepare(params, members=members, xp=xp).apply(params, gradients, state, members=members, xp=xp)

    def prepare(self, params: Params, *, members: bool, xp: Namespace) -> Self:
        """Return the rule with its numbers, where there is one for each member, as arrays beside the parameters."""
        ready, like = copy(self), next(iter(params.values()))
        given = {option.name: getattr(self, option.name) for option in fields(self)}
        per_member = {name: value for name, value in given.items() if isinstance(value, tuple)}
        for name, numbers in per_member.items():
            if not members or any(w.shape[0] != len(numbers) for w in params.values()):
                shown = like.shape[0] if members else "no"
                raise ValueError(
                    f"{name} must be a number, or one for each member: got {len(numbers)} for {shown} members"
                )
            object.__setattr__(ready, name, xp.asarray(numbers, dtype=like.dtype, device=device(like)))
        complements = {
            name: xp.asarray([1 - number for number in numbers], dtype=like.dtype, device=device(like))
            for name, numbers in per_member.items()
        }
        object.__setattr__(ready, "_complements", complements)
        return ready

    def _complement(self, name: str) -> Any:
        """Return 1 minus a number, as exact where there is one for each member: before they were rounded to a dtype."""
        return self._complements[name] if name in self._complements else 1 - getattr(self, name)

    def apply(self, params: Params, gradients: Params, state: OptimizerState, *, members: bool, xp: Namespace) -> None:
        """Do what `update` does with a rule that `prepare` returned."""
        rate = self.rate(state.step)
        state.step += 1
        if self.max_gradient_norm is not None:
            gradients = _clip(gradients, self.max_gradient_norm, members=members, xp=xp)
        decays = is_array_api_obj(self.weight_decay) or self.weight_decay != 0
        for name, w in params.items():
            g = gradients[name]
            if decays and not self.decoupled_decay:
                g = g + _per_member(self.weight_decay, w, xp=xp) * w
            direction = self._direction(name, g, state, xp=xp)
            if decays and self.decoupled_decay:
                direction = direction + _per_member(self.weight_decay, w, xp=xp) * w
            params[name] -= _per_member(rate, w, xp=xp) * direction

    def rate(self, step: int) -> Any:
        """Return the learning rate of step `step`, counted from 0."""
        return float(self.learning_rate(step)) if callable(self.learning_rate) else self.learning_rate

    @abstractmethod
    def _direction(self, name: str, g: Array, state: OptimizerState, *, xp: Namespace) -> Array:
        """Return what the learning rate multiplies, and update the slots of parameter `name`."""


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
        velocity, momentum = state.slots["velocity"], _per_member(self.momentum, g, xp=xp)
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
        return g / (xp.sqrt(squares[name]) + _per_member(self.epsilon, g, xp=xp))


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
        squares[name] *= _per_member(self.decay, g, xp=xp)
        squares[name] += _per_member(self._complement("decay"), g, xp=xp) * (g * g)
        return g / (xp.sqrt(squares[name]) + _per_member(self.epsilon, g, xp=xp))


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
        means[name] *= _per_member(self.beta1, g, xp=xp)
        means[name] += _per_member(self._complement("beta1"), g, xp=xp) * g
        squares[name] *= _per_member(self.beta2, g, xp=xp)
        squares[name] += _per_member(self._complement("beta2"), g, xp=xp) * (g * g)
        # The two corrections are numbers, so they cost no pass of their own over the arrays.
        root = xp.sqrt(squares[name])
        root *= _per_member(self._correction("beta2", state.step, xp=xp) ** -0.5, g, xp=xp)
        root += _per_member(self.epsilon, g, xp=xp)
        root *= _per_member(self._correction("beta1", state.step, xp=xp), g, xp=xp)
        return means[name] / root

    def _correction(self, name: str, step: int, *, xp: Namespace) -> Any:
        """Return 1 - b^step."""
        complement = self._complement(name)
        if not is_array_api_obj(complement):
            return 1 - getattr(self, name) ** step
        return -xp.expm1(step * xp.log1p(-complement))  # in float32, b^step would be rounded to 1 at last


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


@quietly
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

    Raises
    ------
    TypeError, ValueError
        If `max_norm` is no finite number > 0, or the gradients are no arrays of one library.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.clip_gradient_norm({"a": np.asarray([3.0]), "b": np.asarray([4.0])}, max_norm=1.0)
    {'a': array([0.6]), 'b': array([0.8])}
    """
    check_positive(max_norm, "max_norm")
    return _clip(gradients, float(max_norm), members=members, xp=namespace_of(**gradients))


def _clip(gradients: Params, max_norm: Any, *, members: bool, xp: Namespace) -> Params:
    def over(g: Array) -> tuple[int, ...]:
        return tuple(range(int(members), g.ndim))

    largest = [xp.max(xp.abs(g), axis=over(g)) for g in gradients.values()]
    unit = reduce(xp.maximum, largest)
    limit = max_norm if is_array_api_obj(max_norm) else xp.full_like(unit, max_norm)
    # Lengths are measured in the largest entry, or the limit, whose squares neither over- nor underflow. What is longer
    # becomes limit / norm times itself in that unit, what is not is divided and multiplied by 1, and stays as it is.
    unit = xp.maximum(unit, limit)
    squares = [xp.sum((g / _per_member(unit, g, xp=xp)) ** 2, axis=over(g)) for g in gradients.values()]
    norm = xp.sqrt(sum(squares[1:], start=squares[0]))
    longer, one = norm > limit / unit, xp.ones_like(unit)
    unit, scale = xp.where(longer, unit, one), xp.where(longer, limit / norm, one)
    return {name: g / _per_member(unit, g, xp=xp) * _per_member(scale, g, xp=xp) for name, g in gradients.items()}


def _per_member(value: Any, like: Array, *, xp: Namespace) -> Any:
    """Return a number as it is, and one number per member in a shape that multiplies `like` member by member."""
    if not is_array_api_obj(value) or value.ndim == 0:
        return value
    return xp.reshape(value, (-1,) + (1,) * (like.ndim - 1))
