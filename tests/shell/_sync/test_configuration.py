# Generated from tests/shell/_async/test_configuration.py; do not edit. To regenerate: python -m generator
"""How an Objectstore is configured, what it says of itself, and how it ends."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import httpx
import pytest

from objectstore_client import (
    ConnectError,
    InvalidArgumentError,
    Objectstore,
    ObjectstoreError,
    Scope,
    Usecase,
    __version__,
)


class Capture(httpx.BaseTransport):
    """Keeps the requests and answers as an empty store would."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Keep the request."""
        self.requests.append(request)
        return httpx.Response(404)


@pytest.mark.parametrize(
    ("base_url", "rule"),
    [
        ("localhost:8888", "must be an http"),
        ("ftp://host", "must be an http"),
        ("http://", "must be an http"),
        ("", "must be an http"),
        ("http://user:secret@host", "must not have a user"),
        ("http://host?os_auth=secret", "must not have a query"),
        ("http://host/#x", "must not have a query or fragment"),
        ("http://host:99999999", "base_url"),
        ("http://ho st", "base_url"),
        (None, "must be a string"),
    ],
)
def test_bad_base_urls_are_refused(base_url: str, rule: str) -> None:
    """At construction, without quoting what may be a secret."""
    with pytest.raises(InvalidArgumentError, match=rule) as caught:
        Objectstore(base_url)
    assert "secret" not in str(caught.value)


def test_unknown_arguments_list_the_known_ones() -> None:
    """A typo is a TypeError that helps."""
    with pytest.raises(TypeError, match="unknown arguments: time_out; it knows: base_url, ") as e:
        Objectstore("http://localhost", time_out=3)  # type: ignore[arg-type]
    for known in ("metrics_backend", "propagate_traces", "timeout", "transport"):
        assert known in str(e.value)


def test_bad_configuration_is_refused() -> None:
    """At construction, not at the first call."""
    with pytest.raises(InvalidArgumentError, match="timeout"):
        Objectstore("http://localhost", timeout=-1)
    with pytest.raises(InvalidArgumentError, match="downstream_service"):
        Objectstore("http://localhost", downstream_service="a\r\nb: c")
    objectstore = Objectstore("http://localhost")
    with pytest.raises(InvalidArgumentError, match="usecase: must be a Usecase, got 'abc'"):
        objectstore.get_client("abc", Scope())  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="scope: must be a Scope"):
        objectstore.get_client(Usecase("abc"), "_")  # type: ignore[arg-type]


def test_representations() -> None:
    """They tell where, and hold no header."""
    objectstore = Objectstore("http://localhost:1/prefix")
    assert repr(objectstore) == "<Objectstore http://localhost:1/prefix>"
    client = objectstore.get_client(Usecase("abc"), Scope(org=1))
    assert repr(client) == "<Client abc/org=1>"


def test_requests_are_lean(monkeypatch: pytest.MonkeyPatch) -> None:
    """The base URL's path is kept, the name of the client sent, and nothing that was not asked."""
    capture = Capture()
    sentry = SimpleNamespace(get_traceparent=lambda: "ab-cd-1", get_baggage=lambda: None)
    monkeypatch.setitem(sys.modules, "sentry_sdk", sentry)
    with Objectstore(
        "http://localhost:1/prefix/", transport=capture, downstream_service="billing"
    ) as objectstore:
        assert not objectstore.get_client(Usecase("abc"), Scope(org=1)).exists("a b/c")
    (request,) = capture.requests
    assert request.url.raw_path == b"/prefix/v1/objects/abc/org=1/a%20b/c"
    headers = dict(request.headers)
    assert headers.pop("user-agent").startswith(f"objectstore-client/{__version__} python/")
    assert headers == {
        "host": "localhost:1",
        "accept-encoding": "identity",
        "x-downstream-service": "billing",
    }


def test_traces_are_propagated_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """With propagate_traces, each request carries the trace of the moment."""
    capture = Capture()
    sentry = SimpleNamespace(get_traceparent=lambda: "ab-cd-1", get_baggage=lambda: "b=1")
    monkeypatch.setitem(sys.modules, "sentry_sdk", sentry)
    with Objectstore("http://localhost:1", transport=capture, propagate_traces=True) as objectstore:
        client = objectstore.get_client(Usecase("abc"), Scope())
        client.exists("key")
        with pytest.raises(ObjectstoreError):
            client.put(b"x")
    for request in capture.requests:
        assert request.headers["sentry-trace"] == "ab-cd-1"
        assert request.headers["baggage"] == "b=1"


def test_no_server() -> None:
    """The error says what to look at."""
    with Objectstore("http://127.0.0.1:1") as objectstore:
        client = objectstore.get_client(Usecase("abc"), Scope())
        with pytest.raises(ConnectError, match="no connection to the server") as caught:
            client.put(b"x", id="key")
    assert caught.value.key == "key"
    assert any("is the server running" in note for note in caught.value.__notes__)


def test_a_closed_store_says_so(server_url: str) -> None:
    """And can be closed again."""
    objectstore = Objectstore(server_url)
    client = objectstore.get_client(Usecase("abc"), Scope())
    assert not client.exists("key")
    objectstore.close()
    objectstore.close()
    with pytest.raises(ObjectstoreError, match="closed"):
        client.exists("key")
