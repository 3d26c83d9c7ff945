"""What a training is at the end of an epoch, as plain data: enough to go on from there, bit for bit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from xpnet._typing import Array, Params
from xpnet.devices import to_host
from xpnet.network import TwoLayerNet
from xpnet.optimizers import Optimizer, OptimizerState


@dataclass(frozen=True)
class Best:
    """The epoch with the lowest validation loss so far."""

    epoch: int
    loss: float
    params: Params


@dataclass(frozen=True)
class TrainingState:
    """What `fit` needs to go on after an epoch: parameters, what the optimizer remembers, and the counters of draws.

    Its arrays are copies of their own, which no later step changes.

    Parameters
    ----------
    params : dict of arrays
        As in `TwoLayerNet.params`.
    optimizer : OptimizerState
        Its step counts mini-batches.
    epoch : int
        How many are done.
    seed : int
        That of `fit`.
    best : Best or None
        None without validation, and for members.
    """

    params: Params
    optimizer: OptimizerState
    epoch: int
    seed: int
    best: Best | None = None


def copied(arrays: Mapping[str, Array]) -> Params:
    """Return copies, for arrays that are updated in place."""
    return {name: array_namespace(array).asarray(array, copy=True) for name, array in arrays.items()}


def restored(state: TrainingState, net: TwoLayerNet[Any], optimizer: Optimizer) -> tuple[Params, OptimizerState]:
    """Return copies of parameters and optimizer state on the device of `net`, or refuse a state that does not fit."""
    if set(state.optimizer.slots) != set(optimizer.slot_names):
        raise ValueError(
            f"state: its optimizer remembers {_listed(state.optimizer.slots)}, {optimizer.name} "
            f"{_listed(optimizer.slot_names)}: go on with the optimizer it was made with"
        )

    def placed(arrays: Params, what: str) -> Params:
        wanted = {name: tuple(w.shape) for name, w in net.params.items()}
        given = {name: tuple(w.shape) for name, w in arrays.items()}
        if given != wanted:
            raise ValueError(f"state: {what} have shapes {given}, those of the network are {wanted}: use its own state")
        return {name: net.device.asarray(np.array(to_host(w)), net.dtype) for name, w in arrays.items()}

    slots = {slot: placed(arrays, slot) for slot, arrays in state.optimizer.slots.items()}
    return placed(state.params, "parameters"), OptimizerState(state.optimizer.step, slots)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"
