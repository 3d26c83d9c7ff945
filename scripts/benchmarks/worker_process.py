"""The other end of a worker: its process, commands to it, and its answers."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parents[1]
_THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")


class EngineError(RuntimeError):
    """An engine does not work here."""


def environment(threads: int | None) -> dict[str, str]:
    """Return the environment of a process with so many threads for each library; None sets none of them."""
    inherited = {name: value for name, value in os.environ.items() if name not in _THREAD_VARIABLES}
    if threads is None:
        return inherited
    # XLA counts the threads of its pool by NPROC, and parallelises a single product where it is not told not to.
    eigen = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    flags = f"{inherited.get('XLA_FLAGS', '')} {eigen}".strip()
    return inherited | dict.fromkeys(_THREAD_VARIABLES, str(threads)) | {"XLA_FLAGS": flags}


class Worker:
    """A process with one engine that is ready to train."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self.process, self.log = process, log
        self.about: str = self._hear()["about"]

    def ask(self, command: str) -> dict[str, Any]:
        """Give a command and return its answer."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise EngineError(self._last_words()) from None
        return self._hear()

    def _hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise EngineError(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise EngineError(answer["error"])
        return answer

    def _last_words(self) -> str:
        return (self.log.read_text(errors="replace").strip().splitlines() or ["it ended without a word"])[-1]


@contextmanager
def worker(name: str, work: Path, device: str, threads: int | None) -> Iterator[Worker]:
    """Start a worker, and end it at last."""
    log = work.with_name(f"{name}.log")
    command = [sys.executable, "-m", "benchmarks.worker", name, str(work), device, str(threads or 0)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with log.open("w") as stderr:
        process = subprocess.Popen(command, cwd=SCRIPTS, env=environment(threads), stderr=stderr, **pipes)
    try:
        yield Worker(process, log)
    finally:
        process.kill()
        process.communicate()


def counts(work: Path) -> dict[str, Any]:
    """Return what `benchmarks.counting` counts, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.counting", str(work)]
    done = subprocess.run(command, cwd=SCRIPTS, env=environment(1), capture_output=True, text=True, check=False)
    if done.returncode:
        raise EngineError((done.stderr.strip().splitlines() or ["it ended without a word"])[-1])
    result: dict[str, Any] = json.loads(done.stdout)
    return result
