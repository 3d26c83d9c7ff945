"""The two-layer network: parameters, prediction, loss, and its gradient by backpropagation."""

from functools import partial
from typing import Any

import numpy as np

from xpnet._checks import check_choice, check_count, check_real, namespace_of
from xpnet._random import generator
from xpnet._typing import Array, Namespace, Params
from xpnet.activations import ACTIVATIONS, Activation, softmax
from xpnet.devices import Device, select_device
from xpnet.losses import LOSSES, OutputLoss
from xpnet.losses.targets import Targets, as_batch
from xpnet.metrics import accuracy
from xpnet.network.differences import MAX_BYTES, structured_gradient
from xpnet.network.initializers import initial_weights

DTYPES = ("float32", "float64")


class TwoLayerNet:
    """A network of one hidden layer, ``y = f(x W1 + b1) W2 + b2``.

    For classes, the outputs are logits: softmax turns them into probabilities and the loss is a cross-entropy. For
    numbers, ``loss="mean_squared_error"``, they are the predictions themselves.

    Parameters
    ----------
    input_size, hidden_size, output_size : int
        Numbers of features D, hidden units H, and outputs (classes) C.
    activation : {"sigmoid", "relu", "tanh", "identity"}
        The hidden units' activation f.
    loss : {"softmax_cross_entropy", "cross_entropy_error", "mean_squared_error"}
        "cross_entropy_error" is the chapter's, of softmax probabilities with 1e-7 added before the logarithm.
    init : str
        "normal:S" (standard deviation S; the chapter's is 0.01), "xavier" or "he"; biases start at 0.
    device : str or Device
        "cpu", "gpu", "gpu:N", "auto", or a `Device` of any other array library.
    dtype : {"float32", "float64"}
        Of all parameters; inputs are converted to it.
    seed : int
        Same seed, same parameters, on every device.
    members : int, optional
        Hold this many networks M side by side: each parameter and each result gets a leading axis of that length.
        Member 0 starts as the network without members does.

    Attributes
    ----------
    params : dict of arrays
        ``W1`` (D, H), ``b1`` (H,), ``W2`` (H, C), ``b2`` (C,); with members (M, D, H) and so on.

    Raises
    ------
    TypeError, ValueError
        If a size is no positive integer or a name is unknown.
    DeviceUnavailableError
        If the device cannot be used.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> net = xpnet.TwoLayerNet(4, 3, 2, seed=1)
    >>> {name: array.shape for name, array in net.params.items()}
    {'W1': (4, 3), 'b1': (3,), 'W2': (3, 2), 'b2': (2,)}
    >>> x, t = np.ones((5, 4), np.float32), np.asarray([0, 1, 0, 1, 1])
    >>> net.predict(x).shape
    (5, 2)
    >>> float(net.loss(x, t)).__round__(2)
    0.69
    >>> sorted(net.gradient(x, t))
    ['W1', 'W2', 'b1', 'b2']
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        activation: str = "sigmoid",
        loss: str = "softmax_cross_entropy",
        init: str = "normal:0.01",
        device: str | Device = "cpu",
        dtype: str = "float32",
        seed: int = 0,
        members: int | None = None,
    ) -> None:
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size), ("output_size", output_size)):
            check_count(size, name)
        check_choice(activation, "activation", ACTIVATIONS)
        check_choice(loss, "loss", LOSSES)
        check_choice(dtype, "dtype", DTYPES)
        if members is not None:
            check_count(members, "members")
        self.input_size, self.hidden_size, self.output_size = input_size, hidden_size, output_size
        self.activation: Activation = ACTIVATIONS[activation]
        self.loss_function: OutputLoss = LOSSES[loss]
        self.device = device if isinstance(device, Device) else select_device(device)
        self.dtype = dtype
        self.members = members
        self.params: Params = self._initial_params(init, seed)

    def _initial_params(self, init: str, seed: int) -> Params:
        layers = (("1", self.input_size, self.hidden_size), ("2", self.hidden_size, self.output_size))
        streams = [generator(seed, "initial parameters", member) for member in range(self.members or 1)]
        params: Params = {}
        for layer, fan_in, fan_out in layers:
            weights = np.stack([initial_weights(init, fan_in, fan_out, stream) for stream in streams])
            biases = np.zeros((len(streams), fan_out))
            for name, host in (("W" + layer, weights), ("b" + layer, biases)):
                params[name] = self.device.asarray(host[0] if self.members is None else host, self.dtype)
        return params

    def predict(self, x: Array) -> Array:
        """Return the outputs (logits, for classes) of inputs `x`, shape (D,), (N, D) or (M, N, D).

        Examples
        --------
        >>> import numpy as np, xpnet
        >>> xpnet.TwoLayerNet(4, 3, 2).predict(np.zeros(4)).shape
        (2,)
        """
        x, xp = self._read(x)
        outputs, _ = forward(self.params, as_batch(x), activation=self.activation, xp=xp)
        return outputs[0, :] if x.ndim == 1 else outputs

    def predict_proba(self, x: Array) -> Array:
        """Return the class probabilities of inputs `x`: the softmax of `predict`."""
        self._check_classifies("predict_proba")
        return softmax(self.predict(x))

    def loss(self, x: Array, t: Array, **options: Any) -> Array:
        """Return the loss of inputs `x` against targets `t`: one number, or one per member.

        `options` are those of the loss function: see `softmax_cross_entropy`, `cross_entropy_error` and
        `mean_squared_error`.
        """
        return self.loss_function(self.predict(x), t, **options)

    def accuracy(self, x: Array, t: Array) -> Array:
        """Return the fraction of inputs `x` that are taken for their class `t`: one number, or one per member."""
        self._check_classifies("accuracy")
        return accuracy(self.predict(x), t)

    def gradient(self, x: Array, t: Array, **options: Any) -> Params:
        """Return the gradient of `loss` with respect to every parameter, by backpropagation.

        A mapping with the names, shapes and dtype of `params`.
        """
        x, xp = self._read(x)
        batch = as_batch(x)
        outputs, hidden = forward(self.params, batch, activation=self.activation, xp=xp)
        slopes = self.loss_function.gradient(outputs[0, :] if x.ndim == 1 else outputs, t, **options)
        return backward(self.params, batch, hidden, as_batch(slopes), activation=self.activation, xp=xp)

    def numerical_gradient(
        self,
        x: Array,
        t: Array,
        *,
        method: str = "structured",
        h: float | None = None,
        max_bytes: int = MAX_BYTES,
        full_output: bool = False,
        **options: Any,
    ) -> Any:
        """Return the gradient of `loss` by a central difference ``(loss(w + h) - loss(w - h)) / 2h`` for every w.

        Parameters
        ----------
        x, t : array
            Inputs and targets, as for `loss`.
        method : {"structured", "black-box"}
            "structured" follows each step through the one unit that it moves, and passes on differences, so that
            nothing cancels: exact to rounding, in float32 too, and some hundred times faster than the loop over all
            parameters. "black-box" is that loop, around `loss` as it is.
        h : float, optional
            The step. By default sqrt(eps) for "structured", and that of `numerical_gradient` for "black-box".
        max_bytes : int
            Bound of the memory that "structured" takes for differences.
        full_output : bool
            Return a `NumericalGradient` of "structured": the gradients, and for each parameter the number of samples
            whose relu the step takes across its kink, where the difference is between the slopes of both sides.
        options
            Those of the loss function.

        Returns
        -------
        mapping
            With the names, shapes and dtype of `params`.

        Examples
        --------
        >>> import numpy as np, xpnet
        >>> net = xpnet.TwoLayerNet(4, 3, 2, init="xavier", dtype="float32")
        >>> x, t = np.eye(4, dtype=np.float32), np.asarray([0, 1, 1, 0])
        >>> numerical, exact = net.numerical_gradient(x, t), net.gradient(x, t)
        >>> all(abs(numerical[name] - exact[name]).max() < 1e-7 for name in exact)
        True
        """
        check_choice(method, "method", ("structured", "black-box"))
        x, xp = self._read(x)
        batch = as_batch(x)
        outputs, _ = forward(self.params, batch, activation=self.activation, xp=xp)
        targets = self.loss_function.summands(outputs[0, :] if x.ndim == 1 else outputs, t, **options)
        if method == "black-box":
            return self._black_box_gradient(batch, targets, h, xp=xp)
        result = structured_gradient(
            self.params,
            batch,
            targets,
            activation=self.activation,
            loss=self.loss_function,
            h=h,
            max_bytes=max_bytes,
            xp=xp,
        )
        return result if full_output else result.gradients

    def _black_box_gradient(self, x: Array, targets: Targets, h: float | None, *, xp: Namespace) -> Params:
        from xpnet.numerical import numerical_gradient  # imported here, since most runs do without it

        def loss(name: str, w: Array) -> Array:
            outputs, _ = forward({**self.params, name: w}, x, activation=self.activation, xp=xp)
            return xp.sum(self.loss_function.losses(outputs, targets, xp=xp))

        return {name: numerical_gradient(partial(loss, name), w, h=h) for name, w in self.params.items()}

    def _read(self, x: Array) -> tuple[Array, Namespace]:
        xp = namespace_of(x=x, params=self.params["W1"])
        ranks = (1, 2) if self.members is None else (2, 3)
        if x.ndim not in ranks or x.shape[-1] != self.input_size or 0 in x.shape:
            other = "one sample" if self.members is None else "one batch per member"
            raise ValueError(
                f"x must have shape (samples, {self.input_size}), or one axis {'less' if ranks[0] == 1 else 'more'} "
                f"for {other}, got {tuple(x.shape)}: reshape x, or make a network for its number of features"
            )
        check_real(x, "x", xp=xp)
        return xp.astype(x, self.params["W1"].dtype, copy=False), xp

    def _check_classifies(self, what: str) -> None:
        if not self.loss_function.classification:
            raise ValueError(f"{what} is for classes, this network has loss={self.loss_function.name!r}: use predict")

    def __repr__(self) -> str:
        members = "" if self.members is None else f", members={self.members}"
        return (
            f"TwoLayerNet({self.input_size}, {self.hidden_size}, {self.output_size}, "
            f"activation={self.activation.name!r}, loss={self.loss_function.name!r}, "
            f"device={str(self.device)!r}, dtype={self.dtype!r}{members})"
        )


def forward(params: Params, x: Array, *, activation: Activation, xp: Namespace) -> tuple[Array, Array]:
    """Return the outputs and the hidden values of a batch `x`."""
    hidden = xp.matmul(x, params["W1"])
    hidden += params["b1"][..., None, :]
    hidden = activation.value(hidden, xp=xp)
    outputs = xp.matmul(hidden, params["W2"])
    outputs += params["b2"][..., None, :]
    return outputs, hidden


def backward(
    params: Params, x: Array, hidden: Array, slopes: Array, *, activation: Activation, xp: Namespace
) -> Params:
    """Return the gradients of all parameters, given that of the outputs (`slopes`)."""
    hidden_slopes = xp.matmul(slopes, xp.matrix_transpose(params["W2"]))
    hidden_slopes *= activation.slope(hidden, xp=xp)
    return {
        "W1": xp.matmul(xp.matrix_transpose(x), hidden_slopes),
        "b1": xp.sum(hidden_slopes, axis=-2),
        "W2": xp.matmul(xp.matrix_transpose(hidden), slopes),
        "b2": xp.sum(slopes, axis=-2),
    }
