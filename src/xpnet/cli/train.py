"""``xpnet train``."""

from contextlib import nullcontext
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from xpnet import datasets
from xpnet.checkpoint import Origin
from xpnet.cli import options
from xpnet.cli.downloads import download_bar
from xpnet.cli.measures import Measures, in_units, measure
from xpnet.cli.progress import reporter
from xpnet.cli.run_folder import RunFolder
from xpnet.datasets import DataError, Dataset
from xpnet.datasets.known import KNOWN
from xpnet.devices import select_device
from xpnet.losses import LOSSES
from xpnet.optimizers import OptimizerState
from xpnet.pictures import plot_curves, plot_predictions, plot_samples
from xpnet.schedules import CONSTANT
from xpnet.settings import Settings
from xpnet.training import Record, TrainingState, fit_epochs

_NO_STATE = TrainingState({}, OptimizerState(), 0, 0)


@click.command
@options.from_settings()
@click.option("--config", type=Path, metavar="FILE.toml", help="Read options from a file; those given here win.")
@click.option("--out", type=Path, metavar="DIR", help="New folder for the run.  [default: runs/<data>-<time>]")
@click.option("--plot", is_flag=True, help="Also draw curves.png, and samples.png or predictions.png.")
@click.option("--quiet", is_flag=True, help="Print nothing.")
@options.as_json
def train(config: Path | None, out: Path | None, plot: bool, quiet: bool, as_json: bool, **given: Any) -> None:
    """Train a network and keep the run in a folder.

    The network is evaluated on the test set after every epoch. With --validation it is a part of the training set that
    is evaluated, and the test set at the end only.
    """
    settings = options.read_settings(given, config)
    if settings.members is not None:
        raise ValueError(f"train takes one network, got numbers for {settings.members}: give one number of each kind")
    if plot and find_spec("matplotlib") is None:
        raise ValueError('--plot needs matplotlib, which is not installed: pip install "xpnet[plot]"')
    folder = RunFolder(out)
    device = select_device(settings.device)
    dataset = _load(settings, quiet=quiet)
    net = settings.make_network(dataset.features, dataset.outputs, labels=dataset.train.t, device=device)
    fit_options = settings.fit_options(len(dataset.train.x))
    epochs, other = fit_options["epochs"], "validation"
    if settings.validation is None:
        fit_options["validation"], other = dataset.test, "test"
    records = fit_epochs(net, *dataset.train, **fit_options)
    where = settings.data if settings.data in KNOWN else str(Path(settings.data).resolve())
    settings = replace(settings.completed(epochs=epochs, device=device.name), data=where)
    folder.create(dataset.name, settings)
    history: list[Record[float]] = []
    line: dict[str, Any] = {}
    with reporter(epochs, other, quiet=quiet, as_json=as_json) as report:
        try:
            report.announce(dataset, net, _rule(settings))
            for record in records:
                if plot:
                    history.append(replace(record, state=_NO_STATE))
                line = in_units(record.as_dict(other), dataset)
                folder.add(line)
                report.show(line)
            if settings.patience is not None and record.state.best is not None:
                report.keep(record.state.best.epoch, record.epoch)
        finally:
            folder.save(net, _origin(settings, dataset))
            result = {name: value for name, value in line.items() if name.startswith("test_")}
            if line and (plot or not result):
                measures = measure(net, dataset)
                result = result or measures.as_dict(dataset)
                if plot:
                    _draw(history, other, measures, dataset, settings, folder.path)
            report.conclude(line, result, folder.path, folder.files())


def _load(settings: Settings, *, quiet: bool) -> Dataset:
    with nullcontext() if quiet else download_bar() as progress:
        try:
            return datasets.load_data(
                settings.data,
                data_dir=settings.data_dir,
                label=settings.label,
                classification=LOSSES[settings.loss].classification,
                seed=settings.seed,
                progress=progress,
            )
        except DataError as error:
            hint = str(error).replace("pass classification=False", "take --loss mean_squared_error")
            raise DataError(hint) from error


def _rule(settings: Settings) -> str:
    schedule = "" if settings.schedule == CONSTANT else f" ({settings.schedule})"
    return f"{settings.optimizer}, learning rate {settings.learning_rate:g}{schedule}, batches of {settings.batch_size}"


def _origin(settings: Settings, dataset: Dataset) -> Origin:
    return Origin(
        data=settings.data,
        label=settings.label,
        seed=settings.seed,
        scaling=dataset.scaling,
        class_names=dataset.class_names,
        target_scaling=dataset.target_scaling,
    )


def _draw(
    history: list[Record[float]],
    other: str,
    measures: Measures,
    dataset: Dataset,
    settings: Settings,
    folder: Path,
) -> None:
    shape = f"{dataset.features}-{settings.hidden}-{dataset.outputs}"
    title = f"{dataset.name}, {shape} {settings.activation}, {settings.optimizer}"
    plot_curves(history, folder / "curves.png", title=title, validation=other)
    if not dataset.classification:
        plot_predictions(measures.true, measures.said, folder / "predictions.png", title=dataset.name)
    elif dataset.image_shape is not None:
        images = dataset.test.x.reshape(-1, *dataset.image_shape)
        names, path = dataset.class_names, folder / "samples.png"
        plot_samples(images, measures.true, measures.said, names, path, title=dataset.name)
