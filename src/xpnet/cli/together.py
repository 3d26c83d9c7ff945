"""One command in many processes: the first speaks for all, and an error in one ends all.

A process that is killed can say nothing, and the others neither: ``mpiexec`` says that one was, kills them in less than
a second, and ends with another code than 0. ``xpnet train --resume RUN``, in any number of processes, goes on.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from io import StringIO
from itertools import pairwise
from time import sleep

from xpnet.cli.errors import tell
from xpnet.cli.signals import Stopped
from xpnet.training import MPIProcesses, NonFiniteLossError, Processes

_PATIENCE = 3.0
"""So many seconds the others leave to the first process to come to an error, which most often is one of all."""
_ON_THE_WAY = 1.0
"""So many seconds has ``mpiexec`` to pass on what is told, before an abort makes it forget that."""


class _Nowhere(StringIO):
    """Where nothing is kept of what is printed."""

    def write(self, text: str) -> int:
        return len(text)


@cache
def processes(parallel: str | None) -> Processes:
    """Return those that ``--parallel mpi`` means, or else this one alone."""
    return MPIProcesses() if parallel == "mpi" else Processes()


@contextmanager
def together(arguments: Sequence[str], *, debug: bool) -> Iterator[None]:
    """While it is entered, print in the first of the processes that the command line asks for only.

    An error ends all of them, since the others might wait for this one forever.
    """
    asked = "--parallel=mpi" in arguments or ("--parallel", "mpi") in pairwise(arguments)
    team, stderr = processes("mpi" if asked else None), sys.stderr
    if team.rank:
        sys.stdout = sys.stderr = _Nowhere()
    try:
        yield
    except (Stopped, NonFiniteLossError):  # These come to all processes at the same step.
        raise
    except BaseException as error:
        if team.size == 1:
            raise
        code = tell(error, debug=debug)
        if not team.all_come(_PATIENCE if team.rank else _ON_THE_WAY):
            if team.rank:
                sys.stderr = stderr
                tell(error, debug=debug, who=f"process {team.rank}: ")
                sleep(_ON_THE_WAY)
            team.abort(code)
        raise SystemExit(code) from error
