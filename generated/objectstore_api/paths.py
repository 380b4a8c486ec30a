# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""Percent-encoding of request targets (protocol section 3.1).

What goes in is literal: a key that looks encoded is encoded once more. What comes out has the
same bytes as the reference encoders make: UTF-8, uppercase hex, and only the bytes of the table
left as they are.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote

from .errors import InvalidArgument

# `quote` never touches letters, digits and "-._~"; these stay as well.
_SEGMENT_SAFE = ":@!$&'()*+,;="
_KEY_SAFE = f"/{_SEGMENT_SAFE}"

_UNCHANGED_SEGMENT = re.compile(r"[A-Za-z0-9\-._~:@!$&'()*+,;=]+").fullmatch
_UNCHANGED_KEY = re.compile(r"[A-Za-z0-9\-._~:@!$&'()*+,;=/]+").fullmatch
_DOT_SEGMENT = re.compile(r"(?:^|/)\.{1,2}(?:/|\Z)").search


def encode_prefix(usecase: str, scopes: str) -> str:
    """Encode the two leading segments of an object path, for use in `build_request_at`.

    Args:
        usecase: Name of the use case.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_` for none.

    Raises:
        InvalidArgument: If one of them is empty, a dot segment, or not encodable as UTF-8.
    """
    return f"{_encode_segment('usecase', usecase)}/{_encode_segment('scopes', scopes)}"


def encode_key(key: str) -> str:
    """Encode a key. Its slashes stay, leading and doubled ones too.

    Raises:
        InvalidArgument: If the key is empty (that path is the collection), has a segment `.` or
            `..` (HTTP software resolves them), or is not encodable as UTF-8.
    """
    if not key:
        raise InvalidArgument("key", "must not be empty")
    if "." in key and _DOT_SEGMENT(key):
        raise InvalidArgument.showing("key", "must not have a segment '.' or '..'", key)
    return key if _UNCHANGED_KEY(key) else _quote("key", key, _KEY_SAFE)


def encode_query(values: Mapping[str, str | int | None]) -> str:
    """Encode query parameters, leaving out those that are `None`. Names are taken as they are.

    Raises:
        InvalidArgument: If a value is not encodable as UTF-8.
    """
    return "&".join(
        f"{name}={_quote(name, str(value), '')}"
        for name, value in values.items()
        if value is not None
    )


def _encode_segment(argument: str, value: str) -> str:
    if not value:
        raise InvalidArgument(argument, "must not be empty")
    if value in {".", ".."}:
        raise InvalidArgument.showing(argument, "must not be '.' or '..'", value)
    return value if _UNCHANGED_SEGMENT(value) else _quote(argument, value, _SEGMENT_SAFE)


def _quote(argument: str, value: str, safe: str) -> str:
    try:
        return quote(value, safe=safe)
    except UnicodeEncodeError:
        rule = "is not valid Unicode text (lone surrogate)"
        raise InvalidArgument.showing(argument, rule, value) from None
