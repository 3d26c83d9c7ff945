"""``xpnet data``: the data sets that have a name."""

import json
from dataclasses import asdict

import click

from xpnet import datasets
from xpnet.cli.downloads import download_bar
from xpnet.cli.group import Group
from xpnet.cli.options import as_json, completing, from_settings
from xpnet.cli.printing import say, say_path
from xpnet.datasets.known import KNOWN


@click.group(cls=Group, no_args_is_help=False)
def data() -> None:
    """List, download and find the data sets that have a name."""


@data.command("list")
@from_settings("data_dir")
@as_json
def list_(data_dir: str | None, as_json: bool) -> None:
    """List the data sets and where their files are."""
    places = datasets.available(data_dir)
    if as_json:
        print(json.dumps([asdict(place) | {"folder": str(place.folder)} for place in places]))
        return
    for place in places:
        say(place.name, place.description, indent=15)
        say("", f"{place.state}, {place.size / 2**20:.1f} MiB, {place.folder}", indent=15)


@data.command
@click.argument("name", shell_complete=completing(KNOWN))
@from_settings("data_dir")
def fetch(name: str, data_dir: str | None) -> None:
    """Download a data set, unless it is there already, and print its folder."""
    with download_bar() as progress:
        folder = datasets.fetch(name, data_dir=data_dir, progress=progress)
    say_path(folder)


@data.command
@click.argument("name", shell_complete=completing(KNOWN))
@from_settings("data_dir")
def path(name: str, data_dir: str | None) -> None:
    """Print the folder of a data set, without downloading it."""
    say_path(datasets.data_path(name, data_dir))
