"""Whatever the bytes of the files of a run: a model or a refusal, whole lines of metrics or none."""

import hashlib
import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzzing import FUZZ, damaged, read_or_refuse
from hypothesis import given
from hypothesis import strategies as st

from xpnet import CheckpointError, Settings, TwoLayerNet, fit, load_checkpoint, save_model
from xpnet.cli.run_folder import RunFolder
from xpnet.datasets import Origin, Scaling

ORIGIN = Origin("a.csv", "kind", 3, Scaling(np.zeros(2), np.ones(2)), ("no", "yes"), columns=("a", "b"), digest="0")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give the bytes of a checkpoint that holds all there can be."""
    path = tmp_path_factory.mktemp("good") / "model"
    net = TwoLayerNet(2, 3, 2)
    (record,) = fit(net, np.eye(2), np.asarray([0, 1]), epochs=1, validation=(np.eye(2), np.asarray([0, 1])))
    save_model(net, path, origin=ORIGIN, settings=Settings(hidden=3), state=record.state)
    return path.read_bytes()


def seal(content: bytes) -> bytes:
    """Return the content with a digest that is right, if it has room for one."""
    begin = content.find(b'"sha256":"') + 10
    if begin < 10 or len(content) < begin + 64:
        return content
    zeroed = content[:begin] + b"0" * 64 + content[begin + 64 :]
    return content[:begin] + hashlib.sha256(zeroed).hexdigest().encode() + content[begin + 64 :]


def check(path: Path) -> None:
    checkpoint = read_or_refuse(lambda: load_checkpoint(path), CheckpointError, path)
    if checkpoint is not None:
        assert checkpoint.net.predict(np.zeros((1, checkpoint.net.input_size))).shape[0] == 1
        if checkpoint.origin is not None:
            assert all(name.isprintable() for name in checkpoint.origin.class_names)


@FUZZ
@given(data=st.data(), sealed=st.booleans())
def test_models(tmp_path: Path, good: bytes, data: Any, sealed: bool):
    path = tmp_path / "model"
    content = data.draw(damaged(good))
    path.write_bytes(seal(content) if sealed else content)
    check(path)


@FUZZ
@given(data=st.data())
def test_headers_of_models(tmp_path: Path, good: bytes, data: Any):
    """Sealed as if they were ours, with a length that is right."""
    size = struct.unpack("<Q", good[:8])[0]
    header = data.draw(damaged(good[8 : 8 + size]))
    path = tmp_path / "model"
    path.write_bytes(seal(struct.pack("<Q", len(header)) + header + good[8 + size :]))
    check(path)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.text(max_size=2))


@FUZZ
@given(
    part=st.sampled_from(["origin", "state", "settings", "options", "activation", "loss", "version"]),
    changes=st.dictionaries(
        st.sampled_from(["data", "label", "seed", "class_names", "columns", "digest", "scaling", "best", "epoch", "x"]),
        VALUES | st.dictionaries(st.sampled_from(["epoch", "loss"]), VALUES),
        max_size=3,
    ),
    whole=VALUES,
    replaced=st.booleans(),
)
def test_metadata_of_models(tmp_path: Path, good: bytes, part: str, changes: Any, whole: Any, replaced: bool):
    """As the library writes them, with other values."""
    size = struct.unpack("<Q", good[:8])[0]
    header = json.loads(good[8 : 8 + size])
    facts = header["__metadata__"]
    if replaced or part in ("activation", "loss", "version"):
        facts[part] = json.dumps(whole)
    else:
        facts[part] = json.dumps(json.loads(facts[part]) | changes)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path = tmp_path / "model"
    path.write_bytes(seal(struct.pack("<Q", len(text)) + text + good[8 + size :]))
    check(path)


LINE = {"step": 3, "epoch": 1, "train_loss": 0.5, "seconds": 0.1}


@FUZZ
@given(content=damaged("".join(json.dumps(LINE | {"epoch": i}) + "\n" for i in (1, 2, 3)).encode()))
def test_metrics(tmp_path: Path, content: bytes):
    (tmp_path / "metrics.jsonl").write_bytes(content)
    with RunFolder(tmp_path) as folder:
        read_or_refuse(lambda: folder.go_back(Settings(), None), ValueError, tmp_path / "metrics.jsonl")


class Trap:
    """Runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_for_a_model_runs_no_code(tmp_path: Path, protocol: int):
    sprung, path = tmp_path / "sprung", tmp_path / "model"
    path.write_bytes(pickle.dumps(Trap(sprung), protocol))
    pickle.loads(path.read_bytes())
    sprung.unlink()
    with pytest.raises(CheckpointError):
        load_checkpoint(path)
    assert not sprung.exists()
