"""Where requests go: base URL, default headers and timeout, worked out once per client."""

from collections.abc import Mapping
from typing import TypeVar

import httpx

from .headers import checked_headers, header_lines
from .operations import RequestParts

DEFAULT_TIMEOUT = httpx.Timeout(connect=5.0, read=60.0, write=30.0, pool=10.0)
"""Seconds for each step of a request."""

BodyT = TypeVar("BodyT")
HeadersT = TypeVar("HeadersT")

_USER_AGENT = "objectstore-api-python"

# The server ignores `Accept-Encoding` and objects come back as they were stored. It is there for
# what may stand in between: without it, or with httpx's own, a proxy may compress the answer,
# and nobody here would undo that.
_ACCEPT_ENCODING = "identity"

_PORTS = {"http": 80, "https": 443}
_METHODS_WITH_BODY = frozenset({"PATCH", "POST", "PUT"})


class Target:
    """Makes `httpx.Request`s for one server."""

    def __init__(
        self,
        base_url: str | httpx.URL,
        timeout: httpx.Timeout | float,
        headers: Mapping[str, str],
    ) -> None:
        url = httpx.URL(base_url)
        if url.scheme not in {"http", "https"} or not url.host:
            raise ValueError("base_url: must be an http:// or https:// URL with a host")
        if b"%" in url.raw_host or not 0 < (url.port or 1) < 1 << 16:
            raise ValueError("base_url: has no valid host and port")
        # What was given is not shown: it may be a secret.
        if url.userinfo:
            raise ValueError("base_url: must not have a user or password; send them as a header")
        if url.query or url.fragment:
            raise ValueError("base_url: must not have a query or fragment")
        self._url = url
        self._path = url.raw_path.decode("ascii").rstrip("?/")
        self._host = {"host": url.netloc.decode("ascii")}
        self._origin = f"{url.scheme}://{self._host['host']}"
        self.base_url = f"{self._origin}{self._path}"
        self._agent = {"user-agent": _USER_AGENT}
        self._fixed = {"accept-encoding": _ACCEPT_ENCODING, **checked_headers(headers)}
        self._defaults = self._host | self._agent | self._fixed
        # Ready-made, as httpx copies it in a tenth of the time that it takes to make one.
        self._bare = httpx.Headers(self._defaults)
        self._bare_head = b" HTTP/1.1\r\n" + header_lines(self._defaults)
        self._timeout = _extensions(timeout)
        self.origin = url.scheme, url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]
        self._can_replace_path = self._check_replace_path()

    def request(
        self,
        parts: RequestParts[BodyT, HeadersT],
        stream: httpx.SyncByteStream | httpx.AsyncByteStream,
        length: int | None,
        timeout: httpx.Timeout | float | None,
        extensions: Mapping[str, object] | None,
        inherited: httpx.Headers | None,
    ) -> httpx.Request:
        """Make a request.

        Args:
            parts: What to ask for.
            stream: The body, of whichever world will send it.
            length: The length of the body in bytes, if known.
            timeout: Instead of the timeout of the target.
            extensions: More for the transport.
            inherited: Headers that rank below those of the target.
        """
        plain = length == 0 and parts.method not in _METHODS_WITH_BODY
        if plain and not parts.headers and inherited is None:
            return self._make(parts, self._bare, stream, timeout, extensions)
        defaults = self._defaults
        if inherited is not None:
            defaults = self._host | self._agent | dict(inherited) | self._fixed
        headers = {**defaults, **parts.headers}
        if length is None:
            headers["transfer-encoding"] = "chunked"
        elif length or parts.method in _METHODS_WITH_BODY:
            headers["content-length"] = str(length)
        return self._make(parts, headers, stream, timeout, extensions)

    def head(self, parts: RequestParts[BodyT, HeadersT], length: int | None) -> bytes:
        """Make the head of a request as it is sent, for transports that take it like that."""
        rest = self._bare_head
        if parts.headers:
            if self._defaults.keys().isdisjoint(parts.headers):
                rest += header_lines(parts.headers)
            else:
                rest = b" HTTP/1.1\r\n" + header_lines({**self._defaults, **parts.headers})
        if length is None:
            rest += b"transfer-encoding: chunked\r\n"
        elif length or parts.method in _METHODS_WITH_BODY:
            rest += b"content-length: %d\r\n" % length
        query = f"?{parts.query}" if parts.query else ""
        line = f"{parts.method} {self._path}{parts.path}{query}"
        return b"%b%b\r\n" % (line.encode("ascii"), rest)

    def extensions(
        self, timeout: httpx.Timeout | float | None, more: Mapping[str, object] | None
    ) -> Mapping[str, object]:
        """What a request carries for its transport: time-outs, and *more*."""
        own = self._timeout if timeout is None else _extensions(timeout)
        return {**own, **more} if more else own

    def _make(
        self,
        parts: RequestParts[BodyT, HeadersT],
        headers: httpx.Headers | dict[str, str],
        stream: httpx.SyncByteStream | httpx.AsyncByteStream,
        timeout: httpx.Timeout | float | None,
        extensions: Mapping[str, object] | None,
    ) -> httpx.Request:
        return httpx.Request(
            parts.method,
            self._request_url(parts.path, parts.query),
            headers=headers,
            stream=stream,
            extensions=dict(self.extensions(timeout, extensions)),
        )

    def _request_url(self, path: str, query: str) -> httpx.URL:
        # Path and query are encoded already. Parsing them once more takes httpx 10 µs and can
        # only do harm, so they are put into a copy of the parsed base URL.
        if self._can_replace_path:
            return self._replace_path(f"{self._path}{path}", query)
        return self._parse_url(f"{self._path}{path}", query)

    def _replace_path(self, path: str, query: str) -> httpx.URL:
        url = httpx.URL(self._url)
        url._uri_reference = url._uri_reference._replace(path=path, query=query or None)
        return url

    def _parse_url(self, path: str, query: str) -> httpx.URL:
        return httpx.URL(f"{self._origin}{path}{'?' if query else ''}{query}")

    def _check_replace_path(self) -> bool:
        """Whether this httpx keeps its URLs as we know it; the attribute is private."""
        probe = "/v1/a=1;b=2//%2520", "q=%3D"
        try:
            fast = self._replace_path(*probe)
        except AttributeError:
            return False
        return (str(fast), fast.raw_path) == (
            str(self._parse_url(*probe)),
            f"{probe[0]}?{probe[1]}".encode(),
        )


def _extensions(timeout: httpx.Timeout | float) -> dict[str, object]:
    return {"timeout": httpx.Timeout(timeout).as_dict()}
