"""``xpnet gradcheck``."""

import time
from typing import Any

import click

from xpnet import datasets
from xpnet.cli import options
from xpnet.cli.downloads import download_bar
from xpnet.cli.printing import plain_table, say, stdout_console
from xpnet.devices import select_device

_SAMPLES = 100
_ENTRIES = 20
_COLOURS = {"PASS": "green", "INCONCLUSIVE": "yellow", "FAIL": "red"}


@click.command
@options.from_settings("data", "data_dir", "label", "hidden", "activation", "dtype", "device", "seed", dtype="float64")
@click.option("--all", "every", is_flag=True, help="Let the black box check every entry too; slow.")
def gradcheck(every: bool, **given: Any) -> None:
    """Check backpropagation numerically on a real batch.

    Every entry is compared with the structured numerical gradient, and some of each parameter with differences of the
    loss as a black box. Exits with 1 if an entry is wrong.
    """
    # imported here, since no other command needs it
    from xpnet.gradcheck.network import check_network, check_network_black_box
    from xpnet.gradcheck.report import worst_of

    settings = options.read_settings(given, dtype="float64", init="xavier")
    place = select_device(settings.device)
    with download_bar() as progress:
        dataset = datasets.load_data(
            settings.data,
            data_dir=settings.data_dir,
            label=settings.label,
            seed=settings.seed,
            progress=progress,
        )
    net = settings.make_network(dataset.features, dataset.outputs, device=place)
    x = place.asarray(dataset.train.x[:_SAMPLES], settings.dtype)
    t = place.asarray(dataset.train.t[:_SAMPLES])
    shape = f"{dataset.features}-{settings.hidden}-{dataset.outputs}"
    say("network", f"{shape}, {settings.activation}, {settings.dtype}, on {place}")
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
    for report in check_network_black_box(net, x, t, entries=None if every else _ENTRIES, seed=settings.seed):
        now = time.perf_counter()
        worst = report.worst[0]
        add(report.name, "black box", report.entries, worst.error, worst.bound, report.verdict, now - start)
        start = now
    stdout_console().print(table)
    if kinks := sum(check.kinks for check in checks):
        say("kinks", f"{kinks:,} entries were left out: their step takes a relu across its kink")
    verdict = worst_of(verdicts)
    say("verdict", f"{verdict}: {_MEANING[verdict]}")
    if verdict == "FAIL":
        click.get_current_context().exit(1)


_MEANING = {
    "PASS": "no entry differs by more than rounding and truncation explain",
    "INCONCLUSIVE": "no entry is wrong, but rounding could hide an error in some; float64 tells more",
    "FAIL": "an entry differs by more than rounding and truncation explain",
}
