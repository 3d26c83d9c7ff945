"""What a step of xpnet asks of NumPy: array calls, bytes of new arrays, and reads on the host.

    python -m benchmarks.counting WORK.npz

Parameters become arrays of a class that counts what is done with them, and so does every array made from one. A call
that only returns a view is no work and not counted. A step costs the difference between an epoch of twice as many
steps and one, divided by their number: what an epoch costs beside its steps falls out.
"""

import json
import sys
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import array_api_compat.numpy as namespace
import numpy as np

import xpnet
from benchmarks.work import Work, make_work
from benchmarks.xpnet_engine import XpnetEngine

CREATION = ("arange", "asarray", "empty", "empty_like", "full", "full_like", "ones", "ones_like", "zeros", "zeros_like")


class Tally(NamedTuple):
    """What has been counted."""

    calls: Counter[str]
    """By the function's name."""
    amounts: Counter[str]
    """Bytes of new arrays, and reads on the host."""


TALLY = Tally(Counter(), Counter())


class Counted(np.ndarray):
    """An array that counts what is done with it."""

    inside = False

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if out is not None:
            options["out"] = tuple(plain(array) for array in out)
        name = ufunc.__name__ + ("" if method == "__call__" else f".{method}")
        result = counted(name, getattr(ufunc, method), [plain(array) for array in inputs], options)
        return result if out is None else out[0] if len(out) == 1 else out

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return counted(function.__name__, function, deep(args), deep(kwargs))

    def astype(self, *args: Any, **options: Any) -> Any:
        return counted("astype", plain(self).astype, args, options)

    def copy(self, *args: Any, **options: Any) -> Any:
        return counted("copy", plain(self).copy, args, options)

    def __setitem__(self, key: Any, value: Any) -> None:
        counted("setitem", plain(self).__setitem__, (key, plain(value)), {})

    def __bool__(self) -> bool:
        TALLY.amounts["reads"] += 1
        return bool(plain(self))

    def __float__(self) -> float:
        TALLY.amounts["reads"] += 1
        return float(plain(self))


def plain(value: Any) -> Any:
    """Return an array as NumPy's own."""
    return value.view(np.ndarray) if isinstance(value, Counted) else value


def deep(value: Any) -> Any:
    """Return containers with arrays as NumPy's own."""
    if isinstance(value, dict):
        return {key: deep(item) for key, item in value.items()}
    return type(value)(map(deep, value)) if type(value) in (list, tuple) else plain(value)


def counted(name: str, function: Any, args: Any, options: Any) -> Any:
    """Call a function, and count it unless its result is a view."""
    result = function(*args, **options)
    arrays = [array for array in flat(args) if isinstance(array, np.ndarray)]
    if isinstance(result, np.ndarray) and options.get("out") is None:
        if any(np.may_share_memory(result, array) for array in arrays):
            return result.view(Counted)
        TALLY.amounts["bytes"] += result.nbytes
    TALLY.calls[name] += 1
    return result.view(Counted) if isinstance(result, np.ndarray) else result


def flat(args: Any) -> Any:
    """Yield what is in nested containers."""
    for value in args:
        if isinstance(value, list | tuple):
            yield from flat(value)
        else:
            yield value


def watch() -> None:
    """Let every array that xpnet makes count, and each of its reads on the host."""
    for name in CREATION:
        make = getattr(namespace, name)
        setattr(namespace, name, lambda *args, make=make, **options: make(*args, **options).view(Counted))
    read = xpnet.to_host

    def to_host(array: Any) -> Any:
        TALLY.amounts["reads"] += 1
        return plain(read(array))

    for module in [module for name, module in sys.modules.items() if name.startswith("xpnet")]:
        if getattr(module, "to_host", None) is read:
            module.to_host = to_host


def one_epoch(work: Work) -> Tally:
    """Return what the second epoch costs; the first one makes what lasts."""
    records = iter(XpnetEngine(work, "cpu", 1).fit(2))
    next(records)
    for counter in TALLY:
        counter.clear()
    next(records)
    return Tally(Counter(TALLY.calls), Counter(TALLY.amounts))


def traced_peak(work: Work) -> int:
    """Return the most bytes that an epoch holds beside what it started with, as tracemalloc sees it."""
    records = iter(XpnetEngine(work, "cpu", 1).fit(2))
    tracemalloc.start()
    next(records)
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    next(records)
    return tracemalloc.get_traced_memory()[1] - before


def main() -> None:
    """Count, and print JSON."""
    whole = Work.load(Path(sys.argv[1]))
    steps = max(1, min(20, 4096 // whole.case.batch))  # So few that both epochs are evaluated in one piece.
    few, many = (make_work(whole.case, steps * times) for times in (1, 2))
    peak = traced_peak(whole)
    watch()
    short, long = one_epoch(few), one_epoch(many)
    calls = {name: (long.calls[name] - short.calls[name]) / steps for name in long.calls}
    print(
        json.dumps(
            {
                "calls": sum(calls.values()),
                "calls_by_name": {name: number for name, number in sorted(calls.items()) if number},
                "bytes": (long.amounts["bytes"] - short.amounts["bytes"]) / steps,
                "reads": long.amounts["reads"],
                "peak": peak,
            }
        )
    )


if __name__ == "__main__":
    main()
