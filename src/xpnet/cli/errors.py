"""What is told of an error, one line with what is wrong and how to repair it, and with which code it ends."""

import signal
import traceback
from contextlib import suppress

import click

from xpnet._checks import nearest
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
    """Return what to tell of an error, and of one that is ours to ask for a report."""
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "xpnet"
        text = f"{_told_by_click(error)}: see {command} --help"
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


def _told_by_click(error: click.ClickException) -> str:
    """Return its message, with the option that may be meant."""
    if not isinstance(error, click.NoSuchOption) or error.ctx is None:
        return error.format_message().rstrip(".")
    options = [flag[2:] for option in error.ctx.command.params for flag in option.opts if flag.startswith("--")]
    meant = nearest(error.option_name[2:], options)
    return f"No such option: {error.option_name}" + (f", did you mean --{meant}?" if meant else "")
