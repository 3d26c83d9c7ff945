"""Rows of tables, in memory and in mapped files: what they hold, and how little memory that takes."""

import mmap
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpnet.datasets import DataError, Rows, Scaling, load_data, rows
from xpnet.datasets.rows import is_mapped

TABLE = np.random.default_rng(0).normal(size=(50, 4))
INDICES = st.lists(st.integers(0, 49), max_size=70).map(lambda values: np.asarray(values, np.int64))


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: Any) -> Any:
    """Give the same table in a file."""
    path = tmp_path_factory.mktemp("tables") / "table.npy"
    np.save(path, TABLE)
    return np.load(path, mmap_mode="r")


@pytest.fixture
def given_back(monkeypatch: Any) -> list[int]:
    """Give a list that grows whenever pages are given back, with a region for every row and only two at a time."""
    calls: list[int] = []
    monkeypatch.setattr(rows, "_REGION", TABLE[0].nbytes)
    monkeypatch.setattr(rows, "_REGIONS", 2)
    monkeypatch.setattr(rows, "_PIECE_BYTES", 2 * TABLE[0].nbytes)
    give_back = rows._give_back
    monkeypatch.setattr(rows, "_give_back", lambda mapping: (calls.append(len(mapping)), give_back(mapping)))
    return calls


@given(chosen=st.none() | INDICES, asked=st.data())
def test_rows_are_those_of_the_table(mapped: Any, chosen: Any, asked: Any):
    expected = TABLE if chosen is None else TABLE[chosen]
    wanted = asked.draw(st.lists(st.integers(0, len(expected) - 1), max_size=60)) if len(expected) else []
    for table in (TABLE, mapped, mapped[:, :], np.asarray(mapped)):
        for columns in (slice(None), slice(1, 3), [3, 0]):
            x = Rows(table, columns, chosen)
            assert (x.shape, len(x), x.dtype) == (expected[:, columns].shape, len(expected), np.float64)
            np.testing.assert_array_equal(
                x[np.asarray(wanted, np.int64)], expected[np.asarray(wanted, int)][:, columns]
            )
            np.testing.assert_array_equal(x[3:9], expected[3:9][:, columns])
            np.testing.assert_array_equal(np.asarray(x), expected[:, columns])
            np.testing.assert_array_equal(x.select(np.asarray(wanted, np.int64))[:], x[np.asarray(wanted, np.int64)])


def test_pages_are_given_back_before_there_are_many(mapped: Any, given_back: list[int]):
    x = Rows(mapped)
    order = np.random.default_rng(1).permutation(50)
    np.testing.assert_array_equal(x[order], TABLE[order])
    # A row is a region long, and the header of the file shifts it.
    assert len(given_back) >= 25
    given_back.clear()
    np.testing.assert_array_equal(x.extremes(), [TABLE.min(axis=0), TABLE.max(axis=0)])
    assert len(given_back) == 25


def test_what_is_given_has_nothing_to_do_with_the_file(mapped: Any):
    x = Rows(mapped)
    for part in (x[:5], x[np.arange(5)], np.asarray(x)):
        assert not is_mapped(part)
        part[:] = 0
    np.testing.assert_array_equal(mapped, TABLE)


def test_scaled_rows_are_those_that_are_scaled(mapped: Any):
    scaling = Scaling.of(TABLE)
    x = Rows(mapped, convert=scaling.apply)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(np.asarray(x), scaling.apply(TABLE))
    np.testing.assert_array_equal(x[np.asarray([7, 2])], scaling.apply(TABLE[[7, 2]]))


def test_private_mappings_are_memory(tmp_path: Path):
    """What is written to one is in no file, and would be lost."""
    np.save(tmp_path / "table.npy", TABLE)
    table = np.load(tmp_path / "table.npy", mmap_mode="c")
    table[3] = 7
    assert not is_mapped(table)
    assert not is_mapped(np.asarray(table)[1:])
    assert (Rows(table)[np.asarray([3])] == 7).all()
    assert (Rows(np.asarray(table))[3:4] == 7).all()
    anonymous = np.frombuffer(mmap.mmap(-1, 64), np.float64)
    assert not is_mapped(anonymous)


def test_columns_one_after_another_are_refused(tmp_path: Path):
    np.save(tmp_path / "table.npy", np.asfortranarray(TABLE))
    table = np.load(tmp_path / "table.npy", mmap_mode="r")
    np.testing.assert_array_equal(np.asarray(Rows(table)), TABLE)
    with pytest.raises(DataError, match=r"x: lies column by column .* save numpy.ascontiguousarray of it"):
        Rows(table).check_streamable("x")
    Rows(np.asfortranarray(TABLE)).check_streamable("x")


# -- what is loaded


@pytest.mark.parametrize("label", [0, 2, -1])
@pytest.mark.parametrize("dtype", ["float64", "float32", ">f4", "uint8", "int16"])
def test_a_streamed_table_is_the_same(write: Any, label: int, dtype: str, given_back: list[int]):
    table = np.random.default_rng(3).integers(0, 9, (60, 4)).astype(dtype)
    path = write.npy(table)
    held, streamed = (load_data(path, label=label, seed=5, stream=stream) for stream in (False, True))
    assert given_back
    for ours, theirs in ((streamed.train, held.train), (streamed.test, held.test)):
        assert isinstance(theirs.x, np.ndarray)
        assert isinstance(ours.x, Rows)
        assert is_mapped(ours.x.table)
        assert ours.x.dtype == theirs.x.dtype == np.float32
        np.testing.assert_array_equal(np.asarray(ours.x), theirs.x)
        np.testing.assert_array_equal(ours.t, theirs.t)
    assert streamed.origin.digest == held.origin.digest
    np.testing.assert_array_equal(streamed.scaling.offset, held.scaling.offset)


def test_other_formats_are_streamed_from_memory(write: Any, images: tuple[Any, ...]):
    path = write.npz(**dict(zip(("x_train", "t_train", "x_test", "t_test"), images, strict=True)))
    held, streamed = (load_data(path, stream=stream) for stream in (None, True))
    assert isinstance(held.test.x, np.ndarray)
    np.testing.assert_array_equal(np.asarray(streamed.test.x), held.test.x)
    assert streamed.image_shape == held.image_shape == (3, 5)


def test_what_does_not_fit_the_memory_is_streamed(write: Any, monkeypatch: Any):
    path = write.npy(np.arange(40).reshape(20, 2) % 4)
    float32 = 4 * 20
    for memory, kind in ((None, np.ndarray), (2 * float32, np.ndarray), (2 * float32 - 1, Rows)):
        monkeypatch.setattr("xpnet.datasets.loading.host_memory", lambda memory=memory: memory)
        assert isinstance(load_data(path).train.x, kind)
    assert isinstance(load_data(path, stream=False).train.x, np.ndarray)


@pytest.mark.parametrize("stream", [False, True])
def test_a_table_is_checked_as_a_whole(write: Any, given_back: list[int], stream: bool):
    table = np.random.default_rng(0).integers(0, 2, (60, 4)).astype(float)
    trained = load_data(write.npy(table), stream=stream).origin
    trained = replace(trained, scaling=Scaling(0.0, 1e38), digest="another")
    table[47, 1] = 1e30
    with pytest.raises(DataError, match=r"table\.npy: values lie too far outside"):
        load_data(write.npy(table), like=trained, stream=stream)
    table[47, 2] = np.nan
    with pytest.raises(DataError, match=r"table\.npy: sample 47, feature 2 is nan"):
        load_data(write.npy(table), stream=stream)


def test_columns_one_after_another_are_read_but_not_streamed(write: Any):
    table = np.random.default_rng(0).integers(0, 2, (60, 4)).astype(float)
    expected = load_data(write.npy(table)).train.x
    path = write.npy(np.asfortranarray(table))
    np.testing.assert_array_equal(load_data(path).train.x, expected)
    with pytest.raises(DataError, match=r"table\.npy: features: lies column by column"):
        load_data(path, stream=True)
