"""Files: regular ones are read, written whole or not at all, locked, and named by errors."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

_SMALL = 2 * 2**20
_UNFINISHED = ".xpnet-{}.tmp"
"""The name of a file that is being written, beside the one it becomes."""


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have an `OSError` name `path`: those of a write name no file, those of a temporary file not the one meant."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def open_regular(path: Path) -> Iterator[BufferedReader]:
    """Open a file to read its bytes, unless it is a pipe, which may never begin, or a device, which may never end."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        yield file


def read_small(path: Path) -> bytes:
    """Return the bytes of a regular file that people write: no more than 2 MiB, which may be 60 once they are read."""
    with open_regular(path) as file:
        content = file.read(_SMALL + 1)
    if len(content) > _SMALL:
        raise OSError(errno.EFBIG, f"larger than {_SMALL} bytes", str(path))
    return content


def write_atomically(path: Path, content: bytes | bytearray) -> None:
    """Replace the file at `path` by `content`: whoever reads it, even after a crash, finds the old or the new whole."""
    temporary = path.with_name(_UNFINISHED.format(token_hex(4)))
    with naming(path):
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        _sync_folder(path.parent)


def remove_unfinished(folder: Path) -> None:
    """Remove what killed writers left in a folder where nobody else writes now."""
    for path in folder.glob(_UNFINISHED.format("*")):
        path.unlink(missing_ok=True)


def append_line(path: Path, line: str) -> None:
    """Add a line to the file at `path`, all of it or nothing, out of the reach of a crash of this process."""
    content = memoryview(f"{line}\n".encode())
    with naming(path), path.open("ab", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        try:
            while content:  # A disk that is nearly full takes a part, and tells of it by the number.
                content = content[file.write(content) :]
        except BaseException:
            file.truncate(size)
            raise


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # That is what some network disks say, which keep their folders themselves.
            raise
    finally:
        os.close(handle)


if sys.platform == "win32":

    def lock(file: BinaryIO) -> bool:
        """Lock an open file until it is closed or the process ends; return False if another process has it locked."""
        import msvcrt

        file.seek(2**30)  # Locked bytes cannot be read: this one is none of the file's.
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:

    def lock(file: BinaryIO) -> bool:
        """Lock an open file until it is closed or the process ends; return False if another process has it locked."""
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK):  # A disk without locks has none.
                raise
        return True
