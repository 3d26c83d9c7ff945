"""The text of a file in blocks of whole lines, plain or .gz, with memory for one at a time."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from xpnet._files import open_regular
from xpnet.datasets.decoding import DataError, check_unpacked

MAX_LINE = 2**20
"""Bytes between two line breaks: without any, a file would be one cell."""
_READ = 2**21
_BLOCK = 2**18
_QUOTE, _BREAK = b'"', b"\n"


def text_blocks(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, some 256 KiB at a time; every line ends with a line feed, and no block in quotes."""
    with open_regular(path) as file, _unpacked(file) as stream:
        read, rest = 0, b""
        while part := stream.read(_READ):
            if part.endswith(b"\r"):
                part += stream.read(1)
            read += len(part)
            check_unpacked(str(path), read, path.stat().st_size)
            text = rest + part
            if b"\r" in part:
                text = text.replace(b"\r\n", _BREAK).replace(b"\r", _BREAK)
            if read == len(part):
                text = text.removeprefix(b"\xef\xbb\xbf")
            start, quoted = 0, _QUOTE in text
            while end := _end(text, start, quoted=quoted):
                yield text[start:end]
                start = end
            rest = text[start:]
            if len(rest) > MAX_LINE:
                raise DataError(f"{path}: has a line of more than {MAX_LINE} bytes: save such wide tables as .npy")
        if rest:
            yield rest if rest.endswith(_BREAK) else rest + _BREAK


def _end(text: bytes, start: int, *, quoted: bool) -> int:
    """Return where a block from `start` on ends, 0 if that is not to be seen."""
    end = text.rfind(_BREAK, start, start + _BLOCK) + 1 or text.find(_BREAK, start) + 1
    quotes = text.count(_QUOTE, start, end) if quoted else 0
    while end and quotes % 2:
        before, end = end, text.find(_BREAK, end) + 1
        quotes += text.count(_QUOTE, before, end)
    return end


@contextmanager
def _unpacked(file: IO[bytes]) -> Iterator[IO[bytes]]:
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    if packed:
        with gzip.open(file) as stream:
            yield cast(IO[bytes], stream)
    else:
        yield file
