"""The array libraries that every test body runs on, and the data that some need.

A test that takes the fixture `backend` runs once per library that is installed; the first lines of a run name those
that are not. One named in XPNET_REQUIRE_BACKENDS (comma-separated) that is not there is an error.
"""

import importlib
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import array_api_compat
import numpy as np
import pytest
from hypothesis import settings
from rounding import rounding

# scikit-learn's array API dispatch asks for it, before SciPy is imported.
os.environ["SCIPY_ARRAY_API"] = "1"
settings.register_profile("xpnet", deadline=None, derandomize=True, max_examples=25, database=None)
settings.load_profile("xpnet")

BACKENDS = ("numpy", "numpy-readonly", "array-api-strict", "torch", "jax", "cupy")
REQUIRED = {name for name in os.environ.get("XPNET_REQUIRE_BACKENDS", "").split(",") if name}
if unknown := REQUIRED - set(BACKENDS):
    raise pytest.UsageError(f"XPNET_REQUIRE_BACKENDS names {sorted(unknown)}, known are {BACKENDS}")


class Backend:
    """One array library on one device: how a test makes its arrays and reads them back."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._library = importlib.import_module(_MODULES[name])
        self.device: Any = None
        if name == "array-api-strict":
            self.device = self._library.Device("device1")
        elif name == "jax":
            self._library.config.update("jax_enable_x64", True)
            self._library = importlib.import_module("jax.numpy")
        self.xp = array_api_compat.array_namespace(self._library.asarray([0.0]))

    def __repr__(self) -> str:
        return self.name

    def asarray(self, values: Any, dtype: str | None = None) -> Any:
        """Return `values` as this library's array; without `dtype`, that which NumPy would give them."""
        host = np.asarray(values, dtype=dtype)
        array = self.xp.asarray(host, dtype=getattr(self.xp, host.dtype.name), device=self.device, copy=True)
        if self.name == "numpy-readonly":
            array.flags.writeable = False
        return array

    def select(self) -> Any:
        """Return this library and device as an `xpnet.Device`, which makes arrays that may be written to."""
        from xpnet import Device

        return Device(_DEVICES[self.name])


_MODULES = {
    "numpy": "numpy",
    "numpy-readonly": "numpy",
    "array-api-strict": "array_api_strict",
    "torch": "torch",
    "jax": "jax",
    "cupy": "cupy",
}
_DEVICES = {
    "numpy": "cpu",
    "numpy-readonly": "cpu",
    "array-api-strict": "array_api_strict:device1",
    "torch": "torch",
    "jax": "jax",
    "cupy": "gpu:0",
}


def _why_missing(name: str) -> str | None:
    try:
        module = importlib.import_module(_MODULES[name])
    except ImportError as error:
        return f"{name} is not installed ({error})"
    if name == "cupy":
        try:
            module.zeros(1)
        except Exception as error:
            return f"cupy has no usable GPU ({error})"
    return None


MISSING = {name: reason for name in BACKENDS if (reason := _why_missing(name)) is not None}
if absent := REQUIRED & set(MISSING):
    raise pytest.UsageError("; ".join(f"XPNET_REQUIRE_BACKENDS: {MISSING[name]}" for name in sorted(absent)))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(library): left out where this library is not installed")
    config.addinivalue_line("markers", "without(backend): left out for this backend, which takes too long for it")


def pytest_report_header() -> list[str]:
    return [f"not tested: {reason}" for reason in MISSING.values()]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a library that is not installed: the report's first lines say so once, for all."""
    left_out = [item for item in items if _is_left_out(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


def _is_left_out(item: pytest.Item) -> bool:
    params = item.callspec.params if hasattr(item, "callspec") else {}
    needed = {mark.args[0] for mark in item.iter_markers("needs")} | {params.get("library", "numpy")}
    return any(name in MISSING or find_spec(name) is None for name in needed) or params.get("backend") in {
        mark.args[0] for mark in item.iter_markers("without")
    }


@pytest.fixture(params=[name for name in BACKENDS if name not in MISSING], scope="session")
def backend(request: pytest.FixtureRequest) -> Backend:
    """Give one array library after another."""
    return Backend(request.param)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Give the folder with the folders mnist/ and optdigits/ of genuine files."""
    if "XPNET_DATA_DIR" not in os.environ:
        pytest.skip("XPNET_DATA_DIR does not name a folder with the genuine MNIST files")
    return Path(os.environ["XPNET_DATA_DIR"])


@pytest.fixture(scope="session")
def close(backend: Backend) -> Callable[..., None]:
    """Give a comparison that also insists on this library, its device, and the dtype that was asked for.

    With `roundings`, entries may differ by that many units in the last place of the largest one.
    """
    from xpnet import to_host

    def assert_close(
        actual: Any,
        expected: Any,
        *,
        dtype: str | None = None,
        rtol: float = 1e-12,
        atol: float = 0.0,
        roundings: float | None = None,
    ):
        assert array_api_compat.array_namespace(actual) is backend.xp
        if backend.device is not None:
            assert array_api_compat.device(actual) == backend.device
        host = to_host(actual)
        if dtype is not None:
            assert host.dtype.name == dtype
        if roundings is not None:
            rtol, atol = 0.0, rounding(roundings, host.dtype.name) * float(np.max(np.abs(expected), initial=0.0))
        np.testing.assert_allclose(host, np.asarray(expected), rtol=rtol, atol=atol, strict=False)
        assert host.shape == np.shape(expected)

    return assert_close
