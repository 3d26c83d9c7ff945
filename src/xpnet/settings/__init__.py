"""Every option of a run, once."""

from xpnet.settings.command import minimal, training_command
from xpnet.settings.settings import DEFAULTS, OPTIONS, Option, Settings, read_values

__all__ = ["DEFAULTS", "OPTIONS", "Option", "Settings", "minimal", "read_values", "training_command"]
