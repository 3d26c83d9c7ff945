"""One HTML file of a run, or of several side by side, that needs no network and no script. Needs jinja2 and matplotlib.

Examples
--------
``xpnet report RUN`` writes the report of a run's folder, or of that of a sweep. In a notebook, a `Report` shows itself.
"""

from xpnet.report.page import Report, make_report, make_sweep_report
from xpnet.report.run import Run
from xpnet.report.sweep import SweepResults

__all__ = ["Report", "Run", "SweepResults", "make_report", "make_sweep_report"]
