"""Files: written whole or not at all, lines too, and locked."""

import io
import os
from pathlib import Path

import pytest

from xpnet._files import append_line, lock, remove_unfinished, write_atomically


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


@pytest.mark.parametrize("room", range(7))
def test_a_line_that_does_not_fit_is_taken_back(tmp_path, monkeypatch, room):
    """As on a nearly full disk: a write takes what there is room for, and the next one fails."""

    class Full(io.FileIO):
        left = room

        def write(self, content):
            if not self.left:
                raise OSError(28, "No space left on device")
            taken = super().write(bytes(content[: self.left]))
            self.left -= taken
            return taken

    append_line(tmp_path / "lines", "first")
    monkeypatch.setattr(Path, "open", lambda path, mode, buffering: Full(path, mode))
    with pytest.raises(OSError, match="No space left on device") as caught:
        append_line(tmp_path / "lines", "second")
    monkeypatch.undo()
    assert caught.value.filename == str(tmp_path / "lines")
    assert (tmp_path / "lines").read_bytes() == b"first\n"


def test_a_killed_writer_leaves_what_can_be_removed(tmp_path, monkeypatch):
    """Nothing but the old file is seen, and one that is hidden."""

    def killed(*paths):
        raise KeyboardInterrupt

    write_atomically(tmp_path / "a", b"old")
    monkeypatch.setattr(Path, "unlink", lambda path: None)  # A killed process cleans nothing up.
    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a", b"new")
    monkeypatch.undo()
    assert (tmp_path / "a").read_bytes() == b"old"
    (hidden,) = set(tmp_path.iterdir()) - {tmp_path / "a"}
    assert hidden.name.startswith(".")
    (tmp_path / "other.tmp").touch()
    remove_unfinished(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "other.tmp"}


def test_a_lock_lasts_until_the_file_is_closed(tmp_path):
    with (tmp_path / "a").open("ab") as first, (tmp_path / "a").open("ab") as second:
        assert lock(first)
        assert not lock(second)
        first.close()
        assert lock(second)
