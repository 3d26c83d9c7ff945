"""Where arrays live: "cpu", "gpu", "auto" or an array library becomes a `Device`. The only room that knows CuPy."""

from xpnet.devices.device import Device, device_of, host_memory, is_on_gpu, synchronize, to_host
from xpnet.devices.fusion import fused
from xpnet.devices.libraries import DeviceUnavailableError
from xpnet.devices.nccl import Nccl, gpu_with_nccl, nccl_id
from xpnet.devices.overlap import ahead
from xpnet.devices.reports import DeviceReport, list_devices
from xpnet.devices.selection import select_device

__all__ = [
    "Device",
    "DeviceReport",
    "DeviceUnavailableError",
    "Nccl",
    "ahead",
    "device_of",
    "fused",
    "gpu_with_nccl",
    "host_memory",
    "is_on_gpu",
    "list_devices",
    "nccl_id",
    "select_device",
    "synchronize",
    "to_host",
]
