"""Options: those of `xpnet.settings`, made from its fields, and the few that only the command line has."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from xpnet.settings import DEFAULTS, OPTIONS, Settings, read_values
from xpnet.settings.presets import PRESETS

Command = TypeVar("Command", bound=Callable[..., Any])

PATH = click.Path(readable=False, path_type=Path)
_PLACES = ("PATH", "FILE", "DIR")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")


def from_settings(*names: str, **defaults: Any) -> Callable[[Command], Command]:
    """Return what gives a command the options of these fields, None where they are not given; by default all fields.

    Other `defaults` than those of the fields are those that the command hands to `read_settings`.
    """

    def add(command: Command) -> Command:
        for name in reversed(names or tuple(OPTIONS)):
            domain, help = OPTIONS[name].domain, _help(name, defaults)
            if domain.kind is bool:
                command = click.option(f"{flag(name)}/{flag('no_' + name)}", name, default=None, help=help)(command)
            else:
                place = "file" if domain.metavar.endswith(_PLACES) else ""
                command = click.option(
                    flag(name),
                    name,
                    type=domain.kind,
                    metavar=domain.metavar,
                    default=None,
                    help=help,
                    shell_complete=completing(domain.names, place),
                )(command)
        return command

    return add


def axes_from_settings(**defaults: Any) -> Callable[[Command], Command]:
    """Return what gives a command all options as texts, for one value or several, and as often as one likes."""

    def add(command: Command) -> Command:
        for name in reversed(OPTIONS):
            metavar = OPTIONS[name].domain.metavar or "BOOLEAN"
            command = click.option(
                flag(name), name, metavar=metavar, multiple=True, default=(), help=_help(name, defaults)
            )(command)
        return command

    return add


def read_settings(given: Mapping[str, Any], file: Path | None = None, **defaults: Any) -> Settings:
    """Return the settings that the command line and, for what it does not say, a file give."""
    given = {name: value for name, value in given.items() if value is not None}
    written = {} if file is None else read_values(file)

    def spelling(name: str) -> str:
        return f"{file}: {name}" if name in written and name not in given else flag(name)

    return Settings.of({**defaults, **written, **given}, where=str(file), spelling=spelling)


def _help(name: str, defaults: Mapping[str, Any]) -> str:
    """Return what an option means, and its default where that says something."""
    help, default = OPTIONS[name].help, defaults.get(name, DEFAULTS[name])
    usual = [f"{preset} {values[name]}" for preset, values in PRESETS.items() if name in values]
    default = ", ".join(usual) if default is None and usual else default
    return help + f"  [default: {default}]" if default not in (None, False, 0.0) or name == "seed" else help


def model_argument(command: Command) -> Command:
    """Give a command the model to use, as the argument `model`."""
    return click.argument("model", type=PATH)(command)


def runs_argument(command: Command) -> Command:
    """Give a command one or more folders of runs, as the argument `runs`."""
    return click.argument("runs", metavar="RUN...", type=PATH, nargs=-1, required=True)(command)


def completing(names: Iterable[str], place: str = "") -> Callable[[Any, Any, str], list[CompletionItem]]:
    """Return what a shell is offered for an argument: these names and, if `place` is "file", paths."""

    def complete(context: Any, parameter: Any, start: str) -> list[CompletionItem]:
        found = [CompletionItem(name) for name in names if name.startswith(start)]
        return found if found or not place else [CompletionItem(start, type=place)]

    return complete


def flag(name: str) -> str:
    """Return how the command line writes the name of an option."""
    return "--" + name.replace("_", "-")
