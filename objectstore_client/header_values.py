"""Free text in header values (protocol section 4.2): percent-encoded UTF-8.

Beyond what the protocol demands, leading and trailing spaces are escaped too, as HTTP would strip
them.
"""

from __future__ import annotations

import re

_ESCAPED = re.compile(rb"[\x00-\x1f%\x7f-\xff]|^ +| +$")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


def encode_value(text: str) -> str:
    """Write *text* so that it survives a header unchanged.

    Raises:
        ValueError: If *text* has no UTF-8 form (a lone surrogate).
    """
    if text.isascii() and text.isprintable() and "%" not in text and text.strip(" ") == text:
        return text
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds a lone surrogate, which has no UTF-8 form") from None
    escaped = _ESCAPED.sub(lambda match: b"".join(b"%%%02X" % byte for byte in match[0]), raw)
    return escaped.decode("ascii")


def decode_value(text: str) -> str:
    """Read a header value; malformed escapes (`100% done`) are kept as they are.

    Raises:
        ValueError: If *text* holds raw non-ASCII characters, or does not decode to UTF-8.
    """
    if not text.isascii():
        raise ValueError("the value has raw non-ASCII characters; they must be percent-encoded")
    if "%" not in text:
        return text
    raw = _PERCENT.sub(lambda match: bytes([int(match[1], 16)]), text.encode("ascii"))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ValueError("the value does not decode to valid UTF-8") from None
