"""Every option of a run, once."""

from xpnet.settings.command import minimal, training_command
from xpnet.settings.options import DEFAULTS, OPTIONS, Option, read_values
from xpnet.settings.settings import Settings

__all__ = ["DEFAULTS", "OPTIONS", "Option", "Settings", "minimal", "read_values", "training_command"]
