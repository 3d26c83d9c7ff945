"""``xpnet evaluate``."""

import json
from pathlib import Path
from typing import Any

import click

from xpnet.cli import options
from xpnet.cli.confusion import confusion_table, worst_classes
from xpnet.cli.loading import load_test
from xpnet.cli.printing import plain_table, print_table, stdout_console, tell
from xpnet.cli.run_folder import load_trained
from xpnet.datasets import Dataset
from xpnet.losses.tasks import MultiLabel
from xpnet.metrics import confusion_matrix
from xpnet.training.measures import Measures, measure


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
    dataset = load_test(net, origin, settings, other=given["data"], quiet=as_json)
    measures = measure(net, dataset)
    tell_of = _tell_classes if dataset.classification else _tell_numbers
    if isinstance(net.loss_function.task, MultiLabel):
        tell_of = _tell_labels
    tell_of(dataset, measures, as_json=as_json)


def _tell_classes(dataset: Dataset, measures: Measures, *, as_json: bool) -> None:
    accuracy, loss = float(measures.metrics["accuracy"]), measures.loss
    counts = confusion_matrix(measures.true, measures.said.argmax(axis=1), dataset.classes)
    if as_json:
        result = {**_facts(dataset), "accuracy": accuracy, "loss": loss}
        print(json.dumps(result | {"class_names": dataset.class_names, "confusion_matrix": counts.tolist()}))
        return
    tell(f"{dataset.name}: accuracy {accuracy:.2%}, loss {loss:.4f} on {_samples(dataset)}")
    for title, table in (
        confusion_table(counts, dataset.class_names, stdout_console()),
        ("Worst classes", worst_classes(counts, dataset.class_names)),
    ):
        print()
        tell(title)
        print_table(table)


def _tell_labels(dataset: Dataset, measures: Measures, *, as_json: bool) -> None:
    """Tell how often all labels of a sample are right, and how often each is."""
    accuracy, right = float(measures.metrics["accuracy"]), ((measures.said > 0.5) == (measures.true > 0.5)).mean(axis=0)
    if as_json:
        result = {"accuracy": accuracy, "label_accuracy": right.tolist(), "loss": measures.loss}
        print(json.dumps(_facts(dataset) | result))
        return
    tell(f"{dataset.name}: all labels right {accuracy:.2%}, loss {measures.loss:.4f} on {_samples(dataset)}")
    table = plain_table("label", "right")
    for index, part in enumerate(right):
        table.add_row(str(index), f"{part:.2%}")
    print_table(table)


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
        tell(f"{dataset.name}: RMSE {rows[0][0]}, MAE {rows[0][1]}, R² {rows[0][2]}, {end}")
        return
    tell(f"{dataset.name}: {end}")
    table = plain_table("target", "RMSE", "MAE", "R²")
    for index, row in enumerate(rows):
        table.add_row(str(index), *row)
    for column in table.columns:
        column.justify = "right"
    print_table(table)


def _facts(dataset: Dataset) -> dict[str, Any]:
    return {"data": dataset.name, "part": _part(dataset), "samples": len(dataset.test.x)}


def _samples(dataset: Dataset) -> str:
    samples = len(dataset.test.x)
    return f"{samples} test samples" if _part(dataset) == "test" else f"all {samples} samples"


def _part(dataset: Dataset) -> str:
    return "test" if len(dataset.train.x) else "all"
