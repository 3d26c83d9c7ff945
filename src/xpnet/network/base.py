"""What a network is, whatever it computes: its attributes, its copies on other devices, and how it reads a batch."""

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar

import numpy as np

from xpnet._checks import check_real, namespace_of
from xpnet._typing import Array, Namespace, Params
from xpnet.activations import Activation
from xpnet.devices import Device, select_device, to_host
from xpnet.losses import Loss
from xpnet.losses.targets import Targets, as_batch, check_targets

_PIECE_ROWS = 8192
"""A batch goes through the network in pieces of so many rows, or fewer where they take much memory."""

Score = TypeVar("Score", bound=float | list[float])
"""What a record says of a network: a number, or with members a list of one number for each."""
Net = TypeVar("Net", bound="Network[Any]")
P = ParamSpec("P")
R = TypeVar("R")


def on_its_device(method: Callable[Concatenate[Net, P], R]) -> Callable[Concatenate[Net, P], R]:
    """Let a method work on the network's GPU, whatever the current one of the caller's thread is."""

    @wraps(method)
    def wrapped(net: Net, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with net.device.current(), np.errstate(over="ignore"):  # A sigmoid's exponential may, on its way to 0.
            return method(net, *args, **kwargs)

    return wrapped


class Network(Generic[Score]):
    """The attributes of a network, which its subclass sets, and what follows from them alone."""

    input_size: int
    hidden_size: int
    output_size: int
    activation: Activation
    loss_function: Loss
    device: Device
    dtype: str
    members: int | None
    params: Params

    def to(self, device: str | Device) -> Self:
        """Return a copy of this network on another device."""
        other = object.__new__(type(self))
        device = device if isinstance(device, Device) else select_device(device)
        other.__setstate__({**self.__getstate__(), "device": device})
        return other

    def of_members(self, members: Sequence[int]) -> Self:
        """Return a network of some of the members, with copies of their parameters."""
        other = object.__new__(type(self))
        params = {name: to_host(w)[list(members)] for name, w in self.params.items()}
        loss = self.loss_function.of_members(members)
        other.__setstate__({**vars(self), "params": params, "loss_function": loss, "members": len(members)})
        return other

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "params": {name: to_host(w).copy() for name, w in self.params.items()}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.params = {name: self.device.asarray(w) for name, w in state["params"].items()}

    def __repr__(self) -> str:
        members = "" if self.members is None else f", members={self.members}"
        return (
            f"{type(self).__name__}({self.input_size}, {self.hidden_size}, {self.output_size}, "
            f"activation={self.activation.name!r}, loss={self.loss_function.name!r}, "
            f"device={str(self.device)!r}, dtype={self.dtype!r}{members})"
        )

    # What other rooms build on: shapes are checked here, dtypes brought to that of the parameters.

    @on_its_device
    def read_batch(self, x: Array, t: Array, sample_weight: Array | None) -> tuple[Array, Targets, Namespace]:
        """Return inputs as a batch in the network's dtype, and targets ready for sums that are the mean loss."""
        xp = self.read_inputs(x)
        namespace_of(x=x, t=t)
        lead: tuple[int, ...] = () if self.members is None else (self.members,)
        shape: tuple[int, ...] = (*(() if x.ndim == 1 else (*lead, int(x.shape[-2]))), self.output_size)
        loss = self.loss_function
        check_targets(shape, t, sample_weight, task=loss.task, ignore_index=loss.ignored_label, xp=xp)
        if x.ndim == 1:
            shape, t = (1, *shape), t[None, ...]
        targets = loss.prepare_mean(t, shape, self.params["W1"].dtype, sample_weight=sample_weight, xp=xp)
        return self.typed(as_batch(x), xp=xp), targets, xp

    def read_inputs(self, x: Array) -> Namespace:
        """Refuse inputs that do not fit, and return the namespace they share with the parameters."""
        xp = namespace_of(x=x, params=self.params["W1"])
        ranks = (1, 2) if self.members is None else (2, 3)
        if x.ndim not in ranks or x.shape[-1] != self.input_size or 0 in x.shape:
            other = "one sample" if self.members is None else "one batch per member"
            raise ValueError(
                f"x must have shape (samples, {self.input_size}), or one axis {'less' if ranks[0] == 1 else 'more'} "
                f"for {other}, got {tuple(x.shape)}: reshape x, or make a network for its number of features"
            )
        check_real(x, "x", xp=xp)
        return xp

    def pieces(self, rows: int, *, own_inputs: bool = False) -> Iterator[slice]:
        """Yield slices of so many rows that inputs, those of all members or of each, and hidden values take little."""
        members = self.members or 1
        width = max(members * self.hidden_size, (members if own_inputs else 1) * self.input_size)
        row_bytes = width * (4 if self.dtype == "float32" else 8)
        at_once = max(1, min(_PIECE_ROWS, self.device.piece_bytes // row_bytes))
        for start in range(0, rows, at_once):
            yield slice(start, min(start + at_once, rows))

    def typed(self, x: Array, *, xp: Namespace) -> Array:
        """Return inputs in the dtype of the parameters."""
        return xp.astype(x, self.params["W1"].dtype, copy=False)
