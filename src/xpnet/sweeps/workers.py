"""Processes of this machine, and others, that train batches of a sweep."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from threading import Lock, local
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from xpnet._checks import check_count

P = ParamSpec("P")
R = TypeVar("R")

_ATTEMPTS = 3
"""A task that loses its process so often is what ends them: by taking all memory, most likely."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_spawn = get_context("spawn")
_environment = Lock()


class Workers(Executor):
    """So many processes of this machine, each with its share of the processors; one that is killed is replaced.

    Its task is begun again, and no other task is disturbed. An error inside the ``with`` statement ends them at once.

    Parameters
    ----------
    workers : int
        The number of processes.

    Examples
    --------
    >>> import operator
    >>> from xpnet.sweeps import Workers
    >>> with Workers(2) as workers:
    ...     list(workers.map(operator.mul, [2, 3], [5, 7]))
    [10, 21]
    """

    def __init__(self, workers: int) -> None:
        check_count(workers, "workers")
        self._share = max(1, (os.cpu_count() or 1) // workers)
        self._threads = ThreadPoolExecutor(workers)
        """Each waits for a process of its own."""
        self._own = local()
        self._processes: list[_Process] = []
        self._ended = False

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Have a process call `fn`."""
        return self._threads.submit(self._call, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes once their tasks are done."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        for process in self._processes:
            process.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._ended = True
            for process in self._processes:
                process.kill()
        self.shutdown(cancel_futures=kind is not None)

    def _call(self, fn: Callable[..., R], args: Any, kwargs: Any) -> R:
        for _ in range(_ATTEMPTS):
            if self._ended:
                break
            try:
                return cast(R, self._process().call(fn, args, kwargs))
            except EOFError:
                self._own.process = None
        raise BrokenExecutor(
            f"a task has lost its process {_ATTEMPTS} times, as if there were too little memory for it"
        )

    def _process(self) -> "_Process":
        """Return the process of this thread, a new one if there is none any more."""
        process: _Process | None = getattr(self._own, "process", None)
        if process is None:
            process = self._own.process = _Process(self._share)
            self._processes.append(process)
        return process


class _Process:
    """One process that calls functions, with so many threads for each array operation."""

    def __init__(self, threads: int) -> None:
        self._connection, theirs = _spawn.Pipe()
        self._process: BaseProcess = _spawn.Process(target=_serve, args=(theirs,), daemon=True)
        with _threads_per_process(threads):
            self._process.start()
        theirs.close()  # So that the end of the process is the end of the connection.

    def call(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Return what a call returns, or raise its error; EOFError where the process is killed."""
        try:
            self._connection.send((fn, args, kwargs))
            done, answer = self._connection.recv()
        except OSError as error:
            raise EOFError from error
        if done:
            return answer
        raise answer

    def close(self) -> None:
        """End it once it waits for a call."""
        self._connection.close()
        self._process.join()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()


def _serve(connection: Connection) -> None:
    """Call what comes, until nobody is there any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # A terminal sends it to all, and the first process decides.
    while True:
        try:
            fn, args, kwargs = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer = True, fn(*args, **kwargs)
        except Exception as error:
            answer = False, error
        connection.send(answer)


@contextmanager
def _threads_per_process(count: int) -> Iterator[None]:
    """Have processes that are started compute with so many threads, unless the user has said how many."""
    with _environment:
        missing = [name for name in _THREADS if name not in os.environ]
        os.environ.update({name: str(count) for name in missing})
        try:
            yield
        finally:
            for name in missing:
                del os.environ[name]


@contextmanager
def dask_cluster(address: str) -> Iterator[Executor]:
    """Give the executor of a Dask cluster whose scheduler has this address.

    Raises
    ------
    ImportError
        If Dask is not installed.
    OSError
        If no scheduler answers.
    """
    try:
        import distributed  # imported here, since it is optional
    except ImportError as error:
        raise ImportError('a scheduler needs Dask, which is not installed: pip install "xpnet[dask]"') from error
    connect: Any = distributed.Client
    with connect(address) as client:
        yield client.get_executor(pure=False)
