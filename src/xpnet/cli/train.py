"""``xpnet train``."""

import math
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from xpnet import datasets
from xpnet.checkpoint import Origin
from xpnet.cli import options
from xpnet.cli.downloads import download_bar
from xpnet.cli.progress import reporter
from xpnet.cli.run_folder import RunFolder
from xpnet.datasets import Dataset, Scaling
from xpnet.datasets.known import KNOWN
from xpnet.devices import select_device, to_host
from xpnet.losses import LOSSES
from xpnet.network import TwoLayerNet
from xpnet.pictures import plot_curves, plot_predictions, plot_samples
from xpnet.settings import Settings
from xpnet.training import Record, default_epochs, evaluate, fit_epochs


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
    with nullcontext() if quiet else download_bar() as progress:
        dataset = datasets.load_data(
            settings.data,
            data_dir=settings.data_dir,
            label=settings.label,
            classification=LOSSES[settings.loss].classification,
            seed=settings.seed,
            progress=progress,
        )
    net = settings.make_network(dataset.features, dataset.outputs, labels=dataset.train.t, device=device)
    ...
