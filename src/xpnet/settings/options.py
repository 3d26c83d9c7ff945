"""Every option of a run, once: its default, its domain, its help, and the error where a value is outside.

The command line's options, ``config.json`` and TOML files derive from the fields of `Options`.
"""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from xpnet._checks import nearest
from xpnet._files import read_small, write_atomically
from xpnet.activations import ACTIVATIONS
from xpnet.datasets.encoding import POLICIES, REFUSE
from xpnet.datasets.formats import FORMATS
from xpnet.datasets.known import KNOWN
from xpnet.losses import LOSSES
from xpnet.losses.tasks import Binary, Classification, MultiLabel, Rates, Regression, Task
from xpnet.network import DTYPES
from xpnet.optimizers import OPTIMIZERS
from xpnet.schedules import CONSTANT
from xpnet.settings import domains
from xpnet.settings.presets import PRESETS, usual_preset
from xpnet.training import GRADIENTS
from xpnet.training.threads import AUTO

_PARTS: dict[str, Mapping[str, type[Any]]] = {"optimizer": OPTIMIZERS, "loss": LOSSES}


@dataclass(frozen=True)
class Option:
    """What is known of a field of `Options`, beside its name and default."""

    domain: domains.Domain
    help: str
    part: str
    """"optimizer" or "loss": what takes it as an argument, if its class has one of that name."""


def _losses_for(task: type[Task]) -> str:
    return ", ".join(name for name, loss in LOSSES.items() if type(loss.task) is task)


def _option(default: Any, domain: domains.Domain, help: str, *, part: str = "") -> Any:
    return field(default=default, metadata={"option": Option(domain, help, part)})


@dataclass(frozen=True)
class Options:
    """The options of a run, checked one by one and together; what comes of them, `Settings` knows."""

    data: str = _option(
        "digits",
        domains.called(domains.TEXT, "NAME|PATH", KNOWN),
        f"{', '.join(KNOWN)}; or a path: {', '.join(row.name for row in FORMATS if row.samples)}.",
    )
    data_dir: str | None = _option(
        None,
        domains.called(domains.TEXT, "DIR"),
        "Folder with the files of mnist or fashion-mnist; else $XPNET_DATA_DIR, else the cache.",
    )
    label: str | int | None = _option(
        None, domains.COLUMN, "Label column of a table; by default its 'label', 'target' or 'class', or the last."
    )
    missing: str = _option(
        REFUSE,
        domains.choice(POLICIES),
        "What to do about missing features: refuse them, take the mean of the training data, or drop the samples.",
    )
    preset: str | None = _option(
        None,
        domains.choice(PRESETS),
        f"{' or '.join(PRESETS)}: decides on network and optimizer; by default modern for files, else chapter.",
    )
    loss: str = _option(
        "softmax_cross_entropy",
        domains.choice(LOSSES),
        f"For classes {_losses_for(Classification)}; for two of them {_losses_for(Binary)}; for labels of which any "
        f"may hold {_losses_for(MultiLabel)}; for numbers {_losses_for(Regression)}; for counts {_losses_for(Rates)}.",
    )
    label_smoothing: float | tuple[float, ...] = _option(
        0.0, domains.UNIT, "Part of each target that is spread over all classes.", part="loss"
    )
    class_weight: str | tuple[float, ...] | None = _option(
        None,
        domains.CLASS_WEIGHT,
        "Weights of the classes: balanced, so that all count the same, or those in a file.",
        part="loss",
    )
    validation: float | None = _option(
        None,
        domains.PART,
        "Part of the training data, such as 0.1, kept aside and measured after every epoch instead of the test set.",
    )
    stream: bool | None = _option(
        None,
        domains.SWITCH,
        "Leave the data on the host, a .npy file on its disk, and bring the next mini-batches to the device ahead of "
        "their use; by default where they do not fit.",
    )
    device: str = _option(
        "auto",
        domains.called(domains.TEXT, "NAME", ("auto", "cpu", "gpu")),
        "auto, cpu, gpu or gpu:N (N = 0, 1, ...); auto takes a working GPU.",
    )
    threads: str | int = _option(
        AUTO,
        domains.THREADS,
        "Threads of NumPy's matrix products: auto takes one or all, whichever is faster, and looks again now and then.",
    )
    hidden: int = _option(None, domains.COUNT, "Hidden units.")
    activation: str = _option(None, domains.choice(ACTIVATIONS), f"{', '.join(ACTIVATIONS)}.")
    init: str | tuple[str, ...] = _option(
        None, domains.INIT, "Initial weights: normal:S (standard deviation S), xavier, he."
    )
    dtype: str = _option("float32", domains.choice(DTYPES), f"{' or '.join(DTYPES)}.")
    optimizer: str = _option(None, domains.choice(OPTIMIZERS), f"{', '.join(OPTIMIZERS)}.")
    learning_rate: float | tuple[float, ...] | None = _option(
        None, domains.POSITIVE, "Step size; by default 0.1 for sgd, and each optimizer's usual one.", part="optimizer"
    )
    momentum: float | tuple[float, ...] | None = _option(
        None, domains.BELOW_ONE, "How much of the last step goes on, for momentum; by default 0.9.", part="optimizer"
    )
    nesterov: bool = _option(False, domains.SWITCH, "Look ahead along the momentum.", part="optimizer")
    weight_decay: float | tuple[float, ...] | None = _option(
        None, domains.NOT_NEGATIVE, "L2 penalty factor; by default 0, and 0.01 for adamw.", part="optimizer"
    )
    max_gradient_norm: float | tuple[float, ...] | None = _option(
        None, domains.POSITIVE, "Scale longer gradients down to this norm.", part="optimizer"
    )
    schedule: str = _option(
        CONSTANT,
        domains.SCHEDULE,
        "How the rate falls: step:STEPS:FACTOR, cosine or cosine:STEPS:FINAL; with warmup:STEPS, before, it rises.",
    )
    batch_size: int = _option(100, domains.COUNT, "Samples in a mini-batch.")
    shards: int | None = _option(
        None,
        domains.COUNT,
        "Parts of a mini-batch whose gradients are added up; by default 1, and with --parallel one for each process.",
    )
    epochs: int | None = _option(
        None, domains.COUNT, "Passes over the data; by default 10,000 mini-batches, with modern at most 100 passes."
    )
    patience: int | None = _option(
        None, domains.COUNT, "Stop after so many epochs without a lower validation loss, and keep the best."
    )
    gradient: str = _option(
        "backpropagation", domains.choice(GRADIENTS), "backpropagation, or numerical (all by differences; slower)."
    )
    checkpoint_every: int | None = _option(None, domains.COUNT, "Keep a checkpoint of every so many epochs.")
    checkpoint_seconds: float | None = _option(
        None,
        domains.SECONDS,
        "Keep a checkpoint after so many seconds of training; by default 10, but with --checkpoint-every none.",
    )
    keep: int = _option(2, domains.COUNT, "How many checkpoints to keep, the last ones.")
    seed: int | tuple[int, ...] = _option(0, domains.SEED, "Same seed, same numbers, on every device.")
    spelling: InitVar[Callable[[str], str]] = str

    def __post_init__(self, spelling: Callable[[str], str]) -> None:
        for name, option in OPTIONS.items():
            value = getattr(self, name)
            if value is not None or DEFAULTS[name] is not None:
                object.__setattr__(self, name, option.domain.read(value, spelling(name)))
        self._take_preset()
        self._check_together(spelling)

    def _take_preset(self) -> None:
        preset = self.preset or usual_preset(self.data)
        own_rate = self.optimizer is not None
        for name, value in {**PRESETS[preset], "preset": preset}.items():
            if getattr(self, name) is None and not (name == "learning_rate" and own_rate):
                object.__setattr__(self, name, value)

    def _check_together(self, spelling: Callable[[str], str]) -> None:
        for name, option in OPTIONS.items():
            if option.part and getattr(self, name) != DEFAULTS[name] and name not in self._taken_by(option.part):
                takers = [kind for kind in _PARTS[option.part] if name in _names(_PARTS[option.part][kind])]
                raise ValueError(
                    f"{spelling(name)} does not go with {spelling(option.part)} {getattr(self, option.part)}: "
                    f"leave it out, or take {' or '.join(takers)}"
                )
        if self.schedule != CONSTANT and isinstance(self.learning_rate, tuple):
            raise ValueError(
                f"{spelling('schedule')} does not go with a number of {spelling('learning_rate')} for each member: "
                "give one for all, or leave the schedule out"
            )
        if self.patience is not None and self.validation is None:
            raise ValueError(
                f"{spelling('patience')} needs {spelling('validation')}, the part of the training data that decides: "
                "give one, such as 0.1"
            )
        lengths = {name: len(value) for name, value in self._per_member().items()}
        if len(set(lengths.values())) > 1:
            told = " and ".join(f"{length} of {spelling(name)}" for name, length in lengths.items())
            raise ValueError(f"there must be as many values as members for every option, got {told}")

    @property
    def members(self) -> int | None:
        """The number of networks that the sequences tell apart; None where there are none."""
        return next((len(value) for value in self._per_member().values()), None)

    @property
    def first_seed(self) -> int:
        """The seed, that of the first member where each has its own: what all of them share is drawn by it."""
        return self.seed[0] if isinstance(self.seed, tuple) else self.seed

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON and TOML have them.

        Examples
        --------
        >>> from xpnet.settings import Settings
        >>> settings = Settings(optimizer="momentum", learning_rate=(0.1, 0.3), nesterov=True)
        >>> Settings.of(settings.as_dict()) == settings
        True
        """
        values = {name: getattr(self, name) for name in OPTIONS}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def of(cls, values: Mapping[str, Any], *, where: str = "settings", spelling: Callable[[str], str] = str) -> Self:
        """Return the settings with these values by name; an unknown name is an error that says the nearest one."""
        for name in values:
            if name not in OPTIONS:
                near = nearest(name, OPTIONS)
                hint = f"did you mean {near!r}?" if near else f"there are {', '.join(OPTIONS)}"
                raise ValueError(f"{where}: there is no option {name!r}: {hint}")
        return cls(**values, spelling=spelling)

    def write(self, path: Path, **facts: Any) -> None:
        """Write ``config.json``, `facts` such as the version before the settings."""
        write_atomically(path, (json.dumps({**facts, **self.as_dict()}, indent=2) + "\n").encode())

    def _taken_by(self, part: str) -> list[str]:
        known = _names(_PARTS[part][getattr(self, part)])
        return [name for name, option in OPTIONS.items() if option.part == part and name in known]

    def _per_member(self) -> dict[str, tuple[Any, ...]]:
        values = {name: getattr(self, name) for name, option in OPTIONS.items() if option.domain.per_member}
        return {name: value for name, value in values.items() if isinstance(value, tuple)}


OPTIONS: dict[str, Option] = {option.name: option.metadata["option"] for option in fields(Options)}
"""What is known of each field, by its name."""
DEFAULTS: dict[str, Any] = {option.name: option.default for option in fields(Options)}


def read_values(path: Path) -> dict[str, Any]:
    """Return what a TOML file, or the ``config.json`` of a run, says of the settings, by name.

    Names may be written as on the command line, ``batch-size`` for ``batch_size``; no value is checked.

    Raises
    ------
    ValueError
        If the file is neither.
    """
    text, kind = read_small(path), "TOML" if path.suffix == ".toml" else "JSON"
    try:
        values = tomllib.loads(text.decode()) if kind == "TOML" else json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("it holds no names")
        values.pop("xpnet", None)
        named = {name.replace("-", "_"): value for name, value in values.items()}
        if len(named) < len(values):
            raise ValueError("it holds a name twice, with - and with _")
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path}: no {kind} file of options ({error}): give a .toml file with lines such as hidden = 50"
        ) from None
    return named


def _names(kind: type[Any]) -> list[str]:
    return [option.name for option in fields(kind)]
