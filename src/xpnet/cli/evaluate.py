"""``xpnet evaluate``."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from xpnet.cli import options
from xpnet.cli.confusion import confusion_table, worst_classes
from xpnet.cli.loading import load
from xpnet.cli.measures import Measures, measure
from xpnet.cli.printing import plain_table, stdout_console, warn
from xpnet.cli.run_folder import load_trained
from xpnet.datasets import DataError, Dataset
from xpnet.datasets.known import KNOWN
from xpnet.losses.tasks import MultiLabel
from xpnet.metrics import confusion_matrix


@click.command
@options.model_argument
@options.from_settings("data", "data_dir", "label", "device", data=None)
@options.as_json
def evaluate(model: Path, as_json: bool, **given: Any) -> None:
    """Measure a model on a test set.

    By default that of the data it was trained on. Of a file that is given with --data, and that the model was not
    trained on, all samples are measured. Prints accuracy, loss, the confusion matrix, and the classes it does worst;
    for numbers, how far off they are.
    """
    settings = options.read_settings(given)
    net, origin = load_trained(model, settings.device)
    if given["data"] is None:
        settings = replace(settings, data=origin.data)
    dataset = load(settings, like=origin, quiet=as_json)
    if given["data"] is None and dataset.origin.digest != origin.digest != "":
        _tell_changed(dataset, origin.data)
    if dataset.features != net.input_size:
        raise DataError(
            f"{dataset.name} has {dataset.features} features, this model takes {net.input_size}: use other data"
        )
    measures = measure(net, dataset)
    tell = _tell_classes if dataset.classification else _tell_numbers
    if isinstance(net.loss_function.task, MultiLabel):
        tell = _tell_labels
    tell(dataset, measures, as_json=as_json)


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


def _tell_classes(dataset: Dataset, measures: Measures, *, as_json: bool) -> None:
    accuracy, loss = float(measures.metrics["accuracy"]), measures.loss
    counts = confusion_matrix(measures.true, measures.said.argmax(axis=1), dataset.classes)
    if as_json:
        result = {**_facts(dataset), "accuracy": accuracy, "loss": loss}
        print(json.dumps(result | {"class_names": dataset.class_names, "confusion_matrix": counts.tolist()}))
        return
    print(f"{dataset.name}: accuracy {accuracy:.2%}, loss {loss:.4f} on {_samples(dataset)}")
    console = stdout_console()
    for title, table in (
        confusion_table(counts, dataset.class_names, console),
        ("Worst classes", worst_classes(counts, dataset.class_names)),
    ):
        print(f"\n{title}")
        console.print(table)


def _tell_labels(dataset: Dataset, measures: Measures, *, as_json: bool) -> None:
    """Tell how often all labels of a sample are right, and how often each is."""
    accuracy, right = float(measures.metrics["accuracy"]), ((measures.said > 0.5) == (measures.true > 0.5)).mean(axis=0)
    if as_json:
        result = {"accuracy": accuracy, "label_accuracy": right.tolist(), "loss": measures.loss}
        print(json.dumps(_facts(dataset) | result))
        return
    print(f"{dataset.name}: all labels right {accuracy:.2%}, loss {measures.loss:.4f} on {_samples(dataset)}")
    table = plain_table("label", "right")
    for index, part in enumerate(right):
        table.add_row(str(index), f"{part:.2%}")
    stdout_console().print(table)


def _tell_numbers(dataset: Dataset, measures: Measures, *, as_json: bool) -> None:
    """Tell the errors, in the units of the data, of every number that a target has."""
    metrics = measures.metrics
    if as_json:
        values = {name: value.tolist() if value.size > 1 else value.item() for name, value in metrics.items()}
        print(json.dumps({**_facts(dataset), **values, "loss": measures.loss}))
        return
    end = f"loss {measures.loss:.4f} on {_samples(dataset)}"
    rows = [(f"{rmse:#.5g}", f"{mae:#.5g}", f"{r2:.4f}") for rmse, mae, r2 in zip(*metrics.values(), strict=True)]
    if len(rows) == 1:
        print(f"{dataset.name}: RMSE {rows[0][0]}, MAE {rows[0][1]}, R² {rows[0][2]}, {end}")
        return
    print(f"{dataset.name}: {end}")
    table = plain_table("target", "RMSE", "MAE", "R²")
    for index, row in enumerate(rows):
        table.add_row(str(index), *row)
    for column in table.columns:
        column.justify = "right"
    stdout_console().print(table)


def _facts(dataset: Dataset) -> dict[str, Any]:
    return {"data": dataset.name, "part": _part(dataset), "samples": len(dataset.test.x)}


def _samples(dataset: Dataset) -> str:
    samples = len(dataset.test.x)
    return f"{samples} test samples" if _part(dataset) == "test" else f"all {samples} samples"


def _part(dataset: Dataset) -> str:
    return "test" if len(dataset.train.x) else "all"
