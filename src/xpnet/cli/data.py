"""``xpnet data``: the data sets that have a name, and what there is in a file."""

import json
from contextlib import nullcontext
from dataclasses import asdict

import click

from xpnet import datasets
from xpnet._text import listed
from xpnet.cli.downloads import download_bar
from xpnet.cli.group import Group
from xpnet.cli.options import as_json, completing, from_settings
from xpnet.cli.printing import say, say_path
from xpnet.datasets.known import KNOWN

_INDENT = 12
_MOST = 100
"""Classes that are listed."""


@click.group(cls=Group, no_args_is_help=False)
def data() -> None:
    """List, download, find and look into data."""


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


@data.command
@click.argument("source")
@from_settings("data_dir", "label")
@as_json
def show(source: str, data_dir: str | None, label: str | None, as_json: bool) -> None:
    """Say what would be read of a data set or a file: samples, features, classes, and what is missing."""
    with nullcontext() if as_json else download_bar() as progress:
        summary = datasets.summarize(source, data_dir=data_dir, label=label, progress=progress)
    if as_json:
        print(json.dumps(asdict(summary)))
        return
    samples = "{} training and {} test samples" if len(summary.samples) > 1 else "{} samples, to be split"
    say("data", f"{summary.name}: {samples.format(*summary.samples)}, {summary.features} features", indent=_INDENT)
    if summary.label is not None:
        say("label", f"column {summary.label}", indent=_INDENT)
    if summary.targets:
        say("numbers", "{0:.6g} to {2:.6g}, {1:.6g} on average".format(*summary.targets), indent=_INDENT)
    else:
        counts = [f"{name} ({count})" for name, count in summary.classes.items()]
        say("classes", f"{len(counts)}: {listed(counts, _MOST)}", indent=_INDENT)
    for column, texts in summary.categories.items():
        say("categories", f"{column}: {len(texts)}: {listed(texts)}", indent=_INDENT)
    counts = [f"{column} ({count})" for column, count in summary.missing.items()]
    told = f"{summary.incomplete} samples, in {listed(counts)}" if counts else "none"
    say("missing", told, indent=_INDENT)
