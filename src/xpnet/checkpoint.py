"""Models in files: safetensors with the parameters as they are, and all that is needed to use them again."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xpnet._files import write_atomically
from xpnet.datasets import Scaling
from xpnet.devices import Device, to_host
from xpnet.network import TwoLayerNet

_FORMAT = "1"
_PARAMETERS = ("W1", "b1", "W2", "b2")


class CheckpointError(ValueError):
    """A model file is missing, damaged, or not one of this library's."""


@dataclass(frozen=True)
class Origin:
    """What a model was trained on: enough to prepare new data, and to name classes, in the same way."""

    data: str
    scaling: Scaling
    class_names: tuple[str, ...]
    image_shape: tuple[int, int] | None


def save(net: TwoLayerNet, path: str | Path, *, origin: Origin | None = None) -> None:
    """Write `net` to a safetensors file, whole or not at all.

    Parameters
    ----------
    net : TwoLayerNet
        Of any device; the file holds no trace of it.
    path : str or Path
        Replaced if it exists.
    origin : Origin, optional
        The data it was trained on, for the command line's `evaluate` and `predict`.

    Examples
    --------
    >>> import pathlib, tempfile, xpnet
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "model.safetensors"
    ...     xpnet.save(xpnet.TwoLayerNet(4, 3, 2), path)
    ...     xpnet.load(path)
    TwoLayerNet(4, 3, 2, activation='sigmoid', loss='softmax_cross_entropy', device='cpu', dtype='float32')
    """
    from safetensors.numpy import save as to_bytes

    arrays = {name: np.ascontiguousarray(to_host(w)) for name, w in net.params.items()}
    network = {
        "input_size": net.input_size,
        "hidden_size": net.hidden_size,
        "output_size": net.output_size,
        "activation": net.activation.name,
        "loss": net.loss_function.name,
        "dtype": net.dtype,
        "members": net.members,
    }
    metadata = {"xpnet": _FORMAT, "network": json.dumps(network)}
    if origin is not None:
        arrays["input.offset"] = np.asarray(origin.scaling.offset, np.float64)
        arrays["input.factor"] = np.asarray(origin.scaling.factor, np.float64)
        facts = {"data": origin.data, "class_names": origin.class_names, "image_shape": origin.image_shape}
        metadata["origin"] = json.dumps(facts)
    write_atomically(Path(path), to_bytes(arrays, metadata))


def load(path: str | Path, *, device: str | Device = "cpu") -> TwoLayerNet:
    """Return the network of a file that `save` wrote, on `device`.

    Raises
    ------
    CheckpointError
        If there is no such file, or it is truncated, damaged, or not a model of this library.

    Examples
    --------
    >>> import pathlib, tempfile, xpnet
    >>> net = xpnet.TwoLayerNet(4, 3, 2, seed=5)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     xpnet.save(net, pathlib.Path(folder) / "model.safetensors")
    ...     again = xpnet.load(pathlib.Path(folder) / "model.safetensors")
    >>> bool((again.params["W1"] == net.params["W1"]).all())
    True
    """
    return load_with_origin(path, device=device)[0]


def load_with_origin(path: str | Path, *, device: str | Device = "cpu") -> tuple[TwoLayerNet, Origin | None]:
    """Return the network of a file, and the data it was trained on where the file tells."""
    arrays, metadata = _read(Path(path))
    try:
        net = TwoLayerNet(**json.loads(metadata["network"]), device=device)
        expected = {name: tuple(w.shape) for name, w in net.params.items()}
        found = {name: arrays[name].shape for name in _PARAMETERS}
        if found != expected:
            raise ValueError(f"its parameters have shapes {found}, its description says {expected}")
        wrong = [name for name in _PARAMETERS if not np.isfinite(arrays[name]).all()]
        if wrong:
            raise ValueError(f"{', '.join(wrong)} holds NaN or infinite numbers")
        origin = _origin(arrays, json.loads(metadata["origin"])) if "origin" in metadata else None
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged ({error}): train it again, or use a backup") from error
    for name in _PARAMETERS:
        net.params[name] = net.device.asarray(arrays[name], net.dtype)
    return net, origin


def _origin(arrays: dict[str, Any], facts: dict[str, Any]) -> Origin:
    offset, factor = (
        array if array.ndim else array.item() for array in (arrays["input.offset"], arrays["input.factor"])
    )
    shape = facts["image_shape"]
    return Origin(facts["data"], Scaling(offset, factor), tuple(facts["class_names"]), tuple(shape) if shape else None)


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
