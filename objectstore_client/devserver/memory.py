"""Storage in the memory of this process."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

from objectstore_client.devserver.drafts import Draft, KeptPayload, Part
from objectstore_client.devserver.records import Address, Record
from objectstore_client.devserver.storage import Payload, StagedPayload


class MemoryStorage:
    """Keeps everything in memory, and nothing beyond the life of the process."""

    blocks = False

    def __init__(self) -> None:
        self._objects: dict[Address, tuple[Record, _Bytes]] = {}
        self._lock = threading.Lock()
        self.drafts = MemoryDrafts()

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
        self.drafts = MemoryDrafts()


class MemoryDrafts:
    """The uploads in several requests of a `MemoryStorage`."""

    def __init__(self) -> None:
        self._payloads: dict[str, _Bytes] = {}
        self._parts: dict[str, dict[int, tuple[Part, _Bytes]]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def load(self) -> list[Draft]:
        return []

    def add(self, draft: Draft) -> None:
        if draft.length is None:
            self._parts[draft.id] = {}
        else:
            self._payloads[draft.id] = _Bytes()

    def remove(self, draft: Draft) -> None:
        with self._lock:
            self._payloads.pop(draft.id, None)
            self._parts.pop(draft.id, None)

    def resume(self, draft: Draft) -> KeptPayload | None:
        return self._payloads.get(draft.id)

    def keep_part(self, draft: Draft, number: int, staged: StagedPayload) -> Part | None:
        assert isinstance(staged, _Bytes)
        part = Part(
            number, f'"{next(self._numbers):x}-{staged.size:x}"', time.time_ns(), staged.size
        )
        with self._lock:
            if draft.id not in self._parts:
                return None
            self._parts[draft.id][number] = (part, staged)
        return part

    def parts(self, draft: Draft) -> list[Part]:
        with self._lock:
            kept = self._parts.get(draft.id, {})
            return [kept[number][0] for number in sorted(kept)]

    def open_part(self, draft: Draft, part: Part) -> Payload | None:
        kept, payload = self._parts.get(draft.id, {}).get(part.number, (None, None))
        return payload if kept == part else None


class _Bytes:
    """A payload, staged until it is published; nothing is written to it afterwards."""

    def __init__(self) -> None:
        self._data = bytearray()

    @property
    def size(self) -> int:
        return len(self._data)

    def write(self, data: bytes) -> None:
        self._data += data

    def truncate(self, size: int) -> None:
        del self._data[size:]

    def sync(self) -> None:
        """Nothing to do: memory is as durable as it gets."""

    def discard(self) -> None:
        """Nothing to do: nobody refers to it."""

    def read(self, offset: int, size: int) -> bytes:
        with memoryview(self._data) as view:
            return bytes(view[offset : offset + size])

    def close(self) -> None:
        """Nothing to do: the memory goes with the last reader."""
