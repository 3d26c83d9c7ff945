"""How a command that fails ends: what it tells, and its exit code."""

import signal
import traceback
from contextlib import suppress

import click

from xpnet.cli.printing import warn
from xpnet.cli.signals import Stopped
from xpnet.devices import DeviceUnavailableError
from xpnet.training import NonFiniteLossError

# Data and checkpoint errors are ValueErrors.
_WRONG_INPUT = (TypeError, ValueError, OSError, ImportError, DeviceUnavailableError, NonFiniteLossError)


def tell(error: BaseException, *, debug: bool, who: str = "") -> int:
    """Tell of an error in one line on stderr, with the traceback to `debug` it, and return the exit code."""
    if isinstance(error, Stopped):
        warn(error.note)
        return 128 + error.number
    if isinstance(error, KeyboardInterrupt):
        return 128 + signal.SIGINT
    if isinstance(error, BrokenPipeError):
        return 1
    if isinstance(error, SystemExit):
        return int(error.code or 0)
    with suppress(OSError):
        if debug:
            traceback.print_exception(error)
        warn(f"{who}{_one_line(error)}")
    return 2


def _one_line(error: BaseException) -> str:
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "xpnet"
        text = f"{error.format_message().rstrip('.')}: see {command} --help"
    elif isinstance(error, OSError) and error.strerror:
        what = f"{error.filename}: " if error.filename else ""
        text = f"{what}{error.strerror}: check the path, its permissions and the space that is left"
    elif isinstance(error, MemoryError):
        text = f"not enough memory ({error}): take fewer hidden units, or less data"
    elif isinstance(error, _WRONG_INPUT):
        text = str(error) or type(error).__name__
    else:
        text = f"internal error, {type(error).__name__}: {error}; please report it with what --debug prints"
    return text
