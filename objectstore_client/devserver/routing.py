"""Which operation a request line means, and on what (protocol sections 2, 3 and 11).

Routes are matched on the raw path, split at literal slashes; only then each part is decoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes

from objectstore_client.devserver.records import Address
from objectstore_client.devserver.replies import Refusal, empty, json_error, text
from objectstore_client.scope import Scope
from objectstore_client.usecase import USECASE_NAME


class Operation(Enum):
    """What can be asked of a server."""

    CREATE_OBJECT = auto()
    PUT_OBJECT = auto()
    GET_OBJECT = auto()
    HEAD_OBJECT = auto()
    DELETE_OBJECT = auto()
    PATCH_OBJECT = auto()
    BATCH_OBJECTS = auto()
    INITIATE_MULTIPART = auto()
    ABORT_MULTIPART = auto()
    PUT_PART = auto()
    LIST_PARTS = auto()
    COMPLETE_MULTIPART = auto()
    CREATE_SESSION = auto()
    PUT_CHUNK = auto()
    CANCEL_SESSION = auto()
    HEALTH = auto()
    READY = auto()
    KEDA = auto()


class _Family(NamedTuple):
    """The methods below one prefix: on the collection, and on what has a key."""

    collection: Mapping[str, Operation]
    item: Mapping[str, Operation]
    slash_needed: bool = False


_FAMILIES = {
    b"objects": _Family(
        {"POST": Operation.CREATE_OBJECT},
        {
            "GET": Operation.GET_OBJECT,
            "HEAD": Operation.HEAD_OBJECT,
            "PUT": Operation.PUT_OBJECT,
            "PATCH": Operation.PATCH_OBJECT,
            "DELETE": Operation.DELETE_OBJECT,
        },
    ),
    b"objects:batch": _Family({"POST": Operation.BATCH_OBJECTS}, {}, slash_needed=True),
    b"objects:multipart": _Family(
        {"POST": Operation.INITIATE_MULTIPART},
        {"PUT": Operation.INITIATE_MULTIPART, "DELETE": Operation.ABORT_MULTIPART},
    ),
    b"objects:multipart:parts": _Family(
        {}, {"PUT": Operation.PUT_PART, "GET": Operation.LIST_PARTS}
    ),
    b"objects:multipart:complete": _Family({}, {"POST": Operation.COMPLETE_MULTIPART}),
}
_SINGLE = {
    b"/health": {"GET": Operation.HEALTH, "HEAD": Operation.HEALTH},
    b"/ready": {"GET": Operation.READY, "HEAD": Operation.READY},
    b"/keda": {"GET": Operation.KEDA, "HEAD": Operation.KEDA},
}

_KNOWN_PARAMETERS = frozenset(
    (
        "max_parts",
        "os_auth",
        "os_duration",
        "os_kid",
        "os_sig",
        "os_timestamp",
        "part_number",
        "part_number_marker",
        "session",
        "upload_id",
        "upload_type",
    )
)

# How the query turns a plain operation into a step of a resumable upload: with a session, and
# with `upload_type=resumable` alone, which makes no sense of a deletion. A POST always creates.
_RESUMABLE: dict[Operation, tuple[Operation, Operation | None]] = {
    Operation.CREATE_OBJECT: (Operation.CREATE_SESSION, Operation.CREATE_SESSION),
    Operation.PUT_OBJECT: (Operation.PUT_CHUNK, Operation.CREATE_SESSION),
    Operation.DELETE_OBJECT: (Operation.CANCEL_SESSION, None),
}


@dataclass(frozen=True, slots=True)
class Route:
    """A matched route, its parts still encoded; `key` is `None` on a collection."""

    operation: Operation
    usecase: bytes = b""
    scopes: bytes = b""
    key: bytes | None = None

    def address(self, *, any_usecase: bool = False) -> Address:
        """Decode and check the path parameters; the key is empty on a collection.

        Args:
            any_usecase: Do not look at the name of the use case.

        Raises:
            Refusal: 400 if one of them is malformed.
        """
        usecase = _decoded("usecase", self.usecase)
        if not any_usecase and not USECASE_NAME.fullmatch(usecase):
            raise _bad_path("usecase", "must be 3 to 64 of A-Z a-z 0-9 _ -")
        try:
            scopes = Scope.parse(_decoded("scopes", self.scopes)).path
        except ValueError as error:
            raise _bad_path("scopes", str(error)) from None
        key = _decoded("key", self.key or b"")
        if has_dot_segment(key):
            # Much software on the way would resolve them; here they can only be a mistake.
            raise _bad_path("key", "'.' and '..' are not allowed as segments")
        return Address(usecase, scopes, key)


def has_dot_segment(key: str) -> bool:
    """Whether *key* has a segment that software on the way would resolve."""
    return "." in key and any(segment in (".", "..") for segment in key.split("/"))


def match(method: str, raw_path: bytes) -> Route:
    """Find the route of a request line.

    Raises:
        Refusal: 404 if the path is unknown, 405 if it is known but not with *method*.
    """
    pieces = raw_path.split(b"/", 5)
    if len(pieces) < 5:
        return Route(_choose(_SINGLE.get(raw_path), method))
    root, version, name, usecase, scopes = pieces[:5]
    family = _FAMILIES.get(name)
    if root or version != b"v1" or family is None or not usecase or not scopes:
        raise Refusal(empty(404))
    key = pieces[5] if len(pieces) == 6 else None
    if key:
        return Route(_choose(family.item, method), usecase, scopes, key)
    if key is None and family.slash_needed:
        raise Refusal(empty(404))
    return Route(_choose(family.collection, method), usecase, scopes)


def parse_query(raw: bytes) -> dict[str, str]:
    """Read the query parameters that operations know.

    Raises:
        Refusal: 400 if one of them is repeated.
    """
    found: dict[str, str] = {}
    if not raw:
        return found
    for name, value in parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="replace"):
        if name in found:
            raise Refusal(text(400, f"the query parameter `{name}` is repeated"))
        if name in _KNOWN_PARAMETERS:
            found[name] = value
    return found


def refine(operation: Operation, query: Mapping[str, str]) -> Operation:
    """Take the query into account, which can make an operation a step of a resumable upload.

    Raises:
        Refusal: 400 if `upload_type` is unknown, or makes no sense here.
    """
    if operation not in _RESUMABLE:
        return operation
    with_session, alone = _RESUMABLE[operation]
    if "session" in query:
        return with_session
    if "upload_type" not in query:
        return operation
    if query["upload_type"] != "resumable" or alone is None:
        raise Refusal(json_error(400, "unsupported upload_type for this request"))
    return alone


def _choose(methods: Mapping[str, Operation] | None, method: str) -> Operation:
    if not methods:
        raise Refusal(empty(404))
    operation = methods.get(method)
    if operation is None:
        raise Refusal(empty(405, [(b"allow", ", ".join(methods).encode("ascii"))]))
    return operation


def _decoded(parameter: str, raw: bytes) -> str:
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise _bad_path(parameter, "not valid UTF-8 after percent-decoding") from None


def _bad_path(parameter: str, cause: str) -> Refusal:
    return Refusal(text(400, f"Invalid URL: {parameter}: {cause}"))
