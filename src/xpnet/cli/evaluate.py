"""``xpnet evaluate``."""

import json
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from xpnet import datasets
from xpnet.checkpoint import load_with_origin
from xpnet.cli.options import DataDir, DeviceName, Json, Label, Model, model_file
from xpnet.datasets import DataError
from xpnet.devices import select_device, to_host
from xpnet.evaluation import evaluate as evaluate_network
from xpnet.metrics import confusion_matrix

_LARGEST_TABLE = 26


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
    """Measure a model on a test set: accuracy, loss, confusion matrix, and the classes it does worst."""
    net, origin = load_with_origin(model_file(model), device=select_device(device))
    if origin is None:
        raise ValueError(f"{model} does not say what it was trained on: use a model that xpnet train wrote")
    dataset = datasets.load(
        data or origin.data, data_dir=data_dir, label=label, scaling=origin.scaling, class_names=origin.class_names
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
    console = Console()
    if net.output_size <= _LARGEST_TABLE:
        console.print(_confusion_table(counts, dataset.class_names))
    console.print(_worst_classes(counts, dataset.class_names))


def _confusion_table(counts: np.ndarray, names: tuple[str, ...]) -> Table:
    table = Table(title="Confusion matrix (rows: true, columns: said)", title_justify="left", box=None, pad_edge=False)
    table.add_column("", style="bold")
    for name in names:
        table.add_column(name, justify="right", header_style="bold")
    for row, name in enumerate(names):
        cells = [_cell(count, diagonal=row == column) for column, count in enumerate(counts[row])]
        table.add_row(name, *cells)
    return table


def _cell(count: int, *, diagonal: bool) -> str:
    if diagonal:
        return f"[green]{count}[/]"
    return f"[red]{count}[/]" if count else "[dim]·[/]"


def _worst_classes(counts: np.ndarray, names: tuple[str, ...]) -> Table:
    table = Table(
        "class", "found", "most often taken for", title="Worst classes", title_justify="left", box=None, pad_edge=False
    )
    totals, right = counts.sum(axis=1), counts.diagonal()
    recall = right / np.maximum(totals, 1)
    present = np.flatnonzero(totals)
    for index in present[np.argsort(recall[present], kind="stable")][:3]:
        mistakes = counts[index] - np.diag(right)[index]
        taken = f"{names[mistakes.argmax()]} ({mistakes.max()} times)" if mistakes.any() else "nothing else"
        table.add_row(names[index], f"{right[index]} of {totals[index]} ({recall[index]:.1%})", taken)
    return table
