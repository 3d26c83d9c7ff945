"""Data for the commands, with a bar where they are downloaded, and errors in the words of options."""

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from xpnet.cli.downloads import download_bar
from xpnet.cli.printing import warn
from xpnet.datasets import DataError, Dataset, Origin
from xpnet.datasets.known import KNOWN
from xpnet.datasets.samples import OR_MISSING, OR_NUMBERS
from xpnet.network import TwoLayerNet
from xpnet.settings import Settings

_OR_MISSING = ", or take --missing mean or --missing drop"
OR_LOSS = ", or take --loss mean_squared_error if they are numbers to be predicted"
"""So ends an error about labels that are rather numbers, for commands with that option."""
_MANY_CLASSES = 30


def load(settings: Settings, *, like: Origin | None = None, or_numbers: str = "", quiet: bool = False) -> Dataset:
    """Return the data of `settings`; `or_numbers` ends an error about labels that are rather numbers."""
    with nullcontext() if quiet else download_bar() as progress:
        try:
            return settings.load_data(like=like, progress=progress)
        except DataError as error:
            told = str(error).replace(OR_NUMBERS, or_numbers).replace(OR_MISSING, _OR_MISSING)
            raise DataError(told) from error


def load_test(
    net: TwoLayerNet[Any], origin: Origin, settings: Settings, *, other: str | None = None, quiet: bool = False
) -> Dataset:
    """Return the data that `net` was trained on, or the `other` ones, as it has to have them.

    Those it was trained on must not have changed, unless they have a test part of their own.
    """
    dataset = load(replace(settings, data=other or origin.data), like=origin, quiet=quiet)
    if other is None and dataset.origin.digest != origin.digest != "":
        _tell_changed(dataset, origin.data)
    if dataset.features != net.input_size:
        raise DataError(
            f"{dataset.name} has {dataset.features} features, this model takes {net.input_size}: use other data"
        )
    return dataset


def _tell_changed(dataset: Dataset, data: str) -> None:
    """Refuse data whose test part may hold what was trained on; where they have one of their own, tell."""
    changed = f"{data} has changed since the model was trained on it"
    if not len(dataset.train.x):
        raise DataError(
            f"{changed}, so nobody knows its test part any more: "
            f"restore the file, or measure all of it with --data {data}"
        )
    if data not in KNOWN:  # Their files may be packed or not.
        warn(f"{changed}: its test part of now is measured")


def doubt(dataset: Dataset) -> str | None:
    """Return what to tell of labels that may be numbers to be predicted."""
    names = dataset.class_names
    if len(names) <= _MANY_CLASSES or not all(name.lstrip("-").isdecimal() for name in names):
        return None
    return f"the labels are {len(names)} whole numbers: if they are amounts, take --loss mean_squared_error"
