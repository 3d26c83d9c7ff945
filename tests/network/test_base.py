"""What a network is whatever it computes: copies, other devices and processes, and the batches that it reads."""

import copy
import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from small_networks import BATCH, LABELS, C, D, H, X, host, make, rounding, targets

import xpnet
from xpnet.activations import Activation
from xpnet.losses import Loss

X, LABELS = X[:BATCH], LABELS[:BATCH]

COPIES = {
    "pickle": lambda net: pickle.loads(pickle.dumps(net)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "to": lambda net: net.to(net.device.name),
}


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_a_copy_is_equal_and_independent(backend, duplicate):
    net = make(backend, activation="gelu", loss=xpnet.SoftmaxCrossEntropy(label_smoothing=0.1), members=2)
    other = duplicate(net)
    assert repr(other) == repr(net)
    assert other.device == net.device
    assert other.loss_function == net.loss_function
    before = host(net.params)
    np.testing.assert_equal(host(other.params), before)
    for name in other.params:
        assert type(other.params[name]) is type(net.params[name])
        assert other.params[name].dtype == net.params[name].dtype
        other.params[name] -= 1
    np.testing.assert_equal(host(net.params), before)


def test_moves_to_another_library_and_back(backend):
    net = make()
    moved = net.to(backend.select())
    assert moved.device == backend.select()
    x, t = backend.asarray(X), backend.asarray(LABELS)
    assert moved(x).shape == (BATCH, C)
    assert moved.gradient(x, t)["W1"].shape == (D, H)
    np.testing.assert_equal(host(moved.to("cpu").params), host(net.params))


def test_another_process_takes_networks_states_and_devices():
    """A spawned process has nothing but what it is sent; so has one of a cluster."""
    net = make()
    (record,) = xpnet.fit(make(), X, LABELS, epochs=1, batch_size=BATCH)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        outputs = pool.submit(net.outputs, X)
        moved = pool.submit(net.to, xpnet.Device("cpu"))
        going_on = pool.submit(xpnet.fit, net, X, LABELS, epochs=2, batch_size=BATCH, state=record.state)
        np.testing.assert_array_equal(outputs.result(), net(X))
        np.testing.assert_equal(host(moved.result().params), host(net.params))
        (theirs,) = going_on.result()
    with context.Pool(1) as pool:
        np.testing.assert_array_equal(pool.apply(net.predict, (X,)), net.predict(X))
    (ours,) = xpnet.fit(net, X, LABELS, epochs=2, batch_size=BATCH, state=record.state)
    np.testing.assert_equal(host(theirs.state.params), host(ours.state.params))
    assert theirs.train == ours.train


def test_pieces_cover_all_rows_and_hold_few_bytes(monkeypatch):
    monkeypatch.setattr(xpnet.Device, "piece_bytes", 1000)
    net = make()
    slices = list(net.pieces(103))
    assert [row for piece in slices for row in range(103)[piece]] == list(range(103))
    sizes = {piece.stop - piece.start for piece in slices[:-1]}
    assert sizes == {1000 // (max(D, H) * 8)}
    members = make(members=2)
    for own_inputs, width in ((False, max(D, 2 * H)), (True, 2 * max(D, H))):
        assert next(members.pieces(103, own_inputs=own_inputs)).stop == 1000 // (width * 8)
    assert [piece.stop for piece in make(members=100).pieces(3)] == [1, 2, 3]


# -- what is no batch


@pytest.mark.parametrize("members", [None, 2])
@pytest.mark.parametrize("shape", [(), (D - 1,), (7, D - 1), (0, D), (2, 2, 7, D)])
def test_refuses_inputs_of_another_shape(members, shape):
    net = make(members=members)
    with pytest.raises(ValueError, match=rf"x must have shape \(samples, {D}\), or one axis .* got \("):
        net.predict(np.zeros(shape))


@pytest.mark.parametrize("method", ["loss", "gradient", "loss_and_gradient", "numerical_gradient"])
def test_refuses_targets_that_do_not_fit(method):
    call = getattr(make(), method)
    with pytest.raises(ValueError, match=r"t: integer labels .* must have shape \(16,\), got \(15,\)"):
        call(X, LABELS[1:])
    with pytest.raises(ValueError, match=r"t must hold labels in 0\.\.2 or ignore_index=-100, got 3"):
        call(X, LABELS + 1)
    with pytest.raises(TypeError, match=r"t must be an array .* got list"):
        call(X, LABELS.tolist())
    with pytest.raises(ValueError, match=r"sample_weight must hold one weight per sample, shape \(16,\), got \(3,\)"):
        call(X, LABELS, sample_weight=np.ones(3))


def test_refuses_arrays_of_another_kind(backend):
    net = make(backend)
    x, t = backend.asarray(X), backend.asarray(LABELS)
    with pytest.raises(TypeError, match=r"x must be an array .* got list"):
        net.predict(X.tolist())
    with pytest.raises(TypeError, match=r"x must be real, got dtype .*complex128"):
        net.predict(backend.asarray(X * 1j))
    if "numpy" not in backend.name:
        with pytest.raises(TypeError, match=r"all arrays must come from one library.*x is of numpy, params is of"):
            net.predict(X)
        with pytest.raises(TypeError, match=r"all arrays must come from one library.*t is of numpy"):
            net.gradient(x, LABELS)
        with pytest.raises(TypeError, match=r"all arrays must come from one library.*sample_weight is of numpy"):
            net.gradient(x, t, sample_weight=np.ones(BATCH))


def test_tells_what_it_is():
    net = xpnet.TwoLayerNet(D, H, C, activation="relu", members=2)
    assert repr(net) == (
        "TwoLayerNet(6, 5, 3, activation='relu', loss='softmax_cross_entropy', "
        "device='cpu', dtype='float32', members=2)"
    )


# -- objects of one's own


class Square(Activation):
    """An activation that this library does not have."""

    name = "square"

    def _value(self, z, *, xp):
        return z * z

    def _derivative(self, z, a, *, xp):
        return 2 * z

    def _difference(self, z, a, d, *, xp):
        return d * (2 * z + d)


def test_takes_an_activation_of_ones_own(backend):
    net = make(backend, activation=Square())
    assert "activation='square'" in repr(net)
    x = backend.asarray(X)
    reference = make()
    expected = (X @ reference.params["W1"]) ** 2 @ reference.params["W2"]
    # Sums of D and H products, one squared: at most so many roundings, of terms whose absolute values sum to `size`.
    size = ((abs(X) @ abs(reference.params["W1"])) ** 2 @ abs(reference.params["W2"])).max()
    tolerance = (2 * D + H + 4) * np.finfo("float64").eps * size
    np.testing.assert_allclose(xpnet.to_host(net(x)), expected, rtol=0, atol=tolerance)
    reference = make(activation=Square())
    (record,) = xpnet.fit(reference, X, LABELS, epochs=1, batch_size=BATCH)
    assert record.train_loss < record.batch_losses[0]


def test_takes_a_loss_of_ones_own():
    class Doubled(xpnet.MeanSquaredError):
        name = "doubled"

        def _prepare(self, t, weights, outputs, *, labels, xp):
            ready, norms = super()._prepare(t, weights, outputs, labels=labels, xp=xp)
            return ready._replace(weights=2 * ready.weights), norms

    plain, net = make(loss="mean_squared_error"), make(loss=Doubled())
    assert isinstance(net.loss_function, Loss)
    t = targets(net)[:BATCH]
    for name, gradient in net.gradient(X, t).items():
        np.testing.assert_array_equal(gradient, 2 * plain.gradient(X, t)[name])  # a power of 2 is exact
    (record,) = xpnet.fit(net, X, t, epochs=1, batch_size=BATCH, optimizer=xpnet.SGD(0.01))
    bound, _ = rounding(plain, X, t)
    assert record.batch_losses[0] == pytest.approx(2 * float(plain.loss(X, t)), rel=0, abs=2 * bound)


# -- a GPU that is not the current one

SECOND_GPU = """
import copy, pickle, sys, threading
import cupy, numpy as np, xpnet
from small_networks import BATCH, LABELS, NUMBERS, VALIDATION, X, make

if cupy.cuda.runtime.getDeviceCount() < 2:
    sys.exit("one GPU")
x, labels = X[:BATCH], LABELS[:BATCH]
second = xpnet.Device("gpu:1")
x1, t1 = second.asarray(x), second.asarray(labels)

def where(value):
    if isinstance(value, dict):
        return set().union(*map(where, value.values()))
    return set().union(*map(where, value)) if isinstance(value, tuple) else {value.device.id}

def use(members):
    options = {"members": members, "dtype": "float64", "init": "xavier"}
    net, here = xpnet.TwoLayerNet(6, 5, 3, device=second, **options), xpnet.TwoLayerNet(6, 5, 3, **options)
    doors = {
        "outputs": net(x1), "predict": net.predict(x1), "predict_proba": net.predict_proba(x1),
        "loss": net.loss(x1, t1), "accuracy": net.accuracy(x1, t1), "gradient": net.gradient(x1, t1),
        "loss_and_gradient": net.loss_and_gradient(x1, t1), "numerical": net.numerical_gradient(x1, t1),
        "black box": net.numerical_gradient(x1, t1, method="black-box"), "params": net.params,
        "to": here.to(second).params, "copy": copy.deepcopy(net).params,
        "pickle": pickle.loads(pickle.dumps(net)).params,
    }
    for name, value in doors.items():
        assert where(value) == {1}, name
    for validation in (None, 0.4, VALIDATION, tuple(map(second.asarray, VALIDATION))):
        arrays = (X, LABELS) if validation is None else tuple(map(second.asarray, (X, LABELS)))
        options = {"optimizer": xpnet.Adam(0.1, max_gradient_norm=1.0), "batch_size": BATCH, "validation": validation}
        if validation is not None and members is None:
            options["patience"] = 5
        records = xpnet.fit(net, *arrays, epochs=2, **options)
        records += xpnet.fit(net, *arrays, epochs=3, state=records[0].state, **options)
        assert where(net.params) == where(records[-1].state.params) == {1}
        assert where(records[-1].state.optimizer.slots) == {1}
    xpnet.fit(net, X, LABELS, epochs=1, batch_size=BATCH, gradient="numerical")
    xpnet.evaluate(net, x1, t1)
    numbers = xpnet.TwoLayerNet(6, 5, 3, loss="mean_squared_error", device=second, members=members)
    xpnet.evaluate(numbers, X, NUMBERS)
    assert cupy.cuda.runtime.getDevice() == 0
    done.append(members)

done = []
for members in (None, 2):
    cupy.cuda.Device(0).use()
    use(members)
    thread = threading.Thread(target=use, args=(members,))  # a thread begins with device 0, whatever others use
    thread.start()
    thread.join()
print(done)
"""


def _cupy_works():
    try:
        import cupy

        cupy.zeros(1)
    except Exception:
        return False
    return True


if _cupy_works():

    def test_works_on_a_gpu_that_is_not_the_current_one():
        """In a process of its own, since the simulator of CuPy counts its devices once."""
        path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
        environment = {**os.environ, "FAKECUPY_DEVICES": "2", "PYTHONPATH": path}
        command = [sys.executable, "-W", "error", "-c", SECOND_GPU]
        result = subprocess.run(command, capture_output=True, text=True, env=environment)
        if result.stderr.strip() == "one GPU":
            pytest.skip("this machine has one GPU")
        assert result.returncode == 0, result.stderr
        assert result.stdout.strip() == "[None, None, 2, 2]"
