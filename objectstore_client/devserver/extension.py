"""PATCH `extend_expiry`: reading its body and moving a deadline (protocol section 8)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, NoReturn, TypeAlias

from objectstore_client.devserver.records import EARLIEST, LATEST, Record, deadline, whole_seconds
from objectstore_client.devserver.replies import Refusal, json_error, text
from objectstore_client.durations import parse_duration
from objectstore_client.expiration import TimeToLive
from objectstore_client.timestamps import parse_timestamp

MAX_JSON_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class At:
    """Live at least until *instant*."""

    instant: datetime


@dataclass(frozen=True, slots=True)
class After:
    """Live at least for *duration*, counted from the object's creation or from the request."""

    duration: timedelta
    origin: Literal["creation", "now"]


Target: TypeAlias = At | After


def check_json_type(content_type: bytes | None) -> None:
    """Refuse a body that is not declared as JSON.

    Raises:
        Refusal: 415.
    """
    essence = (content_type or b"").partition(b";")[0].strip(b" \t").lower()
    kind, _, subtype = essence.partition(b"/")
    if kind != b"application" or not (subtype == b"json" or subtype.endswith(b"+json")):
        raise Refusal(text(415, "Expected request with `Content-Type: application/json`"))


def parse_target(body: bytes) -> Target:
    """Read the body of a PATCH.

    Raises:
        Refusal: 400 if it is not JSON, 422 if it is not an update.
    """
    document = _members(_load(body), "the body")
    if set(document) != {"extend_expiry"}:
        raise _unprocessable("expected exactly the member `extend_expiry`")
    target = _members(document["extend_expiry"], "`extend_expiry`")
    try:
        match target:
            case {"at": str(instant), **rest} if not rest:
                return At(parse_timestamp(instant))
            case {"after": str(duration), "from": "creation", **rest} if not rest:
                return After(parse_duration(duration), "creation")
            case {"after": str(duration), "from": "now", **rest} if not rest:
                return After(parse_duration(duration), "now")
    except ValueError as error:
        raise _unprocessable(str(error)) from None
    raise _unprocessable(
        "expected `at`, or `after` and `from` (`creation` or `now`), all of them strings"
    )


def extended(
    record: Record,
    target: Target,
    now: datetime,
    check: Callable[[datetime], None] | None = None,
) -> Record:
    """Return *record* with a deadline that satisfies *target*; itself if it does already.

    *check* is asked in either case whether it allows that deadline.

    Raises:
        Refusal: 409 if the object never expires, 400 if the deadline is out of range.
    """
    if record.expires is None:
        raise Refusal(json_error(409, "the object does not expire"))
    wanted = _wanted(record, target, now)
    if wanted is None or not EARLIEST <= wanted <= LATEST:
        raise Refusal(json_error(400, "the deadline is outside the supported range"))
    if check is not None:
        check(wanted)
    if wanted <= record.expires:
        return record
    if isinstance(record.policy, TimeToLive):
        return replace(record, expires=wanted, policy=TimeToLive(wanted - record.created))
    return replace(record, expires=wanted)


def _wanted(record: Record, target: Target, now: datetime) -> datetime | None:
    match target:
        case At(instant):
            try:
                return whole_seconds(instant)
            except OverflowError:
                return None
        case After(duration, "creation"):
            return deadline(record.created, duration) or LATEST
        case After(duration):
            return deadline(now, duration)


def _load(body: bytes) -> object:
    try:
        loaded: object = json.loads(
            body.decode(), object_pairs_hook=_Members, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError):
        raise Refusal(text(400, "the body is not valid JSON")) from None
    return loaded


class _Members(list[tuple[str, object]]):
    """The members of a JSON object as they stand, which shows repeated names."""


def _members(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, _Members):
        raise _unprocessable(f"{what} must be an object")
    members = dict(value)
    if len(members) != len(value):
        raise _unprocessable(f"{what} names a member twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _unprocessable(cause: str) -> Refusal:
    return Refusal(text(422, f"not a valid update: {cause}"))
