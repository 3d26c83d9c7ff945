"""Devices: names that travel, arrays there and back."""

import copy
import pickle

import numpy as np
import pytest

import xpnet
from xpnet.devices import Device

NAMES = ["cpu", "gpu:0", "gpu:1", "torch", "torch:cuda:0", "jax", "jax:cpu:0", "array_api_strict:device1"]


@pytest.mark.parametrize("name", NAMES)
def test_a_device_is_its_name_and_travels(name):
    """None of these is asked for its library, which need not be there."""
    device = Device(name, "why")
    for other in (pickle.loads(pickle.dumps(device)), copy.copy(device), copy.deepcopy(device)):
        assert (str(other), other.note) == (name, "why")
    assert device == Device(name)
    assert hash(device) == hash(Device(name))
    assert {Device(other): other for other in NAMES}[device] == name


def test_a_device_that_was_used_travels_too(backend, close):
    device = backend.select()
    device.asarray([1.0])
    for other in (pickle.loads(pickle.dumps(device)), copy.deepcopy(device)):
        assert (other, hash(other)) == (device, hash(device))
        close(other.asarray([1.0]), [1.0])


def test_other_devices_need_not_be_made_current(backend):
    if backend.name != "cupy":
        assert backend.select().current().__enter__() is None


@pytest.mark.parametrize("name", [None, 0, np.zeros(1)])
def test_refuses_a_device_that_is_no_name(name):
    for make in (xpnet.select_device, Device):
        with pytest.raises(TypeError, match=r"device must be a name such as 'cpu' or a Device, got"):
            make(name)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)])
def test_arrays_go_out_and_come_home(backend, close, dtype, shape):
    values = np.asarray(np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2, dtype=dtype)
    values.flags.writeable = False
    array = backend.select().asarray(values)
    close(array, values, dtype=dtype, rtol=0)
    home = xpnet.to_host(array)
    assert type(home) is np.ndarray
    assert home.dtype == dtype
    np.testing.assert_array_equal(home, values)


def test_a_device_takes_lists_numbers_and_its_own_arrays(backend, close):
    device = backend.select()
    close(device.asarray([[1, 2]], "float32"), [[1, 2]], dtype="float32", rtol=0)
    close(device.asarray(3, "float64"), 3.0, dtype="float64", rtol=0)
    close(device.asarray(backend.asarray([1.5, 2.5]), "float32"), [1.5, 2.5], dtype="float32", rtol=0)


@pytest.mark.needs("torch")
def test_an_array_that_pytorch_differentiates_comes_home():
    import torch

    np.testing.assert_array_equal(xpnet.to_host(torch.ones(2, requires_grad=True)), [1, 1])


def test_a_scalar_comes_home():
    home = xpnet.to_host(np.float32(2.5))
    assert type(home) is np.ndarray
    assert (home.shape, home.dtype, float(home)) == ((), np.float32, 2.5)
