"""Is a gradient right? A verdict on each of its entries, from what rounding and truncation can explain."""

from xpnet.gradcheck.check import check_gradient
from xpnet.gradcheck.products import check_jvp, check_vjp
from xpnet.gradcheck.report import ArrayReport, Entry, GradientError, GradientReport
from xpnet.gradcheck.taylor import TaylorReport, taylor_test

__all__ = [
    "ArrayReport",
    "Entry",
    "GradientError",
    "GradientReport",
    "TaylorReport",
    "check_gradient",
    "check_jvp",
    "check_vjp",
    "taylor_test",
]
