"""Files that transfers write: beside their place, and moved there when they are whole.

Everything here blocks. Nothing is left behind by what fails, except where it is to be continued.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
import threading
import uuid
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, cast

from objectstore_client.errors import InvalidArgumentError, shorten
from objectstore_client.journal import Facts, encode_line, read_lines

__all__ = ["Journal", "PartialFile", "Spool", "check_space", "read_path"]

_IN_MEMORY_BYTES: Final = 8 * 1024 * 1024

_FLAGS = os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def read_path(value: object, argument: str = "path") -> Path:
    """What a caller passed as a path.

    Raises:
        InvalidArgumentError: If it is none.
    """
    if not isinstance(value, (str, os.PathLike)):
        raise InvalidArgumentError(f"{argument}: must be a path, got {shorten(value)}")
    return Path(value)


def check_space(directory: Path, size: int) -> None:
    """Refuse to begin what the disk has no room for.

    Raises:
        OSError: ENOSPC, with the directory and the numbers.
    """
    free = shutil.disk_usage(directory).free
    if free < size:
        raise OSError(
            errno.ENOSPC,
            f"{size} bytes are needed, {free} are free",
            str(directory),
        )


class Spool:
    """Bytes that are put together before they are sent: in memory while they are few.

    Args:
        directory: Where the file is, without a name, so that nothing is left of it in any case.
        path: A file with a name instead, which stays until it is removed.

    Attributes:
        file: To be read when everything was written.
    """

    def __init__(self, directory: Path, path: Path | None = None) -> None:
        self._directory = directory
        self.file: BinaryIO
        if path is None:
            spooled = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by `close`
                _IN_MEMORY_BYTES, dir=str(directory)
            )
            self.file = cast(BinaryIO, spooled)
        else:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | _FLAGS, 0o600)
            self.file = os.fdopen(descriptor, "w+b")

    def write(self, data: bytes | memoryview) -> None:
        """Append *data*.

        Raises:
            OSError: If there is no room; names the directory.
        """
        try:
            self.file.write(data)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise OSError(error.errno, error.strerror, str(self._directory)) from error
            raise

    def rewind(self, *, durably: bool) -> None:
        """Get ready to be read from the start."""
        self.file.flush()
        if durably:
            os.fsync(self.file.fileno())
        self.file.seek(0)

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class PartialFile:
    """A file that is written at any offset, and takes its place when it is whole.

    Args:
        path: Its place.
        keep: Leave it where it is when it is not finished, for another try; it has a fixed name
            then, `.<name>.part`.
    """

    def __init__(self, path: Path, *, keep: bool) -> None:
        self.path = path
        suffix = "part" if keep else f"{uuid.uuid4().hex[:12]}.part"
        self.partial = path.with_name(f".{path.name}.{suffix}")
        self._keep = keep
        self._descriptor: int | None = None
        # A thread that was told to stop may be late, and its number then be another file's.
        self._lock = threading.Lock()

    def open(self, *, anew: bool) -> None:
        """Create it, or go on with what is there."""
        flags = os.O_RDWR | os.O_CREAT | _FLAGS | (os.O_TRUNC if anew else 0)
        if not self._keep:
            flags |= os.O_EXCL
        self._descriptor = os.open(self.partial, flags, 0o666)

    def write_at(self, offset: int, data: bytes) -> None:
        """Write all of *data*."""
        with self._lock:
            if self._descriptor is None:
                raise ValueError("the file is closed")
            view = memoryview(data)
            while view:
                written = os.pwrite(self._descriptor, view, offset)
                view, offset = view[written:], offset + written

    def sync(self) -> None:
        """Make durable what was written."""
        assert self._descriptor is not None
        os.fsync(self._descriptor)

    def finish(self, size: int) -> None:
        """Move it to its place, durably; it has *size* bytes."""
        assert self._descriptor is not None
        os.ftruncate(self._descriptor, size)
        os.fsync(self._descriptor)
        self._close()
        self.partial.replace(self.path)
        _sync_directory(self.path.parent)

    def give_up(self) -> None:
        """Remove it, unless it is kept; harmless after `finish`."""
        self._close()
        if not self._keep:
            with suppress(FileNotFoundError):
                self.partial.unlink()

    def _close(self) -> None:
        with self._lock:
            descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class Journal:
    """The journal of one transfer, in a file that only its owner can read.

    Attributes:
        lines: What it holds, in order.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[Facts] = []

    def load(self) -> None:
        """Read what an earlier process wrote; nothing if the file is not as we make them."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | _FLAGS)
        except FileNotFoundError:
            return
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) & 0o077:
                return
            if hasattr(os, "geteuid") and status.st_uid != os.geteuid():
                return
            self.lines = read_lines(file.read())

    def begin(self, facts: Facts) -> None:
        """Start anew with one line; the change is atomic."""
        temporary = self.path.with_name(f"{self.path.name}.{uuid.uuid4().hex[:12]}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(encode_line(facts))
                file.flush()
                os.fsync(descriptor)
            temporary.replace(self.path)
        except BaseException:
            with suppress(FileNotFoundError):
                temporary.unlink()
            raise
        self.lines = [facts]

    def add(self, facts: Facts) -> None:
        """Append a line."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | _FLAGS)
        try:
            os.write(descriptor, encode_line(facts))
        finally:
            os.close(descriptor)
        self.lines.append(facts)

    def remove(self) -> None:
        """Remove the file; it need not exist."""
        with suppress(FileNotFoundError):
            self.path.unlink()


def _sync_directory(path: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
