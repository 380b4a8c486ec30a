"""Storage in the memory of this process."""

from __future__ import annotations

import threading
from collections.abc import Callable

from objectstore_client.devserver.records import Address, Record
from objectstore_client.devserver.storage import Payload, StagedPayload


class MemoryStorage:
    """Keeps everything in memory, and nothing beyond the life of the process."""

    blocks = False

    def __init__(self) -> None:
        self._objects: dict[Address, tuple[Record, _Bytes]] = {}
        self._lock = threading.Lock()

    def stage(self) -> StagedPayload:
        return _Bytes()

    def publish(self, address: Address, staged: StagedPayload, record: Record) -> None:
        assert isinstance(staged, _Bytes)
        with self._lock:
            self._objects[address] = (record, staged)

    def load(self, address: Address) -> Record | None:
        entry = self._objects.get(address)
        return entry and entry[0]

    def open(self, address: Address) -> tuple[Record, Payload] | None:
        return self._objects.get(address)

    def update(self, address: Address, change: Callable[[Record], Record | None]) -> bool:
        with self._lock:
            entry = self._objects.get(address)
            if entry is None:
                return False
            record = change(entry[0])
            if record is not None:
                self._objects[address] = (record, entry[1])
            return True

    def delete(self, address: Address, only_if: Callable[[Record], bool] | None = None) -> None:
        with self._lock:
            entry = self._objects.get(address)
            if entry is not None and (only_if is None or only_if(entry[0])):
                del self._objects[address]

    def close(self) -> None:
        self._objects.clear()


class _Bytes:
    """A payload, staged until it is published; nothing is written to it afterwards."""

    def __init__(self) -> None:
        self._data = bytearray()

    @property
    def size(self) -> int:
        return len(self._data)

    def write(self, data: bytes) -> None:
        self._data += data

    def discard(self) -> None:
        """Nothing to do: nobody refers to it."""

    def read(self, offset: int, size: int) -> bytes:
        with memoryview(self._data) as view:
            return bytes(view[offset : offset + size])

    def close(self) -> None:
        """Nothing to do: the memory goes with the last reader."""
