"""Drafts in a directory, which survive a restart.

    DIR/drafts/<id>.json        the record of a draft; its size is that of a session, 0 without one
    DIR/drafts/<id>             what was received of a session
    DIR/drafts/<id>.<number>    a part of a multipart upload

A draft exists as long as its record does: what has none is removed at the next start.
"""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from dataclasses import replace

from objectstore_client.devserver.drafts import Draft, KeptPayload, Part
from objectstore_client.devserver.files import (
    Entry,
    OpenFile,
    StagedFile,
    digest_of,
    is_regular,
    read_file,
    remove_file,
    write_file,
)
from objectstore_client.devserver.storage import Payload, StagedPayload, StorageError

_NAME = re.compile(r"([0-9a-f]{32})(?:\.([0-9]+|json))?")


class DirectoryDrafts:
    """Keeps drafts in *directory*; new files come to be in *staging*. Both are descriptors."""

    def __init__(self, directory: int, staging: int) -> None:
        self._directory = directory
        self._staging = staging
        self._lock = threading.Lock()

    def load(self) -> list[Draft]:
        names = self._names()
        drafts = []
        for name in names:
            if name.endswith(".json"):
                with suppress(StorageError, OSError):
                    draft = self._read(name)
                    if draft is not None and (draft.length is None or draft.id in names):
                        drafts.append(draft)
        known = {draft.id for draft in drafts}
        for name in names:
            if name[:32] not in known:
                with suppress(OSError):
                    remove_file(self._directory, name)
        return drafts

    def add(self, draft: Draft) -> None:
        if draft.length is not None:
            write_file(self._directory, draft.id, b"", sync=False)
        record = replace(draft.record, size=draft.length or 0)
        payload = f"{digest_of(draft.address)}.{draft.id}"
        name = f"{draft.id}.json"
        content = Entry(draft.address, payload, record).encode()
        write_file(self._staging, name, content, sync=True)
        os.rename(name, name, src_dir_fd=self._staging, dst_dir_fd=self._directory)
        os.fsync(self._directory)

    def remove(self, draft: Draft) -> None:
        with self._lock:
            remove_file(self._directory, f"{draft.id}.json")
        for name in self._names():
            if name.startswith(draft.id):
                remove_file(self._directory, name)

    def resume(self, draft: Draft) -> KeptPayload | None:
        try:
            return StagedFile(self._directory, draft.id)
        except FileNotFoundError:
            return None

    def keep_part(self, draft: Draft, number: int, staged: StagedPayload) -> Part | None:
        assert isinstance(staged, StagedFile)
        staged.sync()
        name = f"{draft.id}.{number}"
        with self._lock:
            if not self._exists(f"{draft.id}.json"):
                return None
            os.rename(staged.name, name, src_dir_fd=staged.directory, dst_dir_fd=self._directory)
            os.fsync(self._directory)
            return self._part(name)

    def parts(self, draft: Draft) -> list[Part]:
        found = []
        for name in self._names():
            if name.startswith(f"{draft.id}.") and not name.endswith(".json"):
                with suppress(FileNotFoundError):
                    found.append(self._part(name))
        return sorted(found, key=lambda part: part.number)

    def open_part(self, draft: Draft, part: Part) -> Payload | None:
        name = f"{draft.id}.{part.number}"
        with self._lock:  # so that what is opened is what was looked at
            if not self._exists(name) or self._part(name) != part:
                return None
            return OpenFile(self._directory, name, part.size)

    def _names(self) -> set[str]:
        with os.scandir(self._directory) as entries:
            return {entry.name for entry in entries if _NAME.fullmatch(entry.name)}

    def _exists(self, name: str) -> bool:
        try:
            return is_regular(os.stat(name, dir_fd=self._directory, follow_symlinks=False))
        except FileNotFoundError:
            return False

    def _read(self, name: str) -> Draft | None:
        content = read_file(self._directory, name)
        if content is None:
            return None
        entry = Entry.decode(content)
        return Draft(
            name[:32], entry.address, replace(entry.record, size=0), entry.record.size or None
        )

    def _part(self, name: str) -> Part:
        status = os.stat(name, dir_fd=self._directory, follow_symlinks=False)
        # Another inode, time or size for each file that takes the name: no need to read it.
        etag = f'"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"'
        return Part(int(name[33:]), etag, status.st_mtime_ns, status.st_size)
