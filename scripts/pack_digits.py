"""Pack the UCI optical digits into the four idx files that the package embeds.

    python scripts/pack_digits.py FOLDER

FOLDER holds optdigits.tra and optdigits.tes of the UCI Machine Learning Repository (doi:10.24432/C50P49): E. Alpaydin
and C. Kaynak, "Optical Recognition of Handwritten Digits", 1998, licensed under CC BY 4.0. The same input and the same
zlib give the same bytes.
"""

import gzip
import struct
import sys
from pathlib import Path

import numpy as np

TARGET = Path(__file__).parents[1] / "src" / "xpnet" / "datasets" / "data" / "digits"


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write an array of bytes as a compressed idx file that carries neither a name nor a time."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 0x08, array.ndim, *array.shape)
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
        file.write(header + array.astype(np.uint8).tobytes())


def main(source: Path) -> None:
    """Pack both parts."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for table_name, part in (("optdigits.tra", "train"), ("optdigits.tes", "t10k")):
        table = np.loadtxt(source / table_name, dtype=np.int64, delimiter=",")
        write_idx(TARGET / f"{part}-images-idx3-ubyte.gz", table[:, :-1].reshape(-1, 8, 8))
        write_idx(TARGET / f"{part}-labels-idx1-ubyte.gz", table[:, -1])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
