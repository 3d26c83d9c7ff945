"""The two-layer network: its options, predictions, loss, and gradients."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypedDict, Unpack, overload

from xpnet._checks import check_choice, check_count, check_members, namespace_of
from xpnet._typing import Array, Params
from xpnet.activations import ACTIVATIONS, Activation
from xpnet.devices import Device, select_device
from xpnet.losses import LOSSES, Loss, Terms
from xpnet.losses.targets import Targets, as_batch
from xpnet.losses.tasks import Probabilistic
from xpnet.metrics import task_accuracy
from xpnet.network.base import Network, Score, on_its_device
from xpnet.network.differences import MAX_BYTES, structured_gradient
from xpnet.network.initializers import initial_params
from xpnet.network.passes import backpropagate, forward

DTYPES = ("float32", "float64")


class _Options(TypedDict, total=False):
    activation: str | Activation
    loss: str | Loss
    init: str | Sequence[str]
    device: str | Device
    dtype: str
    seed: int | Sequence[int]


class TwoLayerNet(Network[Score]):
    """A network of one hidden layer, ``y = f(x W1 + b1) W2 + b2``.

    For classes, the outputs are logits: softmax turns them into probabilities and the loss is a cross-entropy. For
    numbers, ``loss="mean_squared_error"``, they are the predictions themselves. What they are for other losses, says
    `xpnet.losses.tasks`.

    Parameters
    ----------
    input_size, hidden_size, output_size : int
        Numbers of features D, hidden units H, and outputs (classes) C.
    activation : str or Activation
        The hidden units' activation f: "sigmoid", "relu", "tanh", "identity", "gelu", "silu", or an object.
    loss : str or Loss
        For classes "softmax_cross_entropy" or "softmax_cross_entropy_error" (the chapter's, with 1e-7 added before the
        logarithm), for two with one output "binary_cross_entropy"; for labels of which any may hold
        "multilabel_cross_entropy"; for numbers "mean_squared_error" or "huber"; for counts "poisson"; or an object,
        ``SoftmaxCrossEntropy(label_smoothing=0.1)``.
    init : str
        "normal:S" (standard deviation S; the chapter's is 0.01), "xavier" or "he"; biases start at 0. Or a sequence,
        one for each member.
    device : str or Device
        "cpu", "gpu", "gpu:N", "auto", or another array library, as for `select_device`.
    dtype : {"float32", "float64"}
        Of all parameters; inputs are converted to it.
    seed : int
        Same seed, same parameters, on every device. Or a sequence, one for each member, which then starts as the
        network of that seed alone does.
    members : int, optional
        Hold this many networks M side by side: each parameter and each result gets a leading axis of that length.
        Of one seed, member 0 starts as the network without members does, and the others from draws of their own.

    Attributes
    ----------
    params : dict of arrays
        ``W1`` (D, H), ``b1`` (H,), ``W2`` (H, C), ``b2`` (C,); with members (M, D, H) and so on.
    activation, loss_function, device, dtype, members
        What it was made with, names as the objects that they name.

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
    >>> net(x).shape
    (5, 2)
    >>> float(net.loss(x, t)).__round__(2)
    0.69
    >>> sorted(net.gradient(x, t))
    ['W1', 'W2', 'b1', 'b2']

    It can be copied, pickled, and moved to another device:

    >>> import copy
    >>> bool((copy.deepcopy(net).to("cpu").params["W1"] == net.params["W1"]).all())
    True
    """

    @overload
    def __init__(
        self: "TwoLayerNet[float]",
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        members: None = None,
        **options: Unpack[_Options],
    ) -> None: ...
    @overload
    def __init__(
        self: "TwoLayerNet[list[float]]",
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        members: int,
        **options: Unpack[_Options],
    ) -> None: ...
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        activation: str | Activation = "sigmoid",
        loss: str | Loss = "softmax_cross_entropy",
        init: str | Sequence[str] = "normal:0.01",
        device: str | Device = "cpu",
        dtype: str = "float32",
        seed: int | Sequence[int] = 0,
        members: int | None = None,
    ) -> None:
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size), ("output_size", output_size)):
            check_count(size, name)
        check_choice(dtype, "dtype", DTYPES)
        if members is not None:
            check_count(members, "members")
        if not isinstance(activation, Activation):
            check_choice(activation, "activation", ACTIVATIONS)
            activation = ACTIVATIONS[activation]
        if not isinstance(loss, Loss):
            check_choice(loss, "loss", LOSSES)
            loss = LOSSES[loss]()
        for name, values in (("init", init), ("seed", seed)):
            if isinstance(values, Sequence) and not isinstance(values, str):
                check_members(len(values), name, members)
        if loss.members is not None:
            check_members(loss.members, "loss", members)
        loss.task.classes(output_size)
        self.input_size, self.hidden_size, self.output_size = input_size, hidden_size, output_size
        self.activation, self.loss_function = activation, loss
        self.device = device if isinstance(device, Device) else select_device(device)
        self.dtype = dtype
        self.members = members
        initial = initial_params(init, input_size, hidden_size, output_size, seed=seed, members=members)
        self.params = {name: self.device.asarray(w, dtype) for name, w in initial.items()}

    @on_its_device
    def outputs(self, x: Array) -> Array:
        """Return the outputs (logits, for classes) of inputs `x`, shape (D,), (N, D) or (M, N, D).

        Examples
        --------
        >>> import numpy as np, xpnet
        >>> xpnet.TwoLayerNet(4, 3, 2).outputs(np.zeros(4)).shape
        (2,)
        """
        xp = self.read_inputs(x)
        batch = as_batch(x)
        outputs = [
            forward(self.params, self.typed(batch[..., piece, :], xp=xp), activation=self.activation, xp=xp).outputs
            for piece in self.pieces(batch.shape[-2])
        ]
        whole = outputs[0] if len(outputs) == 1 else xp.concat(outputs, axis=-2)
        return whole[0, :] if x.ndim == 1 else whole

    __call__ = outputs

    @on_its_device
    def predict(self, x: Array) -> Array:
        """Return the labels of inputs `x`, int64, one axis less than the outputs; for numbers, these themselves.

        Examples
        --------
        >>> import numpy as np, xpnet
        >>> xpnet.TwoLayerNet(4, 3, 2).predict(np.zeros((5, 4))).shape
        (5,)
        """
        task = self.loss_function.task
        predictions = task.predict(self.outputs(x))
        if not isinstance(task, Probabilistic):
            return predictions
        xp = namespace_of(predictions=predictions)
        return xp.astype(predictions, xp.int64)

    @on_its_device
    def predict_proba(self, x: Array) -> Array:
        """Return the probabilities of all classes, or labels, for inputs `x`: for classes the softmax of `outputs`."""
        return self._classifying("predict_proba").mean(self.outputs(x))

    @on_its_device
    def loss(self, x: Array, t: Array, *, sample_weight: Array | None = None) -> Array:
        """Return the mean loss of inputs `x` against targets `t`: one number, or one per member."""
        return self.loss_function(self.outputs(x), t, sample_weight=sample_weight)

    @on_its_device
    def accuracy(self, x: Array, t: Array) -> Array:
        """Return the fraction of inputs `x` that are taken for their class `t`: one number, or one per member."""
        return task_accuracy(self.outputs(x), t, self._classifying("accuracy"))

    @on_its_device
    def gradient(self, x: Array, t: Array, *, sample_weight: Array | None = None) -> Params:
        """Return the gradient of `loss` with respect to every parameter, by backpropagation.

        A mapping with the names, shapes and dtype of `params`.
        """
        return self._differentiate(x, t, sample_weight)[1]

    @on_its_device
    def loss_and_gradient(self, x: Array, t: Array, *, sample_weight: Array | None = None) -> tuple[Array, Params]:
        """Return `loss` and `gradient` from one pass through the network.

        Examples
        --------
        >>> import numpy as np, xpnet
        >>> net = xpnet.TwoLayerNet(4, 3, 2)
        >>> loss, gradient = net.loss_and_gradient(np.eye(4), np.asarray([0, 1, 1, 0]))
        >>> round(float(loss), 2), gradient["W1"].shape
        (0.69, (4, 3))
        """
        terms, gradients = self._differentiate(x, t, sample_weight)
        xp = namespace_of(x=x)
        losses = [xp.sum(part.losses(), axis=-1) for part in terms]
        return sum(losses[1:], start=losses[0]), gradients

    def _differentiate(self, x: Array, t: Array, sample_weight: Array | None) -> tuple[list[Terms], Params]:
        """Return the terms of every piece of a batch, and the gradients of the mean loss of all."""
        batch, targets, xp = self.read_batch(x, t, sample_weight)
        terms: list[Terms] = []
        total: Params = {}
        for piece in self.pieces(batch.shape[-2]):
            rows, part = batch[..., piece, :], Targets(*(array[..., piece, :] for array in targets))
            _, its_terms, gradients = backpropagate(
                self.params, rows, part, activation=self.activation, loss=self.loss_function, xp=xp
            )
            terms.append(its_terms)
            total = {name: total[name] + g if total else g for name, g in gradients.items()}
        return terms, total

    @on_its_device
    def numerical_gradient(
        self,
        x: Array,
        t: Array,
        *,
        sample_weight: Array | None = None,
        method: str = "structured",
        h: float | None = None,
        max_bytes: int = MAX_BYTES,
        full_output: bool = False,
    ) -> Any:
        """Return the gradient of `loss` by a central difference ``(loss(w + h) - loss(w - h)) / 2h`` for every w.

        Parameters
        ----------
        x, t, sample_weight : array
            Inputs, targets and weights, as for `loss`.
        method : {"structured", "black-box"}
            "structured" follows each step through the one unit that it moves, and passes on differences, so that
            nothing cancels: exact to rounding, in float32 too, and some hundred times faster than the loop over all
            parameters. "black-box" is that loop, around `loss` as it is.
        h : float, optional
            The step. By default eps^2 for "structured", and that of `numerical_gradient` for "black-box".
        max_bytes : int
            Bound of the memory that "structured" takes for differences.
        full_output : bool
            Return a `NumericalGradient` of "structured": the gradients, and for each parameter the number of samples
            whose relu the step takes across its kink, where the difference is between the slopes of both sides.

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
        if method == "black-box":
            from xpnet.numerical import numerical_gradient  # imported here, since most runs do without it

            return {
                name: numerical_gradient(loss, self.params[name], h=h)
                for name, loss in self.losses_of_parameters(x, t, sample_weight=sample_weight)
            }
        batch, targets, xp = self.read_batch(x, t, sample_weight)
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

    def losses_of_parameters(
        self, x: Array, t: Array, *, sample_weight: Array | None = None
    ) -> Iterator[tuple[str, Callable[[Array], Array]]]:
        """Yield the name of each parameter, and `loss` as a function of that parameter alone: a black box."""
        batch, targets, xp = self.read_batch(x, t, sample_weight)

        def loss(name: str, w: Array) -> Array:
            with self.device.current():
                outputs = forward({**self.params, name: w}, batch, activation=self.activation, xp=xp).outputs
                return xp.sum(self.loss_function._terms(outputs, targets, xp=xp).losses())

        for name in self.params:
            yield name, partial(loss, name)

    def _classifying(self, what: str) -> Probabilistic:
        task = self.loss_function.task
        if not isinstance(task, Probabilistic):
            raise ValueError(f"{what} is for classes, this network has loss={self.loss_function.name!r}: use predict")
        return task
