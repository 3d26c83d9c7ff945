"""The command line: wiring, printing and exit codes.

Exit codes: 0 done; 1 the answer is no (a gradient check that fails), or the reader of the output is gone; 2 wrong
input, told in one line on stderr; 129, 130 and 143 stopped by SIGHUP, Ctrl-C or SIGTERM.
"""

import io
import os
import signal
import sys
from types import FrameType
from typing import NoReturn, TextIO

import click

from xpnet import __version__
from xpnet.cli import compare, completion, data, devices, evaluate, export, gradcheck, predict, report, sweep, train
from xpnet.cli.errors import tell
from xpnet.cli.group import Group
from xpnet.cli.printing import print_anything_but_chatter
from xpnet.cli.signals import Stopped, heeded
from xpnet.cli.together import together


@click.group(
    cls=Group,
    epilog="Add --debug anywhere to see the traceback of an error.",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--version", is_flag=True, help="Print the version and exit.")
@click.pass_context
def xpnet(context: click.Context, version: bool) -> None:
    """Train a two-layer neural network, evaluate it, and check its gradient numerically, on CPU or GPU."""
    if version:
        print(f"xpnet {__version__}")
        context.exit()
    if context.invoked_subcommand is None:
        print(context.get_help())


for command in (
    train.train,
    sweep.sweep,
    evaluate.evaluate,
    predict.predict,
    export.export,
    report.report,
    compare.compare,
    gradcheck.gradcheck,
    devices.devices,
    data.data,
    completion.completion,
):
    xpnet.add_command(command)


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    for number in heeded():
        if number != signal.SIGINT:
            signal.signal(number, _terminate)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # Closed by the shell.
            setattr(sys, name, io.StringIO())
    print_anything_but_chatter()
    completion.answer_the_shell(xpnet)
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = "--debug" in sys.argv
    try:
        with together(arguments, debug=debug):
            code = _run(arguments)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt, Stopped) as error:
        code = tell(error, debug=debug)
    for stream in (sys.stdout, sys.stderr):
        _abandon_if_unwritable(stream)
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    try:
        with xpnet.make_context("xpnet", arguments) as context:
            xpnet.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    return 0


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _abandon_if_unwritable(stream: TextIO) -> None:
    """Forget what cannot be written (the reader is gone, or the disk full), which Python would try again at exit."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
