"""Reading foreign files: memory by what a file really holds, and one kind of error whatever its decoder raises."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from xpnet._text import printable


class DataError(ValueError):
    """A data set cannot be found, read or used; the text names the file, what was wrong and how to repair it."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))


@contextmanager
def decoding(path: Path, expected: str) -> Iterator[None]:
    """Turn what a decoder raises on a file that is not the `expected` kind into a `DataError`."""
    try:
        yield
    except (DataError, MemoryError):
        raise
    # Decoders of random bytes raise nearly anything, and not the same in every version.
    except Exception as error:
        if isinstance(error, OSError) and error.strerror:
            raise DataError(f"{path}: cannot be read ({error.strerror}): check the path and its permissions") from error
        reason = (printable(str(error)) or type(error).__name__)[:120]
        raise DataError(f"{path}: not {expected}, or damaged ({reason}): replace it with a good copy") from error


def check_unpacked(name: str, size: int, packed: int) -> None:
    """Refuse to unpack `size` bytes from a file that takes `packed`: more than any data that are worth compressing."""
    if size > max(packed + 2**26, 16 * packed):
        raise DataError(f"{name}: would unpack to {size} bytes from {packed}: unpack it first, if these are data")


def read_at_most(stream: IO[bytes], limit: int) -> bytearray:
    """Return up to `limit` bytes of `stream`, claiming memory only as they come."""
    data = bytearray()
    while len(data) < limit and (part := stream.read(min(limit - len(data), 2**20))):
        data += part
    return data
