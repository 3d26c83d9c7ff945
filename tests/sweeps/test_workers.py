"""Processes that train: their share of the processors, their errors, and what is lost when one is killed."""

import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import pytest
from command_line import MPIEXEC, SOURCE, tree

import xpnet
from xpnet.sweeps import Workers, dask_cluster

GRID = {"learning_rate": [0.001, 0.3, 0.03], "hidden": [2, 3, 4], "seed": [5, 6]}


@pytest.fixture(scope="module")
def here(tiny, tmp_path_factory):
    """Give the folder of a sweep in this process."""
    folder = tmp_path_factory.mktemp("here")
    xpnet.sweep(tiny, GRID, folder=folder)
    return folder


@pytest.mark.parametrize("given", [None, "3"])
def test_each_process_has_its_share_of_the_processors(monkeypatch, given):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    if given is not None:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", given)
    before = dict(os.environ)
    with Workers(2) as workers:
        assert workers.submit(os.getenv, "OMP_NUM_THREADS").result() == "4"
        assert workers.submit(os.getenv, "OPENBLAS_NUM_THREADS").result() == (given or "4")
    assert dict(os.environ) == before


def test_an_error_of_a_task_is_raised_and_the_process_goes_on():
    with Workers(1) as workers:
        pid = workers.submit(os.getpid).result()
        with pytest.raises(ZeroDivisionError):
            workers.submit(divmod, 1, 0).result()
        assert workers.submit(os.getpid).result() == pid


def test_a_task_whose_process_is_killed_is_begun_again(tmp_path):
    once = f'mkdir "{tmp_path}/killed" && kill -9 $PPID; true'
    with Workers(1) as workers:
        first = workers.submit(os.getpid).result()
        assert workers.submit(subprocess.call, ["sh", "-c", once], stderr=subprocess.DEVNULL).result() == 0
        assert workers.submit(os.getpid).result() != first


def test_a_task_that_kills_every_process_is_given_up():
    with Workers(1) as workers:
        with pytest.raises(BrokenExecutor, match=r"a task has lost its process 3 times"):
            workers.submit(os._exit, 9).result()
        assert workers.submit(abs, -1).result() == 1


def test_an_error_around_them_ends_them_at_once():
    pids = []

    def interrupted():
        with Workers(1) as workers:
            pids.append(workers.submit(os.getpid).result())
            sleeping = workers.submit(time.sleep, 600)
            while not sleeping.running():
                time.sleep(0.01)
            raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - started < 300
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_workers_give_the_same_with_one_of_them_killed(tiny, here, tmp_path):
    killed = []

    def kill(progress):
        """Kill the process that is not done yet, while it trains or waits."""
        if not killed:
            process = next(process for process in workers._processes if process is not None)._process
            os.kill(process.pid, signal.SIGKILL)
            killed.append(process.pid)

    with Workers(2) as workers:
        xpnet.sweep(tiny, GRID, folder=tmp_path, executor=workers, report=kill)
    assert killed
    assert tree(tmp_path) == tree(here)


def test_a_process_pool_gives_the_same(tiny, here, tmp_path):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        xpnet.sweep(tiny, GRID, folder=tmp_path, executor=pool)
    assert tree(tmp_path) == tree(here)


def test_a_pool_that_breaks_says_how_to_go_on_and_loses_nothing(tiny, here, tmp_path):
    def kill(progress):
        for pid in list(pool._processes):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        pytest.raises(BrokenExecutor, match=r"what is finished is in the sweep's folder; go on with another"),
    ):
        xpnet.sweep(tiny, GRID, folder=tmp_path, executor=pool, report=kill)
    assert list(Path(tmp_path, "batches").glob("*.json"))
    xpnet.sweep(tiny, GRID, folder=tmp_path)
    assert tree(tmp_path) == tree(here)


@pytest.mark.needs("distributed")
def test_a_dask_cluster_gives_the_same_with_a_worker_killed(tiny, here, tmp_path):
    from distributed import LocalCluster

    def kill(progress):
        if not killed:
            killed.append(next(iter(cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    killed = []
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        dask_cluster(cluster.scheduler_address) as executor,
    ):
        xpnet.sweep(tiny, GRID, folder=tmp_path, executor=executor, report=kill)
    assert killed
    assert tree(tmp_path) == tree(here)


@pytest.mark.needs("mpi4py")
@pytest.mark.skipif(sys.platform == "win32", reason="there is no wheel with an MPI")
def test_futures_of_mpi_give_the_same(tiny, here, tmp_path):
    (tmp_path / "sweep.py").write_text(
        "import pickle, sys\n"
        "from mpi4py.futures import MPIPoolExecutor\n"
        "import xpnet\n"
        "if __name__ == '__main__':\n"
        "    settings, grid = pickle.load(sys.stdin.buffer)\n"
        "    with MPIPoolExecutor() as executor:\n"
        "        xpnet.sweep(settings, grid, folder='there', executor=executor)\n"
    )
    command = [MPIEXEC, "-n", "3", sys.executable, "-m", "mpi4py.futures", "sweep.py"]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(SOURCE)}
    subprocess.run(command, input=pickle.dumps((tiny, GRID)), cwd=tmp_path, env=environment, check=True)
    assert tree(tmp_path / "there") == tree(here)


def test_without_dask_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r'pip install "xpnet\[dask\]"'), dask_cluster("tcp://localhost:1"):
        pass
