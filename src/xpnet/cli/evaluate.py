"""``xpnet evaluate``."""

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.markup import escape
from rich.table import Table

from xpnet import datasets
from xpnet.cli import options
from xpnet.cli.measures import Measures, measure
from xpnet.cli.printing import plain_table, stdout_console
from xpnet.cli.run_folder import load_trained
from xpnet.datasets import DataError, Dataset
from xpnet.metrics import confusion_matrix

_LARGEST_TABLE = 26
_LONGEST_COLUMN_NAME = 4


@click.command
@options.model_argument
@options.from_settings("data", "data_dir", "label", "device", data=None)
@options.as_json
def evaluate(model: Path, as_json: bool, **given: Any) -> None:
    """Measure a model on a test set.

    By default that of the data it was trained on. Prints accuracy, loss, the confusion matrix, and the classes it does
    worst; for numbers, how far off they are.
    """
    settings = options.read_settings(given)
    net, origin = load_trained(model, settings.device)
    other = given["data"] is not None
    dataset = datasets.load_data(
        settings.data if other else origin.data,
        data_dir=settings.data_dir,
        label=settings.label if other or settings.label is not None else origin.label,
        classification=net.loss_function.classification,
        seed=origin.seed,
        scaling=origin.scaling,
        target_scaling=origin.target_scaling,
        class_names=origin.class_names,
    )
    if dataset.features != net.input_size:
        raise DataError(
            f"{dataset.name} has {dataset.features} features, this model takes {net.input_size}: use other data"
        )
    measures = measure(net, dataset)
    tell = _tell_classes if dataset.classification else _tell_numbers
    tell(dataset, measures, as_json=as_json)


def _tell_classes(dataset: Dataset, measures: Measures, *, as_json: bool) -> None:
    samples, accuracy, loss = len(measures.true), float(measures.metrics["accuracy"]), measures.loss
    counts = confusion_matrix(measures.true, measures.said.argmax(axis=1), dataset.classes)
    if as_json:
        result = {"data": dataset.name, "samples": samples, "accuracy": accuracy, "loss": loss}
        print(json.dumps(result | {"class_names": dataset.class_names, "confusion_matrix": counts.tolist()}))
        return
    print(f"{dataset.name}: accuracy {accuracy:.2%}, loss {loss:.4f} on {samples} test samples")
    console = stdout_console()
    table = _confusion_table(counts, dataset.class_names)
    if dataset.classes <= _LARGEST_TABLE and console.measure(table).minimum <= console.width:
        print("\nConfusion matrix (rows: true, columns: said)")
        console.print(table)
    else:
        print("\nThe confusion matrix is too large to show: --json prints it.")
    print("\nWorst classes")
    console.print(_worst_classes(counts, dataset.class_names))


def _tell_numbers(dataset: Dataset, measures: Measures, *, as_json: bool) -> None:
    """Tell the errors, in the units of the data, of every number that a target has."""
    samples, metrics = len(measures.true), measures.metrics
    if as_json:
        values = {name: value.tolist() if value.size > 1 else value.item() for name, value in metrics.items()}
        print(json.dumps({"data": dataset.name, "samples": samples, **values, "loss": measures.loss}))
        return
    end = f"loss {measures.loss:.4f} on {samples} test samples"
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


def _confusion_table(counts: np.ndarray, names: tuple[str, ...]) -> Table:
    table = plain_table("")
    numbered = max(map(len, names)) > _LONGEST_COLUMN_NAME
    for column, name in enumerate(names):
        table.add_column(str(column) if numbered else escape(name), justify="right", no_wrap=True)
    for row, name in enumerate(names):
        cells = [_cell(count, diagonal=row == column) for column, count in enumerate(counts[row])]
        table.add_row(f"[bold]{f'{row} ' if numbered else ''}{escape(name)}[/]", *cells)
    return table


def _cell(count: int, *, diagonal: bool) -> str:
    if diagonal:
        return f"[green]{count}[/]"
    return f"[red]{count}[/]" if count else "[dim]·[/]"


def _worst_classes(counts: np.ndarray, names: tuple[str, ...]) -> Table:
    table = plain_table("class", "found", "most often taken for")
    totals, right = counts.sum(axis=1), counts.diagonal()
    recall = right / np.maximum(totals, 1)
    present = np.flatnonzero(totals)
    for index in present[np.argsort(recall[present], kind="stable")][:3]:
        mistakes = counts[index] - np.diag(right)[index]
        most = mistakes.argmax()
        taken = f"{escape(names[most])} ({mistakes[most]} times)" if mistakes.any() else "nothing else"
        table.add_row(escape(names[index]), f"{right[index]} of {totals[index]} ({recall[index]:.1%})", taken)
    return table
