"""How far a result may be from the truth: by so many roundings, and no more."""

import numpy as np


def rounding(operations: float, dtype: str = "float64") -> float:
    """Return the relative error of so many operations, each right to one unit in the last place.

    An elementary function (exp, log, tanh, ...) counts for 4, which all libraries keep; one whose argument was rounded
    counts for its condition number as well: the exponential of a sum as large as z for z more.
    """
    return operations * float(np.finfo(dtype).eps)
