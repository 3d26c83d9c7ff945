"""Files: regular ones are read, written whole or not at all, and errors name them."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have an `OSError` name `path`: those of a write name no file, those of a temporary file not the one meant."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a file to read its bytes, unless it is a pipe, which may never begin, or a device, which may never end."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        yield file


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the file at `path` by `content`: whoever reads it, even after a crash, finds the old or the new whole."""
    with naming(path), tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        temporary = Path(folder) / path.name
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)


def append_line(path: Path, line: str) -> None:
    """Add a line to the file at `path`, out of the reach of a crash of this process."""
    with naming(path), path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(line + "\n")
