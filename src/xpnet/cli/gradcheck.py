"""``xpnet gradcheck``."""

import time
from typing import Annotated

import typer

from xpnet import datasets
from xpnet._checks import check_count
from xpnet.activations import ACTIVATIONS
from xpnet.cli.downloads import download_bar
from xpnet.cli.options import DataDir, DeviceName, Label
from xpnet.cli.printing import plain_table, say, stdout_console
from xpnet.devices import select_device
from xpnet.gradcheck.network import check_network, check_network_black_box
from xpnet.gradcheck.report import worst_of
from xpnet.network import DTYPES, TwoLayerNet

_SAMPLES = 100
_ENTRIES = 20
_COLOURS = {"PASS": "green", "INCONCLUSIVE": "yellow", "FAIL": "red"}


def gradcheck(
    data: Annotated[str, typer.Option(metavar="NAME|PATH", help="Where the batch is from, as for train.")] = "digits",
    data_dir: DataDir = None,
    label: Label = None,
    hidden: Annotated[int, typer.Option(metavar="N", help="Hidden units.")] = 50,
    activation: Annotated[str, typer.Option(metavar="NAME", help=f"{', '.join(ACTIVATIONS)}.")] = "sigmoid",
    dtype: Annotated[str, typer.Option(metavar="NAME", help=f"{' or '.join(DTYPES)}.")] = "float64",
    device: DeviceName = "auto",
    seed: Annotated[int, typer.Option(metavar="N", help="For the weights and the entries drawn.")] = 0,
    every: Annotated[bool, typer.Option("--all", help="Let the black box check every entry too; slow.")] = False,
) -> None:
    """Check backpropagation against numerical gradients on a real batch.

    Every entry is compared with the structured numerical gradient, and some of each parameter with differences of the
    loss as a black box. Exits with 1 if an entry is wrong.
    """
    check_count(hidden, "--hidden")
    check_count(seed, "--seed", minimum=0)
    place = select_device(device)
    with download_bar() as progress:
        dataset = datasets.load(data, data_dir=data_dir, label=label, seed=seed, progress=progress)
    net = TwoLayerNet(
        dataset.features,
        hidden,
        dataset.classes,
        activation=activation,
        init="xavier",
        dtype=dtype,
        device=place,
        seed=seed,
    )
    x = place.asarray(dataset.x_train[:_SAMPLES], dtype)
    t = place.asarray(dataset.t_train[:_SAMPLES])
    say("network", f"{dataset.features}-{hidden}-{dataset.classes}, {activation}, {dtype}, on {place}")
    say("batch", f"the first {x.shape[0]} training samples of {dataset.name}")
    table = plain_table("parameter", "numerical gradient", "entries", "worst error", "bound", "verdict", "time")
    for column in table.columns[2:5] + table.columns[6:]:
        column.justify = "right"
    verdicts = []

    def add(name: str, method: str, entries: int, error: float, bound: float, verdict: str, seconds: float) -> None:
        verdicts.append(verdict)
        shown = f"[{_COLOURS[verdict]}]{verdict}[/]"
        milliseconds = f"{1000 * seconds:.0f} ms" if seconds else ""
        table.add_row(name, method, f"{entries:,}", f"{error:.1e}", f"{bound:.1e}", shown, milliseconds)

    start = time.perf_counter()
    checks = check_network(net, x, t)
    seconds = time.perf_counter() - start
    for check in checks:  # Done all at once, so that the time is that of all.
        add(check.name, "structured", check.entries, check.error, check.bound, check.verdict, seconds)
        seconds = 0.0
    start = time.perf_counter()
    for report in check_network_black_box(net, x, t, entries=None if every else _ENTRIES, seed=seed):
        now = time.perf_counter()
        worst = report.worst[0]
        add(report.name, "black box", report.entries, worst.error, worst.bound, report.verdict, now - start)
        start = now
    stdout_console().print(table)
    if kinks := sum(check.kinks for check in checks):
        say("kinks", f"{kinks:,} entries were left out: their step takes a relu across its kink")
    verdict = worst_of(verdicts)
    say("verdict", f"{verdict}: {_MEANING[verdict]}")
    raise typer.Exit(1 if verdict == "FAIL" else 0)


_MEANING = {
    "PASS": "no entry differs by more than rounding and truncation explain",
    "INCONCLUSIVE": "no entry is wrong, but rounding could hide an error in some; float64 tells more",
    "FAIL": "an entry differs by more than rounding and truncation explain",
}
