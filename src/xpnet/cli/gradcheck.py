"""``xpnet gradcheck``."""

import time
from typing import Any

import click

from xpnet.cli import options
from xpnet.cli.loading import OR_LOSS, load
from xpnet.cli.printing import plain_table, print_table, say
from xpnet.devices import select_device

_SAMPLES = 100
_ENTRIES = 20
_COLOURS = {"PASS": "green", "INCONCLUSIVE": "yellow", "FAIL": "red"}


@click.command
@options.from_settings(
    "data", "data_dir", "label", "loss", "hidden", "activation", "dtype", "device", "seed", dtype="float64"
)
@click.option("--all", "every", is_flag=True, help="Let the black box check every entry too; slow.")
def gradcheck(every: bool, **given: Any) -> None:
    """Check backpropagation numerically on a real batch.

    Every entry is compared with the structured numerical gradient, and some of each parameter with differences of the
    loss as a black box. Exits with 1 if an entry is wrong.
    """
    # imported here, since no other command needs it
    from xpnet.gradcheck.network import check_network
    from xpnet.gradcheck.report import worst_of

    settings = options.read_settings(given, dtype="float64", init="xavier")
    place = select_device(settings.device)
    dataset = load(settings, or_numbers=OR_LOSS)
    net = settings.make_network(dataset.features, dataset.outputs, device=place)
    x = place.asarray(dataset.train.x[:_SAMPLES], settings.dtype)
    t = place.asarray(dataset.train.t[:_SAMPLES])
    shape = f"{net.input_size}-{net.hidden_size}-{net.output_size}"
    say("network", f"{shape}, {settings.activation}, {settings.dtype}, on {place}")
    say("batch", f"the first {x.shape[0]} training samples of {dataset.name}")
    table = plain_table("parameter", "numerical gradient", "entries", "worst error", "bound", "verdict", "time")
    for column in table.columns[2:5] + table.columns[6:]:
        column.justify = "right"
    reports = []
    for method, entries in (("structured", None), ("black-box", None if every else _ENTRIES)):
        start = time.perf_counter()
        report = check_network(net, x, t, method=method, entries=entries, seed=settings.first_seed)
        shown = f"{1000 * (time.perf_counter() - start):.0f} ms"
        for array in report.arrays.values():
            worst, verdict = array.worst[0], f"[{_COLOURS[array.verdict]}]{array.verdict}[/]"
            table.add_row(
                array.name, method, f"{array.entries:,}", f"{worst.error:.1e}", f"{worst.bound:.1e}", verdict, shown
            )
            shown = ""  # All arrays are checked together, so that the time is that of all.
        reports.append(report)
    print_table(table)
    if unjudged := sum(report.unjudged for report in reports):
        say("unjudged", f"{unjudged:,} entries: rounding hides them, or a relu is at its kink")
    verdict = worst_of(report.verdict for report in reports)
    say("verdict", f"{verdict}: {_MEANING[verdict]}")
    if verdict == "FAIL":
        click.get_current_context().exit(1)


_MEANING = {
    "PASS": "no entry differs by more than rounding and truncation explain",
    "INCONCLUSIVE": "no entry is wrong, but rounding could hide an error in some; float64 tells more",
    "FAIL": "an entry differs by more than rounding and truncation explain",
}
