"""What every format writes: the numbers of a model as NumPy arrays, and the names of what goes in and out."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xpnet.devices import to_host
from xpnet.model import Model


class Parts(NamedTuple):
    """A model taken apart; ``x = (raw - offset) * factor`` is what the network sees, and `target_*` undo the like."""

    W1: NDArray[Any]
    b1: NDArray[Any]
    W2: NDArray[Any]
    b2: NDArray[Any]
    offset: NDArray[np.float64]
    factor: NDArray[np.float64]
    target_offset: NDArray[np.float64]
    target_factor: NDArray[np.float64]
    class_names: tuple[str, ...]
    columns: tuple[str, ...]

    @classmethod
    def of(cls, model: Model) -> "Parts":
        """Take a model apart."""
        net, origin = model.net, model.origin
        if origin is not None and origin.encoding.categories:
            raise ValueError(
                "a model whose data have columns of text cannot be exported, since the formats take numbers only: "
                "train it on numbers, or use the model itself"
            )
        params = {name: to_host(w) for name, w in net.params.items()}
        scaling = None if origin is None else origin.scaling
        targets = None if origin is None else origin.target_scaling
        return cls(
            **params,
            offset=_filled(0.0 if scaling is None else scaling.offset, net.input_size),
            factor=_filled(1.0 if scaling is None else scaling.factor, net.input_size),
            target_offset=_filled(0.0 if targets is None else targets.offset, net.output_size),
            target_factor=_filled(1.0 if targets is None else targets.factor, net.output_size),
            class_names=() if origin is None else origin.class_names,
            columns=() if origin is None else origin.columns,
        )


def _filled(numbers: Any, size: int) -> NDArray[np.float64]:
    return np.broadcast_to(np.asarray(numbers, np.float64), (size,)).copy()
