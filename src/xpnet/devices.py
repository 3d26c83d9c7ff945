"""Where arrays live: "cpu", "gpu" or "auto" becomes a `Device`. The only file that knows CuPy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from typing import Any

import array_api_compat
import array_api_compat.numpy
import numpy as np

from xpnet._typing import Array, Namespace


class DeviceUnavailableError(RuntimeError):
    """The device that was asked for cannot be used; the text says why and what would repair it."""


@dataclass(frozen=True)
class Device:
    """An array library and one of its devices.

    `select_device` makes one by name. For a library that has no name there, say what it is:
    ``Device(jax.numpy)`` or ``Device(array_api_compat.torch, "cuda")``.

    Parameters
    ----------
    namespace : module
        The library's array API namespace.
    handle : object, optional
        What that library takes as ``device=``; None is its default device.
    name : str
        What to call it in messages.

    Examples
    --------
    >>> import xpnet
    >>> cpu = xpnet.Device(array_api_compat.numpy)
    >>> cpu.asarray([[1, 2]], dtype="float32")
    array([[1., 2.]], dtype=float32)
    """

    namespace: Namespace
    handle: Any = None
    name: str = "cpu"

    def asarray(self, values: Any, dtype: str | None = None) -> Array:
        """Copy host values (NumPy array, list, number), or an array of this library, to this device."""
        if dtype is None:
            return self.namespace.asarray(values, device=self.handle)
        return self.namespace.asarray(values, dtype=getattr(self.namespace, dtype), device=self.handle)

    def synchronize(self) -> None:
        """Wait until all work given to this device is done; of use to clocks only."""
        if array_api_compat.is_cupy_namespace(self.namespace):
            self.namespace.cuda.get_current_stream().synchronize()

    def __str__(self) -> str:
        return self.name


def to_host(array: Array) -> np.ndarray[Any, Any]:
    """Return `array`, of any library and on any device, as a NumPy array (itself, if it is one).

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.to_host(np.asarray([1.0, 2.0]))
    array([1., 2.])
    """
    if isinstance(array, np.ndarray):
        return array
    if array_api_compat.is_cupy_array(array):
        return np.asarray(array.get())
    if array_api_compat.is_torch_array(array):
        return np.asarray(array.detach().cpu())
    if array_api_compat.is_jax_array(array):
        return np.asarray(array)
    return np.from_dlpack(array)
