"""All parameters of a network in one array, so that an update takes a few calls and not a few for each of them.

The same goes for a gradient, and for each slot of an optimizer.
"""

from math import prod
from typing import Any, NamedTuple, Self

from xpnet._typing import Array, Namespace, Params
from xpnet.network import TwoLayerNet


class Layout(NamedTuple):
    """Where the parameters lie in an array of shape (P,), or with members (M, P)."""

    shapes: dict[str, tuple[int, ...]]
    """Of each parameter, in the order in which they lie there."""
    lead: tuple[int, ...]
    """() or (M,)."""
    xp: Namespace

    @classmethod
    def of(cls, net: TwoLayerNet[Any]) -> Self:
        """Return that of a network."""
        sizes = net.input_size, net.hidden_size, net.output_size
        shapes = {"W1": sizes[:2], "b1": sizes[1:2], "W2": sizes[1:], "b2": sizes[2:]}
        return cls(shapes, () if net.members is None else (net.members,), net.device.namespace)

    def joined(self, arrays: Params) -> Array:
        """Return a copy of arrays like the parameters in one array."""
        flat = [self.xp.reshape(arrays[name], (*self.lead, -1)) for name in self.shapes]
        return self.xp.concat(flat, axis=-1)

    def parts(self, flat: Array) -> Params:
        """Return what lies in an array, each bias as a row (1, H): views, where the array can be written to."""
        start, result = 0, {}
        for name, shape in self.shapes.items():
            stop = start + prod(shape)
            rows = shape if len(shape) == 2 else (1, *shape)
            result[name] = self.xp.reshape(flat[..., start:stop], (*self.lead, *rows))
            start = stop
        return result

    def separated(self, flat: Array) -> Params:
        """Return copies of what lies in an array, each in the shape of its parameter."""
        copies = {name: self.xp.asarray(part, copy=True) for name, part in self.parts(flat).items()}
        return {name: self.xp.reshape(part, (*self.lead, *self.shapes[name])) for name, part in copies.items()}
