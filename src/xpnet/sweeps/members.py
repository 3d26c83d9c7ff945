"""Settings side by side: which of them can be members of one network, and its settings."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from xpnet.schedules import CONSTANT
from xpnet.settings import DEFAULTS, OPTIONS, Settings
from xpnet.training import TrainingState

_OWN = tuple(name for name, option in OPTIONS.items() if option.domain.per_member)
"""The options of which each member may have a value of its own."""
_NUMBERS = 2**17
_FEWEST, _MOST = 16, 64
"""More members gain little once they have so many parameters in all, and would leave workers without a batch."""
_BYTES = 256 * 2**20
_COPIES = 10
"""So often a member's parameters are there: with gradient and slots, and as of the last and of the best epoch."""


def joined(settings: Sequence[Settings]) -> Settings:
    """Return the settings of a network whose members have these."""
    own: dict[str, Any] = {name: tuple(getattr(one, name) for one in settings) for name in _own(settings[0])}
    # What nobody has changed need not go with the loss or the optimizer.
    given = {name: values for name, values in own.items() if name == "seed" or {*values} != {DEFAULTS[name]}}
    return replace(settings[0], **given)


def taken(settings: Settings, members: Sequence[int]) -> Settings:
    """Return the settings of some members of a network."""
    own: dict[str, Any] = {}
    for name in _OWN:
        value = getattr(settings, name)
        if isinstance(value, tuple):
            own[name] = tuple(value[member] for member in members)
    return replace(settings, **own)


def state_of(places: Sequence[tuple[TrainingState, int]]) -> TrainingState:
    """Return the state of a network whose members are members of others, each in its place there."""
    states = list({id(state): state for state, _ in places}.values())
    starts = np.cumsum([0, *(len(state.params["W1"]) for state in states)]).tolist()
    start_of = {id(state): start for state, start in zip(states, starts, strict=False)}
    members = [start_of[id(state)] + member for state, member in places]
    return states[0].of_members(members, *states[1:])


def batches(
    settings: Sequence[Settings], parameters: Callable[[Settings], int], *, same_data: bool = True
) -> list[list[int]]:
    """Return which settings train side by side: those of one shape, as many at once as fit the memory.

    Parameters
    ----------
    settings : sequence of Settings
        Completed ones.
    parameters : callable
        Gives the number of parameters of a network.
    same_data : bool
        Whether all seeds have the same training data.
    """
    groups: dict[tuple[Any, ...], list[int]] = {}
    for index, one in enumerate(settings):
        own = _own(one)
        key = tuple((getattr(one, name), False) if name not in own else (None, True) for name in OPTIONS)
        groups.setdefault((*key, None if same_data else one.seed), []).append(index)
    result = []
    for group in groups.values():
        first = settings[group[0]]
        size = parameters(first)
        fast = max(_FEWEST, min(_MOST, _NUMBERS // size))
        fit = _BYTES // (_COPIES * size * np.dtype(first.dtype).itemsize)
        most = max(1, min(fast, fit))
        group.sort(key=lambda index: settings[index].first_seed)
        # Those of one seed see the same mini-batches, which are gathered once if there are as many of each seed.
        counts = {*Counter(settings[index].first_seed for index in group).values()}
        together = max(counts) if len(counts) == 1 and max(counts) <= most else 1
        seeds = np.asarray(group).reshape(-1, together)
        result += [part.reshape(-1).tolist() for part in np.array_split(seeds, -(-len(seeds) // (most // together)))]
    # The longest first, so that workers are done at about the same time.
    return sorted(result, key=lambda batch: -len(batch) * parameters(settings[batch[0]]))


def _own(settings: Settings) -> list[str]:
    """Return the options of which members like these have values of their own."""
    shared = [] if settings.schedule == CONSTANT else ["learning_rate"]
    return [name for name in _OWN if getattr(settings, name) is not None and name not in shared]
