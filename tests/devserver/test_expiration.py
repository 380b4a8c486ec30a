"""When objects expire, and what renews them (protocol sections 5.4 and 5.5)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.devserver.conftest import Ask, Clock

DAY = 86_400


@pytest.mark.parametrize(
    ("policy", "shown", "expires"),
    [
        ("ttl:90s", "ttl:1m 30s", "2026-01-01T00:01:31Z"),
        ("ttl:1month", "ttl:30d 10h 33m 36s", "2026-01-31T10:33:37Z"),
        ("tti:1h30m", "tti:1h 30m", "2026-01-01T01:30:01Z"),
        ("ttl:1500ms", "ttl:1s", "2026-01-01T00:00:03Z"),
        ("ttl:0", "ttl:0s", "2026-01-01T00:00:01Z"),
        ("ttl:7900y", "ttl:2885475d", "9926-03-02T00:00:01Z"),
    ],
)
def test_policy_and_deadline_are_shown(call: Ask, policy: str, shown: str, expires: str) -> None:
    """In canonical form, counted from the time of creation, in whole seconds rounded up."""
    assert call("PUT", headers=[("x-sn-expiration", policy)], body=b"x").status == 200
    found = call("HEAD").headers
    assert found["x-sn-expiration"] == shown
    assert found["x-sn-time-expires"] == expires


@pytest.mark.parametrize("headers", [[], [("x-sn-expiration", "manual")]])
def test_a_manual_object_stays(call: Ask, clock: Clock, headers: list[tuple[str, str]]) -> None:
    """It has no deadline and no policy to show."""
    call("PUT", headers=headers, body=b"x")
    clock.advance(days=365 * 100)
    found = call("GET")
    assert found.status == 200
    assert "x-sn-expiration" not in found.headers
    assert "x-sn-time-expires" not in found.headers


@pytest.mark.parametrize("policy", ["ttl:1h", "tti:1h"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PATCH"])
@pytest.mark.parametrize("microseconds_late", [0, 1])
def test_an_expired_object_is_absent(
    call: Ask, clock: Clock, policy: str, method: str, microseconds_late: int
) -> None:
    """An access exactly at the deadline still works, one after it finds nothing."""
    call("PUT", headers=[("x-sn-expiration", policy)], body=b"x")
    clock.now = datetime(2026, 1, 1, 1, 0, 1, microseconds_late, tzinfo=UTC)
    body = b'{"extend_expiry":{"after":"0s","from":"now"}}' if method == "PATCH" else None
    found = call(method, headers=[("content-type", "application/json")], body=body)
    if microseconds_late:
        assert found.shape == (404, "empty")
    else:
        assert found.status == (204 if method == "PATCH" else 200)


def test_an_expired_object_does_not_come_back(call: Ask, clock: Clock) -> None:
    """Neither by reading it, nor by a deadline that would have come too late."""
    call("PUT", headers=[("x-sn-expiration", "tti:1h")], body=b"x")
    clock.advance(hours=2)
    for _ in range(2):
        assert call("GET").status == 404
    assert call("PUT", body=b"new").status == 200
    assert call("GET").body == b"new"


@pytest.mark.parametrize("method", ["GET", "HEAD", "range"])
@pytest.mark.parametrize(
    ("policy", "quiet"),
    # The debounce is a quarter of the idle time, and a day at most.
    [("tti:4h", 3600), ("tti:8d", DAY)],
)
def test_an_access_renews_a_time_to_idle(
    call: Ask, clock: Clock, method: str, policy: str, quiet: int
) -> None:
    """Not within the debounce, but after it; the answer shows the deadline from before."""
    call("PUT", headers=[("x-sn-expiration", policy)], body=b"x")

    def deadline() -> str:
        if method == "range":
            return call("GET", headers=[("range", "bytes=0-")]).headers["x-sn-time-expires"]
        return call(method).headers["x-sn-time-expires"]

    first = deadline()
    clock.advance(seconds=quiet)
    assert deadline() == first
    assert deadline() == first
    clock.advance(seconds=2)
    assert deadline() == first
    renewed = deadline()
    assert renewed > first
    assert call("HEAD").headers["x-sn-expiration"] == policy
    assert call("HEAD").headers["x-sn-time-created"] == "2026-01-01T00:00:01Z"


def test_a_time_to_idle_lives_as_long_as_it_is_read(call: Ask, clock: Clock) -> None:
    """And no longer than the idle time after the last reading."""
    call("PUT", headers=[("x-sn-expiration", "tti:1h")], body=b"x")
    for _ in range(10):
        clock.advance(minutes=40)
        assert call("GET").status == 200
    clock.advance(minutes=61)
    assert call("GET").status == 404


def test_a_time_to_live_is_not_renewed(call: Ask, clock: Clock) -> None:
    """However often it is read."""
    call("PUT", headers=[("x-sn-expiration", "ttl:1h")], body=b"x")
    clock.advance(minutes=50)
    assert call("GET").status == 200
    assert call("GET").headers["x-sn-time-expires"] == "2026-01-01T01:00:01Z"
    clock.advance(minutes=11)
    assert call("GET").status == 404


def test_a_renewal_stays_within_the_calendar(call: Ask, clock: Clock) -> None:
    """A deadline that would lie beyond it is its last second."""
    call("PUT", headers=[("x-sn-expiration", "tti:7900y")], body=b"x")
    clock.advance(days=365 * 80)
    assert call("GET").status == 200
    assert call("GET").headers["x-sn-time-expires"] == "9999-12-31T23:59:59Z"
