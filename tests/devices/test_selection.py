"""Devices by request, and reasons why a GPU cannot be used, with a stand-in for CuPy."""

import importlib.machinery
import pickle
import sys
from types import ModuleType, SimpleNamespace

import array_api_compat.numpy
import numpy as np
import pytest

import xpnet
from xpnet.devices import Device, selection


class CUDARuntimeError(RuntimeError):
    """What CuPy raises."""


class FakeCupy(ModuleType):
    """CuPy on a machine with so many GPUs: NumPy, plus the few calls that ask for devices."""

    def __init__(self, count=1, driver=13020, runtime=13020, count_error=None, broken=None, total=None):
        super().__init__("cupy")
        self.__spec__ = importlib.machinery.ModuleSpec("cupy", None)
        self.float32 = np.float32
        self.current, self.broken, self.total = 0, broken, total
        self.made = []
        fake = self

        class Device:
            def __init__(self, index):
                self.id, self.before = index, []

            def use(self):
                fake.current = self.id

            __hash__ = None  # as CuPy's

            def __enter__(self):
                self.before.append(fake.current)
                fake.current = self.id

            def __exit__(self, *error):
                fake.current = self.before.pop()

        def device_count():
            if count_error:
                raise CUDARuntimeError(count_error)
            return count

        self.cuda = SimpleNamespace(
            Device=Device,
            runtime=SimpleNamespace(
                driverGetVersion=lambda: driver,
                runtimeGetVersion=lambda: runtime,
                getDeviceCount=device_count,
                getDeviceProperties=lambda index: {"name": b"Fake GPU %d" % index, "totalGlobalMem": 8 * 2**30},
                CUDARuntimeError=CUDARuntimeError,
            ),
        )

    def asarray(self, values, dtype=None, device=None):
        """Note where an array was asked for, and which GPU was the current one."""
        self.made.append((device.id, self.current))
        return np.asarray(values, dtype)

    def ones(self, shape, dtype):
        if self.broken is not None and self.current in self.broken:
            raise self.broken[self.current]
        return np.ones(shape, dtype) if self.total is None else np.full(shape, self.total, dtype)


@pytest.fixture
def install(monkeypatch, tmp_path):
    """Give a function that makes a machine with this CuPy, outside any container, and kernels that were compiled."""
    monkeypatch.setattr(selection, "_in_container", lambda: False)
    monkeypatch.setenv("CUPY_CACHE_DIR", str(tmp_path))
    (tmp_path / "kernel.cubin").touch()

    def install(**machine):
        fake = FakeCupy(**machine)
        namespace = ModuleType("array_api_compat.cupy")
        namespace.asarray, namespace.float32 = fake.asarray, np.float32
        monkeypatch.setitem(sys.modules, "cupy", fake)
        monkeypatch.setitem(sys.modules, "array_api_compat.cupy", namespace)
        return fake

    return install


DIAGNOSES = {
    "no driver": ({"driver": 0}, r"no NVIDIA driver is installed: install one, or use --device cpu"),
    "old driver": (
        {"driver": 12040},
        r"driver is too old: it supports CUDA 12\.4, CuPy needs CUDA 13 \(driver 580 or newer\): .*xpnet\[gpu-cuda12\]",
    ),
    "old driver for CUDA 12": (
        {"driver": 11080, "runtime": 12090},
        r"CUDA 11\.8, CuPy needs CUDA 12 \(driver 525 or newer\): update it$",
    ),
    "count error": (
        {"count_error": "cudaErrorNoDevice: no CUDA-capable device is detected\nmore"},
        r"finds no usable GPU \(cudaErrorNoDevice: no CUDA-capable device is detected\): check nvidia-smi",
    ),
    "no device": ({"count": 0}, r"there is no CUDA GPU: check nvidia-smi and CUDA_VISIBLE_DEVICES"),
    "missing library": (
        {"broken": {0: RuntimeError("CuPy failed to load libnvrtc.so.13\nmore")}},
        r"GPU 0 does not compute \(RuntimeError: CuPy failed to load libnvrtc\.so\.13\): .*xpnet\[gpu\]",
    ),
    "wrong results": ({"total": 1.5}, r"GPU 0 computes wrong results \(2 \* 2 \* 4 gave 36\.0\): do not use it"),
}


@pytest.mark.parametrize("problem", list(DIAGNOSES))
@pytest.mark.parametrize("request_", ["gpu", "gpu:0", "cuda", "cuda:0"])
def test_says_why_a_gpu_cannot_be_used(install, problem, request_):
    machine, match = DIAGNOSES[problem]
    install(**machine)
    with pytest.raises(xpnet.DeviceUnavailableError, match=match) as caught:
        xpnet.select_device(request_)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("problem", list(DIAGNOSES))
def test_auto_takes_the_cpu_and_says_why(install, problem):
    machine, match = DIAGNOSES[problem]
    fake = install(**machine)
    device = xpnet.select_device("auto")
    assert device.name == "cpu"
    assert device.namespace is array_api_compat.numpy
    with pytest.raises(xpnet.DeviceUnavailableError, match=match) as caught:
        xpnet.select_device("gpu")
    assert device.note == f"no GPU: {caught.value}"
    assert fake.current == 0


@pytest.mark.parametrize("problem", list(DIAGNOSES))
def test_list_tells_the_problem(install, problem):
    machine, match = DIAGNOSES[problem]
    install(**machine)
    cpu, gpu = xpnet.list_devices()
    assert (cpu.name, cpu.problem) == ("cpu", None)
    assert gpu.name in ("gpu", "gpu:0")
    with pytest.raises(xpnet.DeviceUnavailableError, match=match):
        raise xpnet.DeviceUnavailableError(gpu.problem)


def test_says_that_cupy_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(xpnet.DeviceUnavailableError, match=r'CuPy is not installed: pip install "xpnet\[gpu\]"'):
        xpnet.select_device("gpu")
    assert "CuPy is not installed" in xpnet.select_device("auto").note
    assert "CuPy is not installed" in xpnet.list_devices()[1].problem


def test_says_that_cupy_cannot_be_imported(monkeypatch, tmp_path):
    (tmp_path / "cupy.py").write_text("raise ImportError('libcuda.so.1: no such file\\nmore')")
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    match = r"CuPy is installed but cannot be imported \(libcuda\.so\.1: no such file\)"
    with pytest.raises(xpnet.DeviceUnavailableError, match=match):
        xpnet.select_device("gpu")


def test_says_that_cupy_needs_a_folder_and_takes_the_cpu(monkeypatch, tmp_path):
    (tmp_path / "cupy.py").write_text("raise PermissionError(13, 'Permission denied', '/root/.cupy/kernel_cache')")
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    match = r"CuPy cannot keep its kernels \(.*/root/\.cupy/kernel_cache'\): set CUPY_CACHE_DIR to a folder"
    with pytest.raises(xpnet.DeviceUnavailableError, match=match):
        xpnet.select_device("gpu")
    assert xpnet.select_device("auto").name == "cpu"


def test_says_that_a_container_hides_the_driver(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", FakeCupy(driver=0))
    monkeypatch.setenv("container", "podman")
    match = r"no NVIDIA driver is visible in this container: start it with --gpus all"
    with pytest.raises(xpnet.DeviceUnavailableError, match=match):
        xpnet.select_device("gpu")


@pytest.mark.parametrize(("count", "which"), [(1, "gpu:0"), (3, "gpu:0 to gpu:2")])
def test_says_which_gpus_there_are(install, count, which):
    fake = install(count=count)
    match = rf"GPU 7 does not exist, this machine has {count}: use {which}, or check CUDA_VISIBLE_DEVICES"
    with pytest.raises(xpnet.DeviceUnavailableError, match=match):
        xpnet.select_device("gpu:7")
    assert fake.current == 0


@pytest.mark.parametrize(
    ("name", "index"), [("gpu", 0), ("auto", 0), ("gpu:1", 1), ("cuda", 0), ("cuda:1", 1), ("gpu:2", 2)]
)
def test_takes_a_gpu_that_works_and_makes_it_current(install, name, index):
    fake = install(count=3, runtime=12090)  # a driver newer than needed
    device = xpnet.select_device(name)
    assert (str(device), device.note) == (f"gpu:{index}", f"Fake GPU {index}")
    assert device.namespace is sys.modules["array_api_compat.cupy"]
    assert device.handle.id == index
    assert fake.current == index


@pytest.mark.parametrize("exists", [True, False])
def test_says_that_a_first_run_compiles_kernels(install, monkeypatch, tmp_path, exists):
    install()
    folder = tmp_path / "kernels"
    if exists:
        folder.mkdir()
    monkeypatch.setenv("CUPY_CACHE_DIR", str(folder))
    note = xpnet.select_device("gpu").note
    assert note == f"Fake GPU 0; this first run compiles its kernels, some seconds, and keeps them in {folder}"


def test_auto_takes_a_gpu_from_so_many_operations_on(install):
    install()
    assert xpnet.select_device("auto").name == "gpu:0"
    few, enough = selection.PAYS_FROM - 1, selection.PAYS_FROM
    assert xpnet.select_device("auto", operations=enough).name == "gpu:0"
    device = xpnet.select_device("auto", operations=few)
    assert device.name == "cpu"
    assert (
        device.note == "a step has 5 million operations, a GPU pays from 5 million: --device gpu takes it all the same"
    )
    assert xpnet.select_device("gpu", operations=few).name == "gpu:0"


def test_list_describes_every_gpu_and_leaves_the_current_one(install):
    fake = install(count=3, broken={1: MemoryError("out of memory")})
    xpnet.select_device("gpu:2")
    _, *gpus = xpnet.list_devices()
    assert [gpu.name for gpu in gpus] == ["gpu:0", "gpu:1", "gpu:2"]
    assert [gpu.description for gpu in gpus] == ["Fake GPU 0", "Fake GPU 1", "Fake GPU 2"]
    assert [gpu.memory for gpu in gpus] == [8 * 2**30] * 3
    assert Device("gpu:2").memory == 8 * 2**30
    assert [gpu.problem is None for gpu in gpus] == [True, False, True]
    assert "GPU 1 does not compute (MemoryError: out of memory)" in gpus[1].problem
    assert fake.current == 2


def test_a_gpu_that_does_not_work_is_not_made_current(install):
    fake = install(count=2, broken={1: RuntimeError("")})
    with pytest.raises(xpnet.DeviceUnavailableError, match=r"GPU 1 does not compute \(RuntimeError: RuntimeError\)"):
        xpnet.select_device("gpu:1")
    assert fake.current == 0


def test_the_cpu_is_numpy():
    device = xpnet.select_device("cpu")
    assert (str(device), device.namespace, device.note) == ("cpu", array_api_compat.numpy, "as asked for")
    cpu = xpnet.list_devices()[0]
    assert cpu.memory is None or cpu.memory > 2**28
    assert Device("cpu").memory == cpu.memory
    assert "NumPy" in cpu.description


NO_DEVICES = ["", "GPU", "gpu:", "gpu:-1", "gpu:x", "cpu:0", "tpu", "gpu:0\n", "cuda0", "torch:", "os", "numpy"]


@pytest.mark.parametrize("name", NO_DEVICES)
def test_refuses_a_name_of_no_device(name):
    libraries = r"or an installed array library such as torch, got '"
    match = r"device must be auto, cpu, gpu or gpu:N \(N = 0, 1, \.\.\.\), " + libraries
    with pytest.raises(ValueError, match=match):
        xpnet.select_device(name)
    with pytest.raises(ValueError, match=r"a Device has a name such as cpu, gpu:0, torch or torch:cuda:0, got '"):
        Device(name)


@pytest.mark.parametrize("name", ["auto", "gpu", "cuda", "cuda:0"])
def test_a_device_has_one_name_alone(name):
    match = rf"a Device has a name .* got '{name}': pass that to select_device, which also knows auto, gpu and cuda$"
    with pytest.raises(ValueError, match=match):
        Device(name)


def test_a_library_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.setattr(selection, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"or an installed array library such as torch, got 'jax'$"):
        xpnet.select_device("jax")
    monkeypatch.setitem(sys.modules, "jax.numpy", None)
    with pytest.raises(xpnet.DeviceUnavailableError, match=r"jax cannot be imported \(.*\): install it"):
        Device("jax").asarray([1.0])


def test_an_unknown_device_of_a_library_is_told_with_those_it_has():
    match = r"array_api_strict has no device 'nowhere': it has CPU_DEVICE, device1, device2"
    with pytest.raises(xpnet.DeviceUnavailableError, match=match):
        xpnet.select_device("array_api_strict:nowhere")
    with pytest.raises(xpnet.DeviceUnavailableError, match=match):
        Device("array_api_strict:nowhere").asarray([1.0])


@pytest.mark.needs("torch")
def test_a_device_that_a_library_cannot_use_is_told():
    match = r"^torch:nowhere does not work \(RuntimeError: .*\): take another of its devices$"
    with pytest.raises(xpnet.DeviceUnavailableError, match=match):
        xpnet.select_device("torch:nowhere")


def test_selects_every_library_by_name(backend, close):
    device = xpnet.select_device(backend.select().name)
    assert device == backend.select()
    assert device.note
    close(device.asarray([1.0, 2.0], "float32"), [1.0, 2.0], dtype="float32")
    assert device.namespace is backend.xp


def test_works_on_its_gpu_whichever_is_current_and_leaves_that(install):
    fake = install(count=3)
    first, second = Device("gpu:1"), Device("gpu:2")
    with first.current():
        assert fake.current == 1
        with second.current(), first.current():
            assert fake.current == 1
        assert fake.current == 1
        second.asarray([1.0], "float32")
        assert fake.current == 1
    assert fake.current == 0
    with pytest.raises(KeyError), first.current():
        raise KeyError
    assert fake.current == 0
    assert fake.made == [(2, 2)]
    assert pickle.loads(pickle.dumps(first)) == first
    assert hash(first) == hash(Device("gpu:1"))
