"""Compressors and decompressors of the library, kept for reuse: one of each per thread."""

from __future__ import annotations

import threading

import zstandard

from objectstore_client.errors import InvalidArgumentError

__all__ = [
    "DEFAULT_LEVEL",
    "KEPT_CONTEXT_SIZE",
    "new_compressor",
    "new_decompressor",
    "spare",
]

DEFAULT_LEVEL = 3
"""Compression level: the library's own default."""

KEPT_CONTEXT_SIZE = 4 * 1024 * 1024
"""Contexts are kept for reuse up to this size: it holds every one of level 3 (3.5 MiB)."""

# RFC 9659 binds writers too: from level 20 on, the library would use windows of up to 128 MiB.
_WINDOW_LOG = 23
_FIRST_LEVEL_WITH_LARGER_WINDOW = 20


class _Spare(threading.local):
    """Contexts of this thread that nobody uses now; making one costs more than a small object.

    Being plain memory of one thread, they survive a fork.
    """

    def __init__(self) -> None:
        self.compressors: dict[int, zstandard.ZstdCompressor] = {}
        self.decompressor: zstandard.ZstdDecompressor | None = None


spare = _Spare()


def new_compressor(level: int) -> zstandard.ZstdCompressor:
    """Make a compressor whose frames have checksums, and windows that every reader accepts.

    Raises:
        InvalidArgumentError: If there is no such level.
    """
    if level > zstandard.MAX_COMPRESSION_LEVEL:
        raise InvalidArgumentError(
            f"level: must be at most {zstandard.MAX_COMPRESSION_LEVEL}, got {level}"
        )
    if level < _FIRST_LEVEL_WITH_LARGER_WINDOW:
        return zstandard.ZstdCompressor(level=level, write_checksum=True)
    parameters = zstandard.ZstdCompressionParameters(
        compression_level=level,
        window_log=_WINDOW_LOG,
        write_checksum=True,
        write_content_size=True,
    )
    return zstandard.ZstdCompressor(compression_params=parameters)


def new_decompressor() -> zstandard.ZstdDecompressor:
    """Make a decompressor without a limit to windows: `Decoder` has its own, lower one."""
    return zstandard.ZstdDecompressor(max_window_size=1 << zstandard.WINDOWLOG_MAX)
