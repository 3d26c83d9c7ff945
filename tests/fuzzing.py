"""Broken files: any bytes, good files with damage, and what must hold of their readers."""

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("XPNET_FUZZ_EXAMPLES", "150"))
"""Inputs for each reader, two thousand in all; by hand, more."""

FUZZ = settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

_SPICE = (
    b"\0",
    b"\xff" * 8,
    b"\x7f" + b"\xff" * 7,
    b"\x80",
    b"\x1b[31m",
    b"-1",
    b"1e999",
    b"nan",
    b'"',
    b"\r\n",
    b"(,)",
)
"""Bytes that mean something to a reader."""


@st.composite
def damaged(draw: Any, good: bytes) -> bytes:
    """Draw random bytes; or good ones with a few overwritten, cut out, doubled or added, or with their end cut off."""
    if draw(st.integers(0, 7)) == 0:
        return draw(st.binary(max_size=300))
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, max(0, len(data) - 1)))
        end = min(len(data), start + draw(st.integers(1, 40)))
        match draw(st.integers(0, 5)):
            case 0 | 1:
                data[start : start + 1] = draw(st.binary(min_size=1, max_size=1))
            case 2:
                spice = draw(st.sampled_from(_SPICE))
                data[start : start + len(spice)] = spice
            case 3:
                del data[start:end]
            case 4:
                data[start:start] = data[start:end]
            case 5:
                del data[start:]
    return bytes(data)


def read_or_refuse(read: Callable[[], Any], refusal: Any, *paths: Path) -> Any:
    """Return what `read` gives, or None where it refuses in one line that a terminal may have.

    It takes no more memory than its files have bytes, and 64 MiB.
    """
    allowed, told = 2**26 + sum(path.stat().st_size for path in paths), ""
    tracemalloc.start()
    try:
        return read()
    except refusal as error:
        told = str(error)
        return None
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert told.isprintable()
        assert peak <= allowed
