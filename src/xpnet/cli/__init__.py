"""The command line: wiring, printing and exit codes.

Exit codes: 0 done; 1 the answer is no (a gradient check that fails); 2 wrong input, told in one line on stderr;
130 and 143 stopped by Ctrl-C or SIGTERM.
"""

import signal
import sys
import traceback
from types import FrameType
from typing import NoReturn

import typer

from xpnet import __version__
from xpnet.checkpoint import CheckpointError
from xpnet.cli.data import data_app
from xpnet.cli.devices import devices
from xpnet.cli.evaluate import evaluate
from xpnet.cli.predict import predict
from xpnet.cli.train import train
from xpnet.datasets import DataError
from xpnet.devices import DeviceUnavailableError
from xpnet.training import NonFiniteLossError

_WRONG_INPUT = (
    TypeError,
    ValueError,
    OSError,
    MemoryError,
    ImportError,
    CheckpointError,
    DataError,
    DeviceUnavailableError,
    NonFiniteLossError,
)

app = typer.Typer(
    name="xpnet",
    help="Train a two-layer neural network and check its gradients numerically, on CPU or GPU.",
    epilog="Add --debug anywhere to see the traceback of an error.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(train)
app.command()(evaluate)
app.command()(predict)
app.command()(devices)
app.add_typer(data_app, name="data")


@app.callback(invoke_without_command=True)
def _xpnet(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        print(f"xpnet {__version__}")
        raise typer.Exit


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    signal.signal(signal.SIGTERM, _terminate)
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        sys.exit(app(arguments, prog_name="xpnet", standalone_mode=False) or 0)
    except BrokenPipeError:
        _leave_quietly()
    except Exception as error:
        if debug:
            traceback.print_exc()
        print(f"xpnet: {_one_line(error)}", file=sys.stderr)
        sys.exit(2)


def _one_line(error: Exception) -> str:
    # Typer's usage errors have no public class in common, but this method.
    if hasattr(error, "format_message"):
        text = f"{error.format_message()} See xpnet --help"
    elif isinstance(error, _WRONG_INPUT):
        text = str(error) or type(error).__name__
    else:
        text = f"internal error, {type(error).__name__}: {error}; please report it with what --debug prints"
    return " ".join(text.split())


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _leave_quietly() -> NoReturn:
    """Exit after the reader of our output has gone, as ``head`` does, with nothing left to flush into the pipe."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(1)
