"""Guesses the media type of what is put: by the file name first, then by the first bytes."""

from __future__ import annotations

import mimetypes

__all__ = ["guess_content_type"]

_BY_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"\x7fELF", "application/x-elf"),
    (b"PAR1", "application/vnd.apache.parquet"),
)


def guess_content_type(names: tuple[str | None, ...], head: bytes) -> str | None:
    """Guess the media type of a payload, or `None` where nothing speaks for one.

    Args:
        names: Names to go by, best first; each may be missing.
        head: The first bytes of the payload, as far as they are at hand.
    """
    for name in names:
        # With an encoding ('.tar.gz') the type is that of the inner file, not of these bytes.
        if name and (guess := mimetypes.guess_type(name))[0] and guess[1] is None:
            return guess[0]
    return next((kind for magic, kind in _BY_MAGIC if head.startswith(magic)), None)
