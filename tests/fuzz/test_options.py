"""Whatever the bytes of a file of options: settings, or a `ValueError` or `TypeError` that names an option."""

import json
from pathlib import Path
from typing import Any

from fuzzing import FUZZ, damaged, read_or_refuse
from hypothesis import given
from hypothesis import strategies as st

from xpnet.settings import OPTIONS, Settings, read_values
from xpnet.settings.domains import CLASS_WEIGHT

GOOD = Settings(optimizer="momentum", nesterov=True, label="kind", schedule="step:10:0.5").as_dict()
TOML = "\n".join(f"{name} = {json.dumps(value)}" for name, value in GOOD.items() if value is not None)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(list(GOOD.values())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


def read(path: Path) -> Settings:
    return Settings.of(read_values(path), where=str(path))


def check(path: Path) -> None:
    settings = read_or_refuse(lambda: read(path), (ValueError, TypeError), path)
    assert settings is None or Settings.of(settings.as_dict()) == settings


@FUZZ
@given(content=damaged(json.dumps({"xpnet": "1", **GOOD}, indent=2).encode()))
def test_json(tmp_path: Path, content: bytes):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    check(path)


@FUZZ
@given(values=st.dictionaries(st.sampled_from(list(OPTIONS)), VALUES, max_size=4))
def test_json_of_any_values(tmp_path: Path, values: Any):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(values))
    check(path)


@FUZZ
@given(content=damaged(TOML.encode()))
def test_toml(tmp_path: Path, content: bytes):
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    check(path)


@FUZZ
@given(content=damaged(b"1.5, 2\n3e-1"))
def test_class_weights(tmp_path: Path, content: bytes):
    path = tmp_path / "weights"
    path.write_bytes(content)
    read_or_refuse(lambda: CLASS_WEIGHT.read(str(path), "--class-weight"), ValueError, path)
