"""Files: written whole or not at all, and locked."""

from pathlib import Path

import pytest

from xpnet._files import append_line, write_atomically


def test_a_file_that_is_replaced_has_ordinary_permissions(tmp_path):
    write_atomically(tmp_path / "a", b"first")
    write_atomically(tmp_path / "a", b"second")
    (tmp_path / "b").write_bytes(b"")
    assert (tmp_path / "a").read_bytes() == b"second"
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_a_folder_that_is_not_there_is_named(tmp_path):
    for write in (lambda path: write_atomically(path, b""), lambda path: append_line(path, "")):
        with pytest.raises(FileNotFoundError) as caught:
            write(tmp_path / "nowhere" / "file")
        assert Path(caught.value.filename) == tmp_path / "nowhere" / "file"


def test_lines_are_appended_whole(tmp_path):
    for line in ("one", "zwölf"):
        append_line(tmp_path / "lines", line)
    assert (tmp_path / "lines").read_bytes() == "one\nzwölf\n".encode()
