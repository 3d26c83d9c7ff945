"""Data for the commands, with a bar where they are downloaded, and errors in the words of options."""

from contextlib import nullcontext

from xpnet import datasets
from xpnet.cli.downloads import download_bar
from xpnet.datasets import DataError, Dataset, Origin
from xpnet.datasets.samples import OR_NUMBERS
from xpnet.losses import LOSSES
from xpnet.settings import Settings

_MANY_CLASSES = 30


def load(settings: Settings, *, like: Origin | None = None, or_numbers: str = "", quiet: bool = False) -> Dataset:
    """Return the data of `settings`; `or_numbers` ends an error about labels that are rather numbers."""
    with nullcontext() if quiet else download_bar() as progress:
        try:
            return datasets.load_data(
                settings.data,
                data_dir=settings.data_dir,
                label=settings.label,
                classification=LOSSES[settings.loss].classification,
                seed=settings.first_seed,
                like=like,
                progress=progress,
            )
        except DataError as error:
            raise DataError(str(error).replace(OR_NUMBERS, or_numbers)) from error


def doubt(dataset: Dataset) -> str | None:
    """Return what to tell of labels that may be numbers to be predicted."""
    names = dataset.class_names
    if len(names) <= _MANY_CLASSES or not all(name.lstrip("-").isdecimal() for name in names):
        return None
    return f"the labels are {len(names)} whole numbers: if they are amounts, take --loss mean_squared_error"
