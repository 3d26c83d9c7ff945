"""``xpnet data``: the data sets that have a name."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from xpnet import datasets
from xpnet.cli.downloads import download_bar
from xpnet.cli.options import DataDir, Json
from xpnet.cli.printing import say

Name = Annotated[str, typer.Argument(metavar="NAME", help="digits, mnist or fashion-mnist.", show_default=False)]

app = typer.Typer(help="List, download and find the data sets that have a name.")


@app.command("list")
def list_(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List the data sets and where their files are."""
    places = datasets.available(data_dir)
    if as_json:
        print(json.dumps([asdict(place) | {"folder": str(place.folder)} for place in places]))
        return
    for place in places:
        say(place.name, place.description, indent=15)
        say("", f"{place.state}, {place.size / 2**20:.1f} MiB, {place.folder}", indent=15)


@app.command("fetch")
def fetch(name: Name, data_dir: DataDir = None) -> None:
    """Download a data set, unless it is there already, and print its folder."""
    with download_bar() as progress:
        folder = datasets.fetch(name, data_dir=data_dir, progress=progress)
    print(folder)


@app.command("path")
def path(name: Name, data_dir: DataDir = None) -> None:
    """Print the folder of a data set, without downloading it."""
    print(datasets.data_path(name, data_dir))
