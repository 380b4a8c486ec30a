"""The operations that faults befall: what is there before, what is done, what must be there after.

Each has one object (or, without an id, none) in a scope of its own, in an old version; most try to
make it the new version.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from objectstore_client import Client, Metadata, ObjectNotFound, TimeToLive
from tests.faults.worlds import AnyClient, World, entered, get, value

KIB, MIB = 1024, 1024 * 1024
KEY = "object"

Class = Literal["look", "small", "large", "zstd", "put", "touch", "once", "post"]
"""Operations that must behave alike under a fault: an answer without a body (`look`), a body that
is read at once, a large one, a compressed one; puts that can be repeated, puts of contents that can
be read only once, puts that the server chooses a key for (`post`), and changes that neither send
nor get much (`touch`)."""

EXPIRY = datetime(2100, 1, 1, tzinfo=UTC)
"""What `extend_expiry` moves the deadline to."""


class WrongResultError(AssertionError):
    """An operation ended without an error, but its result is not right."""


def noise(seed: object, size: int) -> bytes:
    """Bytes that do not compress, but for the last quarter."""
    return random.Random(str(seed)).randbytes(size - size // 4) + bytes(size // 4)


OLD = noise("old", 200 * KIB)
NEW = noise("new", 300 * KIB)
NEW_LARGE = noise("new and large", 3 * MIB)


@dataclass
class Case:
    """One operation under test.

    Attributes:
        world: Whose client is used.
        client: That client; it talks to the server through a fault.
        folder: For files.
        made: Takes the key of an object that the server has chosen one for.
    """

    world: World
    client: AnyClient
    folder: Path
    made: list[str]


@dataclass(frozen=True)
class Operation:
    """An operation.

    Attributes:
        name: As the table shows it.
        kind: What it behaves like.
        called: What errors call it.
        run: Does it, and raises `WrongResultError` if the result is not right.
        old: The contents before.
        new: The contents after it; `None` if they stay as they are.
        deletes: Whether the object is gone afterwards.
        compression: Of the contents before.
    """

    name: str
    kind: Class
    called: str
    run: Callable[[Case], Coroutine[Any, Any, None]]
    old: bytes = OLD
    new: bytes | None = None
    deletes: bool = False
    compression: Literal["zstd", "none"] = "none"

    @property
    def body_size(self) -> int:
        """About how many bytes the body of the answer has, at the least."""
        return len(self.old) // 2 if self.called == "get" else 10 * (self.called == "put")

    def prepare(self, direct: Client) -> None:
        """Store the old version, by a client that no fault gets in the way of."""
        if self.kind != "post":
            direct.put(
                self.old,
                id=KEY,
                metadata={"version": "old"},
                compression=self.compression,
                expiration_policy=TimeToLive(timedelta(days=1)),
            )

    def stored(self, direct: Client, key: str = KEY) -> str:
        """Which version is stored under *key*: `old`, `new`, or `neither` of them in whole."""
        try:
            with direct.get(key) as result:
                contents, metadata = result.payload.read(), result.metadata
        except ObjectNotFound:
            return "new" if self.deletes else "old" if self.kind == "post" else "neither"
        for version, expected in (("new", self.new), ("old", self.old)):
            if contents == expected and metadata.custom == {"version": version}:
                extended = metadata.time_expires == EXPIRY
                return "new" if extended else version
        return "neither"

    @property
    def changes(self) -> bool:
        """Whether it leaves something else behind than was there."""
        return self.kind in ("put", "touch", "once", "post")


def expect(holds: bool, what: str) -> None:
    """Raise `WrongResultError` unless *holds*."""
    if not holds:
        raise WrongResultError(what)


# ---- what they do -----------------------------------------------------------------------------


async def _put_bytes(case: Case) -> None:
    key = await value(case.client.put(NEW, id=KEY, metadata={"version": "new"}))
    expect(key == KEY, f"put returned the key {key!r}")


async def _put_stream(case: Case) -> None:
    pieces = case.world.contents(_pieces(NEW_LARGE))
    key = await value(case.client.put(pieces, id=KEY, metadata={"version": "new"}))
    expect(key == KEY, f"put returned the key {key!r}")


async def _put_file(case: Case) -> None:
    path = case.folder / "contents"
    path.write_bytes(NEW_LARGE)
    key = await value(case.client.put(path, id=KEY, metadata={"version": "new"}))
    expect(key == KEY, f"put returned the key {key!r}")


async def _post(case: Case) -> None:
    case.made.append(await value(case.client.put(NEW, metadata={"version": "new"})))


def _get(contents: bytes) -> Callable[[Case], Coroutine[Any, Any, None]]:
    async def run(case: Case) -> None:
        result = await get(case.client, KEY)
        async with entered(result):
            read = await value(result.payload.read())
        _check_metadata(result.metadata)
        expect(read == contents, f"{len(read)} bytes were read, and not those that are stored")

    return run


async def _head(case: Case) -> None:
    metadata = await value(case.client.head(KEY))
    _check_metadata(metadata)
    expect(metadata.size == len(OLD), f"head says {metadata.size} bytes")


async def _exists(case: Case) -> None:
    expect(await value(case.client.exists(KEY)), "exists says no")


async def _delete(case: Case) -> None:
    await value(case.client.delete(KEY))


async def _extend_expiry(case: Case) -> None:
    await value(case.client.extend_expiry(KEY, at=EXPIRY))


def _pieces(contents: bytes) -> Iterator[bytes]:
    for start in range(0, len(contents), 100_000):
        yield contents[start : start + 100_000]


def _check_metadata(metadata: Metadata) -> None:
    expect(metadata.custom == {"version": "old"}, f"the metadata say {metadata.custom}")


SMALL = noise("small", KIB)
LARGE = noise("large", 3 * MIB)

OPERATIONS = (
    Operation("put bytes", "put", "put", _put_bytes, new=NEW),
    Operation("put file", "put", "put", _put_file, new=NEW_LARGE),
    Operation("put stream", "once", "put", _put_stream, new=NEW_LARGE),
    Operation("put no id", "post", "put", _post, new=NEW),
    Operation("get small", "small", "get", _get(SMALL), old=SMALL),
    Operation("get large", "large", "get", _get(LARGE), old=LARGE),
    Operation("get zstd", "zstd", "get", _get(LARGE), old=LARGE, compression="zstd"),
    Operation("head", "look", "head", _head),
    Operation("exists", "look", "head", _exists),
    Operation("delete", "touch", "delete", _delete, deletes=True),
    Operation("extend expiry", "touch", "extend_expiry", _extend_expiry),
)
