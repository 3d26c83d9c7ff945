"""The data sets that have a name: what they are, where they are published, where they are looked for."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from xpnet._checks import check_choice
from xpnet.datasets.decoding import DataError
from xpnet.datasets.idx_files import PARTS, find_idx_files, read_idx
from xpnet.datasets.scaling import Scaling

EMBEDDED = Path(__file__).parent / "data"

_FASHION_CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


@dataclass(frozen=True)
class Known:
    """A data set with a name, of four idx files.

    Parameters
    ----------
    description : str
        What it is, in one line.
    sha256 : dict of str to str
        SHA-256 of each published file, by file name.
    size : int
        Bytes of all published files.
    mirrors : tuple of str
        Addresses of folders with these files; the first that answers is taken.
    test_labels : str
        SHA-256 of the test labels unpacked, by which its files are told from those of another data set.
    class_names : tuple of str or None
        What the labels stand for, if not for themselves.
    scaling : Scaling or None
        How raw features are scaled, if not by their dtype.
    """

    description: str
    sha256: dict[str, str] = field(default_factory=dict)
    size: int = 0
    mirrors: tuple[str, ...] = ()
    test_labels: str = ""
    class_names: tuple[str, ...] | None = None
    scaling: Scaling | None = None


def _published(*sha256: str) -> dict[str, str]:
    return {f"{part}.gz": digest for part, digest in zip(PARTS, sha256, strict=True)}


KNOWN = {
    # E. Alpaydin and C. Kaynak, 1998, UCI Machine Learning Repository, CC BY 4.0.
    "digits": Known(
        "UCI optical digits: 3823 + 1797 images of 8 x 8, 10 classes",
        scaling=Scaling(0.0, 1 / 16),
    ),
    "mnist": Known(
        "MNIST handwritten digits: 60000 + 10000 images of 28 x 28, 10 classes",
        _published(
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
        11_594_722,
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    ),
    "fashion-mnist": Known(
        "Fashion-MNIST articles of clothing: 60000 + 10000 images of 28 x 28, 10 classes",
        _published(
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
        30_878_645,
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        ),
        "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
        _FASHION_CLASSES,
    ),
}


@dataclass(frozen=True)
class Whereabouts:
    """Where a data set with a name is, for a listing.

    Parameters
    ----------
    name, description : str
        Its name, and what it is.
    state : str
        "embedded", "found" (in a folder of the user's), "cached" or "not downloaded".
    folder : Path
        Where its files are, or would be downloaded to.
    size : int
        Bytes of its files, or of those to download.
    """

    name: str
    description: str
    state: str
    folder: Path
    size: int


def known(name: str) -> Known:
    """Return the data set called `name`, or refuse it and name those that there are."""
    try:
        check_choice(name, "data", KNOWN)
    except ValueError as error:
        raise DataError(f"{error}, or give the path of a folder or file that exists") from None
    return KNOWN[name]


def available(data_dir: str | Path | None = None) -> tuple[Whereabouts, ...]:
    """Return where every data set with a name is, whether it is there or not; nothing is downloaded.

    Examples
    --------
    >>> from xpnet.datasets import available
    >>> [place.name for place in available()]
    ['digits', 'mnist', 'fashion-mnist']
    """
    return tuple(whereabouts(name, data_dir) for name in KNOWN)


def data_path(name: str, data_dir: str | Path | None = None) -> Path:
    """Return the folder with the four idx files of the data set called `name`.

    Raises
    ------
    DataError
        If there is no data set of that name, or it is not on this machine.
    """
    place = whereabouts(name, data_dir)
    if place.state == "not downloaded":
        raise DataError(
            f"{name} is not on this machine: fetch it, or put {', '.join(known(name).sha256)} into {place.folder}"
        )
    return place.folder


def whereabouts(name: str, data_dir: str | Path | None = None) -> Whereabouts:
    """Return where the data set called `name` is or would be downloaded to.

    Looked for in `data_dir`, in XPNET_DATA_DIR and in the cache of this user, and in each of these in the folder
    called like the data set and then in the folder itself.
    """
    description, size = known(name).description, known(name).size
    for state, root in _roots(name, data_dir):
        for folder in (root / name, root):
            files = find_idx_files(folder)
            if len(files) == len(PARTS) and not _is_another(name, files):
                total = sum(path.stat().st_size for path in files.values())
                return Whereabouts(name, description, state, folder, total)
    return Whereabouts(name, description, "not downloaded", Path(data_dir or cache()) / name, size)


def cache() -> Path:
    """Return the folder of this user for what xpnet downloads."""
    import pooch  # imports slowly, and most runs need no cache

    return Path(pooch.os_cache("xpnet"))


def _roots(name: str, data_dir: str | Path | None) -> Iterator[tuple[str, Path]]:
    if name == "digits":
        yield "embedded", EMBEDDED
        return
    for folder in (data_dir, os.environ.get("XPNET_DATA_DIR")):
        if folder:
            yield "found", Path(folder)
    yield "cached", cache()


def _is_another(name: str, files: dict[str, Path]) -> bool:
    """Return whether these are the files of another data set that has a name."""
    import hashlib  # imports slowly, and most data sets need no check

    try:
        digest = hashlib.sha256(read_idx(files[PARTS[3]]).tobytes()).hexdigest()
    except DataError:
        return False
    return any(digest == other.test_labels for other_name, other in KNOWN.items() if other_name != name)
