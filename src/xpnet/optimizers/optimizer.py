"""What every optimizer is and does."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, fields, replace
from functools import partial
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
from xpnet.devices import fused, to_host
from xpnet.optimizers.clipping import clipped
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

    An optimizer of your own is a frozen dataclass, a subclass with a `name`, `slot_names` and the method `_direction`,
    which treats every number of a gradient alike: training gives it all parameters of a network as one array.

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
        self.prepare(params, members=members, xp=namespace_of(**params)).apply(params, gradients, state)

    def prepare(self, params: Params, *, members: bool, xp: Namespace) -> "Rule":
        """Return the rule that does such steps, with all that stays the same from step to step done once."""
        return Rule(self, params, members=members, xp=xp)

    def of_members(self, members: Sequence[int]) -> Self:
        """Return the optimizer of some of the members."""
        values = {option.name: getattr(self, option.name) for option in fields(self)}
        own = {name: [value[i] for i in members] for name, value in values.items() if isinstance(value, tuple)}
        return replace(self, **own)

    def rate(self, step: int) -> Any:
        """Return the learning rate of step `step`, counted from 0."""
        return float(self.learning_rate(step)) if callable(self.learning_rate) else self.learning_rate

    def beside(self, w: Array, *, members: bool, xp: Namespace) -> Self:
        """Return a copy whose numbers, where there is one for each member, multiply `w` member by member."""
        ready = copy(self)
        given = {option.name: getattr(self, option.name) for option in fields(self)}
        complements = {}
        for name, numbers in given.items():
            if not isinstance(numbers, tuple):
                continue
            if not members or w.shape[0] != len(numbers):
                raise ValueError(
                    f"{name} must be a number, or one for each member: got {len(numbers)} for "
                    f"{w.shape[0] if members else 'no'} members"
                )
            shape, kind = (-1,) + (1,) * (w.ndim - 1), {"dtype": w.dtype, "device": device(w)}
            object.__setattr__(ready, name, xp.reshape(xp.asarray(numbers, **kind), shape))
            complements[name] = xp.reshape(xp.asarray([1 - number for number in numbers], **kind), shape)
        object.__setattr__(ready, "_complements", complements)
        return ready

    def _complement(self, name: str) -> Any:
        """Return 1 minus a number, as exact where there is one for each member: before they were rounded to a dtype."""
        return self._complements[name] if name in self._complements else 1 - getattr(self, name)

    @abstractmethod
    def _direction(self, name: str, g: Array, state: OptimizerState, *, xp: Namespace) -> Array:
        """Return what the learning rate multiplies, and update the slots of parameter `name`."""


class Rule:
    """An optimizer made ready for some parameters."""

    def __init__(self, optimizer: Optimizer, params: Params, *, members: bool, xp: Namespace) -> None:
        self._members, self._xp = members, xp
        self._ready = {name: optimizer.beside(w, members=members, xp=xp) for name, w in params.items()}
        self._update = {name: fused(_update(name, ready), xp=xp) for name, ready in self._ready.items()}
        self._max_norm: Any = optimizer.max_gradient_norm
        if isinstance(self._max_norm, tuple):
            like = next(iter(params.values()))
            self._max_norm = xp.asarray(self._max_norm, dtype=like.dtype, device=device(like))

    def apply(self, params: Params, gradients: Params, state: OptimizerState) -> None:
        """Do what `Optimizer.update` does."""
        step = state.step
        state.step += 1
        if self._max_norm is not None:
            gradients = clipped(gradients, self._max_norm, members=self._members, xp=self._xp)
        for name, ready in self._ready.items():
            params[name] = self._update[name](params[name], gradients[name], ready.rate(step), state)


def _update(name: str, optimizer: Optimizer) -> Callable[..., Array]:
    """Return a step of an optimizer as a function of a parameter, its gradient, the learning rate, and the state."""
    decay, decoupled = optimizer.weight_decay, optimizer.decoupled_decay
    decays = is_array_api_obj(decay) or decay != 0

    def update(w: Array, g: Array, rate: Any, state: OptimizerState, *, xp: Namespace) -> Array:
        if decays and not decoupled:
            g = g + decay * w
        direction = optimizer._direction(name, g, state, xp=xp)
        if decays and decoupled:
            direction = direction + decay * w
        w -= rate * direction
        return w

    return update
