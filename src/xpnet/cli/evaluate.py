"""``xpnet evaluate``."""

import json
from typing import Annotated

import numpy as np
import typer
from rich.markup import escape
from rich.table import Table

from xpnet import datasets
from xpnet.checkpoint import load_with_origin
from xpnet.cli.options import DataDir, DeviceName, Json, Label, Model, model_file
from xpnet.cli.printing import plain_table, stdout_console
from xpnet.datasets import DataError
from xpnet.devices import select_device, to_host
from xpnet.metrics import confusion_matrix
from xpnet.training.evaluation import evaluate as evaluate_network

_LARGEST_TABLE = 26
_LONGEST_COLUMN_NAME = 4


def evaluate(
    model: Model,
    data: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="Its test set; by default the data it was trained on.")
    ] = None,
    data_dir: DataDir = None,
    label: Label = None,
    device: DeviceName = "auto",
    as_json: Json = False,
) -> None:
    """Measure a model on a test set.

    Prints accuracy, loss, the confusion matrix, and the classes it does worst.
    """
    net, origin = load_with_origin(model_file(model), device=select_device(device))
    if origin is None:
        raise ValueError(f"{model} does not say what it was trained on: use a model that xpnet train wrote")
    dataset = datasets.load(
        data or origin.data,
        data_dir=data_dir,
        label=label or (None if data else origin.label),
        seed=origin.seed,
        scaling=origin.scaling,
        class_names=origin.class_names,
    )
    if dataset.features != net.input_size:
        raise DataError(
            f"{dataset.name} has {dataset.features} features, this model takes {net.input_size}: use other data"
        )
    loss, accuracy = evaluate_network(net, dataset.x_test, dataset.t_test)
    outputs = to_host(net.predict(net.device.asarray(dataset.x_test, net.dtype)))
    counts = confusion_matrix(outputs.argmax(axis=1), dataset.t_test, net.output_size)
    if as_json:
        result = {"data": dataset.name, "samples": len(dataset.t_test), "accuracy": accuracy, "loss": loss}
        print(json.dumps(result | {"class_names": dataset.class_names, "confusion_matrix": counts.tolist()}))
        return
    print(f"{dataset.name}: accuracy {accuracy:.2%}, loss {loss:.4f} on {len(dataset.t_test)} test samples")
    console = stdout_console()
    table = _confusion_table(counts, dataset.class_names)
    if net.output_size <= _LARGEST_TABLE and console.measure(table).minimum <= console.width:
        print("\nConfusion matrix (rows: true, columns: said)")
        console.print(table)
    else:
        print("\nThe confusion matrix is too large to show: --json prints it.")
    print("\nWorst classes")
    console.print(_worst_classes(counts, dataset.class_names))


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
