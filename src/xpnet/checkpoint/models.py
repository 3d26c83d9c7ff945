"""Saving and loading networks, alone or with the training that they are in the middle of."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet._checks import check_choice, check_count, check_members
from xpnet._files import write_atomically
from xpnet._typing import Params
from xpnet._version import __version__
from xpnet.activations import ACTIVATIONS
from xpnet.checkpoint.origin import check_origin, read_origin, written
from xpnet.checkpoint.sealed import CheckpointError, read_sealed, sealed
from xpnet.datasets import Origin
from xpnet.devices import Device, select_device, to_host
from xpnet.losses import LOSSES
from xpnet.model import Model
from xpnet.network import TwoLayerNet
from xpnet.optimizers import OptimizerState
from xpnet.settings import Settings
from xpnet.training import Best, TrainingState


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """All that a file holds: the network, and whatever else was given to `save_model`.

    Arrays of `state` are NumPy's; `fit` brings them to the device of its network.
    """

    net: TwoLayerNet[Any]
    origin: Origin | None
    settings: Settings | None
    state: TrainingState | None
    version: str
    """Of the library that wrote it."""


def save_model(
    net: TwoLayerNet[Any],
    path: str | Path,
    *,
    origin: Origin | None = None,
    settings: Settings | None = None,
    state: TrainingState | None = None,
) -> None:
    """Write `net` to a safetensors file, whole or not at all; the same network always as the same bytes.

    Parameters
    ----------
    net : TwoLayerNet
        Of any device; the file holds no trace of it.
    path : str or Path
        Replaced if it exists.
    origin : Origin, optional
        The data it was trained on, ``data.origin``, by which the model takes raw features and names classes.
    settings : Settings, optional
        The options of its run.
    state : TrainingState, optional
        Where its training is, ``record.state``, from which `fit` goes on. The file then holds the parameters of the
        state.

    Raises
    ------
    ValueError
        If the activation or the loss is one of your own, which a file cannot hold; or `origin` or `state` is not that
        of such a network.

    Examples
    --------
    >>> import pathlib, tempfile, xpnet
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "model.safetensors"
    ...     xpnet.save_model(xpnet.TwoLayerNet(4, 3, 2), path)
    ...     xpnet.load_model(path).net
    TwoLayerNet(4, 3, 2, activation='sigmoid', loss='softmax_cross_entropy', device='cpu', dtype='float32')
    """
    write_atomically(Path(path), packed(net, origin=origin, settings=settings, state=state))


def packed(
    net: TwoLayerNet[Any],
    *,
    origin: Origin | None = None,
    settings: Settings | None = None,
    state: TrainingState | None = None,
) -> bytearray:
    """Return the bytes that `save_model` writes."""
    loss, activation = net.loss_function, net.activation
    if type(ACTIVATIONS.get(activation.name)) is not type(activation) or LOSSES.get(loss.name) is not type(loss):
        raise ValueError(
            "only a network with activation and loss of this library can be saved, "
            f"got {activation.name} and {loss.name}: keep net.params instead"
        )
    arrays = _on_host("", net.params if state is None else state.params)
    metadata = {"version": __version__, "activation": activation.name, "loss": loss.name}
    metadata["options"] = json.dumps(asdict(loss))
    if origin is not None:
        check_origin(origin, net)
        facts, scalings = written(origin)
        metadata["origin"], arrays = json.dumps(facts), arrays | scalings
    if settings is not None:
        metadata["settings"] = json.dumps(settings.as_dict())
    if state is not None:
        best = None if state.best is None else {"epoch": state.best.epoch, "loss": state.best.loss}
        counters = {"step": state.optimizer.step, "epoch": state.epoch, "seed": state.seed, "best": best}
        metadata["state"] = json.dumps(counters)
        for slot, values in state.optimizer.slots.items():
            arrays |= _on_host(f"optimizer.{slot}.", values)
        if state.best is not None:
            arrays |= _on_host("best.", state.best.params)
    return sealed(arrays, metadata)


def load_model(path: str | Path, *, device: str | Device = "cpu") -> Model:
    """Return the model in a file that `save_model` wrote, or in the folder of a run, its network on `device`.

    It takes raw features and names classes, if the file has the `origin` of its data, as that of ``xpnet train`` has.

    Raises
    ------
    CheckpointError
        If there is no such file, or it is truncated, damaged, or not a model of this library.

    Examples
    --------
    >>> import pathlib, tempfile, xpnet
    >>> data, net = xpnet.load_digits(), xpnet.TwoLayerNet(64, 50, 10, seed=5)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     xpnet.save_model(net, pathlib.Path(folder) / "model.safetensors", origin=data.origin)
    ...     model = xpnet.load_model(pathlib.Path(folder) / "model.safetensors")
    >>> bool((model.net.params["W1"] == net.params["W1"]).all()), model.origin.class_names[:3]
    (True, ('0', '1', '2'))
    """
    checkpoint = load_checkpoint(path, device=device)
    return Model(checkpoint.net, checkpoint.origin)


def load_checkpoint(path: str | Path, *, device: str | Device = "cpu") -> Checkpoint:
    """Return all that a file of `save_model`, or the model in the folder of a run, holds; the network on `device`.

    Raises
    ------
    CheckpointError
        If there is no such file, or it is truncated, damaged, or not a model of this library.

    Examples
    --------
    >>> import pathlib, tempfile, xpnet
    >>> data, net = xpnet.load_digits(), xpnet.TwoLayerNet(64, 50, 10, init="xavier")
    >>> records = xpnet.fit(net, *data.train, epochs=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     xpnet.save_model(net, pathlib.Path(folder) / "model.safetensors", state=records[-1].state)
    ...     checkpoint = xpnet.load_checkpoint(pathlib.Path(folder) / "model.safetensors")
    >>> records = xpnet.fit(checkpoint.net, *data.train, epochs=4, state=checkpoint.state)
    >>> [record.epoch for record in records]
    [3, 4]
    """
    device = device if isinstance(device, Device) else select_device(device)
    path = Path(path)
    path = path / "model.safetensors" if path.is_dir() else path
    arrays, metadata = read_sealed(path)
    try:
        net = _network(arrays, metadata, device)
        return Checkpoint(
            net,
            read_origin(metadata["origin"], arrays, net) if "origin" in metadata else None,
            Settings.of(json.loads(metadata["settings"])) if "settings" in metadata else None,
            _state(arrays, json.loads(metadata["state"])) if "state" in metadata else None,
            metadata["version"],
        )
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else error
        raise CheckpointError(f"{path} contradicts itself ({what}): train it again, or use a backup") from error


def _on_host(prefix: str, params: Params) -> dict[str, NDArray[Any]]:
    return {prefix + name: to_host(w) for name, w in params.items()}


def _network(arrays: Mapping[str, Any], metadata: Mapping[str, str], device: Device) -> TwoLayerNet[Any]:
    """Return the network of these parameters, whose shapes and dtype say what it is."""
    first, last = arrays["W1"], arrays["W2"]
    if first.ndim not in (2, 3) or last.shape[:-1] != (*first.shape[:-2], first.shape[-1]):
        raise ValueError(f"W1 and W2 have shapes {first.shape} and {last.shape}")
    check_choice(metadata["loss"], "loss", LOSSES)
    loss = LOSSES[metadata["loss"]](**json.loads(metadata["options"]))
    sizes = {"input_size": first.shape[-2], "hidden_size": first.shape[-1], "output_size": last.shape[-1]}
    members = first.shape[0] if first.ndim == 3 else None
    for name, size in (*sizes.items(), *({} if members is None else {"members": members}).items()):
        check_count(size, name)
    # One of the smallest, so that no initial weights of that size are drawn.
    make: Any = TwoLayerNet  # What it is a network of, one or many, the file says.
    net: TwoLayerNet[Any] = make(
        *(1, 1, 1), activation=metadata["activation"], loss=loss, device=device, dtype=first.dtype.name, members=members
    )
    params = _params(arrays, "")
    for name, w in params.items():
        if not np.isfinite(w).all():
            raise ValueError(f"{name} holds NaN or infinite numbers")
    net.__setstate__({**net.__getstate__(), **sizes, "params": params})
    return net


def _state(arrays: Mapping[str, Any], counters: dict[str, Any]) -> TrainingState:
    seed = counters["seed"]
    seeds = seed if isinstance(seed, list) else [seed]
    for name, value in (("step", counters["step"]), ("epoch", counters["epoch"]), *(("seed", one) for one in seeds)):
        check_count(value, name, minimum=0)
    if isinstance(seed, list):
        check_members(len(seed), "seed", len(arrays["W1"]) if arrays["W1"].ndim == 3 else None)
        seed = tuple(seed)
    slots = dict.fromkeys(name.split(".")[1] for name in arrays if name.startswith("optimizer."))
    memory = OptimizerState(counters["step"], {slot: _params(arrays, f"optimizer.{slot}.") for slot in slots})
    best = counters["best"]
    if best is not None:
        best = Best(*_best(best, arrays["W1"]), _params(arrays, "best."))
    # Copies, since the network is trained in place.
    params = {name: np.array(w) for name, w in _params(arrays, "").items()}
    return TrainingState(params, memory, counters["epoch"], seed, best)


def _best(best: dict[str, Any], first: NDArray[Any]) -> tuple[Any, Any]:
    """Return epoch and loss of the best, or lists of one for each member."""
    epochs, losses = (best[name] if first.ndim == 3 else [best[name]] for name in ("epoch", "loss"))
    if not len(epochs) == len(losses) == (len(first) if first.ndim == 3 else 1):
        raise ValueError(f"it has {len(epochs)} best epochs and {len(losses)} losses")
    for epoch in epochs:
        check_count(epoch, "epoch of the best", minimum=1)
    losses = [float(loss) for loss in losses]
    return (epochs, losses) if first.ndim == 3 else (epochs[0], losses[0])


def _params(arrays: Mapping[str, Any], prefix: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of such a name, each of the shape and dtype that ``W1`` and ``W2`` ask for."""
    first, last = arrays["W1"], arrays["W2"]
    lead = first.shape[:-2]
    shapes = {"W1": first.shape, "b1": (*lead, first.shape[-1]), "W2": last.shape, "b2": (*lead, last.shape[-1])}
    params = {name: arrays[prefix + name] for name in shapes}
    for name, array in params.items():
        if array.shape != shapes[name] or array.dtype != first.dtype:
            raise ValueError(f"{prefix}{name} is {array.dtype} of shape {array.shape}, which does not fit the others")
    return params
