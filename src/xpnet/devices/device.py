"""A device by name, and the only two doors through which arrays move: `Device.asarray` and `to_host`."""

import operator
import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import array_api_compat
import numpy as np

from xpnet._typing import Array, Namespace
from xpnet.devices import products
from xpnet.devices.libraries import DeviceUnavailableError, import_cupy, import_library
from xpnet.devices.reductions import QuickReductions

_NAMESPACES = {
    "cpu": "array_api_compat.numpy",
    "gpu": "array_api_compat.cupy",
    "torch": "array_api_compat.torch",
    "jax": "jax.numpy",
    "array_api_strict": "array_api_strict",
}
DEVICE_NAME = re.compile(r"cpu|gpu:\d+|(torch|jax|array_api_strict)(:[\w:]+)?")


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
        check_text(self.name)
        if not DEVICE_NAME.fullmatch(self.name):
            raise ValueError(
                f"a Device has a name such as cpu, gpu:0, torch or torch:cuda:0, got {self.name!r}: "
                "pass that to select_device, which also knows auto, gpu and cuda"
            )

    @cached_property
    def namespace(self) -> Namespace:
        """The library's array API namespace."""
        if self.name.startswith("gpu"):
            import_cupy()
        # Imported here, since it loads all of NumPy, rarely used parts included, and takes longer than NumPy itself.
        return import_library(_NAMESPACES[self.name.partition(":")[0]])

    @cached_property
    def step_namespace(self) -> Namespace:
        """The same for the loop of training, where arrays may be so small that the Python around a call counts."""
        return QuickReductions(self.namespace) if self.name == "cpu" else self.namespace

    @cached_property
    def handle(self) -> Any:
        """What the library takes as ``device=``; None is its default device."""
        library, _, place = self.name.partition(":")
        if library == "gpu":
            return import_cupy().cuda.Device(int(place))
        if not place or library == "torch":
            return place or None
        known = [device for device in self.namespace.__array_namespace_info__().devices() if device is not None]
        devices = {_place(str(device)): device for device in known}
        if place not in devices:
            raise DeviceUnavailableError(f"{library} has no device {place!r}: it has {', '.join(devices)}")
        return devices[place]

    def current(self) -> AbstractContextManager[Any]:
        """Return a context in which arrays that CuPy creates are on this GPU, whatever this thread's current one is."""
        if not self.name.startswith("gpu"):
            return nullcontext()
        context: AbstractContextManager[Any] = type(self.handle)(self.handle.id)  # of its own, as threads may nest them
        return context

    @property
    def memory(self) -> int | None:
        """Bytes in all, of the host or of the GPU; None where the library does not tell."""
        if self.name.startswith("gpu"):
            return int(import_cupy().cuda.runtime.getDeviceProperties(self.handle.id)["totalGlobalMem"])
        return host_memory() if self.name == "cpu" else None

    @property
    def compiles(self) -> bool:
        """Whether what is computed for the first time takes longer, since it is compiled."""
        return self.name.startswith("gpu")

    def keep_freed_memory(self) -> None:
        """Let this process keep the memory that arrays give back, where it would come from the system page by page."""
        if self.name == "cpu":
            # The C library of Linux keeps what is at most twice as large as the largest array it has seen given back.
            np.empty(2**24, dtype=np.uint8)

    # The standard has no way to say where a result is to lie. To write into memory that is there saves asking for some,
    # which costs the system's time page by page, and a copy where the result has its place in a larger array.

    def matmul(self, terms: int) -> Callable[[Array, Array], Array]:
        """Return the function ``(a, b)`` that gives ``a @ b``, whose sums have so many terms.

        On the CPU it rounds alike with any number of threads, as far as that can be had: OpenBLAS cuts long sums where
        the number of threads says, unless their length is a multiple of 32.
        """
        cut = self._cut(terms)

        def in_two(a: Array, b: Array) -> Array:
            product = a[..., :cut] @ b[..., :cut, :]
            product += a[..., cut:] @ b[..., cut:, :]
            return product

        if terms == 1:
            return operator.mul  # The same, for which BLAS takes three times as long.
        if self.name.startswith("gpu"):
            return products.matmul
        return in_two if cut else operator.matmul

    def matmul_into(self, terms: int) -> Callable[[Array, Array, Array], Array]:
        """Return the function ``(a, b, out)`` that gives the same: in `out`, if this library writes into arrays."""
        cut = self._cut(terms)

        def in_two(a: Array, b: Array, out: Array) -> Array:
            np.matmul(a[..., :cut], b[..., :cut, :], out=out)
            out += a[..., cut:] @ b[..., cut:, :]
            return out

        if self.name.startswith("gpu"):
            return products.matmul
        if self.name != "cpu":
            return lambda a, b, out: a @ b
        return in_two if cut else np.matmul

    def matmul_across(self, terms: int) -> Callable[[Array, Array], Array]:
        """Return the function ``(a, b)`` that gives ``a @ b`` of members, shape (M, R, N).

        On the CPU it lies row by row in memory, each row of all members: sums and maxima over the rows, of which NumPy
        takes one after the other, are few long operations and not many short ones.
        """
        if self.name != "cpu":
            return self.matmul(terms)
        into = self.matmul_into(terms)

        def across(a: Array, b: Array) -> Array:
            members, rows, _ = a.shape
            out = np.empty((rows, members, b.shape[-1]), dtype=a.dtype)
            return into(a, b, out.transpose(1, 0, 2))

        return across

    def _cut(self, terms: int) -> int:
        """Return how many terms of a sum to add first; 0 for all, and for so few that OpenBLAS does not cut float32."""
        return terms - terms % 32 if terms > 256 and terms % 32 and self.name == "cpu" else 0

    def take_into(self, x: Array, rows: Array, out: Array) -> Array:
        """Return the rows of `x` at an array of indices: on the CPU in `out`, which a GPU may be working with."""
        if self.name != "cpu":
            return self.namespace.take(x, rows, axis=0)
        # NumPy gathers into memory of its own and copies it, unless it may clip indices: none of them is out of range.
        return x.take(rows, axis=0, out=out, mode="clip")

    @property
    def gather_bytes(self) -> int:
        """How much to gather at once: on a CPU what stays in its second-level cache, on others much for a launch."""
        return 2**19 if self.name == "cpu" else 2**22

    @property
    def piece_bytes(self) -> int:
        """How large an array of a pass through a network may be: on a CPU what stays in its cache, on others large."""
        return 2**21 if self.name == "cpu" else 2**25

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


def host_memory() -> int | None:
    """Return the bytes of memory that this machine has; None where it does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError):
        return None


def check_text(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"device must be a name such as 'cpu' or a Device, got {name!r}")


def _place(device: str) -> str:
    """Return the name of what calls itself cpu:0, or array_api_strict.Device('device1')."""
    return str(re.findall(r"[\w:]+", device)[-1])


def device_of(array: Array) -> Device:
    """Return the device that an array is on, whatever its library.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.devices import device_of
    >>> print(device_of(np.asarray([1.0])))
    cpu
    """
    if isinstance(array, np.ndarray | np.generic):
        return Device("cpu")
    if array_api_compat.is_cupy_array(array):
        return Device(f"gpu:{array.device.id}")
    library = array_api_compat.array_namespace(array).__name__.removeprefix("array_api_compat.").partition(".")[0]
    place = str(array_api_compat.device(array))
    return Device(f"{library}:{place if library == 'torch' else _place(place)}")


def is_on_gpu(array: Array) -> bool:
    """Return whether `array` is one of CuPy's, whose memory other libraries for CUDA can take."""
    return bool(array_api_compat.is_cupy_array(array))


def synchronize(array: Array) -> None:
    """Wait until all is done that was asked of the GPU of `array`, so that others than CuPy can read its memory."""
    if is_on_gpu(array):
        with array.device:
            import_cupy().cuda.get_current_stream().synchronize()


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
