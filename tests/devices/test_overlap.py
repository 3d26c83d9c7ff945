"""Items made ahead: all in order, and on two streams each made before it is used and after its memory is free."""

from types import SimpleNamespace

import numpy as np
import pytest

import xpnet
from xpnet.devices import ahead, overlap


class Stream:
    """A queue that knows of everything, its own and that of others, what was done before what it does next."""

    def __init__(self, done=()):
        self.done = set(done)

    def record(self):
        return frozenset(self.done)

    def wait_event(self, event):
        self.done |= event

    def __enter__(self):
        current.append(self)

    def __exit__(self, *error):
        current.pop()


current = [Stream()]


class Cuda:
    """The streams of a GPU that notes, for everything that is done, what is certain to have been done before."""

    def __init__(self, monkeypatch):
        self.before = {}
        current[:] = [Stream()]
        cuda = SimpleNamespace(
            get_current_stream=lambda: current[-1], Stream=lambda non_blocking: Stream(), Device=lambda: gpu
        )
        gpu = SimpleNamespace(id=0)
        monkeypatch.setattr(overlap, "import_cupy", lambda: SimpleNamespace(cuda=cuda))
        monkeypatch.setattr(overlap, "is_cupy_namespace", lambda xp: True)
        monkeypatch.setattr(overlap._SECOND, "of", {})

    def do(self, what):
        self.before[what] = set(current[-1].done)
        current[-1].done.add(what)


def test_items_come_in_order(backend):
    xp = backend.xp
    items = ahead((backend.asarray([float(n)]) * 2 for n in range(4)), xp=xp)
    assert [float(xpnet.to_host(item)[0]) for item in items] == [0, 2, 4, 6]
    assert list(ahead(iter(()), xp=xp)) == []


@pytest.mark.parametrize("count", [1, 2, 5])
def test_an_item_is_made_while_the_one_before_it_is_used(monkeypatch, count):
    cuda = Cuda(monkeypatch)

    def items():
        for number in range(count):
            cuda.do(("make", number))
            yield number

    used = []
    for number in ahead(items(), xp=np):
        cuda.do(("use", number))
        used.append(number)
    assert used == list(range(count))
    for number in range(count):
        assert ("make", number) in cuda.before["use", number]
        if number > 0:
            assert ("use", number - 1) not in cuda.before["make", number]
        if number > 1:  # whose memory it may get
            assert ("use", number - 2) in cuda.before["make", number]


def test_items_of_items_share_the_second_stream(monkeypatch):
    """So that each gets memory that nobody works with any more, though it was another's."""
    cuda = Cuda(monkeypatch)

    def items(*names):
        for name in names:
            cuda.do(("make", name))
            yield name

    for outer in ahead(items("a", "b", "c"), xp=np):
        for inner in ahead(items(f"{outer}1", f"{outer}2", f"{outer}3"), xp=np):
            cuda.do(("use", inner))
            assert {("make", outer), ("make", inner)} <= cuda.before["use", inner]
    assert ("use", "a3") in cuda.before["make", "b1"]
    assert ("use", "a1") in cuda.before["make", "a3"]
    assert ("use", "a2") not in cuda.before["make", "a3"]


def test_an_error_of_an_item_comes_where_the_item_would(monkeypatch):
    Cuda(monkeypatch)

    def items():
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(ahead(items(), xp=np))
    assert len(current) == 1


def test_with_one_stream_items_are_made_when_they_are_asked_for(monkeypatch):
    gpu = SimpleNamespace(id=0)
    cuda = SimpleNamespace(get_current_stream=object, Stream=lambda non_blocking: object(), Device=lambda: gpu)
    monkeypatch.setattr(overlap._SECOND, "of", {})
    monkeypatch.setattr(overlap, "import_cupy", lambda: SimpleNamespace(cuda=cuda))
    monkeypatch.setattr(overlap, "is_cupy_namespace", lambda xp: True)
    items = iter(range(3))
    assert ahead(items, xp=np) is items
