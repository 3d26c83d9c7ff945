"""What the tests of all commands share: a folder of their own, and runs to measure and to ask."""

import signal

import numpy as np
import pytest
from command_line import xpnet


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder of the test's own, where no data set is cached."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XPNET_DATA_DIR", raising=False)
    monkeypatch.setattr("xpnet.datasets.known.cache", lambda: tmp_path / "cache")
    return tmp_path


@pytest.fixture(autouse=True)
def signals():
    """Hear signals that this process was started to ignore, as in the background of a shell: so would its children."""
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]
    ignored = [number for number in numbers if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.default_int_handler)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """Give the folder of a short run on the digits."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    options = ["--init", "xavier", "--optimizer", "adam", "--learning-rate", 0.01, "--epochs", 3, "--device", "cpu"]
    assert xpnet("train", "--out", folder, "--quiet", *options) == (0, "", "")
    return folder


@pytest.fixture(scope="session")
def prices(tmp_path_factory):
    """Give a table of numbers to predict, in the thousands, and the folder of a short run on them."""
    folder = tmp_path_factory.mktemp("runs")
    x = np.random.default_rng(0).random((200, 3))
    rows = [",".join(f"{value:.6f}" for value in (*row, 5000 + 2000 * row[0] - 900 * row[1])) for row in x]
    (folder / "prices.csv").write_text("\n".join(["a,b,c,target", *rows]))
    options = [
        "--preset",
        "chapter",
        "--loss",
        "mean_squared_error",
        "--init",
        "xavier",
        "--learning-rate",
        0.2,
        "--batch-size",
        20,
    ]
    data = folder / "prices.csv"
    assert xpnet("train", "--data", data, "--out", folder / "run", "--epochs", 200, "--quiet", *options) == (0, "", "")
    return data, folder / "run"
