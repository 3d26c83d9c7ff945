"""What this machine has: every device, and for each that cannot be used, why."""

import os
import platform
from dataclasses import dataclass
from typing import Any

from xpnet.devices.device import host_memory
from xpnet.devices.libraries import DeviceUnavailableError, import_cupy
from xpnet.devices.selection import count_gpus, try_gpu


@dataclass(frozen=True)
class DeviceReport:
    """One line of what `list_devices` found: a device, or why there is none."""

    name: str
    description: str
    memory: int | None
    """Bytes."""
    problem: str | None
    """None where the device works."""


def list_devices() -> list[DeviceReport]:
    """Return the CPU and every GPU, or the one reason why no GPU can be used; slow, since each GPU is tried.

    Examples
    --------
    >>> import xpnet
    >>> xpnet.list_devices()[0].name
    'cpu'
    """
    reports = [DeviceReport("cpu", f"{platform.machine()}, {os.cpu_count()} cores, NumPy", host_memory(), None)]
    try:
        cupy = import_cupy()
        count = count_gpus(cupy)
    except DeviceUnavailableError as why:
        return [*reports, DeviceReport("gpu", "CuPy", None, str(why))]
    return reports + [_report_gpu(cupy, index) for index in range(count)]


def _report_gpu(cupy: Any, index: int) -> DeviceReport:
    properties = cupy.cuda.runtime.getDeviceProperties(index)
    try:
        try_gpu(cupy, index)
        problem = None
    except DeviceUnavailableError as why:
        problem = str(why)
    return DeviceReport(f"gpu:{index}", properties["name"].decode(), properties["totalGlobalMem"], problem)
