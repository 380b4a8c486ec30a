"""Pre-signed URLs: the vectors of the protocol (section 14.4), and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectstore_client import InvalidArgumentError, SecretKey
from objectstore_client.presign import canonical_form, check_duration, sign_query
from objectstore_client.tokens import encode_base64url
from tests.support.keys import KID, PRIVATE_PEM

SIGNED_AT = datetime(2026, 4, 20, 13, 37, tzinfo=UTC)


@dataclass(frozen=True)
class Vector:
    """One of section 14.4."""

    method: str
    path: str
    query: str
    canonical: str
    signature: str
    seconds: int | None = None
    """If the query is one that a client makes."""


VECTORS = [
    Vector(
        "GET",
        "/v1/objects/attachments/org=17;project=42/report.json",
        "os_kid=test-key&os_timestamp=2026-04-20T13:37:00Z&os_duration=3600",
        "GET\n/v1/objects/attachments/org=17;project=42/report.json\n"
        "os_duration=3600&os_kid=test-key&os_timestamp=2026-04-20T13:37:00Z",
        "x5y6dr7qkyw1MJ89TQwSGbqMAjjcAp4rlZG4-PFwG6t4RfD6BjjhiTA6MX0egx4uS6f2oeKml6a1KSRlaVbuDw",
        3600,
    ),
    Vector(
        "HEAD",
        "/v1/objects/attachments/_/reports/2026%20Q1%20%E2%80%93%20100%25.pdf",
        "os_kid=test-key&os_timestamp=2026-04-20T13:37:00Z&os_duration=60",
        "GET\n/v1/objects/attachments/_/reports/2026%20Q1%20%E2%80%93%20100%25.pdf\n"
        "os_duration=60&os_kid=test-key&os_timestamp=2026-04-20T13:37:00Z",
        "r8mjgAHeBrhd5pBZ8OSaoSPoADCvoaDf_wUcy3EmnRYRDl_-Cx9K_0NazXmjMuFCtFEUosktYhEGS0Oh6g_7AQ",
        60,
    ),
    Vector(
        "get",
        "/store/v1/objects/debug-files/org=17/a:b@c",
        "z=1&os_duration=604800&a=2&A=1&flag&&a-b=3&os_kid=test-key&os_timestamp=2026-04-20T13:37:00Z",
        "GET\n/store/v1/objects/debug-files/org=17/a:b@c\n"
        "a-b=3&a=1&a=2&flag&os_duration=604800&os_kid=test-key"
        "&os_timestamp=2026-04-20T13:37:00Z&z=1",
        "OHiZuswp3OAPDx16Rtg2DN8o3TbF78qG7_bV9_nORO1HDkTzWIKYqd3k36j-xgAKDyvQLYDc4_wXSKAl4IaxAQ",
    ),
]


@pytest.mark.parametrize("vector", VECTORS)
def test_the_vectors_of_the_protocol(vector: Vector) -> None:
    """Canonical form and signature, byte by byte; the signature itself is not signed."""
    key = SecretKey(KID, PRIVATE_PEM)
    form = canonical_form(vector.method, vector.path, vector.query)
    assert form == vector.canonical.encode()
    assert encode_base64url(key.sign(form)) == vector.signature
    signed = f"{vector.query}&os_sig={vector.signature}"
    assert canonical_form(vector.method, vector.path, signed) == form
    assert canonical_form(vector.method, vector.path, f"OS_SIG=x&{signed}&os_sig") == form
    if vector.seconds is not None:
        made = sign_query(
            KID, key.sign, vector.method, vector.path, now=SIGNED_AT, seconds=vector.seconds
        )
        assert made == signed


def test_the_time_is_in_utc_and_not_in_the_future() -> None:
    """Fractions of a second are cut: rounded up, the URL would not be valid yet."""
    local = datetime.fromisoformat("2026-04-20T15:37:00.999999+02:00")
    query = sign_query(KID, lambda _: b"", "GET", "/", now=local, seconds=1)
    assert "os_timestamp=2026-04-20T13:37:00Z&" in query


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        (timedelta(microseconds=1), 1),
        (timedelta(seconds=1), 1),
        (timedelta(seconds=1, microseconds=1), 2),
        (timedelta(days=7), 604800),
    ],
)
def test_durations_are_rounded_up(duration: timedelta, seconds: int) -> None:
    """To whole seconds."""
    assert check_duration(duration) == seconds


@pytest.mark.parametrize(
    "duration", [timedelta(0), timedelta(-1), timedelta(days=7, microseconds=1), 3600, None]
)
def test_durations_out_of_range_are_refused(duration: timedelta) -> None:
    """7 days are the most that servers accept."""
    with pytest.raises(InvalidArgumentError, match="duration: must be a timedelta above 0, at mos"):
        check_duration(duration)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "get", "", None])
def test_other_methods_are_refused(method: str) -> None:
    """Servers would answer 403."""
    with pytest.raises(InvalidArgumentError, match="method: must be 'GET' or 'HEAD'"):
        sign_query(KID, lambda _: b"", method, "/", now=SIGNED_AT, seconds=1)


@given(st.lists(st.text(st.characters(codec="ascii", exclude_characters="&")), max_size=8))
def test_the_order_of_parameters_does_not_matter(pieces: list[str]) -> None:
    """Nor do empty ones; whatever else stands in the query is signed."""
    form = canonical_form("GET", "/", "&".join(pieces))
    assert canonical_form("GET", "/", "&&".join(reversed(pieces))) == form
    assert canonical_form("GET", "/", "&".join([*pieces, "more"])) != form
