"""What an error says: one line, with what is wrong and how to repair it."""

import click

from xpnet._checks import nearest
from xpnet.devices import DeviceUnavailableError
from xpnet.training import NonFiniteLossError

# Data and checkpoint errors are ValueErrors.
_WRONG_INPUT = (TypeError, ValueError, OSError, ImportError, DeviceUnavailableError, NonFiniteLossError)


def one_line(error: Exception) -> str:
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
