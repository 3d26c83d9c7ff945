"""``xpnet devices``."""

import json
from dataclasses import asdict

import click

from xpnet.cli import options
from xpnet.cli.printing import plain_table, print_table, say
from xpnet.devices import list_devices


@click.command
@options.as_json
def devices(as_json: bool) -> None:
    """List every device, and for each that cannot be used, why."""
    reports = list_devices()
    if as_json:
        print(json.dumps([asdict(report) for report in reports]))
        return
    table = plain_table("device", "name", "memory", "state")
    for report in reports:
        memory = "" if report.memory is None else f"{report.memory / 2**30:.1f} GiB"
        state = "[green]works[/]" if report.problem is None else "[yellow]cannot be used[/]"
        table.add_row(report.name, report.description, memory, state)
    print_table(table)
    for report in reports:
        if report.problem is not None:
            print()
            say(report.name, report.problem, indent=8)
