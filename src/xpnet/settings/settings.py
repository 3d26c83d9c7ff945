"""What a run is made of: its data, optimizer, loss and network, from its options."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from xpnet.datasets import Dataset, Origin, Scaling, load_data
from xpnet.datasets.download import Progress
from xpnet.devices import Device
from xpnet.losses import LOSSES, Loss
from xpnet.network import TwoLayerNet
from xpnet.optimizers import OPTIMIZERS, Optimizer
from xpnet.schedules import read_schedule
from xpnet.settings import domains
from xpnet.settings.options import DEFAULTS, Options
from xpnet.settings.presets import MOST_EPOCHS
from xpnet.training import default_epochs


@dataclass(frozen=True)
class Settings(Options):
    """The options of a run, checked one by one and together.

    Every field is an option of ``xpnet train``, where ``--batch-size`` is `batch_size`; ``xpnet train --help`` says
    what each means. Fields that are None are left to the preset, the optimizer or the data. Numbers of the optimizer,
    label smoothing, initial weights and seed may be sequences, one value for each of several networks trained side by
    side.

    Parameters
    ----------
    spelling : callable, optional
        How errors call a field; by default by its name.

    Raises
    ------
    TypeError, ValueError
        If a value is outside its domain, or two options do not go together.

    Examples
    --------
    >>> from xpnet.settings import Settings
    >>> settings = Settings(optimizer="momentum", learning_rate=0.05, schedule="cosine", nesterov=True)
    >>> settings.make_optimizer(steps=1000).learning_rate
    CosineDecay(initial=0.05, steps=1000, final=0.0)
    >>> Settings(optimizer="adagrad", nesterov=True)
    Traceback (most recent call last):
        ...
    ValueError: nesterov does not go with optimizer adagrad: leave it out, or take momentum
    """

    def load_data(self, *, like: Origin | None = None, progress: Progress | None = None) -> Dataset:
        """Return the data of the run; `like` and `progress` as for `xpnet.load_data`."""
        task = LOSSES[self.loss].task
        return load_data(
            self.data,
            data_dir=self.data_dir,
            label=self.label,
            missing=self.missing,
            classification=task.classification,
            scale_targets=lambda targets: Scaling.of_targets(targets, task),
            seed=self.first_seed,
            like=like,
            stream=self.stream,
            progress=progress,
        )

    def make_optimizer(self, steps: int) -> Optimizer:
        """Return the optimizer of a run of so many steps."""
        numbers = self._given_to("optimizer")
        rate = numbers.get("learning_rate", OPTIMIZERS[self.optimizer].learning_rate)
        made: Optimizer = OPTIMIZERS[self.optimizer](
            **numbers | {"learning_rate": read_schedule(self.schedule, rate, steps=steps)}
        )
        return made

    def make_loss(self, outputs: int, labels: np.ndarray[Any, Any] | None = None) -> Loss:
        """Return the loss; the training set's `labels`, below `outputs`, are what "balanced" weights balance."""
        options = self._given_to("loss")
        if self.class_weight == domains.BALANCED:
            if labels is None:
                raise ValueError(f"class_weight={domains.BALANCED!r} needs the labels of the training set: pass labels")
            counts = np.maximum(np.bincount(labels, minlength=outputs), 1)
            options["class_weight"] = tuple((len(labels) / (outputs * counts)).tolist())
        elif self.class_weight is not None and len(self.class_weight) != outputs:
            raise ValueError(
                f"the data have {outputs} classes, got {len(self.class_weight)} class weights: give one each"
            )
        made: Loss = LOSSES[self.loss](**options)
        return made

    def make_network(
        self, features: int, outputs: int, *, labels: np.ndarray[Any, Any] | None = None, device: Device | None = None
    ) -> TwoLayerNet[Any]:
        """Return the network of so many features, and of as many classes or numbers, on `device` if it is selected."""
        make: Any = TwoLayerNet  # What it is a network of, one or many, is known here only.
        loss = self.make_loss(outputs, labels)
        net: TwoLayerNet[Any] = make(
            features,
            self.hidden,
            loss.task.outputs(outputs),
            activation=self.activation,
            loss=loss,
            init=self.init,
            device=self.device if device is None else device,
            dtype=self.dtype,
            seed=self.seed,
            members=self.members,
        )
        return net

    def fit_options(self, samples: int, processes: int = 1) -> dict[str, Any]:
        """Return the arguments of `fit` beside network and data, for a training set of so many samples.

        Examples
        --------
        >>> from xpnet.settings import Settings
        >>> options = Settings(schedule="cosine", batch_size=50, validation=0.2, epochs=3).fit_options(samples=1000)
        >>> options["epochs"], options["validation"], options["optimizer"].learning_rate
        (3, 0.2, CosineDecay(initial=0.1, steps=48, final=0.0))
        """
        trained = max(1, samples - round((self.validation or 0) * samples))
        assert self.preset is not None
        epochs = self.epochs or min(default_epochs(trained, self.batch_size), MOST_EPOCHS[self.preset])
        return {
            "validation": self.validation,
            "optimizer": self.make_optimizer(epochs * math.ceil(trained / self.batch_size)),
            "batch_size": self.batch_size,
            "epochs": epochs,
            "seed": self.seed,
            "gradient": self.gradient,
            "patience": self.patience,
            "stream": self.stream,
            "shards": self.shards or processes,
            "threads": self.threads,
        }

    def completed(self, *, epochs: int, device: str, processes: int = 1) -> "Settings":
        """Return the settings with what they left to others: the optimizer's numbers, epochs, device and shards."""
        kind = OPTIMIZERS[self.optimizer]
        usual = {name: getattr(kind, name) for name in self._taken_by("optimizer") if getattr(self, name) is None}
        return replace(self, epochs=epochs, device=device, shards=self.shards or processes, **usual)

    def _given_to(self, part: str) -> dict[str, Any]:
        """Return what the optimizer or the loss takes and does not have by default."""
        return {name: getattr(self, name) for name in self._taken_by(part) if getattr(self, name) != DEFAULTS[name]}
