"""Downloading data sets, from a server on this machine."""

import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from xpnet.datasets import DataError, available, data_path, fetch, load_data
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


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, small_mnist: dict[str, bytes]) -> Iterator[str]:
    """Give the address of a server of the small files."""
    Mirror.files = small_mnist
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
    assert load_data("mnist").train.x.shape == (4, 4)
    use_mirrors(monkeypatch, f"{server}gone/")
    assert load_data("mnist").train.x.shape == (4, 4)
    assert [place.state for place in available()][:2] == ["embedded", "cached"]


@pytest.mark.parametrize("kind", ["gone", "bad", "cut"])
def test_a_failed_download_leaves_nothing_and_says_what_to_do(
    server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
):
    use_mirrors(monkeypatch, f"{server}{kind}/")
    with pytest.raises(DataError) as error:
        load_data("mnist", data_dir=tmp_path / "mine")
    message = str(error.value)
    assert str(tmp_path / "mine" / "mnist") in message
    assert all(name in message for name in Mirror.files)
    assert "\n" not in message
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_offline(small_mnist: dict[str, bytes], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    use_mirrors(monkeypatch, "http://127.0.0.1:9/")
    with pytest.raises(DataError, match=r"mnist could not be downloaded \(http.*ConnectionError\): check the"):
        fetch("mnist")
    with pytest.raises(DataError, match="mnist is not on this machine: fetch it, or put train-images"):
        data_path("mnist")


def test_an_unknown_name():
    with pytest.raises(DataError, match="got 'fashion': did you mean 'fashion-mnist'"):
        fetch("fashion")
