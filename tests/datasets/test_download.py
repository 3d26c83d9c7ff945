"""Finding data sets that have a name, and downloading them, from a server on this machine."""

import gzip
import hashlib
import http.server
import os
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from xpnet.datasets import DataError, available, data_path, fetch, load
from xpnet.datasets import known as known_module
from xpnet.datasets.known import KNOWN


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves /good/, and /bad/ with one byte changed; /cut/ ends early; nothing else exists."""

    files: dict[str, bytes]

    def do_GET(self) -> None:
        _, kind, name = self.path.split("/")
        content = self.files.get(name)
        if content is None or kind == "gone":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write({"good": content, "bad": b"?" + content[1:], "cut": content[:-5]}[kind])

    def log_message(self, *_: object) -> None:
        pass


def small_files() -> dict[str, bytes]:
    images = struct.pack(">HBB3I", 0, 8, 3, 4, 2, 2) + os.urandom(16)
    labels = struct.pack(">HBBI", 0, 8, 1, 4) + bytes([0, 1, 1, 0])
    contents = (images, labels, images, labels)
    return {name: gzip.compress(content) for name, content in zip(KNOWN["mnist"].sha256, contents, strict=True)}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Give the address of a server of small files that stand for MNIST, with an empty cache to download to."""
    Mirror.files = small_files()
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in Mirror.files.items()}
    monkeypatch.setitem(KNOWN, "mnist", replace(KNOWN["mnist"], sha256=sums))
    monkeypatch.setattr(known_module, "cache", lambda: tmp_path / "cache")
    monkeypatch.delenv("XPNET_DATA_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as mirror:
        thread = threading.Thread(target=mirror.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{mirror.server_port}/"
        mirror.shutdown()
        thread.join()


def use_mirrors(monkeypatch: pytest.MonkeyPatch, *mirrors: str) -> None:
    monkeypatch.setitem(KNOWN, "mnist", replace(KNOWN["mnist"], mirrors=mirrors))


def test_the_first_mirror_with_the_right_bytes_is_taken(
    server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    use_mirrors(monkeypatch, f"{server}gone/", f"{server}bad/", f"{server}cut/", f"{server}good/")
    calls: list[tuple[str, int, int]] = []
    folder = fetch("mnist", progress=lambda *call: calls.append(call))
    assert folder == tmp_path / "cache" / "mnist"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == Mirror.files
    for name, content in Mirror.files.items():
        assert (name, len(content), len(content)) in calls
    assert all(0 <= done <= total for _, done, total in calls)
    assert capfd.readouterr() == ("", "")


def test_what_was_downloaded_is_not_downloaded_again(server: str, monkeypatch: pytest.MonkeyPatch):
    use_mirrors(monkeypatch, f"{server}good/")
    assert load("mnist").x_train.shape == (4, 4)
    use_mirrors(monkeypatch, f"{server}gone/")
    assert load("mnist").x_train.shape == (4, 4)
    assert [place.state for place in available()][:2] == ["embedded", "cached"]


@pytest.mark.parametrize("kind", ["gone", "bad", "cut"])
def test_a_failed_download_leaves_nothing_and_says_what_to_do(
    server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
):
    use_mirrors(monkeypatch, f"{server}{kind}/")
    with pytest.raises(DataError) as error:
        load("mnist", data_dir=tmp_path / "mine")
    message = str(error.value)
    assert str(tmp_path / "mine" / "mnist") in message
    assert all(name in message for name in Mirror.files)
    assert "\n" not in message
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_offline(server: str, monkeypatch: pytest.MonkeyPatch):
    use_mirrors(monkeypatch, "http://127.0.0.1:9/")
    with pytest.raises(DataError, match=r"mnist could not be downloaded \(http.*ConnectionError\): check the"):
        fetch("mnist")
    with pytest.raises(DataError, match="mnist is not on this machine: fetch it, or put train-images"):
        data_path("mnist")


def put(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_order_of_the_search(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert [place.state for place in available()] == ["embedded", "not downloaded", "not downloaded"]
    assert available()[1].folder == tmp_path / "cache" / "mnist"
    assert data_path("mnist", put(tmp_path / "cache", Mirror.files)) == tmp_path / "cache"
    monkeypatch.setenv("XPNET_DATA_DIR", str(tmp_path / "env"))
    assert available()[1].state == "cached"
    put(tmp_path / "env" / "mnist", Mirror.files)
    assert (available()[1].state, data_path("mnist")) == ("found", tmp_path / "env" / "mnist")
    put(tmp_path / "argument", Mirror.files)
    assert data_path("mnist", tmp_path / "argument") == tmp_path / "argument"
    assert available(tmp_path / "argument")[1].size == sum(map(len, Mirror.files.values()))


def test_files_of_another_data_set_are_not_taken(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    digest = hashlib.sha256(bytes([0, 1, 1, 0])).hexdigest()
    put(tmp_path / "data", Mirror.files)
    assert available(tmp_path / "data")[2].state == "found"
    monkeypatch.setitem(KNOWN, "mnist", replace(KNOWN["mnist"], test_labels=digest))
    assert available(tmp_path / "data")[2].state == "not downloaded"
    assert data_path("mnist", tmp_path / "data") == tmp_path / "data"


def test_genuine_mnist_is_not_taken_for_fashion_mnist(data_dir: Path):
    assert data_path("mnist", data_dir / "mnist") == data_dir / "mnist"
    assert available(data_dir / "mnist")[2].folder != data_dir / "mnist"


def test_an_unknown_name():
    with pytest.raises(DataError, match="got 'fashion': did you mean 'fashion-mnist'"):
        fetch("fashion")
