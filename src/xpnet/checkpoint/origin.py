"""What a model was trained on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet._checks import check_count
from xpnet.datasets import Scaling
from xpnet.network import TwoLayerNet


@dataclass(frozen=True, eq=False)
class Origin:
    """What a model was trained on: enough to prepare new data, and to name what it says, in the same way.

    Fields that end with ``scaling`` are tensors of a file, all others JSON.
    """

    data: str
    label: str | int | None
    seed: int
    """With `data` and `label`, what tells the test part from the training part."""
    scaling: Scaling
    class_names: tuple[str, ...]
    """Empty for a model that says numbers."""
    target_scaling: Scaling | None = None
    """What makes the numbers a model says those of the data."""


def check_origin(origin: Origin, net: TwoLayerNet[Any]) -> None:
    """Refuse what does not fit `net`, or cannot be."""
    for name, value, kinds in (("data", origin.data, str), ("label", origin.label, str | int | None)):
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise TypeError(f"{name} of its origin is {value!r}")
    check_count(origin.seed, "seed of its origin", minimum=0)
    names = origin.class_names
    if len(names) != net.output_size and (names or net.loss_function.classification):
        raise ValueError(f"it has {net.output_size} outputs and {len(names)} names of classes")
    if len(set(names)) < len(names):
        raise ValueError("two classes have the same name")
    _check_scaling(origin.scaling, net.input_size, "features")
    if origin.target_scaling is not None:
        _check_scaling(origin.target_scaling, net.output_size, "outputs")


def difference(one: Origin, other: Origin) -> str | None:
    """Return the name of the first field that is not the same in both."""
    (facts, arrays), (other_facts, other_arrays) = written(one), written(other)
    for name in (field.name for field in fields(Origin)):
        keys = [key for key in arrays | other_arrays if key.startswith(f"origin.{name}.")]
        same = all(np.array_equal(arrays.get(key, ()), other_arrays.get(key, ())) for key in keys)
        if facts.get(name) != other_facts.get(name) or not same:
            return name
    return None


def written(origin: Origin) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what a file holds of `origin`: what is JSON, and what are tensors."""
    facts, arrays = {}, {}
    for name in (field.name for field in fields(origin)):
        value = getattr(origin, name)
        if isinstance(value, Scaling):
            for part in ("offset", "factor"):
                arrays[f"origin.{name}.{part}"] = np.asarray(getattr(value, part), np.float64)
        elif value is not None:
            facts[name] = value
    return facts, arrays


def read_origin(text: str, arrays: Mapping[str, NDArray[Any]], net: TwoLayerNet[Any]) -> Origin:
    """Return the origin of which a file holds `text` and `arrays`, if it can be that of `net`."""
    facts: dict[str, Any] = {"label": None, **json.loads(text)}
    if not isinstance(facts["class_names"], list):
        raise TypeError("names of classes must be a list")
    for name, value in facts.items():
        if isinstance(value, list):
            if not all(isinstance(item, str) for item in value):
                raise TypeError(f"{name} of its origin must be texts")
            facts[name] = tuple(value)
    for field in fields(Origin):
        offset, factor = (arrays.get(f"origin.{field.name}.{part}") for part in ("offset", "factor"))
        if offset is not None and factor is not None:
            facts[field.name] = Scaling(offset, factor) if offset.ndim else Scaling(offset[()], factor[()])
    origin = Origin(**facts)
    check_origin(origin, net)
    return origin


def _check_scaling(scaling: Scaling, columns: int, what: str) -> None:
    offset, factor = np.asarray(scaling.offset), np.asarray(scaling.factor)
    if not offset.dtype == factor.dtype == np.float64:
        raise TypeError(f"its scaling is {offset.dtype} and {factor.dtype}, not float64")
    if not offset.shape == factor.shape in ((), (columns,)):
        raise ValueError(f"its scaling has shapes {offset.shape} and {factor.shape} for {columns} {what}")
    if not (np.isfinite(offset).all() and np.isfinite(factor).all()):
        raise ValueError("its scaling holds NaN or infinite numbers")
