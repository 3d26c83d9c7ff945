"""Threads of matrix products: what is chosen, what it may not change, and that the caller's own come back."""

import numpy as np
import pytest
from small_networks import BATCH, TRAIN, host, make

import xpnet
from xpnet.training import threads
from xpnet.training.threads import Threads


class Library:
    """Stands for a library of matrix products, and for a clock that goes on by what a step takes with its threads."""

    def __init__(self, count=4):
        self.num_threads, self.now = count, 0.0
        self.step = {1: 2e-4, count: 1e-4}
        self.history = [count]

    def set_num_threads(self, count):
        self.num_threads = count
        self.history.append(count)

    def perf_counter(self):
        return self.now

    def train(self, chosen, steps, differentiate=lambda *batch: (np.ones(3),)):
        """Do steps of training, and return with how many threads each was done."""
        counts = []
        for _ in chosen.watched(iter([(number,) for number in range(steps)]), differentiate):
            self.now += self.step[self.num_threads]
            counts.append(self.num_threads)
        return counts


@pytest.fixture
def library(monkeypatch):
    library = Library()
    monkeypatch.setattr(threads, "_libraries", lambda: [library])
    monkeypatch.setattr(threads, "time", library)
    return library


CPU = xpnet.Device("cpu")


@pytest.mark.parametrize(
    ("step", "faster"), [({1: 2e-4, 4: 1e-4}, 4), ({1: 1e-4, 4: 1e-2}, 1), ({1: 1e-4, 4: 1e-4}, 1)]
)
def test_the_faster_is_kept_and_the_caller_s_own_come_back(library, step, faster):
    library.step, chosen = step, Threads("auto", CPU)
    for _ in range(2):  # Two epochs.
        with chosen.in_use():
            counts = library.train(chosen, 300)
        assert library.num_threads == 4
        assert counts[200:] == [faster] * 100
    assert counts == [faster] * 300


def test_it_is_looked_at_again_when_that_costs_little(library):
    chosen = Threads("auto", CPU)
    with chosen.in_use():
        assert library.train(chosen, 300)[-1] == 4
        library.step = {1: 1e-4, 4: 1e-2}  # The machine becomes busy.
        assert set(library.train(chosen, 50)) == {4}
        library.now += 10
        counts = library.train(chosen, 300)
        assert counts[-1] == 1
        spent = sum(library.step[count] - library.step[1] for count in counts)
        since = library.now
        while 4 not in library.train(chosen, 100):
            pass
        assert library.now - since >= 0.9 * spent / 0.01


def test_a_trial_goes_on_in_the_next_epoch(library):
    library.step, chosen = {1: 1e-4, 4: 1e-2}, Threads("auto", CPU)
    for _ in range(12):
        with chosen.in_use():
            counts = library.train(chosen, 2)
    assert counts == [1, 1]


def test_nothing_is_chosen_where_it_would_change_the_numbers(library):
    library.step, chosen = {1: 1e-4, 4: 1e-2}, Threads("auto", CPU)
    with chosen.in_use():
        counts = library.train(chosen, 100, lambda *batch: (np.asarray([float(library.num_threads)]),))
    assert counts == [4] * 100


@pytest.mark.parametrize("wanted", [1, 2, 7])
def test_a_number_is_kept_to(library, wanted):
    library.step, chosen = {wanted: 1e-4}, Threads(wanted, CPU)
    with chosen.in_use():
        assert library.train(chosen, 100) == [wanted] * 100
    assert library.history == [4, wanted, 4]


def test_there_is_nothing_to_choose_with_one_thread_or_on_another_device(library):
    library.num_threads = 1
    for device in (CPU, xpnet.Device("gpu:0")):
        chosen = Threads("auto", device)
        with chosen.in_use():
            assert library.train(chosen, 100) == [1] * 100
    assert set(library.history[1:]) <= {1}


def test_of_two_trainings_the_first_decides(library):
    first, second = Threads(1, CPU), Threads(2, CPU)
    library.step = {1: 1e-4, 2: 1e-4}
    with first.in_use():
        with second.in_use():
            assert library.train(second, 10) == [1] * 10
        assert library.num_threads == 1
    assert library.num_threads == 4


def test_they_come_back_after_every_record_and_after_an_error(library, monkeypatch):
    records = xpnet.fit_epochs(make(), *TRAIN, batch_size=BATCH, epochs=3, threads=2)
    next(records)
    assert (library.num_threads, library.history) == (4, [4, 2, 4])
    monkeypatch.setattr(xpnet.training.step.Descent, "step", lambda *batch: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        next(records)
    assert library.num_threads == 4
    assert not threads._IN_USE.locked()


@pytest.mark.parametrize("sizes", [(64, 50, 10, 32), (784, 50, 10, 100), (784, 50, 10, 500)])
def test_real_products_give_the_same_numbers_with_any_number_of_threads(sizes):
    *sizes, batch = sizes
    random = np.random.default_rng(0)
    x, t = random.random((2 * batch + 7, sizes[0]), dtype=np.float32), random.integers(0, 10, 2 * batch + 7)
    nets = []
    for count in (1, 2, 3):
        nets.append(xpnet.TwoLayerNet(*sizes, init="xavier"))
        xpnet.fit(nets[-1], x, t, batch_size=batch, epochs=2, threads=count)
    for net in nets[1:]:
        np.testing.assert_equal(host(net.params), host(nets[0].params))


def test_real_libraries_get_their_threads_back():
    libraries = threads._libraries()
    before = [library.num_threads for library in libraries]
    xpnet.fit(make(), *TRAIN, batch_size=BATCH, epochs=2, threads=3)
    assert [library.num_threads for library in libraries] == before


@pytest.mark.parametrize(
    ("wanted", "error", "match"),
    [
        (0, ValueError, r"threads must be an integer >= 1, got 0"),
        (1.5, TypeError, r"threads must be an integer, got 1.5"),
        ("all", ValueError, r"threads must be auto or a number of threads, got 'all': leave it out, or give 1"),
    ],
)
def test_refuses_what_is_no_number(wanted, error, match):
    with pytest.raises(error, match=match):
        xpnet.fit(make(), *TRAIN, threads=wanted)
