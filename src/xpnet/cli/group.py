"""Commands of commands."""

import click

from xpnet._checks import nearest


class Group(click.Group):
    """A group that lists its commands in the order they were added, and points to the one that may be meant."""

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
