"""A process for one engine: reads a command a line, answers with a line of JSON.

    python -m benchmarks.worker ENGINE WORK.npz DEVICE THREADS

``epoch`` trains one and tells the microseconds of a step; ``save FILE`` writes the parameters; the end of the input
ends the process. Whatever libraries print goes to stderr.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engine import Engine, make_engine
from benchmarks.work import Work


def main() -> None:
    """Answer commands until there are no more."""
    name, path, device, threads = sys.argv[1:]
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        try:
            engine = make_engine(name, Work.load(Path(path)), device, int(threads))
            say(answers, {"about": engine.about()})
            for line in sys.stdin:
                say(answers, answer(engine, *line.split(maxsplit=1)))
        except Exception as error:  # Whatever an engine's library raises is one line of the table.
            say(answers, {"error": (str(error).strip().splitlines() or [type(error).__name__])[0]})


def answer(engine: Engine, command: str, argument: str = "") -> dict[str, Any]:
    """Carry out one command."""
    if command == "epoch":
        return engine.epoch()
    if command != "save":
        raise ValueError(f"no such command: {command}")
    params: Any = engine.params()
    if params is not None:
        np.savez(argument.strip(), **params)
    return {"saved": params is not None}


def say(answers: Any, message: dict[str, Any]) -> None:
    """Write one line."""
    answers.write(json.dumps(message) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
