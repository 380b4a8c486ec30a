"""The `Range` header of a single-object GET (protocol section 7)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from objectstore_client.devserver.replies import Refusal, empty, json_error

_LIMIT = 2**64
_RANGE = re.compile(r"([0-9]*)-([0-9]*)")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """`first` to `last` inclusive; without `first` the last `suffix` bytes."""

    first: int | None
    last: int | None = None
    suffix: int = 0

    def resolve(self, total: int) -> tuple[int, int]:
        """Return the first and last byte to send of an object of *total* bytes.

        Raises:
            Refusal: 416 if no byte of the object lies in the range.
        """
        first = max(total - self.suffix, 0) if self.first is None else self.first
        if first >= total:
            headers = [(b"content-range", b"bytes */%d" % total), (b"accept-ranges", b"bytes")]
            raise Refusal(empty(416, headers))
        return first, total - 1 if self.last is None else min(self.last, total - 1)


def parse_range(value: bytes) -> ByteRange | None:
    """Read a `Range` header; `None` if it names several ranges, which means the whole object.

    Raises:
        Refusal: 400 if it is malformed, its unit is not bytes, or it can't select anything.
    """
    unit, equals, spec = value.decode("latin-1").partition("=")
    if not equals or unit.lower() != "bytes":
        raise _malformed("the unit must be bytes")
    if "," in spec:
        return None
    match = _RANGE.fullmatch(spec)
    if match is None:
        raise _malformed("expected first-last, first- or -length")
    first, last = (_number(digits) for digits in match.groups())
    if first is None:
        if not last:
            raise _malformed("the length of a suffix must be a positive number")
        return ByteRange(None, suffix=last)
    if last is not None and first > last:
        raise _malformed("the first byte lies behind the last")
    return ByteRange(first, last)


def _number(digits: str) -> int | None:
    if not digits:
        return None
    # The length is looked at first: Python refuses to convert very long numbers, zeros or not.
    digits = digits.lstrip("0") or "0"
    if len(digits) > 20 or int(digits) >= _LIMIT:
        raise _malformed("a number is too large")
    return int(digits)


def _malformed(cause: str) -> Refusal:
    return Refusal(json_error(400, "malformed Range header", [cause]))
