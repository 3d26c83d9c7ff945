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
from xpnet.devices import to_host


@click.command
@options.model_argument
@click.argument("input", type=Path)
@options.from_settings("label", "device")
@click.option("--format", metavar="NAME", default="csv", help="csv, or json: an object a line.  [default: csv]")
def predict(model: Path, input: Path, format: str, **given: Any) -> None:
    """Print what a model says of the samples of a file.

    INPUT is a .csv, .npy, .npz or idx file of raw samples, which are scaled as the model's data were. For each comes
    its label and the probabilities of all classes, or the predicted number.
    """
    settings = options.read_settings(given)
    check_choice(format, "--format", ("csv", "json"))
    net, origin = options.load_trained(model, settings.device)
    raw = datasets.load_features(input, features=net.input_size, label=settings.label)
    x = net.device.asarray(origin.scaling.apply(raw))
    if net.loss_function.classification:
        probabilities = to_host(net.predict_proba(x))
        labels = [origin.class_names[index] for index in probabilities.argmax(axis=1)]
        header = ["label", *origin.class_names]
        rows: list[list[Any]] = [[said, *_rounded(row, 6)] for said, row in zip(labels, probabilities, strict=True)]
    else:
        numbers = to_host(net.predict(x))
        numbers = numbers if origin.target_scaling is None else origin.target_scaling.invert(numbers)
        header = ["prediction"] if net.output_size == 1 else [f"prediction {i}" for i in range(net.output_size)]
        rows = [_rounded(row, 9) for row in numbers]
    if format == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
        return
    for row in rows:
        if net.loss_function.classification:
            print(json.dumps({"label": row[0], "probabilities": dict(zip(header[1:], row[1:], strict=True))}))
        else:
            print(json.dumps(dict(zip(header, row, strict=True))))


def _rounded(numbers: np.ndarray, digits: int) -> list[Any]:
    return [float(f"{number:.{digits}g}") for number in numbers]
