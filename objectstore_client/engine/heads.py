"""The heads of requests, checked: nothing else than one request can go out."""

from __future__ import annotations

import re
from typing import NamedTuple

import httpx

from objectstore_client.engine.facts import Facts, Progress, record

__all__ = ["Head", "check_head", "head_of"]

# That values have no CR and no NUL is left to `check_head`: here it would take a look at each byte,
# and a token has hundreds.
_HEAD = re.compile(
    rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-~]+ HTTP/1\.1\r\n"
    rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++: .*+\n(?<=\r\n))*+\r\n"
)


class Head(NamedTuple):
    """The head of a request.

    Attributes:
        method: The method, upon which it depends how the answer ends.
        data: All of it, as it is sent.
        length: How many bytes of a body follow; `None` if it is chunked.
        keep: Whether the connection may serve again.
    """

    method: str
    data: bytes
    length: int | None
    keep: bool = True


def check_head(head: Head) -> Head:
    """Refuse what is not exactly one head.

    Raises:
        LocalProtocolError: If it is not, with its `Facts`.
    """
    data = head.data
    clean = data.count(b"\r") == data.count(b"\n") and b"\0" not in data
    if head.method == "CONNECT" or not clean or not _HEAD.fullmatch(data):
        raise _refused("the request has a method, target or header that can't be sent")
    return head


def head_of(request: httpx.Request) -> Head:
    """Write the head of *request*.

    Raises:
        LocalProtocolError: If it can't be sent, with its `Facts`.
    """
    lines = [b"%b %b HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    names, framings, chunked, keep = [], [], False, True
    for name, value in request.headers.raw:
        lines.append(b"%b: %b" % (name, value))
        names.append(lowered := name.lower())
        if lowered == b"content-length":
            framings.append(value)
        elif lowered == b"transfer-encoding":
            chunked = True
            framings.append(b"0" if value.lower() == b"chunked" else b"")
        elif lowered == b"connection" and b"close" in value.lower():
            keep = False
    data = b"\r\n".join([*lines, b"", b""])
    # A line for each header, which a line break in one would not give.
    if b":" in b"".join(names) or data.count(b"\n") != len(lines) + 1:
        raise _refused("the request has a method, target or header that can't be sent")
    if len(framings) > 1 or not all(framing.isdigit() for framing in framings):
        raise _refused("its Content-Length and Transfer-Encoding don't make sense")
    length = int(framings[0]) if framings else 0
    return check_head(Head(request.method, data, None if chunked else length, keep))


def _refused(reason: str) -> httpx.LocalProtocolError:
    return record(httpx.LocalProtocolError(reason), Facts(Progress.NOT_SENT))
