"""Where arrays live: "cpu", "gpu", "auto" or an array library becomes a `Device`. The only file that knows CuPy."""

import os
import platform
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import array_api_compat
import numpy as np

from xpnet._typing import Array, Namespace

_NAMESPACES = {
    "cpu": "array_api_compat.numpy",
    "gpu": "array_api_compat.cupy",
    "torch": "array_api_compat.torch",
    "jax": "jax.numpy",
    "array_api_strict": "array_api_strict",
}
_NAME = re.compile(r"cpu|gpu:\d+|(torch|jax|array_api_strict)(:[\w:]+)?")


class DeviceUnavailableError(RuntimeError):
    """The device that was asked for cannot be used; the text says why and what would repair it."""


@dataclass(frozen=True)
class Device:
    """An array library and one of its devices, by name: what can be compared, pickled and sent to another process.

    `select_device` makes one and proves that it works.

    Parameters
    ----------
    name : str
        "cpu" (NumPy), "gpu:N" (CuPy on CUDA GPU N), or another array library, alone or with one of its devices:
        "torch", "torch:cuda:0", "jax", "array_api_strict:device1".
    note : str
        Why this device was chosen, in one line.

    Raises
    ------
    TypeError, ValueError
        If that is no name.
    DeviceUnavailableError
        Once it is used, if its library is not installed or has no such device.

    Examples
    --------
    >>> import xpnet
    >>> cpu = xpnet.Device("cpu")
    >>> cpu.asarray([[1, 2]], dtype="float32")
    array([[1., 2.]], dtype=float32)
    """

    name: str = "cpu"
    note: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        _check_text(self.name)
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"a Device has a name such as cpu, gpu:0, torch or torch:cuda:0, got {self.name!r}: "
                "pass that to select_device, which also knows auto, gpu and cuda"
            )

    @cached_property
    def namespace(self) -> Namespace:
        """The library's array API namespace."""
        if self.name.startswith("gpu"):
            _import_cupy()
        # Imported here, since it loads all of NumPy, rarely used parts included, and takes longer than NumPy itself.
        return _import_library(_NAMESPACES[self.name.partition(":")[0]])

    @cached_property
    def step_namespace(self) -> Namespace:
        """The same for the loop of training, where arrays may be so small that the Python around a call counts."""
        return _QuickReductions(self.namespace) if self.name == "cpu" else self.namespace

    @cached_property
    def handle(self) -> Any:
        """What the library takes as ``device=``; None is its default device."""
        library, _, place = self.name.partition(":")
        if library == "gpu":
            return _import_cupy().cuda.Device(int(place))
        if not place or library == "torch":
            return place or None
        # What they call themselves: cpu:0, or array_api_strict.Device('device1').
        known = [device for device in self.namespace.__array_namespace_info__().devices() if device is not None]
        devices = {re.findall(r"[\w:]+", str(device))[-1]: device for device in known}
        if place not in devices:
            raise DeviceUnavailableError(f"{library} has no device {place!r}: it has {', '.join(devices)}")
        return devices[place]

    def current(self) -> AbstractContextManager[Any]:
        """Return a context in which arrays that CuPy creates are on this GPU, whatever this thread's current one is."""
        if not self.name.startswith("gpu"):
            return nullcontext()
        context: AbstractContextManager[Any] = type(self.handle)(self.handle.id)  # of its own, as threads may nest them
        return context

    # The standard has no way to say where a result is to lie. To write into memory that is there saves asking for some,
    # which costs the system's time page by page, and a copy where the result has its place in a larger array.

    @cached_property
    def matmul_into(self) -> Callable[[Array, Array, Array], Array]:
        """The function ``(a, b, out)`` that returns ``a @ b``: in `out`, if this library writes into arrays."""
        if not self._writes:
            return lambda a, b, out: a @ b
        matmul = np.matmul if self.name == "cpu" else _import_cupy().matmul
        return lambda a, b, out: matmul(a, b, out=out)

    def take_into(self, x: Array, rows: Array, out: Array) -> Array:
        """Return the rows of `x` at an array of indices: in `out`, if this library writes into arrays."""
        if not self._writes:
            return self.namespace.take(x, rows, axis=0)
        # NumPy gathers into memory of its own and copies it, unless it may clip indices: none of them is out of range.
        return x.take(rows, axis=0, out=out, **({"mode": "clip"} if self.name == "cpu" else {}))

    @property
    def gather_bytes(self) -> int:
        """How much to gather at once: on a CPU what stays in its second-level cache, on others much for a launch."""
        return 2**19 if self.name == "cpu" else 2**22

    @property
    def _writes(self) -> bool:
        return self.name == "cpu" or self.name.startswith("gpu")

    def asarray(self, values: Any, dtype: str | None = None) -> Array:
        """Bring host values (NumPy array, list, number), or an array of this library, to this device.

        The result may share memory with the values.
        """
        xp = self.namespace
        if isinstance(values, np.ndarray) and not values.flags.writeable:
            values = values.copy()  # PyTorch would share the memory, and warn that it cannot protect it.
        with self.current():
            if dtype is None:
                return xp.asarray(values, device=self.handle)
            return xp.asarray(values, dtype=getattr(xp, dtype), device=self.handle)

    def __reduce__(self) -> tuple[type["Device"], tuple[str, str]]:
        return Device, (self.name, self.note)

    def __str__(self) -> str:
        return self.name


class _QuickReductions:
    """The functions of a NumPy namespace, but its sums and maxima without their three layers of Python."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._namespace, name)
        setattr(self, name, value)
        return value

    @staticmethod
    def max(x: Array, /, *, axis: int | None = None, **options: Any) -> Array:
        return np.maximum.reduce(x, axis=axis, **options)

    @staticmethod
    def sum(x: Array, /, *, axis: int | None = None, **options: Any) -> Array:
        return np.add.reduce(x, axis=axis, **options)


def select_device(request: str = "auto") -> Device:
    """Return the device of that name.

    Parameters
    ----------
    request : str
        "cpu"; "gpu" or "gpu:N" (also "cuda", "cuda:N"), the N-th CUDA GPU through CuPy, which becomes CuPy's current
        one; "auto", the first GPU that works, else the CPU; or another array library, as for `Device`.

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
    _check_text(request)
    if request == "cpu":
        return Device("cpu", "as asked for")
    if request == "auto":
        try:
            return _gpu(0)
        except DeviceUnavailableError as why:
            return Device("cpu", f"no GPU: {why}")
    if match := re.fullmatch(r"(?:gpu|cuda)(?::(\d+))?", request):
        return _gpu(int(match[1] or 0))
    library = _NAME.fullmatch(request)
    if library and library[1] and find_spec(library[1]):
        return _other_library(request)
    raise ValueError(
        "device must be auto, cpu, gpu or gpu:N (N = 0, 1, ...), or an installed array library such as torch, "
        f"got {request!r}"
    )


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
    reports = [DeviceReport("cpu", f"{platform.machine()}, {os.cpu_count()} cores, NumPy", _host_memory(), None)]
    try:
        cupy = _import_cupy()
        count = _count_gpus(cupy)
    except DeviceUnavailableError as why:
        return [*reports, DeviceReport("gpu", "CuPy", None, str(why))]
    return reports + [_report_gpu(cupy, index) for index in range(count)]


def _report_gpu(cupy: Any, index: int) -> DeviceReport:
    properties = cupy.cuda.runtime.getDeviceProperties(index)
    try:
        _try_gpu(cupy, index)
        problem = None
    except DeviceUnavailableError as why:
        problem = str(why)
    return DeviceReport(f"gpu:{index}", properties["name"].decode(), properties["totalGlobalMem"], problem)


def _gpu(index: int) -> Device:
    """Return GPU `index`, proved to work, and make it CuPy's current device."""
    cupy = _import_cupy()
    count = _count_gpus(cupy)
    if index >= count:
        raise DeviceUnavailableError(
            f"GPU {index} does not exist, this machine has {count}: "
            f"use {'gpu:0' if count == 1 else f'gpu:0 to gpu:{count - 1}'}, or check CUDA_VISIBLE_DEVICES"
        )
    _try_gpu(cupy, index)
    cupy.cuda.Device(index).use()
    return Device(f"gpu:{index}", cupy.cuda.runtime.getDeviceProperties(index)["name"].decode())


def _other_library(name: str) -> Device:
    """Return the device of that name, proved to hold arrays."""
    device = Device(name, "as asked for")
    try:
        device.asarray([0.0])
    except DeviceUnavailableError:
        raise
    except Exception as error:  # Each library raises errors of its own.
        raise DeviceUnavailableError(
            f"{name} does not work ({type(error).__name__}: {_first_line(error)}): take another of its devices"
        ) from error
    return device


def _import_library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        library = name.removeprefix("array_api_compat.").partition(".")[0]
        raise DeviceUnavailableError(f"{library} cannot be imported ({_first_line(error)}): install it") from error


def _import_cupy() -> Any:
    if find_spec("cupy") is None:
        raise DeviceUnavailableError(
            'CuPy is not installed: pip install "xpnet[gpu]" (CUDA 13; "xpnet[gpu-cuda12]" for older drivers)'
        )
    try:
        return import_module("cupy")
    except ImportError as error:
        raise DeviceUnavailableError(f"CuPy is installed but cannot be imported ({_first_line(error)})") from error
    except OSError as error:  # It makes a folder for its kernels below the user's home.
        raise DeviceUnavailableError(
            f"CuPy cannot keep its kernels ({_first_line(error)}): set CUPY_CACHE_DIR to a folder that can be written"
        ) from error


def _count_gpus(cupy: Any) -> int:
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
            f"the NVIDIA driver finds no usable GPU ({_first_line(error)}): check nvidia-smi and CUDA_VISIBLE_DEVICES"
        ) from error
    if count == 0:
        raise DeviceUnavailableError("there is no CUDA GPU: check nvidia-smi and CUDA_VISIBLE_DEVICES")
    return count


def _try_gpu(cupy: Any, index: int) -> None:
    """Prove that GPU `index` works: an add needs the kernel compiler, a matrix product needs cuBLAS."""
    try:
        with cupy.cuda.Device(index):
            ones = cupy.ones((2, 2), dtype=cupy.float32)
            total = float(((ones + ones) @ ones).sum())
    except Exception as error:  # CuPy raises errors of many kinds here, and each means that this GPU is of no use.
        raise DeviceUnavailableError(
            f"GPU {index} does not compute ({type(error).__name__}: {_first_line(error)}): "
            'if a CUDA library is missing, pip install "xpnet[gpu]" brings it'
        ) from error
    if total != 16.0:
        raise DeviceUnavailableError(f"GPU {index} computes wrong results (2 * 2 * 4 gave {total}): do not use it")


def _in_container() -> bool:
    return Path("/.dockerenv").exists() or Path("/run/.containerenv").exists() or "container" in os.environ


def _host_memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError):
        return None


def _check_text(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"device must be a name such as 'cpu' or a Device, got {name!r}")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def is_on_gpu(array: Array) -> bool:
    """Return whether `array` is one of CuPy's, whose memory other libraries for CUDA can take."""
    return bool(array_api_compat.is_cupy_array(array))


def synchronize(array: Array) -> None:
    """Wait until all is done that was asked of the GPU of `array`, so that others than CuPy can read its memory."""
    if is_on_gpu(array):
        with array.device:
            _import_cupy().cuda.get_current_stream().synchronize()


def to_host(array: Array) -> np.ndarray[Any, Any]:
    """Return `array`, of any library and on any device, as a NumPy array: itself, if it is one.

    What is on the host already may share its memory, and need not be writable.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.to_host(np.asarray([1.0, 2.0]))
    array([1., 2.])
    """
    if isinstance(array, np.ndarray | np.generic):
        return np.asarray(array)
    if array_api_compat.is_cupy_array(array):
        return np.asarray(array.get())
    if array_api_compat.is_torch_array(array):
        return np.asarray(array.detach().cpu())
    if array_api_compat.is_jax_array(array):
        return np.asarray(array)
    return np.from_dlpack(array)
