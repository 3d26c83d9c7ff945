"""Inputs on the device and on the host: the same numbers, in little memory, and no thread that is left."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_networks import BATCH, LABELS, NUMBERS, VALIDATION, WEIGHTS, C, D, X, host, make

import xpnet
from xpnet.datasets import Rows
from xpnet.network import base
from xpnet.training import batches, inputs
from xpnet.training.inputs import Streamed
from xpnet.training.splits import Split

CLOCK = ("seconds", "samples_per_second")


@pytest.fixture(autouse=True)
def small(monkeypatch: Any) -> None:
    """Have several blocks in an epoch, and several pieces in an evaluation."""
    monkeypatch.setattr(batches, "_BLOCK_BYTES", BATCH * C * 8)
    monkeypatch.setattr(inputs, "_STREAMED_BYTES", BATCH * D * 8)
    monkeypatch.setattr(xpnet.Device, "gather_bytes", BATCH * D * 8)
    monkeypatch.setattr(base, "_PIECE_ROWS", 7)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Any:
    """Refuse a test that leaves a thread."""
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def train(
    backend: Any = None, x: Any = X, t: Any = LABELS, *, loss: str = "softmax_cross_entropy", **options: Any
) -> Any:
    """Train two epochs and return all figures but the clock, and all parameters."""
    net = make(backend, loss=loss, members=options.pop("members", None))
    options = {"batch_size": BATCH, "epochs": 2, "optimizer": xpnet.Momentum(0.1), **options}
    records = xpnet.fit(net, x, t, **options)
    figures = [{k: v for k, v in record.as_dict().items() if k not in CLOCK} for record in records]
    return figures, [record.batch_losses for record in records], host(net.params)


def mapped(folder: Path, array: Any) -> Any:
    """Return an array as it lies in a file."""
    np.save(folder / "x.npy", array)
    return np.load(folder / "x.npy", mmap_mode="r")


@pytest.mark.without("jax")  # whose compilation takes long; another test has it
@pytest.mark.parametrize("validation", [None, 0.4, VALIDATION], ids=["none", "part", "pair"])
@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["alike", "weighted"])
def test_the_numbers_are_the_same_to_the_bit(backend: Any, tmp_path: Path, validation: Any, weight: Any):
    options = {"validation": validation, "sample_weight": weight}
    expected = train(backend, **options)
    file = mapped(tmp_path, np.c_[X, LABELS])[:, :-1]
    for x, stream in ((X, True), (file, None), (file, False), (Rows(X), None), (Rows(X), False)):
        np.testing.assert_equal(train(backend, x, stream=stream, **options), expected)


@pytest.mark.parametrize("members", [None, 2])
@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])
def test_so_they_are_for_members_and_numbers(loss: str, members: int | None):
    t = NUMBERS if loss == "mean_squared_error" else LABELS
    weight = WEIGHTS if members is None else np.stack([WEIGHTS, WEIGHTS[::-1]])
    options = {"loss": loss, "members": members, "sample_weight": weight, "validation": 0.4}
    np.testing.assert_equal(train(t=t, stream=True, **options), train(t=t, **options))


@pytest.mark.without("jax")  # whose compilation takes long
@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])
@pytest.mark.parametrize("weight", [WEIGHTS, np.stack([WEIGHTS, WEIGHTS[::-1], WEIGHTS])], ids=["one", "each"])
@pytest.mark.parametrize("validation", ["part", "pair"])
def test_so_they_are_for_members_with_seeds_of_their_own(
    backend: Any, tmp_path: Path, loss: str, weight: Any, validation: str
):
    # Of targets that mean nothing, so that every network is best early, and one that learns faster earlier.
    t = np.roll(NUMBERS if loss == "mean_squared_error" else LABELS, 7, axis=0)
    options = {"validation": 0.4 if validation == "part" else (X[::-2], t[::2]), "sample_weight": weight}
    options |= {"members": 3, "seed": [4, 7, 4], "optimizer": xpnet.SGD([1e-2, 1.0, 0.1]), "patience": 1, "epochs": 9}
    expected = train(backend, t=t, loss=loss, **options)
    assert any(np.isnan(losses).any() for losses in expected[1]), "no member has stopped before the others"
    for x in (X, mapped(tmp_path, X)):
        np.testing.assert_equal(train(backend, x, t, loss=loss, stream=True, **options), expected)


@pytest.mark.parametrize("validation", [None, 0.4, VALIDATION], ids=["none", "part", "pair"])
@pytest.mark.parametrize("members", [None, 2])
def test_so_they_are_for_shards(tmp_path: Path, validation: Any, members: int | None):
    # Of the last mini-batch, which has one sample or two, a shard has none.
    options = {"validation": validation, "members": members, "sample_weight": WEIGHTS, "shards": 3, "batch_size": 13}
    if validation == 0.4:
        options["batch_size"] = 11
    expected = train(**options)
    for x in (X, mapped(tmp_path, X)):
        np.testing.assert_equal(train(x=x, stream=True, **options), expected)


def test_targets_may_be_on_the_device(backend: Any):
    t, weight = backend.asarray(LABELS), backend.asarray(WEIGHTS)
    expected = train(backend, sample_weight=WEIGHTS)
    np.testing.assert_equal(train(backend, t=t, sample_weight=weight, stream=True), expected)
    on_device = backend.asarray(X)
    np.testing.assert_equal(train(backend, on_device, t, sample_weight=weight, stream=True), expected)


def test_evaluation_streams_too(tmp_path: Path):
    for loss, t in (("softmax_cross_entropy", LABELS), ("mean_squared_error", NUMBERS)):
        net = make(loss=loss)
        assert xpnet.evaluate(net, mapped(tmp_path, X), t) == xpnet.evaluate(net, X, t)


def test_going_on_may_change_where_the_data_are(tmp_path: Path):
    net, other = make(), make()
    options = {"batch_size": BATCH, "optimizer": xpnet.Adam(0.01)}
    expected = xpnet.fit(net, X, LABELS, epochs=3, **options)
    first = xpnet.fit(other, X, LABELS, epochs=1, stream=True, **options)
    rest = xpnet.fit(other, mapped(tmp_path, X), LABELS, epochs=3, state=first[-1].state, **options)
    np.testing.assert_equal(host(other.params), host(net.params))
    assert rest[-1].train == expected[-1].train


def is_streamed(net: Any, x: Any, t: Any, **options: Any) -> bool:
    return isinstance(Split.of(net, x, t, **options).inputs, Streamed)


def test_what_does_not_fit_the_device_is_streamed(tmp_path: Path, monkeypatch: Any):
    net, single = make(), make(dtype="float32")
    assert not is_streamed(net, X, LABELS)
    assert is_streamed(net, mapped(tmp_path, X), LABELS)
    monkeypatch.setattr(xpnet.Device, "memory", 2 * 4 * X.size - 1)
    assert is_streamed(single, X, LABELS)
    assert not is_streamed(net, X, LABELS)  # It is there already.
    assert not is_streamed(single, X, LABELS, stream=False)
    monkeypatch.setattr(xpnet.Device, "memory", 2 * 4 * X.size)
    assert not is_streamed(single, X, LABELS)
    monkeypatch.setattr(xpnet.Device, "memory", None)
    assert not is_streamed(single, X, LABELS)


def test_refuses_what_is_no_choice(tmp_path: Path):
    with pytest.raises(TypeError, match=r"stream must be True or False, got 1"):
        train(stream=1)
    file = mapped(tmp_path, np.asfortranarray(X))
    with pytest.raises(ValueError, match=r"x: lies column by column in its file"):
        train(x=file)
    np.testing.assert_equal(train(x=file, stream=False), train())
    with pytest.raises(TypeError, match=r"x must be real, got dtype complex128"):
        train(x=mapped(tmp_path, X * 1j))


# -- the thread


class Failing(Rows):
    """Fails in the middle of an epoch, or of its evaluation."""

    def __getitem__(self, rows: Any) -> Any:
        if isinstance(rows, slice) == (self.columns == slice(0, D)):
            raise OSError("the disk is gone")
        return super().__getitem__(rows)


@pytest.mark.parametrize("columns", [slice(None), slice(0, D)], ids=["training", "evaluation"])
def test_what_goes_wrong_in_the_thread_is_raised_and_undone(columns: slice):
    net = make()
    before = host(net.params)
    with pytest.raises(OSError, match="the disk is gone"):
        xpnet.fit(net, Failing(X, columns), LABELS, batch_size=BATCH, epochs=1)
    np.testing.assert_equal(host(net.params), before)


def test_an_error_in_the_loop_ends_the_thread():
    net = make(loss="mean_squared_error", activation="identity")
    with pytest.raises(xpnet.NonFiniteLossError):
        xpnet.fit(net, X, NUMBERS, batch_size=BATCH, epochs=50, optimizer=xpnet.SGD(1e3), stream=True)

    class Interrupted(xpnet.SGD):
        def _direction(self, *arguments: Any, **options: Any) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(stream=True, optimizer=Interrupted(0.1))


def test_who_leaves_the_records_leaves_no_thread():
    for record in xpnet.fit_epochs(make(), X, LABELS, batch_size=BATCH, epochs=9, stream=True):
        assert threading.active_count() == 1 or record.epoch
        break


@pytest.mark.parametrize("used", [0, 1, 3, 10])
def test_items_are_made_a_few_ahead_by_one_other_thread(used: int):
    made: list[int] = []

    def items() -> Any:
        for number in range(10):
            assert threading.current_thread() is not threading.main_thread()
            made.append(number)
            yield number, np.geterr()["over"]

    with np.errstate(over="ignore"):
        ready = inputs.made_ahead(items(), xpnet.Device("cpu"))
        taken = [item for item, _ in zip(ready, range(used), strict=False)]
        ready.close()
    # One more than is used was taken out.
    assert taken == [(number, "ignore") for number in range(used)]
    assert len(made) <= used + 1 + inputs._AHEAD


def peak(body: str, folder: Path) -> int:
    """Return by how many bytes the memory of a process was ever above that of the interpreter with xpnet."""
    code = f"""
import numpy as np, xpnet
from pathlib import Path
def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
np.ones((500, 500)) @ np.ones((500, 500))
before = peak()
{body}
print(peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of a process")
def test_a_file_is_trained_on_in_a_part_of_its_size(tmp_path: Path):
    """Of 800 MB, and with one epoch, its evaluation, and the checks of the data set."""
    rows = 100_000
    table = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (rows, 2000))
    table[:: rows // 8, :9], table[::2, -1] = 1, 1
    table.flush()
    del table
    body = """
data = xpnet.load_data("x.npy", stream=True)
net = xpnet.TwoLayerNet(1999, 2, 2)
print(end="", *xpnet.fit(net, *data.train, epochs=1, batch_size=2000, validation=data.test)[:0])
"""
    found = peak(body, tmp_path)
    assert found < 512 * 2**20, found
