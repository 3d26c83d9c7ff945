"""Activation functions, each with its derivative, and softmax.

An elementwise activation is a callable ``a = f(z)`` that also knows its derivative, and its difference
``f(z + d) - f(z)``, written so that nothing cancels however small d is: what exact numerical derivatives are made of.
"""

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from xpnet._checks import as_floating, namespace_of, quietly
from xpnet._typing import Array, Namespace


class Activation(ABC):
    """An elementwise activation: ``f(z)`` is its value, ``f.derivative(z)`` its slope, ``f.difference(z, d)`` its rise.

    `z` has any shape and any real dtype (integers are promoted to floating point); results have the shape, dtype and
    device of `z`. An activation of your own is a subclass with a `name` and the three methods `_value`, `_derivative`
    and `_difference`, which get floating arrays and their namespace.

    Raises
    ------
    TypeError
        If `z` or `d` is no array, complex, or both are of different libraries.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> class Square(xpnet.Activation):
    ...     name = "square"
    ...
    ...     def _value(self, z, *, xp):
    ...         return z * z
    ...
    ...     def _derivative(self, z, a, *, xp):
    ...         return 2 * z
    ...
    ...     def _difference(self, z, a, d, *, xp):
    ...         return d * (2 * z + d)
    >>> Square().difference(np.asarray([3.0]), np.asarray([1e-30]))
    array([6.e-30])
    >>> xpnet.TwoLayerNet(4, 3, 2, activation=Square())
    TwoLayerNet(4, 3, 2, activation='square', loss='softmax_cross_entropy', device='cpu', dtype='float32')
    """

    name: ClassVar[str]
    has_kink: ClassVar[bool] = False
    """Whether f' jumps at z = 0."""

    @quietly
    def __call__(self, z: Array) -> Array:
        """Return f(z)."""
        xp = namespace_of(z=z)
        return self._value(as_floating(z, "z", xp=xp), xp=xp)

    @quietly
    def derivative(self, z: Array) -> Array:
        """Return f'(z).

        Examples
        --------
        >>> import numpy as np, xpnet
        >>> xpnet.sigmoid.derivative(np.asarray([0.0, 1e3]))
        array([0.25, 0.  ])
        """
        xp = namespace_of(z=z)
        z = as_floating(z, "z", xp=xp)
        return self._derivative(z, self._value(z, xp=xp), xp=xp)

    @quietly
    def difference(self, z: Array, d: Array) -> Array:
        """Return f(z + d) - f(z), exact to rounding even where both values are the same floating point number.

        That holds for ``|d| <= 1/8``; a larger step shows in the values, and their difference is returned.

        Examples
        --------
        >>> import numpy as np, xpnet
        >>> xpnet.sigmoid.difference(np.asarray([0.0]), np.asarray([1e-30]))
        array([2.5e-31])
        """
        xp = namespace_of(z=z, d=d)
        z, d = as_floating(z, "z", xp=xp), as_floating(d, "d", xp=xp)
        a = self._value(z, xp=xp)
        return xp.where(xp.abs(d) > 1 / 8, self._value(z + d, xp=xp) - a, self._difference(z, a, d, xp=xp))

    @abstractmethod
    def _value(self, z: Array, *, xp: Namespace) -> Array:
        """Return f(z)."""

    @abstractmethod
    def _derivative(self, z: Array, a: Array, *, xp: Namespace) -> Array:
        """Return f'(z), given the value ``a = f(z)`` too, which the forward pass has paid for."""

    @abstractmethod
    def _difference(self, z: Array, a: Array, d: Array, *, xp: Namespace) -> Array:
        """Return f(z + d) - f(z) for a small d, given the value ``a = f(z)`` too."""

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

    def _value(self, z: Array, *, xp: Namespace) -> Array:
        a = xp.exp(-z)  # May overflow to infinity, whose inverse is the right limit, 0.
        a += 1
        return 1 / a

    def _derivative(self, z: Array, a: Array, *, xp: Namespace) -> Array:
        slopes = 1 - a
        slopes *= a
        return slopes

    def _difference(self, z: Array, a: Array, d: Array, *, xp: Namespace) -> Array:
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

    def _value(self, z: Array, *, xp: Namespace) -> Array:
        return xp.tanh(z)

    def _derivative(self, z: Array, a: Array, *, xp: Namespace) -> Array:
        return 1 - a * a

    def _difference(self, z: Array, a: Array, d: Array, *, xp: Namespace) -> Array:
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

    def _value(self, z: Array, *, xp: Namespace) -> Array:
        return xp.maximum(z, 0.0)

    def _derivative(self, z: Array, a: Array, *, xp: Namespace) -> Array:
        return xp.astype(a > 0, a.dtype)

    def _difference(self, z: Array, a: Array, d: Array, *, xp: Namespace) -> Array:
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

    def _value(self, z: Array, *, xp: Namespace) -> Array:
        return z

    def _derivative(self, z: Array, a: Array, *, xp: Namespace) -> Array:
        return xp.ones_like(a)

    def _difference(self, z: Array, a: Array, d: Array, *, xp: Namespace) -> Array:
        return d


class SiLU(Activation):
    """Sigmoid-weighted linear unit (swish), ``f(z) = z s(z)`` with the sigmoid s.

    References
    ----------
    S. Elfwing, E. Uchibe, K. Doya, 2018, Sigmoid-weighted linear units for neural network function approximation.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.silu(np.asarray([-1.0, 0.0, 1.0]))
    array([-0.26894142,  0.        ,  0.73105858])
    """

    name = "silu"
    _CURVED: ClassVar[float] = 800.0
    """Beyond this |z|, s(g(z)) is 0 or 1 in any dtype."""

    def _gate(self, z: Array) -> Array:
        """Return g(z) of ``f(z) = z s(g(z))``."""
        return z

    def _gate_slope(self, z: Array) -> Any:
        """Return g'(z)."""
        return 1

    def _gate_difference(self, z: Array, d: Array) -> Array:
        """Return g(z + d) - g(z)."""
        return d

    def _held(self, z: Array, *, xp: Namespace) -> Array:
        """Return z held to where f is curved: beyond, it is 0 or z, though powers of z overflow and inf * 0 is NaN."""
        return xp.minimum(xp.maximum(z, -self._CURVED), self._CURVED)

    def _value(self, z: Array, *, xp: Namespace) -> Array:
        held = self._held(z, xp=xp)
        return xp.maximum(z, held) * sigmoid._value(self._gate(held), xp=xp)

    def _derivative(self, z: Array, a: Array, *, xp: Namespace) -> Array:
        z = self._held(z, xp=xp)
        s = sigmoid._value(self._gate(z), xp=xp)
        return s * (1 + z * (1 - s) * self._gate_slope(z))

    def _difference(self, z: Array, a: Array, d: Array, *, xp: Namespace) -> Array:
        # (z + d) s(g + e) - z s(g) = d s(g) + (z + d) (s(g + e) - s(g)) with e = g(z + d) - g(z).
        z = self._held(z, xp=xp)
        s = sigmoid._value(self._gate(z), xp=xp)
        return d * s + (z + d) * sigmoid._difference(z, s, self._gate_difference(z, d), xp=xp)


class GELU(SiLU):
    """Gaussian error linear unit in its form with tanh, ``f(z) = z (1 + tanh u) / 2 = z s(2u)``.

    With ``u = sqrt(2 / pi) (z + 0.044715 z^3)``; within 5e-4 of the form with erf, which the array API standard lacks.

    References
    ----------
    D. Hendrycks, K. Gimpel, 2016, Gaussian error linear units.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.gelu(np.asarray([-1.0, 0.0, 1.0]))
    array([-0.15880801,  0.        ,  0.84119199])
    """

    name = "gelu"
    _CURVED = 32.0
    _SCALE, _CUBE = 2 * math.sqrt(2 / math.pi), 0.044715

    def _gate(self, z: Array) -> Array:
        return self._SCALE * (z + self._CUBE * (z * z * z))

    def _gate_slope(self, z: Array) -> Any:
        return self._SCALE * (1 + 3 * self._CUBE * (z * z))

    def _gate_difference(self, z: Array, d: Array) -> Array:
        # (z + d)^3 - z^3 = d (3 z (z + d) + d^2)
        return self._SCALE * d * (1 + self._CUBE * (3 * z * (z + d) + d * d))


sigmoid = Sigmoid()
tanh = Tanh()
relu = Relu()
identity = Identity()
gelu = GELU()
silu = SiLU()

ACTIVATIONS: dict[str, Activation] = {f.name: f for f in (sigmoid, tanh, relu, identity, gelu, silu)}


@quietly
def softmax(z: Array) -> Array:
    """Return class probabilities, ``p_c = exp(z_c) / sum_k exp(z_k)``, over the last axis.

    Parameters
    ----------
    z : array, shape (..., classes), real
        Logits (integers are promoted to floating point).

    Returns
    -------
    array of the shape of `z`
        Non-negative, each row summing to 1; no finite logit overflows, and one of -inf has probability 0.

    Raises
    ------
    TypeError
        If `z` is no array, or complex.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.softmax(np.asarray([0.3, 2.9, 4.0]))
    array([0.01821127, 0.24519181, 0.73659691])
    """
    xp = namespace_of(z=z)
    return probabilities(as_floating(z, "z", xp=xp), xp=xp)


@quietly
def log_softmax(z: Array) -> Array:
    """Return the logarithms of class probabilities, ``z_c - log sum_k exp(z_k)``, over the last axis.

    Exact where `softmax` underflows to 0 and its logarithm would be -inf. Shapes, dtypes and errors as for `softmax`.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.log_softmax(np.asarray([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    xp = namespace_of(z=z)
    exponentials, shifted = shifted_exponentials(as_floating(z, "z", xp=xp), xp=xp)
    return shifted - xp.log(xp.sum(exponentials, axis=-1, keepdims=True))


def probabilities(z: Array, *, xp: Namespace) -> Array:
    """Return the `softmax` of floating logits."""
    exponentials, _ = shifted_exponentials(z, xp=xp)
    return exponentials / xp.sum(exponentials, axis=-1, keepdims=True)


def shifted_exponentials(z: Array, *, xp: Namespace) -> tuple[Array, Array]:
    """Return ``exp(z - max z)`` and ``z - max z`` over the last axis; softmax is blind to the shift."""
    shifted = z - xp.max(z, axis=-1, keepdims=True)
    return xp.exp(shifted), shifted
