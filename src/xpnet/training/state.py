"""What a training is at the end of an epoch, as plain data: enough to go on from there, bit for bit."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from array_api_compat import array_namespace, device

from xpnet._typing import Array, Params
from xpnet.devices import to_host
from xpnet.network import TwoLayerNet
from xpnet.optimizers import Optimizer, OptimizerState


@dataclass(frozen=True, eq=False)
class Best:
    """The epoch with the lowest validation loss so far; with members, a list of one for each."""

    epoch: Any
    """An int, or with members a list."""
    loss: Any
    params: Params

    def waited(self, epoch: int) -> list[int]:
        """Return for how many epochs up to this one the loss has not fallen: one number, or one for each member."""
        return [epoch - best for best in (self.epoch if isinstance(self.epoch, list) else [self.epoch])]

    def next(self, epoch: int, loss: Any, params: Params) -> "Best":
        """Return the best after one more epoch, whose `params` may be kept."""
        if not isinstance(loss, list):
            return Best(epoch, loss, params) if loss < self.loss else self
        better = [new < old for new, old in zip(loss, self.loss, strict=True)]
        epochs = [epoch if is_better else old for is_better, old in zip(better, self.epoch, strict=True)]
        lowest = [min(pair) for pair in zip(loss, self.loss, strict=True)]
        chosen = [index + len(better) * is_better for index, is_better in enumerate(better)]
        return Best(epochs, lowest, members_of(chosen, self.params, params))


@dataclass(frozen=True, eq=False)
class TrainingState:
    """What `fit` needs to go on after an epoch: parameters, what the optimizer remembers, and the counters of draws.

    Its arrays are copies of their own, which no later step changes. It can be pickled and deep-copied: then they become
    NumPy arrays, so that another process, or a machine with another device, can go on.

    Parameters
    ----------
    params : dict of arrays
        As in `TwoLayerNet.params`.
    optimizer : OptimizerState
        Its step counts mini-batches.
    epoch : int
        How many are done.
    seed : int or tuple of int
        That of `fit`, or those of the members.
    best : Best or None
        None without validation.
    """

    params: Params
    optimizer: OptimizerState
    epoch: int
    seed: int | tuple[int, ...]
    best: Best | None = None

    def map_arrays(self, function: Callable[[str, Params], Params]) -> Self:
        """Return the state with each set of parameters, and each slot, replaced by what `function` gives for it."""
        slots = {slot: function(slot, arrays) for slot, arrays in self.optimizer.slots.items()}
        best = self.best and replace(self.best, params=function("best parameters", self.best.params))
        params = function("parameters", self.params)
        return replace(self, params=params, optimizer=OptimizerState(self.optimizer.step, slots), best=best)

    def of_members(self, members: Sequence[int], *others: "TrainingState") -> "TrainingState":
        """Return the state of some of the members; the members of `others`, after the same epoch, count on."""
        states = (self, *others)
        best = None
        if self.best is not None:
            bests = [state.best for state in states if state.best is not None]
            epochs, losses = ([value for best in bests for value in getattr(best, name)] for name in ("epoch", "loss"))
            params = members_of(members, *(best.params for best in bests))
            best = Best([epochs[i] for i in members], [losses[i] for i in members], params)
        slots = {
            slot: members_of(members, *(state.optimizer.slots[slot] for state in states))
            for slot in self.optimizer.slots
        }
        params = members_of(members, *(state.params for state in states))
        memory, seed = OptimizerState(self.optimizer.step, slots), self.seed
        if isinstance(seed, tuple):
            seeds = [one for state in states if isinstance(state.seed, tuple) for one in state.seed]
            seed = tuple(seeds[member] for member in members)
        return TrainingState(params, memory, self.epoch, seed, best)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self.map_arrays(_on_host))


def copied(arrays: Mapping[str, Array]) -> Params:
    """Return copies, for arrays that are updated in place."""
    return {name: array_namespace(array).asarray(array, copy=True) for name, array in arrays.items()}


def members_of(members: Sequence[int], *arrays: Mapping[str, Array]) -> Params:
    """Return copies of some of the members of named arrays, those of one mapping counted on after the other's."""
    result: Params = {}
    for name, first in arrays[0].items():
        xp = array_namespace(first)
        every = first if len(arrays) == 1 else xp.concat([part[name] for part in arrays], axis=0)
        result[name] = xp.take(every, xp.asarray(members, device=device(first)), axis=0)
    return result


def restored(state: TrainingState, net: TwoLayerNet[Any], optimizer: Optimizer) -> TrainingState:
    """Return a copy of a state on the device of `net`, or refuse one that does not fit."""
    if set(state.optimizer.slots) != set(optimizer.slot_names):
        raise ValueError(
            f"state: its optimizer remembers {_listed(state.optimizer.slots)}, {optimizer.name} "
            f"{_listed(optimizer.slot_names)}: go on with the optimizer it was made with"
        )

    def placed(what: str, arrays: Params) -> Params:
        given = _on_host(what, arrays)
        wanted = {name: (tuple(w.shape), net.dtype) for name, w in net.params.items()}
        found = {name: (w.shape, w.dtype.name) for name, w in given.items()}
        if found != wanted:
            name = next(name for name in wanted | found if found.get(name) != wanted.get(name))
            raise ValueError(
                f"state: {name} of its {what} is {_shown(found, name)}, that of the network is "
                f"{_shown(wanted, name)}: go on with the network it was made with"
            )
        return {name: net.device.asarray(w) for name, w in given.items()}

    return state.map_arrays(placed)


def _on_host(what: str, arrays: Params) -> Params:
    return {name: np.array(to_host(w)) for name, w in arrays.items()}


def _shown(facts: Mapping[str, tuple[Any, str]], name: str) -> str:
    shape, dtype = facts.get(name, (None, ""))
    return f"{dtype} of shape {shape}" if dtype else "missing"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"
