"""Whatever the bytes of a file of data: a data set, or a `DataError`."""

import gzip
import io
import struct
import zipfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow.parquet
import pytest
from fuzzing import FUZZ, damaged, read_or_refuse
from hypothesis import given
from hypothesis import strategies as st

from xpnet.datasets import DataError, Dataset, load_data, load_features, summarize, text_blocks
from xpnet.datasets.idx_files import PARTS


def idx(values: Any) -> bytes:
    array = np.asarray(values, np.uint8)
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def npy(values: Any) -> bytes:
    np.save(stream := io.BytesIO(), np.asarray(values))
    return stream.getvalue()


def npz(packed: bool) -> bytes:
    (np.savez_compressed if packed else np.savez)(stream := io.BytesIO(), x=np.eye(4), t=[0, 1, 0, 1])
    return stream.getvalue()


def check(data: Dataset | None) -> None:
    if data is not None:
        for x, t in (data.train, data.test):
            assert x.shape == (len(t), data.features)
            assert np.isfinite(x).all()
            assert np.isfinite(t).all()
        if data.classification:
            assert all(name.isprintable() for name in data.class_names)
            assert 0 <= data.train.t.min() <= data.train.t.max() < data.classes


def load_all(path: Path) -> None:
    """Read a file in all ways there are."""
    for classification, missing in ((True, "refuse"), (False, "refuse"), (True, "mean"), (True, "drop")):
        options = {"classification": classification, "missing": missing}
        check(read_or_refuse(lambda given=options: load_data(path, **given), DataError, path))
    read_or_refuse(lambda: summarize(path), DataError, path)
    x = read_or_refuse(lambda: load_features(path, features=2), DataError, path)
    assert x is None or np.isfinite(x).all()


@FUZZ
@given(data=st.data(), part=st.integers(0, 3), packed=st.booleans(), inside=st.booleans())
def test_idx(tmp_path: Path, data: Any, part: int, packed: bool, inside: bool):
    good = [idx(a) for a in (np.arange(8).reshape(4, 1, 2), [0, 1, 1, 0], np.ones((2, 1, 2)), [0, 1])]
    if packed and inside:
        good[part] = gzip.compress(data.draw(damaged(good[part])), 1)
    else:
        good[part] = data.draw(damaged(gzip.compress(good[part], 1) if packed else good[part]))
    for name, content in zip(PARTS, good, strict=True):
        (tmp_path / name).write_bytes(content)
    paths = [tmp_path / name for name in PARTS]
    check(read_or_refuse(lambda: load_data(tmp_path), DataError, *paths))
    read_or_refuse(lambda: load_features(paths[part], features=2), DataError, paths[part])


@FUZZ
@given(data=st.data(), member=st.sampled_from([None, "x", "t"]), packed=st.booleans())
def test_npz(tmp_path: Path, data: Any, member: str | None, packed: bool):
    path = tmp_path / "fuzz.npz"
    if member is None:
        path.write_bytes(data.draw(damaged(npz(packed))))
    else:
        members = {"x": npy(np.eye(4)), "t": npy([0, 1, 0, 1])}
        members[member] = data.draw(damaged(members[member]))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
            for name, content in members.items():
                archive.writestr(f"{name}.npy", content)
    load_all(path)


HEADERS = st.fixed_dictionaries(
    {
        "descr": st.sampled_from(["<f8", "|u1", ">i2", "<U3", "|O", "<M8[s]", "|V8", "<c16", "|S0", [("a", "<f8")], 7])
        | st.text(max_size=6),
        "fortran_order": st.booleans() | st.none(),
        "shape": st.lists(st.integers(-1, 5) | st.sampled_from([2**31, 2**62, 10**30]), max_size=4).map(tuple),
    }
)


@FUZZ
@given(header=HEADERS, version=st.sampled_from([1, 2, 3]), body=st.integers(0, 600))
def test_npy_of_any_header(tmp_path: Path, header: dict[str, Any], version: int, body: int):
    text = (repr(header) + "\n").encode("latin1", "replace")
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    path = tmp_path / "fuzz.npy"
    path.write_bytes(b"\x93NUMPY" + bytes([version, 0]) + size + text + bytes(i % 7 for i in range(body)))
    load_all(path)


@FUZZ
@given(data=st.data(), dtype=st.sampled_from(["<f8", "|u1", ">f4", "<U2", "?"]), fortran=st.booleans())
def test_npy(tmp_path: Path, data: Any, dtype: str, fortran: bool):
    path = tmp_path / "fuzz.npy"
    table = np.asarray([[1, 2, 0], [3, 4, 1], [5, 6, 0], [7, 8, 1]]).astype(dtype)
    path.write_bytes(data.draw(damaged(npy(np.asfortranarray(table) if fortran else table))))
    load_all(path)


CELLS = st.sampled_from(
    ["1", "2", "0", "-3.5", "1e3", "nan", "", "x", '"', '"1"', "é", "1_0", "label", " ", "\x00", "#", "\x1b[31m", "\r"]
)
GOOD = b'a,"b b",label\r\n1,2.5,x\r\n3,4,y\n5,6,x\n7,8,y\n9,1e3,"x"\n'
TABLES = st.one_of(
    st.binary(max_size=60),
    damaged(GOOD),
    damaged(GOOD.partition(b"\n")[2]),
    st.lists(st.lists(CELLS, min_size=2, max_size=3).map(",".join), max_size=6).map(
        lambda rows: "\n".join(rows).encode()
    ),
    st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 2)), min_size=2).map(
        lambda rows: "\n".join(f"{x},{t}" for x, t in rows).encode()
    ),
)


@FUZZ
@given(content=TABLES, separator=st.sampled_from([b",", b";", b"\t"]), packed=st.booleans(), data=st.data())
def test_csv(tmp_path: Path, content: bytes, separator: bytes, packed: bool, data: Any):
    content = content.replace(b",", separator)
    path = tmp_path / ("fuzz.csv" + ".gz" * packed)
    path.write_bytes(
        data.draw(damaged(gzip.compress(content, 1)) | st.just(gzip.compress(content, 1))) if packed else content
    )
    load_all(path)


@FUZZ
@given(cells=st.lists(st.text('0123456789.-+e ,\n"x', max_size=4), max_size=12), width=st.integers(2, 4))
def test_csv_in_all_blocks(tmp_path: Path, cells: list[str], width: int):
    """Where the first block is good, later ones are read another way: whatever they hold, as the first would be."""
    rows = [",".join(cells[start : start + width]) for start in range(0, len(cells), width)]
    good = "\n".join(",".join(["1.5"] * (width - 1) + [str(i % 2)]) for i in range(8)) + "\n"
    (tmp_path / "a.csv").write_text(good + "\n".join(rows))
    read = []
    for block in (2**17, 1):
        with patch.object(text_blocks, "_BLOCK", block):
            path = tmp_path / "a.csv"
            read.append(read_or_refuse(lambda at=path: load_features(at, features=width - 1), DataError, path))
    one, other = read
    assert (one is None) == (other is None)
    if one is not None:
        np.testing.assert_allclose(one, other, rtol=1e-6)


def parquet() -> bytes:
    columns = {"a": [1.5, None, 2.0, 3.0] * 3, "b": ["x", "y", None, "y"] * 3, "label": ["no", "yes"] * 6}
    pyarrow.parquet.write_table(pyarrow.table(columns), stream := io.BytesIO())
    return stream.getvalue()


PARQUET = parquet()


@FUZZ
@given(content=damaged(PARQUET))
def test_parquet(tmp_path: Path, content: bytes):
    path = tmp_path / "fuzz.parquet"
    path.write_bytes(content)
    load_all(path)


@FUZZ
@given(
    content=damaged(b"a,b,kind\n" + b"1,2,x\n3,4,y\n" * 3), label=st.sampled_from([None, "kind", "a", "0", -1, "\x1b"])
)
def test_csv_for_a_trained_model(tmp_path: Path, content: bytes, label: Any):
    good, path = tmp_path / "good.csv", tmp_path / "fuzz.csv"
    good.write_bytes(b"a,b,kind\n" + b"1,2,x\n3,4,y\n" * 3)
    path.write_bytes(content)
    origin = load_data(good).origin
    data = read_or_refuse(lambda: load_data(path, label=label, like=origin), DataError, path)
    assert data is None or data.features == 2
    x = read_or_refuse(lambda: load_features(path, features=2, label=label, like=origin), DataError, path)
    assert x is None or x.shape[1] == 2


@pytest.mark.parametrize("name", ["a.npz", "a.npy"])
def test_files_that_are_not_what_they_say(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"hello")
    with pytest.raises(DataError, match=rf"{name}: not a \.np. file, or damaged .* replace it with a good copy"):
        load_data(tmp_path / name)


def test_bombs_are_refused(tmp_path: Path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress((b"0" * 2**16 + b"1,0\n") * 2**11))
    with pytest.raises(DataError, match=r"would unpack to \d+ bytes"):
        load_data(path)
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"a": np.zeros(2**25), "label": np.zeros(2**25)}), path)
    with pytest.raises(DataError, match=r"would unpack to \d+ bytes"):
        load_data(path)
