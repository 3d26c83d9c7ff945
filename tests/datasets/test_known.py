"""Data sets that have a name: what they are, and where they are looked for."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from xpnet.datasets import available, data_path
from xpnet.datasets.known import KNOWN


def put(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_published_checksums_are_those_of_the_genuine_files(data_dir: Path):
    for name, digest in KNOWN["mnist"].sha256.items():
        assert hashlib.sha256((data_dir / "mnist" / name).read_bytes()).hexdigest() == digest


def test_the_embedded_files_are_small():
    assert sum(path.stat().st_size for path in data_path("digits").iterdir()) < 250_000


def test_order_of_the_search(small_mnist: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert [place.state for place in available()] == ["embedded", "not downloaded", "not downloaded"]
    assert available()[1].folder == tmp_path / "cache" / "mnist"
    assert data_path("mnist", put(tmp_path / "cache", small_mnist)) == tmp_path / "cache"
    monkeypatch.setenv("XPNET_DATA_DIR", str(tmp_path / "env"))
    assert available()[1].state == "cached"
    put(tmp_path / "env" / "mnist", small_mnist)
    assert (available()[1].state, data_path("mnist")) == ("found", tmp_path / "env" / "mnist")
    put(tmp_path / "argument", small_mnist)
    assert data_path("mnist", tmp_path / "argument") == tmp_path / "argument"
    assert available(tmp_path / "argument")[1].size == sum(map(len, small_mnist.values()))


def test_files_of_another_data_set_are_not_taken(
    small_mnist: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    digest = hashlib.sha256(bytes([0, 1, 1, 0])).hexdigest()
    put(tmp_path / "data", small_mnist)
    assert available(tmp_path / "data")[2].state == "found"
    monkeypatch.setitem(KNOWN, "mnist", replace(KNOWN["mnist"], test_labels=digest))
    assert available(tmp_path / "data")[2].state == "not downloaded"
    assert data_path("mnist", tmp_path / "data") == tmp_path / "data"


def test_genuine_mnist_is_not_taken_for_fashion_mnist(data_dir: Path):
    assert data_path("mnist", data_dir / "mnist") == data_dir / "mnist"
    assert available(data_dir / "mnist")[2].folder != data_dir / "mnist"
