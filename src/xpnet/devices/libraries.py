"""The array libraries, imported when they are first asked for, or the reason why one cannot be."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any


class DeviceUnavailableError(RuntimeError):
    """The device that was asked for cannot be used; the text says why and what would repair it."""


def import_library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        library = name.removeprefix("array_api_compat.").partition(".")[0]
        raise DeviceUnavailableError(f"{library} cannot be imported ({first_line(error)}): install it") from error


def import_cupy() -> Any:
    if find_spec("cupy") is None:
        raise DeviceUnavailableError(
            'CuPy is not installed: pip install "xpnet[gpu]" (CUDA 13; "xpnet[gpu-cuda12]" for older drivers)'
        )
    try:
        return import_module("cupy")
    except ImportError as error:
        raise DeviceUnavailableError(f"CuPy is installed but cannot be imported ({first_line(error)})") from error
    except OSError as error:  # It makes a folder for its kernels below the user's home.
        raise DeviceUnavailableError(
            f"CuPy cannot keep its kernels ({first_line(error)}): set CUPY_CACHE_DIR to a folder that can be written"
        ) from error


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
