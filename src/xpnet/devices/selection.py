"""From what is asked for, "cpu", "gpu", "auto" or an array library, to a device that is proved to work."""

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from xpnet.devices.device import DEVICE_NAME, Device, check_text
from xpnet.devices.libraries import DeviceUnavailableError, first_line, import_cupy

PAYS_FROM = 5_000_000
"""Floating-point operations of a training step from which a GPU is faster than a CPU.

A step is 11 launches: 0.11 ms of CuPy's own time (14.2, over a driver that costs nothing), and some 0.15 ms with a
driver's. A CPU core does 5 million operations in that time, beside 0.1 ms of calls.
"""


def select_device(request: str = "auto", *, operations: int | None = None) -> Device:
    """Return the device of that name.

    Parameters
    ----------
    request : str
        "cpu"; "gpu" or "gpu:N" (also "cuda", "cuda:N"), the N-th CUDA GPU through CuPy, which becomes CuPy's current
        one; "auto", the first GPU that works, else the CPU; or another array library, as for `Device`.
    operations : int, optional
        Floating-point operations of a step of training: for so few that no GPU pays, "auto" is the CPU.

    Raises
    ------
    TypeError, ValueError
        If there is no device of such a name.
    DeviceUnavailableError
        If a GPU or a library's device is asked for and cannot be used: the text says why, and what would repair it.

    Examples
    --------
    >>> import xpnet
    >>> print(xpnet.select_device("cpu"))
    cpu
    """
    check_text(request)
    if request == "cpu":
        return Device("cpu", "as asked for")
    if request == "auto":
        if operations is not None and operations < PAYS_FROM:
            size = f"{operations / 1e6:.2g} million operations, a GPU pays from {PAYS_FROM / 1e6:g} million"
            return Device("cpu", f"a step has {size}: --device gpu takes it all the same")
        try:
            return _gpu(0)
        except DeviceUnavailableError as why:
            return Device("cpu", f"no GPU: {why}")
    if match := re.fullmatch(r"(?:gpu|cuda)(?::(\d+))?", request):
        return _gpu(int(match[1] or 0))
    library = DEVICE_NAME.fullmatch(request)
    if library and library[1] and find_spec(library[1]):
        return _other_library(request)
    raise ValueError(
        "device must be auto, cpu, gpu or gpu:N (N = 0, 1, ...), or an installed array library such as torch, "
        f"got {request!r}"
    )


def _gpu(index: int) -> Device:
    """Return GPU `index`, proved to work, and make it CuPy's current device."""
    cupy = import_cupy()
    count = count_gpus(cupy)
    if index >= count:
        raise DeviceUnavailableError(
            f"GPU {index} does not exist, this machine has {count}: "
            f"use {'gpu:0' if count == 1 else f'gpu:0 to gpu:{count - 1}'}, or check CUDA_VISIBLE_DEVICES"
        )
    kernels = _kernel_folder()
    first_run = not (kernels.is_dir() and any(kernels.iterdir()))
    try_gpu(cupy, index)
    cupy.cuda.Device(index).use()
    name = cupy.cuda.runtime.getDeviceProperties(index)["name"].decode()
    note = f"; this first run compiles its kernels, some seconds, and keeps them in {kernels}" if first_run else ""
    return Device(f"gpu:{index}", name + note)


def _kernel_folder() -> Path:
    """Return where CuPy keeps compiled kernels."""
    return Path(os.environ.get("CUPY_CACHE_DIR") or "~/.cupy/kernel_cache").expanduser()


def _other_library(name: str) -> Device:
    """Return the device of that name, proved to hold arrays."""
    device = Device(name, "as asked for")
    try:
        device.asarray([0.0])
    except DeviceUnavailableError:
        raise
    except Exception as error:  # Each library raises errors of its own.
        raise DeviceUnavailableError(
            f"{name} does not work ({type(error).__name__}: {first_line(error)}): take another of its devices"
        ) from error
    return device


def count_gpus(cupy: Any) -> int:
    """Return the number of GPUs, at least 1, with every reason why there can be none told apart."""
    runtime = cupy.cuda.runtime
    driver, needed = runtime.driverGetVersion(), runtime.runtimeGetVersion() // 1000
    if driver == 0:
        if _in_container():
            raise DeviceUnavailableError(
                "no NVIDIA driver is visible in this container: start it with --gpus all "
                "(the host needs a driver and the NVIDIA container toolkit)"
            )
        raise DeviceUnavailableError("no NVIDIA driver is installed: install one, or use --device cpu")
    if driver // 1000 < needed:
        least = {12: "525", 13: "580"}.get(needed, f"one for CUDA {needed}")
        other = ', or pip install "xpnet[gpu-cuda12]"' if driver // 1000 == 12 else ""
        raise DeviceUnavailableError(
            f"the NVIDIA driver is too old: it supports CUDA {driver // 1000}.{driver % 1000 // 10}, CuPy needs "
            f"CUDA {needed} (driver {least} or newer): update it{other}"
        )
    try:
        count = int(runtime.getDeviceCount())
    except runtime.CUDARuntimeError as error:
        raise DeviceUnavailableError(
            f"the NVIDIA driver finds no usable GPU ({first_line(error)}): check nvidia-smi and CUDA_VISIBLE_DEVICES"
        ) from error
    if count == 0:
        raise DeviceUnavailableError("there is no CUDA GPU: check nvidia-smi and CUDA_VISIBLE_DEVICES")
    return count


def try_gpu(cupy: Any, index: int) -> None:
    """Prove that GPU `index` works: an add needs the kernel compiler, a matrix product needs cuBLAS."""
    try:
        with cupy.cuda.Device(index):
            ones = cupy.ones((2, 2), dtype=cupy.float32)
            total = float(((ones + ones) @ ones).sum())
    except Exception as error:  # CuPy raises errors of many kinds here, and each means that this GPU is of no use.
        raise DeviceUnavailableError(
            f"GPU {index} does not compute ({type(error).__name__}: {first_line(error)}): "
            'if a CUDA library is missing, pip install "xpnet[gpu]" brings it'
        ) from error
    if total != 16.0:
        raise DeviceUnavailableError(f"GPU {index} computes wrong results (2 * 2 * 4 gave {total}): do not use it")


def _in_container() -> bool:
    return Path("/.dockerenv").exists() or Path("/run/.containerenv").exists() or "container" in os.environ
