"""``xpnet train``."""

import dataclasses
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from xpnet import __version__, datasets
from xpnet._checks import check_choice, check_count, check_positive
from xpnet.activations import ACTIVATIONS
from xpnet.checkpoint import Origin
from xpnet.cli.downloads import download_bar
from xpnet.cli.options import DataDir, DeviceName, Json, Label
from xpnet.cli.progress import reporter
from xpnet.cli.run_folder import RunFolder
from xpnet.datasets import Dataset
from xpnet.datasets.known import KNOWN
from xpnet.devices import select_device, to_host
from xpnet.network import DTYPES, TwoLayerNet
from xpnet.optimizers import OPTIMIZERS, Optimizer
from xpnet.pictures import plot_curves, plot_samples
from xpnet.training import GRADIENTS, Record, default_epochs, fit


def train(
    data: Annotated[
        str,
        typer.Option(
            metavar="NAME|PATH", help="digits, mnist, fashion-mnist; or a folder of idx files, .csv, .np[yz]."
        ),
    ] = "digits",
    data_dir: DataDir = None,
    label: Label = None,
    device: DeviceName = "auto",
    hidden: Annotated[int, typer.Option(metavar="N", help="Hidden units.")] = 50,
    activation: Annotated[str, typer.Option(metavar="NAME", help=f"{', '.join(ACTIVATIONS)}.")] = "sigmoid",
    optimizer: Annotated[str, typer.Option(metavar="NAME", help=f"{', '.join(OPTIMIZERS)}.")] = "sgd",
    learning_rate: Annotated[
        float | None,
        typer.Option(metavar="X", help="Step size; by default 0.1 for sgd, and each optimizer's usual one."),
    ] = None,
    batch_size: Annotated[int, typer.Option(metavar="N", help="Samples in a mini-batch.")] = 100,
    epochs: Annotated[
        int | None, typer.Option(metavar="N", help="Passes over the data; by default 10,000 mini-batches.")
    ] = None,
    gradient: Annotated[
        str, typer.Option(metavar="NAME", help="backpropagation, or numerical (all by differences; slower).")
    ] = "backpropagation",
    init: Annotated[
        str, typer.Option(metavar="NAME", help="Initial weights: normal:S (standard deviation S), xavier, he.")
    ] = "normal:0.01",
    dtype: Annotated[str, typer.Option(metavar="NAME", help=f"{' or '.join(DTYPES)}.")] = "float32",
    seed: Annotated[int, typer.Option(metavar="N", help="Same seed, same numbers, on every device.")] = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="New folder for the run.", show_default="runs/<data>-<time>")
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Also draw curves.png and samples.png.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Train a network and keep the run in a folder.

    The network is evaluated on the test set after every epoch.
    """
    for option, number in (("--hidden", hidden), ("--batch-size", batch_size), ("--epochs", epochs)):
        if number is not None:
            check_count(number, option)
    check_count(seed, "--seed", minimum=0)
    check_choice(gradient, "--gradient", GRADIENTS)
    rule = _optimizer(optimizer, learning_rate)
    if plot and find_spec("matplotlib") is None:
        raise ValueError('--plot needs matplotlib, which is not installed: pip install "xpnet[plot]"')
    place = select_device(device)
    with nullcontext() if quiet else download_bar() as progress:
        dataset = datasets.load(data, data_dir=data_dir, label=label, seed=seed, progress=progress)
    net = TwoLayerNet(
        dataset.features,
        hidden,
        dataset.classes,
        activation=activation,
        init=init,
        device=place,
        dtype=dtype,
        seed=seed,
    )
    epochs = default_epochs(len(dataset.x_train), batch_size) if epochs is None else epochs
    records = fit(net, dataset, optimizer=rule, batch_size=batch_size, epochs=epochs, seed=seed, gradient=gradient)
    folder = RunFolder(out, dataset.name)
    folder.write_config(
        {
            "xpnet": __version__,
            "data": data,
            "device": place.name,
            "network": [dataset.features, hidden, dataset.classes],
            "activation": activation,
            "optimizer": {"name": optimizer, **dataclasses.asdict(rule)},
            "gradient": gradient,
            "batch_size": batch_size,
            "epochs": epochs,
            "init": init,
            "dtype": dtype,
            "seed": seed,
        }
    )
    where = data if data in KNOWN else str(Path(data).resolve())
    origin = Origin(where, label, seed, dataset.scaling, dataset.class_names)
    history: list[Record] = []
    with reporter(epochs, quiet=quiet, as_json=as_json) as report:
        try:
            report.announce(dataset, net, f"{optimizer}, learning rate {rule.rate(0):g}, batches of {batch_size}")
            for record in records:
                history.append(record)
                folder.add(record)
                report.show(record)
        finally:
            folder.save(net, origin)
            if plot and history:
                title = f"{dataset.name}, {dataset.features}-{hidden}-{dataset.classes} {activation}, {optimizer}"
                _draw(history, net, dataset, folder.path, title)
            report.conclude(history[-1] if history else None, folder.path, folder.files())


def _optimizer(name: str, learning_rate: float | None) -> Optimizer:
    check_choice(name, "--optimizer", OPTIMIZERS)
    if learning_rate is not None:
        check_positive(learning_rate, "--learning-rate")
    kind = OPTIMIZERS[name]
    return kind() if learning_rate is None else kind(learning_rate=learning_rate)


def _draw(history: list[Record], net: TwoLayerNet, dataset: Dataset, folder: Path, title: str) -> None:
    plot_curves(history, folder / "curves.png", title=title)
    if dataset.image_shape is not None:
        images = dataset.x_test.reshape(-1, *dataset.image_shape)
        probabilities = to_host(net.predict_proba(net.device.asarray(dataset.x_test, net.dtype)))
        path = folder / "samples.png"
        plot_samples(images, dataset.t_test, probabilities, dataset.class_names, path, title=dataset.name)
