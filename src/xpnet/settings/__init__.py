"""Every option of a run, once."""

from xpnet.settings.settings import DEFAULTS, OPTIONS, Option, Settings, read_values

__all__ = ["DEFAULTS", "OPTIONS", "Option", "Settings", "read_values"]
