"""The unit of work of a sweep: settings that train side by side up to some epoch, in whatever process."""

from dataclasses import dataclass
from typing import Any

from xpnet.checkpoint import packed
from xpnet.datasets import Dataset
from xpnet.devices import select_device
from xpnet.settings import Settings
from xpnet.sweeps.members import taken
from xpnet.training import NonFiniteLossError, Record, TrainingState, fit_epochs, operations
from xpnet.training.measures import in_units

_EVERY = 10
"""So many epochs are lost, at most, to a member that diverges. To evaluate after each takes half of the time."""


@dataclass(frozen=True, eq=False)
class Task:
    """What one process does at a time; it can be pickled."""

    settings: Settings
    """Of a network with members."""
    until: int
    """The epoch to train up to."""
    state: TrainingState | None
    """What the members go on from."""


@dataclass(frozen=True)
class Result:
    """What has become of one member."""

    epochs: int
    """Trained in all, up to an early stop or a divergence."""
    diverged: bool = False
    """Whether its loss was not finite in the next one."""
    measures: dict[str, float] | None = None
    """Of the parameters that are kept, on the training and the validation set; None where those of before are."""


@dataclass(frozen=True, eq=False)
class Trained:
    """What has become of a task."""

    results: list[Result]
    """One for each member."""
    survivors: list[int]
    """The members that have not diverged."""
    model: bytes
    """Of the survivors, as a model file with their settings and their state; empty where there are none."""


_last: list[tuple[dict[str, Any], Dataset]] = []
"""The data that were asked for last, and by which options."""


def remember(settings: Settings, dataset: Dataset) -> None:
    """Keep the data of a run in the memory of this process, in the place of those before."""
    _last[:] = [(_options_of_data(settings), dataset)]


def dataset_of(settings: Settings) -> Dataset:
    """Return the data of a run, the last ones from memory."""
    options = _options_of_data(settings)
    for known, dataset in tuple(_last):
        if known == options:
            return dataset
    dataset = Settings(**options).load_data()
    remember(settings, dataset)
    return dataset


def _options_of_data(settings: Settings) -> dict[str, Any]:
    names = ("data", "data_dir", "label", "missing", "stream", "loss")
    return {name: getattr(settings, name) for name in names} | {"seed": settings.first_seed}


def train(task: Task) -> Trained:
    """Train the members of a task; one that diverges ends there, and the others go on."""
    settings, state = task.settings, task.state
    dataset, members = dataset_of(settings), list(range(settings.members or 0))
    sizes = dataset.features, settings.hidden, dataset.outputs, settings.batch_size
    device = select_device(settings.device, operations=operations(*sizes, len(members)))
    every = 1 if settings.patience is not None else _EVERY
    results = [Result(0 if state is None else state.epoch) for _ in members]
    while members:
        part = taken(settings, members)
        net = part.make_network(dataset.features, dataset.outputs, labels=dataset.train.t, device=device)
        options = part.fit_options(len(dataset.train.x)) | {"epochs": task.until}
        try:
            for record in fit_epochs(net, *dataset.train, state=state, every=every, **options):
                state = record.state
                for place, measures in enumerate(_measures(record, dataset)):
                    before = results[members[place]]
                    results[members[place]] = _result(record, place, measures, before, part.patience)
            return Trained(results, members, bytes(packed(net, settings=part, state=state)))
        except NonFiniteLossError as error:
            staying = [place for place in range(len(members)) if place not in error.members]
            for place in error.members:
                results[members[place]] = Result(0 if state is None else state.epoch, diverged=True)
            state = None if state is None else state.of_members(staying)
            members = [members[place] for place in staying]
    return Trained(results, [], b"")


def _measures(record: Record[Any], dataset: Dataset) -> list[dict[str, float]]:
    """Return the figures of each member."""
    lists = {name: value for name, value in record.as_dict().items() if isinstance(value, list)}
    return [in_units(dict(zip(lists, row, strict=True)), dataset) for row in zip(*lists.values(), strict=True)]


def _result(
    record: Record[Any], place: int, measures: dict[str, float], before: Result, patience: int | None
) -> Result:
    """Return what has become of the member in some place after another epoch."""
    best = record.state.best
    if patience is None or best is None:
        return Result(record.epoch, measures=measures)
    kept = best.epoch[place]
    return Result(min(record.epoch, kept + patience), measures=measures if kept == record.epoch else before.measures)
