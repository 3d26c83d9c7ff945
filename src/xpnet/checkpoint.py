"""Models in files: safetensors with the parameters as they are, and all that is needed to use them again."""

import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xpnet._checks import check_choice
from xpnet._files import write_atomically
from xpnet.activations import ACTIVATIONS
from xpnet.datasets import Scaling
from xpnet.devices import Device, select_device, to_host
from xpnet.losses import LOSSES
from xpnet.network import TwoLayerNet

_FORMAT = "1"
_DTYPES = {"float32": ("F32", "<f4"), "float64": ("F64", "<f8")}


class CheckpointError(ValueError):
    """A model file is missing, damaged, or not one of this library's."""


@dataclass(frozen=True)
class Origin:
    """What a model was trained on: enough to prepare new data, and to name what it says, in the same way."""

    data: str
    label: str | int | None
    seed: int
    """With `data` and `label`, what tells the test part from the training part."""
    scaling: Scaling
    class_names: tuple[str, ...]
    """Empty for a model that says numbers."""
    target_scaling: Scaling | None = None
    """What makes the numbers a model says those of the data."""


def save_model(net: TwoLayerNet[Any], path: str | Path, *, origin: Origin | None = None) -> None:
    """Write `net` to a safetensors file, whole or not at all; the same network always as the same bytes.

    Parameters
    ----------
    net : TwoLayerNet
        Of any device; the file holds no trace of it.
    path : str or Path
        Replaced if it exists.
    origin : Origin, optional
        The data it was trained on, for the command line's `evaluate` and `predict`.

    Raises
    ------
    ValueError
        If the activation or the loss is one of your own, which a file cannot hold.

    Examples
    --------
    >>> import pathlib, tempfile, xpnet
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "model.safetensors"
    ...     xpnet.save_model(xpnet.TwoLayerNet(4, 3, 2), path)
    ...     xpnet.load_model(path)
    TwoLayerNet(4, 3, 2, activation='sigmoid', loss='softmax_cross_entropy', device='cpu', dtype='float32')
    """
    loss, activation = net.loss_function, net.activation
    if type(ACTIVATIONS.get(activation.name)) is not type(activation) or LOSSES.get(loss.name) is not type(loss):
        raise ValueError(
            "only a network with activation and loss of this library can be saved, "
            f"got {activation.name} and {loss.name}: keep net.params instead"
        )
    arrays = {name: to_host(w) for name, w in net.params.items()}
    metadata = {"xpnet": _FORMAT, "activation": activation.name, "loss": loss.name, "options": json.dumps(asdict(loss))}
    if origin is not None:
        for name, scaling in (("input", origin.scaling), ("target", origin.target_scaling)):
            if scaling is not None:
                arrays[f"{name}.offset"] = np.asarray(scaling.offset, np.float64)
                arrays[f"{name}.factor"] = np.asarray(scaling.factor, np.float64)
        facts = ("data", "label", "seed", "class_names")
        metadata["origin"] = json.dumps({name: getattr(origin, name) for name in facts})
    write_atomically(Path(path), _safetensors(arrays, metadata))


def load_model(path: str | Path, *, device: str | Device = "cpu") -> TwoLayerNet[Any]:
    """Return the network of a file that `save_model` wrote, on `device`.

    Raises
    ------
    CheckpointError
        If there is no such file, or it is truncated, damaged, or not a model of this library.

    Examples
    --------
    >>> import pathlib, tempfile, xpnet
    >>> net = xpnet.TwoLayerNet(4, 3, 2, seed=5)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     xpnet.save_model(net, pathlib.Path(folder) / "model.safetensors")
    ...     again = xpnet.load_model(pathlib.Path(folder) / "model.safetensors")
    >>> bool((again.params["W1"] == net.params["W1"]).all())
    True
    """
    return load_with_origin(path, device=device)[0]


def load_with_origin(path: str | Path, *, device: str | Device = "cpu") -> tuple[TwoLayerNet[Any], Origin | None]:
    """Return the network of a file, and the data it was trained on where the file tells."""
    device = device if isinstance(device, Device) else select_device(device)
    arrays, metadata = _read(Path(path))
    try:
        net = _network(arrays, metadata, device)
        origin = _origin(arrays, json.loads(metadata["origin"]), net) if "origin" in metadata else None
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else error
        raise CheckpointError(f"{path} is damaged ({what}): train it again, or use a backup") from error
    return net, origin


def _safetensors(arrays: Mapping[str, Any], metadata: Mapping[str, str]) -> bytes:
    """Return the bytes of a file, in one order: the safetensors library puts metadata in any."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    content, size = [], 0
    # Wide numbers first, so that every array begins at a multiple of the size of its numbers.
    for name, array in sorted(arrays.items(), key=lambda item: (-item[1].itemsize, item[0])):
        code, stored = _DTYPES[array.dtype.name]
        content.append(array.astype(stored, copy=False).tobytes())
        header[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": [size, size + len(content[-1])]}
        size += len(content[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(content)


def _network(arrays: Mapping[str, Any], metadata: Mapping[str, str], device: Device) -> TwoLayerNet[Any]:
    """Return the network of these parameters, whose shapes and dtype say what it is."""
    first, last = arrays["W1"], arrays["W2"]
    if first.ndim not in (2, 3) or last.shape[:-1] != (*first.shape[:-2], first.shape[-1]):
        raise ValueError(f"W1 and W2 have shapes {first.shape} and {last.shape}")
    check_choice(metadata["loss"], "loss", LOSSES)
    net = TwoLayerNet(
        first.shape[-2],
        first.shape[-1],
        last.shape[-1],
        activation=metadata["activation"],
        loss=LOSSES[metadata["loss"]](**json.loads(metadata.get("options", "{}"))),
        device=device,
        dtype=first.dtype.name,
        members=first.shape[0] if first.ndim == 3 else None,
    )
    for name, initial in net.params.items():
        array = arrays[name]
        if array.shape != tuple(initial.shape) or array.dtype != first.dtype:
            raise ValueError(f"{name} is {array.dtype} of shape {array.shape}, which does not fit the other parameters")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds NaN or infinite numbers")
        net.params[name] = net.device.asarray(array, net.dtype)
    return net


def _origin(arrays: Mapping[str, Any], facts: dict[str, Any], net: TwoLayerNet[Any]) -> Origin:
    names = tuple(map(str, facts["class_names"]))
    if len(names) != net.output_size and (names or net.loss_function.classification):
        raise ValueError(f"it has {net.output_size} outputs and {len(names)} names of classes")
    scaling = _scaling(arrays, "input", net.input_size, "features")
    target_scaling = _scaling(arrays, "target", net.output_size, "outputs") if "target.offset" in arrays else None
    return Origin(facts["data"], facts["label"], facts["seed"], scaling, names, target_scaling)


def _scaling(arrays: Mapping[str, Any], name: str, columns: int, what: str) -> Scaling:
    offset, factor = arrays[f"{name}.offset"], arrays[f"{name}.factor"]
    if not offset.shape == factor.shape in ((), (columns,)):
        raise ValueError(f"its scaling has shapes {offset.shape} and {factor.shape} for {columns} {what}")
    if not (np.isfinite(offset).all() and np.isfinite(factor).all()):
        raise ValueError("its scaling holds NaN or infinite numbers")
    return Scaling(offset, factor) if offset.ndim else Scaling(offset.item(), factor.item())


def _read(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise CheckpointError(f"there is no model file {path}: give the path of a model.safetensors, or of its folder")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("xpnet") != _FORMAT:
                version = metadata.get("xpnet")
                what = f"of format {version}, of a newer xpnet" if version else "no model of xpnet"
                raise CheckpointError(f"{path} is {what}: use a model.safetensors that this version wrote")
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}, metadata
    except SafetensorError as error:
        raise CheckpointError(
            f"{path} is no safetensors file, or a truncated one ({error}): use a file that xpnet train wrote"
        ) from error
