"""Commands of commands, and how wide their help is."""

import shutil
from collections.abc import Iterable
from typing import Any

import click

from xpnet._checks import nearest

_NARROWEST, _WIDEST = 40, 80


class _Help(click.HelpFormatter):
    """As wide as the terminal, also where that is narrower than click goes along with."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.width = min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST) - 2

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl(rows, min(col_max, self.width // 2), col_spacing)


class _Context(click.Context):
    formatter_class = _Help


class Group(click.Group):
    """A group that lists its commands in the order they were added, and points to the one that may be meant."""

    context_class = _Context

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        cmd.context_class = _Context
        super().add_command(cmd, name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.commands and not name.startswith("-") and not ctx.resilient_parsing:
            meant = nearest(name, self.commands)
            raise click.UsageError(f"No such command: {name}" + (f", did you mean {meant}?" if meant else ""), ctx)
        return super().resolve_command(ctx, args)
