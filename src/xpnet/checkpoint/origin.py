"""What a model was trained on, in a file."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet._checks import check_choice, check_count, check_switch
from xpnet.datasets import Encoding, Origin, Scaling
from xpnet.datasets.encoding import MEAN, POLICIES
from xpnet.network import TwoLayerNet


def check_origin(origin: Origin, net: TwoLayerNet[Any]) -> None:
    """Refuse what does not fit `net`, or cannot be."""
    kinds_of: dict[str, Any] = {"data": str, "label": str | int | None, "digest": str, "missing": str}
    for name, kinds in kinds_of.items():
        value = getattr(origin, name)
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise TypeError(f"{name} of its origin is {value!r}")
    check_switch(origin.stratified, "stratified of its origin")
    check_choice(origin.missing, "missing of its origin", POLICIES)
    check_count(origin.seed, "seed of its origin", minimum=0)
    names = origin.class_names
    task = net.loss_function.task
    if len(names) != task.classes(net.output_size) and (names or task.classification):
        raise ValueError(f"it has {net.output_size} outputs and {len(names)} names of classes")
    if len(set(names)) < len(names):
        raise ValueError("two classes have the same name")
    _check_encoding(origin, net.input_size)
    columns, width = origin.columns, origin.encoding.columns(net.input_size)
    if columns and not len(columns) == len(set(columns)) == width:
        raise ValueError(f"it has {width} columns and {len(set(columns))} different names of columns")
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
        elif isinstance(value, Encoding):
            if value.categories:
                facts[name] = value.categories
            if value.fill is not None:
                arrays["origin.encoding.fill"] = value.fill
        elif value is not None:
            facts[name] = value
    return facts, arrays


def read_origin(text: str, arrays: Mapping[str, NDArray[Any]], net: TwoLayerNet[Any]) -> Origin:
    """Return the origin of which a file holds `text` and `arrays`, if it can be that of `net`."""
    facts: dict[str, Any] = {"label": None, **json.loads(text)}
    for name, what in (("class_names", "names of classes"), ("columns", "names of columns")):
        if not isinstance(facts.get(name, []), list):
            raise TypeError(f"{what} must be a list")
    encoding = Encoding(_read_categories(facts.pop("encoding", [])), arrays.get("origin.encoding.fill"))
    for name, value in facts.items():
        if isinstance(value, list):
            if not all(isinstance(item, str) for item in value):
                raise TypeError(f"{name} of its origin must be texts")
            facts[name] = tuple(value)
    for field in fields(Origin):
        offset, factor = (arrays.get(f"origin.{field.name}.{part}") for part in ("offset", "factor"))
        if offset is not None and factor is not None:
            facts[field.name] = Scaling(offset, factor) if offset.ndim else Scaling(offset[()], factor[()])
    origin = Origin(**facts, encoding=encoding)
    check_origin(origin, net)
    return origin


def _read_categories(value: Any) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list) or not all(isinstance(names, list) for names in value):
        raise TypeError("categories of its origin must be lists")
    if not all(isinstance(name, str) for names in value for name in names):
        raise TypeError("categories of its origin must be texts")
    return tuple(map(tuple, value))


def _check_encoding(origin: Origin, features: int) -> None:
    encoding, fill = origin.encoding, origin.encoding.fill
    for names in encoding.categories:
        if len(set(names)) < len(names):
            raise ValueError("two categories have the same name")
    if encoding.categories and (not any(encoding.categories) or encoding.features(0) != features):
        raise ValueError(f"it has {features} inputs, and categories for {encoding.features(0)}")
    if (fill is not None) != (origin.missing == MEAN):
        raise ValueError(
            f"it says {origin.missing} of missing values, and has {'no' if fill is None else 'their'} means"
        )
    if fill is not None and (fill.dtype != np.float64 or fill.shape != (features,) or not np.isfinite(fill).all()):
        raise ValueError(f"its means are {fill.dtype} of shape {fill.shape} for {features} features")


def _check_scaling(scaling: Scaling, columns: int, what: str) -> None:
    offset, factor = np.asarray(scaling.offset), np.asarray(scaling.factor)
    if not offset.dtype == factor.dtype == np.float64:
        raise TypeError(f"its scaling is {offset.dtype} and {factor.dtype}, not float64")
    if not offset.shape == factor.shape in ((), (columns,)):
        raise ValueError(f"its scaling has shapes {offset.shape} and {factor.shape} for {columns} {what}")
    if not (np.isfinite(offset).all() and np.isfinite(factor).all()):
        raise ValueError("its scaling holds NaN or infinite numbers")
