"""``xpnet devices``."""

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from xpnet.cli.options import Json
from xpnet.devices import list_devices


def devices(as_json: Json = False) -> None:
    """List every device, and for each that cannot be used, why."""
    reports = list_devices()
    if as_json:
        print(json.dumps([asdict(report) for report in reports]))
        return
    table = Table("device", "name", "memory", "state", box=None, header_style="bold", pad_edge=False)
    table.columns[0].no_wrap = True
    for report in reports:
        memory = "" if report.memory is None else f"{report.memory / 2**30:.1f} GiB"
        state = "[green]works[/]" if report.problem is None else f"[yellow]cannot be used:[/] {report.problem}"
        table.add_row(report.name, report.description, memory, state)
    Console().print(table)
