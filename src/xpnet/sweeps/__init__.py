"""Many settings at once, side by side on one machine, and on many."""

from xpnet.sweeps.grid import Interval, read_axis
from xpnet.sweeps.race import Progress, Sweep
from xpnet.sweeps.results import Row
from xpnet.sweeps.sweep import sweep
from xpnet.sweeps.workers import Workers, dask_cluster

__all__ = ["Interval", "Progress", "Row", "Sweep", "Workers", "dask_cluster", "read_axis", "sweep"]
