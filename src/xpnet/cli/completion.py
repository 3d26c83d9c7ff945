"""``xpnet completion``: what a shell needs to know to complete names with the tab key."""

import os
import sys

import click
from click.shell_completion import get_completion_class, shell_complete

from xpnet._checks import check_choice
from xpnet.cli.options import completing

_VARIABLE = "_XPNET_COMPLETE"
_SHELLS = ("bash", "zsh", "fish")


@click.command
@click.argument("shell", metavar="SHELL", shell_complete=completing(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete names.

    \b
    SHELL is bash, zsh or fish. To have it always:
      bash  echo 'eval "$(xpnet completion bash)"' >> ~/.bashrc
      zsh   echo 'eval "$(xpnet completion zsh)"' >> ~/.zshrc
      fish  xpnet completion fish > ~/.config/fish/completions/xpnet.fish
    """
    check_choice(shell, "SHELL", _SHELLS)
    if kind := get_completion_class(shell):
        print(kind(context.find_root().command, {}, "xpnet", _VARIABLE).source())


def answer_the_shell(command: click.Command) -> None:
    """Where a shell asks for completions, print them and exit."""
    if asked := os.environ.get(_VARIABLE):
        sys.exit(shell_complete(command, {}, "xpnet", _VARIABLE, asked))
