"""What a model was trained on, in a file."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet._checks import check_count
from xpnet.datasets import Origin, Scaling
from xpnet.network import TwoLayerNet


def check_origin(origin: Origin, net: TwoLayerNet[Any]) -> None:
    """Refuse what does not fit `net`, or cannot be."""
    kinds_of: dict[str, Any] = {"data": str, "label": str | int | None, "digest": str}
    for name, kinds in kinds_of.items():
        value = getattr(origin, name)
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise TypeError(f"{name} of its origin is {value!r}")
    check_count(origin.seed, "seed of its origin", minimum=0)
    names = origin.class_names
    task = net.loss_function.task
    if len(names) != task.classes(net.output_size) and (names or task.classification):
        raise ValueError(f"it has {net.output_size} outputs and {len(names)} names of classes")
    if len(set(names)) < len(names):
        raise ValueError("two classes have the same name")
    columns = origin.columns
    if columns and not len(columns) == len(set(columns)) == net.input_size:
        raise ValueError(f"it has {net.input_size} inputs and {len(set(columns))} different names of columns")
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
    for name, what in (("class_names", "names of classes"), ("columns", "names of columns")):
        if not isinstance(facts.get(name, []), list):
            raise TypeError(f"{what} must be a list")
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
