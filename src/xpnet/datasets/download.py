"""Downloading a data set: from the first mirror that gives the right bytes, or not at all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xpnet.datasets.decoding import DataError
from xpnet.datasets.known import known, whereabouts

Progress = Callable[[str, int, int], None]
"""Called with the name of a file, how many of its bytes have come, and how many there are (0 if unknown)."""


def fetch(name: str, *, data_dir: str | Path | None = None, progress: Progress | None = None) -> Path:
    """Return the folder with the four idx files of a data set, downloading them if they are nowhere yet.

    Each file is checked by SHA-256 and appears in the folder when it is whole.

    Parameters
    ----------
    name : str
        "digits" (embedded: never downloaded), "mnist" or "fashion-mnist".
    data_dir : path, optional
        Where to look first and to download to; else XPNET_DATA_DIR is looked into and the cache downloaded to.
    progress : callable, optional
        Called as ``progress(file_name, bytes_so_far, bytes_in_all)``.

    Raises
    ------
    DataError
        If no mirror gives the files; it names the folder and the files to put there.

    Examples
    --------
    >>> from xpnet.datasets import fetch
    >>> fetch("digits").name
    'digits'
    """
    place = whereabouts(name, data_dir)
    if place.state == "not downloaded":
        for file_name in known(name).sha256:
            _download(name, file_name, place.folder, progress)
    return place.folder


def _download(name: str, file_name: str, folder: Path, progress: Progress | None) -> None:
    import pooch  # imports slowly, and most runs need no download

    data = known(name)
    reasons = []
    for mirror in data.mirrors:
        bar = False if progress is None else _Bar(file_name, progress)
        downloader = pooch.HTTPDownloader(progressbar=bar, chunk_size=2**16, timeout=20)
        try:
            with _quiet(pooch.get_logger()):
                pooch.retrieve(
                    mirror + file_name, f"sha256:{data.sha256[file_name]}", file_name, folder, downloader=downloader
                )
            return
        except (OSError, ValueError) as error:
            # pooch says with ValueError that the checksum is wrong.
            reason = "wrong SHA-256" if isinstance(error, ValueError) else type(error).__name__
            reasons.append(f"{mirror}: {reason}")
    raise DataError(
        f"{name} could not be downloaded ({'; '.join(reasons)}): "
        f"check the connection, or put {', '.join(data.sha256)} into {folder}"
    )


class _Bar:
    """What pooch takes for a progress bar, as calls of a function."""

    total = 0

    def __init__(self, file_name: str, progress: Progress) -> None:
        self._file_name = file_name
        self._progress = progress
        self._done = 0

    def update(self, size: int) -> None:
        self._done += size
        self._progress(self._file_name, min(self._done, self.total or self._done), self.total)

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        pass


@contextmanager
def _quiet(logger: Any) -> Iterator[None]:
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)
