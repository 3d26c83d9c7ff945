"""Reading foreign files: memory by what a file really holds, and one kind of error whatever its decoder raises."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

MAX_UNPACKED = 2**32
"""Bytes that a compressed file may unpack to."""


class DataError(ValueError):
    """A data set cannot be found, read or used; the text names the file, what was wrong and how to repair it."""


@contextmanager
def decoding(path: Path, expected: str) -> Iterator[None]:
    """Turn what a decoder raises on a file that is not the `expected` kind into a `DataError`."""
    try:
        yield
    except DataError:
        raise
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}): check the path and its permissions") from error
    # Decoders of random bytes raise nearly anything, and not the same in every version.
    except Exception as error:
        reason = (one_line(str(error)) or type(error).__name__)[:120]
        raise DataError(f"{path}: not {expected}, or damaged ({reason}): replace it with a good copy") from error


def one_line(text: str) -> str:
    """Return `text` with every run of white space, line breaks too, as one space, and none around it."""
    return " ".join(text.split())


def read_at_most(stream: IO[bytes], limit: int) -> bytes:
    """Return up to `limit` bytes of `stream`, claiming memory only as they come."""
    parts = []
    while limit > 0 and (part := stream.read(min(limit, 2**20))):
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)
