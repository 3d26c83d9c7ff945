"""``xpnet predict``."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np

from xpnet import datasets
from xpnet._checks import check_choice
from xpnet.cli import options
from xpnet.cli.run_folder import load_trained
from xpnet.losses.tasks import MultiLabel
from xpnet.model import Model


@click.command
@options.model_argument
@click.argument("input", type=options.PATH)
@options.from_settings("label", "device")
@click.option(
    "--format",
    metavar="NAME",
    default="csv",
    shell_complete=options.completing(("csv", "json")),
    help="csv, or json: an object a line.  [default: csv]",
)
def predict(model: Path, input: Path, format: str, **given: Any) -> None:
    """Print what a model says of the samples of a file.

    INPUT is a .csv, .npy, .npz or idx file of raw samples, which are scaled as the model's data were; the columns of a
    table are found by their names. For each sample comes its label and the probabilities of all classes, or the
    predicted number; of labels of which any may hold, their probabilities.
    """
    settings = options.read_settings(given)
    check_choice(format, "--format", ("csv", "json"))
    net, origin = load_trained(model, settings.device)
    trained = Model(net, origin)
    raw = datasets.load_features(input, features=net.input_size, label=settings.label, like=origin)
    if origin.class_names:
        classes, said = origin.class_names, trained.predict_proba(raw)
        header = ["label", *classes]
        rows = [[classes[row.argmax()], *_rounded(row, 6)] for row in said]
        answers = ({"label": row[0], "probabilities": dict(zip(classes, row[1:], strict=True))} for row in rows)
    else:
        probable = isinstance(net.loss_function.task, MultiLabel)
        said = trained.predict_proba(raw) if probable else trained.predict(raw)
        name = "probability" if probable else "prediction"
        header = [name] if said.shape[1] == 1 else [f"{name} {i}" for i in range(said.shape[1])]
        rows = [_rounded(row, 9) for row in said]
        answers = (dict(zip(header, row, strict=True)) for row in rows)
    if format == "json":
        for answer in answers:
            print(json.dumps(answer))
    else:
        csv.writer(sys.stdout, lineterminator="\n").writerows([header, *rows])


def _rounded(numbers: np.ndarray, digits: int) -> list[Any]:
    return [float(f"{number:.{digits}g}") for number in numbers]
