"""PATCH `extend_expiry` (protocol section 8)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectstore_client.devserver.extension import After, extended, parse_target
from objectstore_client.devserver.metadata import read_record
from objectstore_client.devserver.replies import Refusal
from tests.devserver.conftest import START, Ask, Clock
from tests.devserver.wire import Answer, Header, chunked

JSON: list[Header] = [("content-type", "application/json")]


def _patch(call: Ask, target: object) -> Answer:
    return call("PATCH", headers=JSON, body=json.dumps({"extend_expiry": target}).encode())


def _put(call: Ask, policy: str) -> None:
    headers = [("x-sn-expiration", policy), ("x-snme-k", "v"), ("content-type", "text/plain")]
    assert call("PUT", headers=headers, body=b"hello").status == 200


@pytest.mark.parametrize(
    ("policy", "target", "shown", "expires"),
    [
        # The object is created at 00:00:01, as shown; the requests come at 00:00:30.25.
        ("ttl:1m", {"after": "120s", "from": "creation"}, "ttl:2m", "00:02:01"),
        ("ttl:1m", {"after": "120s", "from": "now"}, "ttl:2m 30s", "00:02:31"),
        ("ttl:1m", {"at": "2026-01-01T00:02:00Z"}, "ttl:1m 59s", "00:02:00"),
        ("ttl:1m", {"at": "2026-01-01T00:02:00.000001Z"}, "ttl:2m", "00:02:01"),
        ("ttl:1m", {"at": "2026-01-01T02:02:00+02:00"}, "ttl:1m 59s", "00:02:00"),
        ("tti:1m", {"after": "2m", "from": "creation"}, "tti:1m", "00:02:01"),
        ("tti:1m", {"after": "2m", "from": "now"}, "tti:1m", "00:02:31"),
        # Never shortened; with a deadline that does not move the policy does not change either.
        ("ttl:1m", {"after": "10s", "from": "creation"}, "ttl:1m", "00:01:01"),
        ("ttl:1m", {"after": "0s", "from": "now"}, "ttl:1m", "00:01:01"),
        ("ttl:1m", {"at": "2020-01-01T00:00:00Z"}, "ttl:1m", "00:01:01"),
        ("ttl:1m", {"at": "1970-01-01T00:00:00Z"}, "ttl:1m", "00:01:01"),
        ("tti:1m", {"after": "10s", "from": "now"}, "tti:1m", "00:01:01"),
    ],
)
def test_a_deadline_moves_at_least_to_the_target(
    call: Ask, clock: Clock, policy: str, target: object, shown: str, expires: str
) -> None:
    """And what is not about time stays."""
    _put(call, policy)
    clock.advance(seconds=30)
    assert _patch(call, target).shape == (204, "empty")
    found = call("GET")
    assert found.headers["x-sn-expiration"] == shown
    assert found.headers["x-sn-time-expires"] == f"2026-01-01T{expires}Z"
    assert found.headers["x-sn-time-created"] == "2026-01-01T00:00:01Z"
    assert (found.body, found.headers["x-snme-k"]) == (b"hello", "v")
    assert found.headers["content-type"] == "text/plain"


def test_an_extension_holds(call: Ask, clock: Clock) -> None:
    """The object lives as long as it says."""
    _put(call, "ttl:1m")
    _patch(call, {"after": "1h", "from": "creation"})
    clock.advance(minutes=59)
    assert call("GET").status == 200
    clock.advance(minutes=2)
    assert call("GET").status == 404


def test_a_deadline_from_creation_stays_within_the_calendar(call: Ask) -> None:
    """It ends with the year 9999; from now, or at a time, the same is an error."""
    _put(call, "ttl:1m")
    assert _patch(call, {"after": "9000y", "from": "creation"}).status == 204
    assert call("HEAD").headers["x-sn-time-expires"] == "9999-12-31T23:59:59Z"


@pytest.mark.parametrize(
    "target",
    [
        {"after": "9000y", "from": "now"},
        {"at": "9999-12-31T23:59:59.5Z"},
        {"at": "1969-12-31T23:59:59Z"},
    ],
)
def test_a_deadline_out_of_range_is_refused(call: Ask, target: object) -> None:
    """As 400 with JSON."""
    _put(call, "ttl:1m")
    assert _patch(call, target).shape == (400, "json")
    assert call("HEAD").headers["x-sn-time-expires"] == "2026-01-01T00:01:01Z"


@pytest.mark.parametrize("target", [{"at": "2026-01-02T00:00:00Z"}, {"after": "1d", "from": "now"}])
def test_an_object_that_never_expires_is_a_conflict(call: Ask, target: object) -> None:
    """As 409 with JSON."""
    call("PUT", body=b"x")
    assert _patch(call, target).shape == (409, "json")


def test_an_absent_object_can_not_be_extended(call: Ask) -> None:
    """As 404 without a body."""
    assert _patch(call, {"after": "1d", "from": "now"}).shape == (404, "empty")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"extend_expiry":{"at":NaN}}',
        b"\xff\xfe{\x00}\x00",
        b'\xef\xbb\xbf{"extend_expiry":{"after":"1d","from":"now"}}',
        b"[" * 100_000,
        b'{"extend_expiry":{"after":"1d","from":"now"}} x',
    ],
)
def test_malformed_json_is_refused(call: Ask, body: bytes) -> None:
    """As 400 with plain text."""
    assert call("PATCH", headers=JSON, body=body).shape == (400, "text")


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        "null",
        '"at"',
        '{"extend_expiry":null}',
        '{"extend_expiry":{}}',
        '{"extend_expiry":{"at":"2026-01-01T00:00:00Z"},"more":1}',
        '{"extend_expiry":{"at":"2026-01-01T00:00:00Z","from":"now"}}',
        '{"extend_expiry":{"at":"2026-01-01T00:00:00Z","after":"1d","from":"now"}}',
        '{"extend_expiry":{"after":"1d"}}',
        '{"extend_expiry":{"from":"now"}}',
        '{"extend_expiry":{"after":"1d","from":"then"}}',
        '{"extend_expiry":{"after":"1d","from":"now","more":1}}',
        '{"extend_expiry":{"after":1,"from":"now"}}',
        '{"extend_expiry":{"after":"1","from":"now"}}',
        '{"extend_expiry":{"after":"-1d","from":"now"}}',
        '{"extend_expiry":{"at":"yesterday"}}',
        '{"extend_expiry":{"at":"2026-01-01"}}',
        '{"extend_expiry":{"at":"2026-01-01T00:00:00"}}',
        '{"extend_expiry":{"at":1767225600}}',
        '{"extend_expiry":{"at":"2026-01-01T00:00:00Z","at":"2026-01-01T00:00:00Z"}}',
        '{"extend_expiry":{"at":"10000-01-01T00:00:00Z"}}',
    ],
)
def test_json_of_another_shape_is_refused(call: Ask, body: str) -> None:
    """As 422 with plain text, whether or not the object exists."""
    assert call("PATCH", headers=JSON, body=body.encode()).shape == (422, "text")


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (None, 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("text/json", 415),
        ("application/json", 204),
        ("Application/JSON; charset=utf-8", 204),
        ("application/merge-patch+json", 204),
    ],
)
def test_a_body_must_be_declared_as_json(call: Ask, content_type: str | None, status: int) -> None:
    """`application/json` or a type that ends in `+json`; everything else is 415."""
    _put(call, "ttl:1m")
    headers = [] if content_type is None else [("content-type", content_type)]
    body = b'{"extend_expiry":{"after":"1d","from":"now"}}'
    assert call("PATCH", headers=headers, body=body).shape == (
        status,
        "empty" if status == 204 else "text",
    )


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_has_at_most_two_mebibytes(call: Ask, framing: str) -> None:
    """More is 413; exactly as much is read."""
    target = b'{"extend_expiry":{"after":"1d","from":"now"}}'
    for excess, shape in ((0, (404, "empty")), (1, (413, "text"))):
        body = target.ljust(2 * 1024 * 1024 + excess)
        if framing == "length":
            assert call("PATCH", headers=JSON, body=body).shape == shape
        else:
            headers = [*JSON, ("transfer-encoding", "chunked")]
            assert call("PATCH", headers=headers, body=chunked(body)).shape == shape


def test_an_extension_is_not_subject_to_the_debounce(call: Ask, clock: Clock) -> None:
    """A little later than the full idle time is enough to move the deadline."""
    _put(call, "tti:8h")
    clock.advance(seconds=1)
    assert _patch(call, {"after": "8h", "from": "now"}).status == 204
    assert call("HEAD").headers["x-sn-time-expires"] == "2026-01-01T08:00:02Z"


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(
            st.sampled_from(["extend_expiry", "at", "after", "from"]) | st.text(), inner),
    )
)  # fmt: skip
def test_any_json_is_read_or_refused(document: object) -> None:
    """Nothing else comes out of the parser."""
    try:
        parse_target(json.dumps(document).encode())
    except Refusal as refusal:
        assert refusal.reply.status in (400, 422)


@settings(deadline=None)
@given(st.timedeltas(timedelta(0), timedelta(days=365_000)))
def test_a_deadline_is_never_shortened(duration: timedelta) -> None:
    """Whatever is asked for, and nothing but time changes."""
    record = read_record([(b"x-sn-expiration", b"ttl:30d")], START)
    assert record.expires is not None
    changed = extended(record, After(duration, "now"), START)
    assert changed.expires is not None
    assert changed.expires >= record.expires
    assert replace(changed, expires=record.expires, policy=record.policy) == record
