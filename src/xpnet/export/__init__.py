"""Models for other tools: files that say what the model says, and need no xpnet.

============  ==================================================================================  ====================
format        what it is                                                                          extra
============  ==================================================================================  ====================
``onnx``      a graph from raw features to probabilities and labels, or numbers in their units    ``xpnet[onnx]``
``npz``       arrays of NumPy, by name: parameters, scaling, names of classes and columns
``sklearn``   a fitted pipeline of scikit-learn's own estimators, as joblib writes it (a pickle)  ``xpnet[sklearn]``
``hub``       a folder as the Hugging Face Hub has them: model card, ``config.json``, the model
============  ==================================================================================  ====================
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from xpnet._checks import check_choice
from xpnet.export.hub import write_folder
from xpnet.export.npz import write_arrays
from xpnet.export.onnx_graph import write_graph
from xpnet.export.scikit_learn import write_pipeline
from xpnet.model import Model


class Format(NamedTuple):
    """How a format is written, and how its files are called."""

    write: Callable[[Model, Path], None]
    suffix: str


FORMATS = {
    "onnx": Format(write_graph, ".onnx"),
    "npz": Format(write_arrays, ".npz"),
    "sklearn": Format(write_pipeline, ".joblib"),
    "hub": Format(write_folder, "-hub"),
}


def export_model(model: Model, path: str | Path, *, format: str) -> None:
    """Write a model for other tools, whole or not at all.

    Parameters
    ----------
    model : Model
        Of one network, with the origin of its data.
    path : str or Path
        The file, or for "hub" the folder, which must not be there yet.
    format : {"onnx", "npz", "sklearn", "hub"}
        See `xpnet.export`.

    Raises
    ------
    ValueError
        If the format does not know something that the model has, or there is something at `path`.
    ImportError
        If the library of the format is not installed.

    Examples
    --------
    >>> import pathlib, tempfile, numpy as np, xpnet
    >>> from xpnet.export import export_model
    >>> data = xpnet.load_digits()
    >>> model = xpnet.Model(xpnet.TwoLayerNet(64, 50, 10, init="xavier"), data.origin)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_model(model, pathlib.Path(folder) / "digits.npz", format="npz")
    ...     with np.load(pathlib.Path(folder) / "digits.npz") as arrays:
    ...         print(arrays["W1"].shape, arrays["class_names"][:3], arrays["activation"])
    (64, 50) ['0' '1' '2'] sigmoid
    """
    check_choice(format, "format", FORMATS)
    if model.net.members is not None:
        raise ValueError(f"export takes one network, got {model.net.members} side by side: take one of them")
    if Path(path).exists():
        raise ValueError(f"{path} is there already: choose another path, or remove it")
    FORMATS[format].write(model, Path(path))
