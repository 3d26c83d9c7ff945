"""Activation functions, each with its derivative, and softmax.

An elementwise activation is a callable `a = f(z)` that also knows its derivative, written in terms of the *value*
`a`, which the forward pass has already paid for, and its difference `f(z + d) - f(z)`, written so that nothing cancels
however small d is: what exact numerical derivatives are made of.
"""

import math
from abc import ABC, abstractmethod
from functools import cache
from typing import Any

from xpnet._checks import as_floating, namespace_of
from xpnet._typing import Array, Namespace


class Activation(ABC):
    """An elementwise activation: ``f(z)`` is its value, ``f.derivative(f(z))`` its slope there.

    `z` has any shape and any real dtype (integers are promoted to floating point); results have the shape, dtype and
    device of `z`.
    """

    name: str
    has_kink: bool = False
    """Whether f' jumps at z = 0."""

    def __call__(self, z: Array) -> Array:
        """Return f(z)."""
        xp = namespace_of(z=z)
        return self.value(as_floating(z, "z", xp=xp), xp=xp)

    def derivative(self, a: Array) -> Array:
        """Return f'(z), given the value ``a = f(z)``."""
        xp = namespace_of(a=a)
        return self.slope(as_floating(a, "a", xp=xp), xp=xp)

    def difference(self, z: Array, d: Array) -> Array:
        """Return f(z + d) - f(z), exact to rounding even where both values are the same floating point number.

        Examples
        --------
        >>> import numpy as np, xpnet
        >>> xpnet.sigmoid.difference(np.asarray(0.0), np.asarray(1e-30))
        np.float64(2.5e-31)
        """
        xp = namespace_of(z=z, d=d)
        z = as_floating(z, "z", xp=xp)
        return self.change(z, self.value(z, xp=xp), as_floating(d, "d", xp=xp), xp=xp)

    @abstractmethod
    def value(self, z: Array, *, xp: Namespace) -> Array:
        """Return f(z) of a floating `z`: what `__call__` runs after its checks, and the network without them."""

    @abstractmethod
    def slope(self, a: Array, *, xp: Namespace) -> Array:
        """Return f'(z) of a floating value ``a = f(z)``."""

    @abstractmethod
    def change(self, z: Array, a: Array, d: Array, *, xp: Namespace) -> Array:
        """Return f(z + d) - f(z) of a floating `z`, given the value ``a = f(z)`` too."""

    def __repr__(self) -> str:
        return f"xpnet.{self.name}"


class Sigmoid(Activation):
    """Logistic function, ``f(z) = 1 / (1 + exp(-z))``, with ``f' = a (1 - a)``.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.sigmoid(np.asarray([-1.0, 0.0, 1.0, 1e4]))
    array([0.26894142, 0.5       , 0.73105858, 1.        ])
    """

    name = "sigmoid"

    def value(self, z: Array, *, xp: Namespace) -> Array:
        # exp(-z) must stay finite: where it would not, the sigmoid is held at about 1 / (largest finite number).
        a = xp.exp(-xp.maximum(z, -_largest_exponent(z.dtype, xp)))
        a += 1
        return 1 / a

    def slope(self, a: Array, *, xp: Namespace) -> Array:
        return a * (1 - a)

    def change(self, z: Array, a: Array, d: Array, *, xp: Namespace) -> Array:
        # s(z + d) = a e^d / (1 + a (e^d - 1)), so the difference is a (1 - a) E / (1 + a E) with E = e^d - 1.
        e = xp.expm1(d)
        return a * (1 - a) * e / (1 + a * e)


class Tanh(Activation):
    """Hyperbolic tangent, ``f(z) = tanh(z)``, with ``f' = 1 - a^2``.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.tanh(np.asarray([-1.0, 0.0, 1.0]))
    array([-0.76159416,  0.        ,  0.76159416])
    """

    name = "tanh"

    def value(self, z: Array, *, xp: Namespace) -> Array:
        return xp.tanh(z)

    def slope(self, a: Array, *, xp: Namespace) -> Array:
        return 1 - a * a

    def change(self, z: Array, a: Array, d: Array, *, xp: Namespace) -> Array:
        # tanh(z + d) = (a + T) / (1 + a T) with T = tanh d, so the difference is (1 - a^2) T / (1 + a T).
        t = xp.tanh(d)
        return (1 - a * a) * t / (1 + a * t)


class Relu(Activation):
    """Rectifier, ``f(z) = max(z, 0)``, with ``f' = 1`` where a > 0 and 0 elsewhere (so at the kink too).

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.relu(np.asarray([-1, 0, 1]))
    array([0., 0., 1.])
    """

    name = "relu"
    has_kink = True

    def value(self, z: Array, *, xp: Namespace) -> Array:
        return xp.maximum(z, 0.0)

    def slope(self, a: Array, *, xp: Namespace) -> Array:
        return xp.astype(a > 0, a.dtype)

    def change(self, z: Array, a: Array, d: Array, *, xp: Namespace) -> Array:
        # max(z + d, 0) - max(z, 0): d where z is positive, but never below -z; d + z where that is above 0.
        return xp.maximum(d + xp.minimum(z, 0.0), -a)


class Identity(Activation):
    """No activation, ``f(z) = z``, with ``f' = 1``: the network becomes linear.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.identity.derivative(np.asarray([-2.0, 3.0]))
    array([1., 1.])
    """

    name = "identity"

    def value(self, z: Array, *, xp: Namespace) -> Array:
        return z

    def slope(self, a: Array, *, xp: Namespace) -> Array:
        return xp.ones_like(a)

    def change(self, z: Array, a: Array, d: Array, *, xp: Namespace) -> Array:
        return d


sigmoid = Sigmoid()
tanh = Tanh()
relu = Relu()
identity = Identity()

ACTIVATIONS = {f.name: f for f in (sigmoid, tanh, relu, identity)}


def softmax(z: Array) -> Array:
    """Return class probabilities, ``p_c = exp(z_c) / sum_k exp(z_k)``, over the last axis.

    Parameters
    ----------
    z : array, shape (..., classes), real
        Logits (integers are promoted to floating point).

    Returns
    -------
    array of the shape of `z`
        Non-negative, each row summing to 1; no finite logit overflows.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.softmax(np.asarray([0.3, 2.9, 4.0]))
    array([0.01821127, 0.24519181, 0.73659691])
    """
    xp = namespace_of(z=z)
    exponentials, _ = shifted_exponentials(as_floating(z, "z", xp=xp), xp=xp)
    return exponentials / xp.sum(exponentials, axis=-1, keepdims=True)


def log_softmax(z: Array) -> Array:
    """Return the logarithms of class probabilities, ``z_c - log sum_k exp(z_k)``, over the last axis.

    Exact where `softmax` underflows to 0 and its logarithm would be -inf. Shapes and dtypes as for `softmax`.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.log_softmax(np.asarray([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    xp = namespace_of(z=z)
    exponentials, shifted = shifted_exponentials(as_floating(z, "z", xp=xp), xp=xp)
    return shifted - xp.log(xp.sum(exponentials, axis=-1, keepdims=True))


def shifted_exponentials(z: Array, *, xp: Namespace) -> tuple[Array, Array]:
    """Return ``exp(z - max z)`` and ``z - max z`` over the last axis; softmax is blind to the shift."""
    shifted = z - xp.max(z, axis=-1, keepdims=True)
    return xp.exp(shifted), shifted


@cache
def _largest_exponent(dtype: Any, xp: Namespace) -> float:
    """Return the largest whole number whose exponential is finite: 88 in float32, 709 in float64."""
    return float(math.floor(math.log(xp.finfo(dtype).max)))
