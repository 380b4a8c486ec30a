"""What `upload_from` writes down, so that another process can go on with an upload."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from objectstore_client.files import Journal
from objectstore_client.journal import Facts

__all__ = ["Session", "UploadJournal", "fingerprint", "identity_of"]

_SAMPLES: Final = 16
_SAMPLE_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Session:
    """An open session. Its token is a secret, and not shown.

    Attributes:
        key: Of the object.
        token: What continues it.
        granularity: As the server asked.
        before: When the object was created that had the key before, as ISO 8601; `None` if there
            was none. Tells whether an upload was completed whose last answer got lost.
    """

    key: str
    token: str
    granularity: int | None
    before: str | None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key!r}>"


def fingerprint(path: Path) -> dict[str, str | int]:
    """What tells one state of a file from another: its identity, size and time, and samples."""
    status = path.stat()
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for number in range(_SAMPLES):
            file.seek(max(status.st_size - _SAMPLE_BYTES, 0) * number // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))
    return {
        "size": status.st_size,
        "modified": status.st_mtime_ns,
        "inode": status.st_ino,
        "samples": digest.hexdigest(),
    }


class UploadJournal:
    """The journal of one upload, and the spool that it refers to.

    Args:
        directory: Where both are.
        identity: What is uploaded, and to where: the same for every try.

    Attributes:
        spool: Where the spool is, if there is one.
        stored: Bytes of what is sent; `None` until it is ready.
        compressed: Whether it is compressed; `None` until that is known.
        session: The open session, if there is one.
    """

    def __init__(self, directory: Path, identity: Facts) -> None:
        name = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]
        self.spool = directory / f"objectstore-{name}.spool"
        self.stored: int | None = None
        self.compressed: bool | None = None
        self.session: Session | None = None
        self._journal = Journal(directory / f"objectstore-{name}.journal")

    def load(self) -> None:
        """Read what an earlier try wrote down."""
        self._journal.load()
        for facts in self._journal.lines[1:]:
            match facts:
                case {"stored": int(stored), "compressed": bool(compressed)}:
                    self.stored, self.compressed = stored, compressed
                case {"key": str(key), "token": str(token), **rest}:
                    granularity, before = rest.get("granularity"), rest.get("before")
                    self.session = Session(
                        key,
                        token,
                        granularity if isinstance(granularity, int) else None,
                        before if isinstance(before, str) else None,
                    )

    def is_about(self, facts: Facts) -> bool:
        """Whether the earlier try was about the same: contents, metadata, and all."""
        return bool(self._journal.lines) and self._journal.lines[0] == facts

    def begin(self, facts: Facts) -> None:
        """Start anew."""
        self.stored = self.compressed = self.session = None
        self._journal.begin(facts)

    def prepared(self, stored: int, *, compressed: bool) -> None:
        """What is to be sent is ready: in the spool if it is compressed, else in the source."""
        self.stored, self.compressed = stored, compressed
        self._journal.add({"stored": stored, "compressed": compressed})

    def opened(self, session: Session) -> None:
        """A session is open."""
        self.session = session
        self._journal.add(
            {
                "key": session.key,
                "token": session.token,
                "granularity": session.granularity,
                "before": session.before,
            }
        )

    def remove(self) -> None:
        """Remove everything; harmless when repeated."""
        self._journal.remove()
        self.spool.unlink(missing_ok=True)


def identity_of(base_url: str, usecase: str, scope: str, key: str | None, path: Path) -> Facts:
    """What makes two uploads the same one."""
    return {
        "server": base_url,
        "usecase": usecase,
        "scope": scope,
        "key": key,
        "path": os.fspath(path.resolve()),
    }
