"""``xpnet predict``."""

import csv
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from xpnet import datasets
from xpnet._checks import check_choice
from xpnet.checkpoint import load_with_origin
from xpnet.cli.options import DeviceName, Label, Model, model_file
from xpnet.devices import select_device, to_host


def predict(
    model: Model,
    inputs: Annotated[
        Path,
        typer.Argument(metavar="INPUT", help="Samples: .csv, .npy, .npz or idx images, scaled as the model's data."),
    ],
    label: Label = None,
    format: Annotated[str, typer.Option(metavar="NAME", help="csv, or json: an object a line.")] = "csv",
    device: DeviceName = "auto",
) -> None:
    """Print labels and class probabilities for the samples of a file."""
    check_choice(format, "--format", ("csv", "json"))
    net, origin = load_with_origin(model_file(model), device=select_device(device))
    if origin is None:
        raise ValueError(f"{model} does not say what it was trained on: use a model that xpnet train wrote")
    x = origin.scaling.apply(datasets.load_features(inputs, features=net.input_size, label=label))
    probabilities = to_host(net.predict_proba(net.device.asarray(x, net.dtype)))
    names = origin.class_names
    labels = [names[index] for index in probabilities.argmax(axis=1)]
    rows = [[float(f"{p:.6g}") for p in row] for row in probabilities]
    if format == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(["label", *names])
        writer.writerows([said, *row] for said, row in zip(labels, rows, strict=True))
    else:
        for said, row in zip(labels, rows, strict=True):
            print(json.dumps({"label": said, "probabilities": dict(zip(names, row, strict=True))}))
