"""Numerical derivatives of any callable, on any array library.

=========================  ==========================  ===================
function                   f maps                      result
=========================  ==========================  ===================
`numerical_diff`           each entry of x to a value  shape of x
`numerical_gradient`       an array x to a number      shape of x
`numerical_partial_diff`   an array x to a number      a number
`numerical_jacobian`       an array x to an array      f(x).shape + x.shape
`numerical_hessian`        an array x to a number      x.shape + x.shape
`numerical_jvp`            an array x to an array      shape of f(x)
`numerical_hvp`            an array x to a number      shape of x
=========================  ==========================  ===================
"""

from xpnet.numerical.descent import DivergenceError, gradient_descent
from xpnet.numerical.differentiation import Derivative, numerical_diff
from xpnet.numerical.gradient import numerical_gradient, numerical_jacobian, numerical_partial_diff
from xpnet.numerical.hessian import numerical_hessian
from xpnet.numerical.products import numerical_hvp, numerical_jvp

__all__ = [
    "Derivative",
    "DivergenceError",
    "gradient_descent",
    "numerical_diff",
    "numerical_gradient",
    "numerical_hessian",
    "numerical_hvp",
    "numerical_jacobian",
    "numerical_jvp",
    "numerical_partial_diff",
]
