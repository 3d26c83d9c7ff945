"""Whatever the bytes of a file, a data set or a DataError of one line."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xpnet.datasets import DataError, load_data

FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def damaged(draw: Any, good: bytes) -> bytes:
    """Draw random bytes, or good ones with a few overwritten, cut off or added."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=200))
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data) + draw(st.binary(max_size=3))


@pytest.fixture(params=[True, False], ids=["classes", "numbers"])
def load_or_refuse(request: pytest.FixtureRequest, assert_valid: Any) -> Any:
    """Give what loads a file, whose targets are classes or numbers."""

    def load(path: Path) -> None:
        refusal = ""
        try:
            assert_valid(load_data(path, classification=request.param))
        except DataError as error:
            refusal = str(error)
        assert "\n" not in refusal

    return load


@FUZZ
@given(data=st.data(), part=st.integers(0, 3), packed=st.booleans())
def test_any_bytes_as_idx(write: Any, load_or_refuse: Any, data: Any, part: int, packed: bool):
    good = [write.as_idx(a) for a in (np.arange(8).reshape(4, 1, 2), [0, 1, 1, 0], np.ones((2, 1, 2)), [0, 1])]
    good[part] = data.draw(damaged(gzip.compress(good[part]) if packed else good[part]))
    load_or_refuse(write.folder(tuple(good)))


@FUZZ
@given(data=st.data(), packed=st.booleans())
def test_any_bytes_as_npz(tmp_path: Path, load_or_refuse: Any, data: Any, packed: bool):
    path = tmp_path / "fuzz.npz"
    (np.savez_compressed if packed else np.savez)(path, x=np.eye(4), t=[0, 1, 0, 1])
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    load_or_refuse(path)


@FUZZ
@given(data=st.data())
def test_any_bytes_as_npy(write: Any, load_or_refuse: Any, data: Any):
    path = write.npy(np.eye(4))
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    load_or_refuse(path)


CELLS = st.sampled_from(
    ["1", "2", "0", "-3.5", "1e3", "nan", "", "x", '"', '"1"', "é", "1_0", "label", " ", "\x00", "#"]
)
TABLES = st.one_of(
    st.binary(max_size=60),
    st.lists(st.lists(CELLS, min_size=2, max_size=3).map(",".join), max_size=6).map(
        lambda rows: "\n".join(rows).encode()
    ),
    st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 2)), min_size=2).map(
        lambda rows: "\n".join(f"{x},{t}" for x, t in rows).encode()
    ),
)


@settings(FUZZ, max_examples=300)
@given(content=TABLES)
def test_any_bytes_as_csv(tmp_path: Path, load_or_refuse: Any, content: bytes):
    path = tmp_path / "fuzz.csv"
    path.write_bytes(content)
    load_or_refuse(path)


@pytest.mark.parametrize("name", ["a.npz", "a.npy"])
def test_files_that_are_not_what_they_say(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"hello")
    with pytest.raises(DataError, match=rf"{name}: not a \.np. file, or damaged .* replace it with a good copy"):
        load_data(tmp_path / name)
