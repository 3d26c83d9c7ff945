"""What processes tell each other, and that any number of them trains the same network."""

import sys
from threading import get_ident

import fake_nccl
import numpy as np
import pytest
from conftest import Backend
from fake_mpi import Communicator, World, in_threads
from hypothesis import given
from hypothesis import strategies as st
from small_networks import LABELS, NUMBERS, WEIGHTS, X, host, make

import xpnet
from xpnet.training import MPIProcesses, Processes, epoch_order, fitting, parallel
from xpnet.training.sharding import Sharding
from xpnet.training.splits import Shards


def added(parts):
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


@given(
    size=st.integers(1, 5),
    more=st.integers(0, 4),
    shape=st.lists(st.integers(1, 7), max_size=3).map(tuple),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_a_sum_is_that_of_all_parts_in_order_bit_for_bit(size, more, shape, dtype):
    shards = size + more
    # Numbers of very different sizes: another order would round otherwise.
    parts = [np.random.default_rng(shard).standard_cauchy(shape).astype(dtype) for shard in range(shards)]

    def work(processes):
        sharding = Sharding(shards, processes)
        first = sum(sharding.counts[: processes.rank])
        own = parts[first : first + sharding.own]
        return [sharding.sum(own) for _ in range(2)]

    for sums in in_threads(size, work):
        for total in sums:
            assert total.dtype == dtype
            np.testing.assert_array_equal(total, added(parts), strict=True)
    np.testing.assert_array_equal(Processes().sum(parts, [shards]), added(parts))


def test_a_sum_stays_in_its_library_and_on_its_device(backend, close):
    parts = [backend.asarray(np.full((2, 3), value)) for value in (1.0, 2.5, 4.0)]
    for total in in_threads(3, lambda processes: processes.sum([parts[processes.rank]], [1, 1, 1])):
        close(total, np.full((2, 3), 7.5), dtype="float64", rtol=0)


@pytest.mark.needs("cupy")
@pytest.mark.parametrize(
    ("kinds", "direct"), [("mpi,system,cuda", True), ("system,cuda:device", True), ("mpi,system", False), (None, False)]
)
def test_cupy_s_buffers_go_straight_through_an_mpi_that_takes_them(kinds, direct):
    import cupy

    def work(processes):
        part = cupy.full((3, 2), 1.0 + processes.rank)
        total = processes.sum([part], [1, 1])
        assert isinstance(total, cupy.ndarray)
        np.testing.assert_array_equal(total.get(), np.full((3, 2), 3.0))
        return [isinstance(buffer, cupy.ndarray) for buffer in processes._communicator.buffers]

    for kinds_of_buffers in in_threads(2, work, kinds):
        assert kinds_of_buffers == [direct] * 4


@pytest.fixture
def nccl(monkeypatch):
    """Put the stand-in for NCCL in its place, and give each thread a GPU of its own."""
    import cupy

    if not hasattr(cupy, "simulated"):
        pytest.skip("the stand-in for NCCL reads the memory of the host")
    monkeypatch.setitem(sys.modules, "cupy.cuda.nccl", fake_nccl)
    monkeypatch.setattr(fake_nccl, "communicators", [])
    properties = cupy.cuda.runtime.getDeviceProperties(0)
    monkeypatch.setattr(
        cupy.cuda.runtime, "getDeviceProperties", lambda _: properties | {"uuid": str(get_ident()).encode()}
    )
    return fake_nccl


@pytest.mark.needs("cupy")
@pytest.mark.parametrize(("size", "shards"), [(1, 1), (2, 2), (2, 5), (3, 7)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gpus_tell_each_other_by_nccl_where_it_is_installed(nccl, size, shards, dtype):
    import cupy

    parts = [np.random.default_rng(shard).standard_cauchy((3, 5)).astype(dtype) for shard in range(shards)]

    def work(processes):
        sharding = Sharding(shards, processes)
        first = sum(sharding.counts[: processes.rank])
        sums = [sharding.sum([cupy.asarray(part) for part in parts[first : first + sharding.own]]) for _ in range(2)]
        return sums, processes._communicator.buffers

    for sums, buffers in in_threads(size, work, "cuda"):
        assert not buffers
        for total in sums:
            assert isinstance(total, cupy.ndarray)
            np.testing.assert_array_equal(total.get(), added(parts), strict=True)
    assert [each.calls for each in nccl.communicators] == [2 * [*size * ["send", "recv"], "allGather"]] * size


@pytest.mark.needs("cupy")
def test_a_training_by_nccl_ends_with_the_same_bits(nccl):
    way, backend = "adam, validation, patience", Backend("cupy")
    alone = trained(way, None, 5, backend)
    for result in in_threads(2, lambda processes: trained(way, processes, 5, backend)):
        assert_same(result, alone)
    assert len(nccl.communicators) == 2


@pytest.mark.needs("cupy")
@pytest.mark.parametrize(
    ("name", "value"), [("available", False), ("getDeviceProperties", lambda _: {"uuid": b"one for all"})]
)
def test_without_nccl_or_with_one_gpu_for_two_processes_the_host_is_the_way(nccl, monkeypatch, name, value):
    import cupy

    monkeypatch.setattr(nccl if name == "available" else cupy.cuda.runtime, name, value)
    for total in in_threads(2, lambda processes: processes.sum([cupy.full((3,), 1.0 + processes.rank)], [1, 1])):
        np.testing.assert_array_equal(total.get(), np.full((3,), 3.0))
    assert not nccl.communicators


def test_the_first_makes_and_all_have_it_and_the_largest_number_wins():
    made = []

    def work(processes):
        return processes.from_first(lambda: made.append(processes.rank) or "it"), processes.largest(processes.rank * 2)

    assert in_threads(3, work) == [("it", 4)] * 3
    assert made == [0]
    assert (Processes().from_first(lambda: "it"), Processes().largest(3)) == ("it", 3)


class Told(Communicator):
    """Gives one after another what all processes are made to tell."""

    def __init__(self, rank, *told):
        super().__init__(World(len(told[0])), rank)
        self.told = list(told)

    def allgather(self, value):
        return self.told.pop(0)


@pytest.mark.parametrize(("rank", "place"), [(0, 0), (1, 0), (2, 1)])
def test_every_process_on_a_machine_has_a_gpu_of_its_own(monkeypatch, rank, place):
    names = {"auto": f"gpu:{place}", "gpu": f"gpu:{place}", "gpu:7": "gpu:7", "cpu": "cpu"}
    monkeypatch.setattr(
        parallel, "select_device", lambda name, **_: xpnet.Device("gpu:0" if name in ("auto", "gpu") else name)
    )
    for asked, name in names.items():
        processes = MPIProcesses(Told(rank, ["one", "other", "one"], [name.partition(":")[0]] * 3))
        device = processes.select_device(asked)
        assert device.name == name
        assert processes.lasting_name(device) == name.partition(":")[0]
    assert Processes().lasting_name(xpnet.Device("gpu:7")) == "gpu:7"


def test_devices_of_different_kinds_are_refused():
    processes = MPIProcesses(Told(1, ["one", "other"], ["gpu", "cpu"]))
    with pytest.raises(xpnet.DeviceUnavailableError, match=r"kind of device, got gpu, cpu, asked for cpu"):
        processes.select_device("cpu")


def test_whether_all_come():
    assert in_threads(3, lambda processes: processes.all_come(60)) == [True] * 3
    assert in_threads(3, lambda processes: processes.rank != 1 or processes.all_come(0)) == [True, False, True]
    assert Processes().all_come(0)


def test_an_abort_ends_all():
    world = World(1)
    with pytest.raises(SystemExit):
        MPIProcesses(Communicator(world, 0)).abort(7)
    assert world.codes == [7]
    with pytest.raises(SystemExit) as end:
        Processes().abort(3)
    assert end.value.code == 3


def test_what_is_missing_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(ImportError, match=r"need mpi4py and an MPI \(.*\): pip install \"xpnet\[mpi\]\""):
        MPIProcesses()


# -- training

WAYS = {
    "plain": ({}, {}, LABELS),
    "adam, validation, patience": ({}, {"optimizer": xpnet.Adam(0.1), "validation": 0.3, "patience": 2}, LABELS),
    "sample weights and clipping": (
        {},
        {"sample_weight": WEIGHTS, "optimizer": xpnet.Momentum(max_gradient_norm=0.1), "validation": (X, LABELS)},
        LABELS,
    ),
    "class weights": ({"loss": xpnet.SoftmaxCrossEntropy(class_weight=(1.0, 0.0, 3.0))}, {}, LABELS),
    "numbers": ({"loss": "mean_squared_error"}, {"validation": 0.2}, NUMBERS),
    "members": ({"members": 2}, {"optimizer": xpnet.AdamW(learning_rate=(0.1, 0.2))}, LABELS),
    "members with seeds": ({"members": 2}, {"seed": (1, 2), "validation": (X, LABELS)}, LABELS),
    "members that share seeds": ({"members": 4}, {"seed": (1, 1, 2, 2), "validation": (X, LABELS)}, LABELS),
    "numerical": ({}, {"gradient": "numerical"}, LABELS),
}


def trained(way, processes, shards, backend=None, dtype="float32", **more):
    """Return what a training ends with: parameters, and all that its records say."""
    net_options, fit_options, t = WAYS[way]
    net = make(backend, dtype=dtype, **net_options)
    options = {"batch_size": 9, "epochs": 3, "seed": 5} | fit_options | more
    records = xpnet.fit(net, X, t, shards=shards, processes=processes, **options)
    said = [(record.train, record.validation, record.batch_losses.tolist()) for record in records]
    return host(net.params), said, records


def assert_same(one, other):
    for name, w in one[0].items():
        np.testing.assert_array_equal(w, other[0][name], strict=True)
    assert one[1] == other[1]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shards", [4, 5])
def test_any_number_of_processes_ends_with_the_same_bits(way, shards):
    alone = trained(way, None, shards)
    for size in range(1, 5):
        for result in in_threads(size, lambda processes: trained(way, processes, shards)):
            assert_same(result, alone)


@pytest.mark.without("jax")
def test_on_every_array_library(backend):
    """With more shards than the last mini-batch has samples."""
    alone = trained("plain", None, 5, backend)
    for result in in_threads(2, lambda processes: trained("plain", processes, 5, backend)):
        assert_same(result, alone)


@pytest.mark.parametrize("weight", [None, WEIGHTS])
@pytest.mark.parametrize("shards", [1, 2, 7])
def test_a_step_is_that_of_the_whole_mini_batch(shards, weight):
    net, expected = make(), make()
    records = xpnet.fit(net, X, LABELS, batch_size=9, epochs=2, seed=5, shards=shards, sample_weight=weight)
    losses = []
    for epoch in (1, 2):
        order = epoch_order(len(X), seed=5, epoch=epoch)
        for rows in mini_batches(order, Sharding(shards).shares(len(X), 9)):
            part = None if weight is None else weight[rows]
            loss, gradient = expected.loss_and_gradient(X[rows], LABELS[rows], sample_weight=part)
            losses.append(float(loss))
            for name, g in gradient.items():
                expected.params[name] -= 0.1 * g
    # Ten steps with numbers of order 1, each a sum of some ten.
    for name, w in expected.params.items():
        np.testing.assert_allclose(net.params[name], w, rtol=0, atol=1000 * np.finfo("float64").eps)
    said = np.concatenate([record.batch_losses for record in records])
    np.testing.assert_allclose(said, losses, rtol=0, atol=1000 * np.finfo("float64").eps)
    result = xpnet.evaluate(net, X, LABELS, sample_weight=weight)
    assert records[-1].train.accuracy == result.accuracy
    assert records[-1].train.loss == pytest.approx(result.loss, rel=100 * np.finfo("float64").eps)


def mini_batches(order, shares):
    """Return the rows of each mini-batch, as many shares as there are put together."""
    rows = [share.order(order) + share.rows.start for share in shares]
    ends = [np.cumsum([size for count, size in share.batches for _ in range(count)])[:-1] for share in shares]
    parts = [np.split(own, end) for own, end in zip(rows, ends, strict=True)]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def test_another_number_of_processes_goes_on():
    way, shards = "adam, validation, patience", 4
    whole = trained(way, None, shards)
    (_, _, [first]), *_ = in_threads(3, lambda processes: trained(way, processes, shards, epochs=1))
    for params, said, _ in in_threads(2, lambda processes: trained(way, processes, shards, state=first.state)):
        assert_same((params, said), (whole[0], whole[1][1:]))


def test_a_process_holds_its_part_of_the_data_alone():
    def work(processes):
        shards = Shards.of(make(), X, LABELS, sharding=Sharding(4, processes), batch_size=9)
        assert not any(np.shares_memory(split.inputs.x, X) for split in shards.splits)
        return [split.inputs.x for split in shards.splits]

    parts = in_threads(2, work)
    assert [len(part) for part in parts] == [2, 2]
    np.testing.assert_array_equal(np.concatenate([x for part in parts for x in part]), X)


def test_a_process_streams_its_part_of_the_data():
    way, shards = "adam, validation, patience", 4
    whole = trained(way, None, shards)
    for params, said, _ in in_threads(2, lambda processes: trained(way, processes, shards, stream=True)):
        assert_same((params, said), whole[:2])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"shards": 1}, r"shards must be at least 2, one for each process, got 1: take more, or start fewer processes"),
        ({"shards": 0}, r"shards must be an integer >= 1, got 0"),
        ({"shards": 8, "batch_size": 7}, r"shards must be at most the batch_size, 7, got 8"),
        ({"shards": 41}, r"shards must be at most the number of samples, 40, got 41"),
        ({"shards": 5, "validation": 0.1}, r"shards must be at most the number of validation samples, 4, got 5"),
        ({"shards": 5, "validation": (X[:3], LABELS[:3])}, r"the number of validation samples, 3, got 5"),
    ],
)
def test_a_process_or_shard_without_work_is_refused(options, text):
    two = MPIProcesses(Communicator(World(1), 0))
    two.size = 2
    with pytest.raises(ValueError, match=text):
        xpnet.fit(make(), X, LABELS, processes=two, **options)


def test_members_that_hold_back_other_samples_have_one_shard():
    with pytest.raises(ValueError, match=r"shards=2 needs the same samples for all members, whose seeds hold back oth"):
        xpnet.fit(make(members=2), X, LABELS, shards=2, seed=(1, 2), validation=0.2)


def test_what_are_no_processes_is_refused():
    with pytest.raises(TypeError, match=r"processes must be Processes such as MPIProcesses\(\), got 4: make them"):
        xpnet.fit(make(), X, LABELS, processes=4)


def test_the_first_process_alone_shows_a_bar(monkeypatch):
    bars = []
    monkeypatch.setattr(fitting, "with_bar", lambda records: bars.append("a bar") or records)
    in_threads(
        3, lambda processes: xpnet.fit(make(), X, LABELS, epochs=1, shards=3, processes=processes, progress=True)
    )
    assert bars == ["a bar"]
