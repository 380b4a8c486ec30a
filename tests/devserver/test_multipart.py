"""Multipart uploads, rule by rule (protocol section 10)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from objectstore_client.devserver import DevServer, multipart
from tests.devserver.conftest import CREATED, Clock
from tests.devserver.wire import Answer, ask, chunked

Send: TypeAlias = Callable[..., Answer]


def sender(server: DevServer, scope: str) -> Send:
    """Returns what sends requests to the endpoints of multipart uploads."""

    def send(
        method: str,
        kind: str,
        key: str,
        query: str = "",
        headers: list[tuple[str, str]] | tuple[()] = (),
        body: bytes | None = None,
    ) -> Answer:
        return ask(
            server.url, method, f"/v1/objects{kind}/test/{scope}/{key}{query}", headers, body
        )

    return send


@pytest.fixture
def send(server: DevServer, prefix: str, clock: Clock) -> Send:
    """Sends requests within a scope of its own."""
    return sender(server, prefix.rpartition("/")[2])


def begin(send: Send, key: str = "o", **headers: str) -> str:
    """Begin an upload and return the query of its id."""
    answer = send("PUT", ":multipart", key, headers=list(headers.items()))
    assert (answer.status, answer.json()["key"]) == (200, key)
    return f"?upload_id={answer.json()['upload_id']}"


def put(send: Send, upload: str, number: int, data: bytes, key: str = "o") -> str:
    """Store a part and return its tag."""
    answer = send("PUT", ":multipart:parts", key, f"{upload}&part_number={number}", body=data)
    assert answer.status == 200
    etag = answer.json()["etag"]
    assert isinstance(etag, str)
    return etag


def complete(send: Send, upload: str, *parts: tuple[int, str], key: str = "o") -> Answer:
    """Join parts."""
    manifest = {"parts": [{"part_number": number, "etag": etag} for number, etag in parts]}
    headers = [("content-type", "application/json")]
    return send("POST", ":multipart:complete", key, upload, headers, json.dumps(manifest).encode())


def listing(send: Send, upload: str, more: str = "") -> dict[str, object]:
    """List the parts."""
    answer = send("GET", ":multipart:parts", "o", upload + more)
    assert answer.status == 200
    document: dict[str, object] = answer.json()
    return document


def test_parts_in_any_order_become_an_object(send: Send, clock: Clock) -> None:
    """As the manifest lists them, with the metadata and the time of the beginning."""
    upload = begin(send, **{"x-snme-a": "1", "x-sn-expiration": "ttl:2d"})
    second = put(send, upload, 7, b"world")
    first = put(send, upload, 2, b"hello ")
    put(send, upload, 9, b"not listed")
    assert send("GET", "", "o").status == 404
    clock.advance(hours=1)
    answer = complete(send, upload, (2, first), (7, second))
    assert (answer.status, answer.json()) == (200, {"key": "o"})
    assert answer.headers["transfer-encoding"] == "chunked"
    got = send("GET", "", "o")
    assert (got.body, got.headers["x-snme-a"]) == (b"hello world", "1")
    assert got.headers["x-sn-time-created"] == CREATED
    assert "error" in complete(send, upload, (2, first), (7, second)).json()


def test_the_server_chooses_a_key_for_a_post(send: Send) -> None:
    """And the parts go there."""
    opened = send("POST", ":multipart", "").json()
    upload = f"?upload_id={opened['upload_id']}"
    etag = put(send, upload, 1, b"x", key=opened["key"])
    assert complete(send, upload, (1, etag), key=opened["key"]).json() == {"key": opened["key"]}


def test_a_part_is_replaced(send: Send) -> None:
    """By another with its number, and another tag."""
    upload = begin(send)
    old = put(send, upload, 1, b"x")
    new = put(send, upload, 1, b"y")
    assert old != new
    assert complete(send, upload, (1, old)).json()["error"]["code"] == "InvalidPart"
    assert complete(send, upload, (1, new)).json() == {"key": "o"}
    assert send("GET", "", "o").body == b"y"


def test_parts_are_listed_in_pages(send: Send) -> None:
    """Ascending; an empty page has no marker."""
    upload = begin(send)
    tags = {number: put(send, upload, number, b"x" * number) for number in (3, 1, 2)}
    whole = listing(send, upload)
    assert whole["is_truncated"] is False
    assert "next_part_number_marker" not in whole
    parts = whole["parts"]
    assert isinstance(parts, list)
    assert [(part["part_number"], part["etag"], part["size"]) for part in parts] == [
        (number, tags[number], number) for number in (1, 2, 3)
    ]
    assert all(re.fullmatch(r".{19}\.\d{9}Z", part["last_modified"]) for part in parts)
    page = listing(send, upload, "&max_parts=2")
    assert (page["parts"], page["is_truncated"]) == (parts[:2], True)
    assert page["next_part_number_marker"] == 2
    rest = listing(send, upload, "&max_parts=2&part_number_marker=2")
    assert rest == {"parts": parts[2:], "is_truncated": False}
    assert listing(send, upload, "&max_parts=0") == {"parts": [], "is_truncated": True}


@pytest.mark.parametrize(
    "query", ["", "?upload_id=", "?upload_id=a..b", "?upload_id=/etc", "?upload_id=%2Fx"]
)
def test_an_upload_id_is_required(send: Send, query: str) -> None:
    """And must not look like a way out of a directory."""
    more = "&" if query else "?"
    headers = [("content-type", "application/json")]
    for answer in (
        send("PUT", ":multipart:parts", "o", f"{query}{more}part_number=1", body=b"x"),
        send("GET", ":multipart:parts", "o", query),
        send("DELETE", ":multipart", "o", query),
        send("POST", ":multipart:complete", "o", query, headers, b'{"parts":[]}'),
    ):
        assert answer.status == 400


@pytest.mark.parametrize("number", ["", "0", "-1", "x", "1.0", str(2**32), "%C2%B2"])
def test_a_malformed_part_number_is_refused(send: Send, number: str) -> None:
    """From 1, of 32 bits."""
    upload = begin(send)
    query = f"{upload}&part_number={number}"
    assert send("PUT", ":multipart:parts", "o", query, body=b"x").shape == (400, "text")
    assert send("PUT", ":multipart:parts", "o", upload, body=b"x").shape == (400, "text")


def test_a_part_needs_a_length(send: Send) -> None:
    """A chunked one is refused."""
    query = f"{begin(send)}&part_number=1"
    headers = [("transfer-encoding", "chunked")]
    answer = send("PUT", ":multipart:parts", "o", query, headers, chunked(b"x"))
    assert answer.shape == (400, "json")


def test_an_unknown_upload(send: Send) -> None:
    """500 for parts, nothing for an abort, an error inside of 200 for a completion."""
    upload = begin(send)
    for key, query in (("p", upload), ("o", "?upload_id=unknown")):
        parts = f"{query}&part_number=1"
        assert send("PUT", ":multipart:parts", key, parts, body=b"x").shape == (500, "json")
        assert send("GET", ":multipart:parts", key, query).shape == (500, "json")
        assert send("DELETE", ":multipart", key, query).status == 204
        assert complete(send, query, (1, "x"), key=key).json()["error"]["code"] == "internal error"
    assert listing(send, upload)["parts"] == []


def test_an_aborted_upload_is_unknown(send: Send) -> None:
    """With all its parts."""
    upload = begin(send)
    etag = put(send, upload, 1, b"x")
    assert send("DELETE", ":multipart", "o", upload).status == 204
    assert send("GET", ":multipart:parts", "o", upload).status == 500
    assert "error" in complete(send, upload, (1, etag)).json()


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{", 400),
        ("text/plain", b'{"parts":[]}', 415),
        ("application/json", b"[]", 422),
        ("application/json", b"{}", 422),
        ("application/json", b'{"parts":[{"part_number":0,"etag":"x"}]}', 422),
        ("application/json", b'{"parts":[{"part_number":"1","etag":"x"}]}', 422),
        ("application/json", b'{"parts":[{"part_number":1}]}', 422),
        ("application/json", b" " * (2 * 1024 * 1024 + 1), 413),
    ],
)
def test_a_malformed_manifest_is_refused(
    send: Send, content_type: str, body: bytes, status: int
) -> None:
    """Before the answer begins, and so with a status of its own."""
    headers = [("content-type", content_type)]
    answer = send("POST", ":multipart:complete", "o", begin(send), headers, body)
    assert answer.status == status


def test_a_completion_keeps_the_connection_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With white space before the document, until it is known."""
    monkeypatch.setattr(multipart, "HEARTBEAT_SECONDS", 0.0001)
    with DevServer(data_dir=tmp_path) as server:
        send = sender(server, "_")
        upload = begin(send)
        etag = put(send, upload, 1, bytes(4 * 1024 * 1024))
        body = complete(send, upload, (1, etag)).body
    assert body.lstrip(b" ") == b'{"key":"o"}'
    assert body.startswith(b" ")


def test_uploads_survive_a_restart(tmp_path: Path) -> None:
    """With their parts."""
    with DevServer(data_dir=tmp_path) as server:
        send = sender(server, "_")
        upload, aborted = begin(send), begin(send)
        etag = put(send, upload, 1, b"hello ")
        put(send, aborted, 1, b"x")
        send("DELETE", ":multipart", "o", aborted)
    with DevServer(data_dir=tmp_path) as server:
        send = sender(server, "_")
        more = put(send, upload, 2, b"world")
        assert complete(send, upload, (1, etag), (2, more)).json() == {"key": "o"}
        assert send("GET", "", "o").body == b"hello world"
    assert list((tmp_path / "drafts").iterdir()) == []
    assert list((tmp_path / "staging").iterdir()) == []
