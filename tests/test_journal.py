"""Journals: what is written down of transfers, and what is believed of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from objectstore_client.files import Journal, PartialFile, Spool, check_space
from objectstore_client.journal import Facts, encode_line, numbers, read_lines
from objectstore_client.upload_journal import Session, UploadJournal, fingerprint, identity_of


def test_lines_come_back() -> None:
    """In order, and only those that are whole."""
    content = encode_line({"a": 1}) + encode_line({"b": "x\ny"}) + encode_line({"c": None})
    assert read_lines(content) == [{"a": 1}, {"b": "x\ny"}, {"c": None}]
    for end in range(len(content)):
        assert read_lines(content[:end]) in ([], [{"a": 1}], [{"a": 1}, {"b": "x\ny"}])


@pytest.mark.parametrize("garbage", [b"{}\n", b"[]\n", b"null\n", b'{"format":2}\n', b"\xff\n"])
def test_a_foreign_journal_is_not_believed(garbage: bytes) -> None:
    """Not a single line of it."""
    assert read_lines(encode_line({"a": 1}) + garbage) == []


def test_numbers_are_checked() -> None:
    """Those of finished parts index a list."""
    lines: list[Facts] = [
        {"done": 1},
        {"done": -1},
        {"done": 9},
        {"done": "2"},
        {"done": True},
        {"x": 2},
    ]
    assert numbers(lines, "done", 5) == {1}


def test_a_journal_is_for_its_owner_only(tmp_path: Path) -> None:
    """0600, and one that others can read is not believed."""
    journal = Journal(tmp_path / "journal")
    journal.begin({"a": 1})
    journal.add({"b": 2})
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    again = Journal(journal.path)
    again.load()
    assert again.lines == [{"a": 1}, {"b": 2}]
    journal.path.chmod(0o644)
    open_to_all = Journal(journal.path)
    open_to_all.load()
    assert open_to_all.lines == []
    journal.remove()
    journal.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_session_is_not_shown(tmp_path: Path) -> None:
    """Neither by itself nor by what holds it."""
    session = Session("key", "secret-token", 1, None)
    assert "secret" not in f"{session} {session!r}"
    journal = UploadJournal(tmp_path, {"a": 1})
    journal.begin({"x": 1})
    journal.opened(session)
    assert "secret" not in repr(journal)
    again = UploadJournal(tmp_path, {"a": 1})
    again.load()
    assert again.session == session


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    """By its size, its time, its identity, and by samples of its contents."""
    path = tmp_path / "file"
    path.write_bytes(bytes(3_000_000))
    before, status = fingerprint(path), path.stat()
    assert fingerprint(path) == before
    with path.open("r+b") as file:
        file.seek(2_999_999)
        file.write(b"x")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert fingerprint(path) != before
    path.write_bytes(bytes(3_000_001))
    assert fingerprint(path)["size"] != before["size"]


def test_uploads_to_different_places_have_different_journals(tmp_path: Path) -> None:
    """Server, usecase, scope, key and file all count."""
    base = ("http://a", "usecase", "scope", "key", tmp_path / "file")
    names = {UploadJournal(tmp_path, identity_of(*base)).spool}
    for index, other in enumerate(("http://b", "other", "other", None, tmp_path / "other")):
        changed = [*base]
        changed[index] = other
        names.add(UploadJournal(tmp_path, identity_of(*changed)).spool)  # type: ignore[arg-type]
    assert len(names) == 6


def test_too_little_room_is_named(tmp_path: Path) -> None:
    """The directory, what is needed, what is free."""
    with pytest.raises(OSError, match=r"bytes are needed, \d+ are free") as caught:
        check_space(tmp_path, 1 << 60)
    assert caught.value.filename == str(tmp_path)


def test_a_spool_without_a_name_leaves_nothing(tmp_path: Path) -> None:
    """Even when it has outgrown the memory."""
    spool = Spool(tmp_path)
    spool.write(bytes(9 << 20))
    spool.rewind(durably=False)
    assert list(tmp_path.iterdir()) == []
    assert len(spool.file.read()) == 9 << 20
    spool.close()


def test_a_partial_file_is_whole_or_absent(tmp_path: Path) -> None:
    """An older one stays until then."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    given_up = PartialFile(path, keep=False)
    given_up.open(anew=True)
    given_up.write_at(0, b"new")
    given_up.give_up()
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    with pytest.raises(ValueError, match="closed"):
        given_up.write_at(0, b"late")
    finished = PartialFile(path, keep=False)
    finished.open(anew=True)
    finished.write_at(2, b"w")
    finished.write_at(0, b"ne")
    assert path.read_bytes() == b"old"
    finished.finish(3)
    finished.give_up()
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
