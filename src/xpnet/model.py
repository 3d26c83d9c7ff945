"""A trained network together with what it knows of its data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xpnet._text import listed
from xpnet.datasets import Origin
from xpnet.datasets.frames import read_rows
from xpnet.devices import to_host
from xpnet.losses.tasks import Probabilistic
from xpnet.network import TwoLayerNet


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A network that takes raw features, as its data had them, and names what it says, as its data do.

    Parameters
    ----------
    net : TwoLayerNet
        The network, which takes scaled features and says positions of classes, or standardised numbers.
    origin : Origin or None
        What it was trained on; without, the model takes and says what the network does.

    Examples
    --------
    >>> import xpnet
    >>> data, net = xpnet.load_digits(), xpnet.TwoLayerNet(64, 50, 10, init="xavier")
    >>> records = xpnet.fit(net, *data.train, epochs=3)
    >>> model = xpnet.Model(net, data.origin)
    >>> model  # doctest: +ELLIPSIS
    Model of 64 raw features -> 10 classes (0, 1, 2, 3, 4, ...): TwoLayerNet(64, 50, 10, ...)
    >>> images = data.scaling.invert(data.test.x[:1])  # of 0 to 16, as they were published
    >>> model.predict(images)
    array(['0'], dtype='<U1')
    """

    net: TwoLayerNet[Any]
    origin: Origin | None = None

    def predict(self, x: ArrayLike) -> NDArray[Any]:
        """Return the class names of raw features `x`, shape (n,); or numbers, shape (n, outputs), in their units.

        Of labels of which any may hold, 1 for those that do, and 0 for others, shape (n, outputs).

        Parameters
        ----------
        x : array or data frame, shape (n, features)
            On the host. The columns of a frame are found by their names, in any order; a column of categories holds
            their texts.

        Raises
        ------
        DataError
            If `x` is not of finite numbers, or lacks a column.
        """
        said, task = self._outputs(x, self.net.predict), self.net.loss_function.task
        if task.classification and self.origin is not None:
            names: NDArray[Any] = np.asarray(self.origin.class_names)[said]
            return names
        scaling = None if self.origin is None else self.origin.target_scaling
        return said if scaling is None or isinstance(task, Probabilistic) else scaling.invert(said)

    def predict_proba(self, x: ArrayLike) -> NDArray[Any]:
        """Return the probabilities of the classes, shape (n, classes), for raw features `x`, as for `predict`."""
        return self._outputs(x, self.net.predict_proba)

    def _outputs(self, x: Any, say: Callable[[Any], Any]) -> NDArray[Any]:
        raw = read_rows(x, self.origin, self.net.input_size)
        said = []
        for piece in self.net.pieces(len(raw)):
            inputs = raw[piece] if self.origin is None else self.origin.inputs(raw[piece])
            said.append(to_host(say(self.net.device.asarray(inputs))))
        return np.concatenate(said)

    def __repr__(self) -> str:
        net, origin = self.net, self.origin
        if origin is None:
            return f"Model of {net.input_size} scaled features -> {net.output_size} outputs: {net!r}"
        takes = f"{origin.encoding.columns(net.input_size)} raw features" + (
            f" ({listed(origin.columns, 5)})" if origin.columns else ""
        )
        names = origin.class_names
        says = f"{len(names)} classes ({listed(names, 5)})" if names else f"{net.output_size} numbers in their units"
        return f"Model of {takes} -> {says}: {net!r}"
