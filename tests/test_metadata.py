"""Metadata: validation before anything is sent, and tolerant reading."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectstore_client.errors import InvalidArgumentError, InvalidResponseError
from objectstore_client.expiration import Manual, TimeToIdle, TimeToLive
from objectstore_client.metadata import (
    MAX_CUSTOM_ENTRIES,
    MAX_METADATA_BYTES,
    check_content_type,
    check_metadata_size,
    custom_headers,
    policy_header,
    read_metadata,
    text_header,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
KEYS = st.text("abcxyz0189!#$%&'*+.^_`|~-", min_size=1, max_size=20)


@pytest.mark.parametrize("key", ["", "A", "Key", "a b", "a:b", "ä", "a\n", "a(b)", "a/b", 1, b"a"])
def test_bad_custom_keys_are_refused(key: object) -> None:
    """Keys are header tokens in lowercase; uppercase would come back changed, or collide."""
    with pytest.raises(InvalidArgumentError, match="metadata: the key") as caught:
        custom_headers({key: "x"})  # type: ignore[dict-item]
    assert repr(key) in str(caught.value)


def test_the_reason_for_lowercase_is_told() -> None:
    """Who writes `BuildId` learns why it is refused."""
    with pytest.raises(InvalidArgumentError, match="keys are lowercase on the wire"):
        custom_headers({"BuildId": "7"})


@pytest.mark.parametrize("value", [1, None, b"x", ["x"], "a\ud800"])
def test_bad_custom_values_are_refused(value: object) -> None:
    """Values are strings that have a UTF-8 form; the error names the key."""
    with pytest.raises(InvalidArgumentError, match=r"metadata\['k'\]"):
        custom_headers({"k": value})  # type: ignore[dict-item]


def test_count_and_size_are_bounded() -> None:
    """More than servers and proxies take is refused before it is sent."""
    entries = {f"k{number}": "" for number in range(MAX_CUSTOM_ENTRIES + 1)}
    with pytest.raises(InvalidArgumentError, match="at most 64 entries are allowed, got 65"):
        custom_headers(entries)
    entries.popitem()
    assert len(custom_headers(entries)) == MAX_CUSTOM_ENTRIES
    check_metadata_size(["x" * MAX_METADATA_BYTES, None])
    with pytest.raises(InvalidArgumentError, match="16385 bytes once encoded"):
        check_metadata_size(["x" * MAX_METADATA_BYTES, "y"])


@given(st.dictionaries(KEYS, TEXT, max_size=5))
def test_custom_metadata_round_trip(custom: dict[str, str]) -> None:
    """Any text under any valid key comes back as it was."""
    headers = custom_headers(custom)
    assert all(name.startswith("x-snme-") for name in headers)
    metadata = read_metadata(headers, size=None, time_created=None, time_expires=None)
    assert metadata.custom == custom


def test_text_headers_name_their_argument() -> None:
    """filename and origin are checked like custom values."""
    assert text_header("filename", "résumé.pdf") == "r%C3%A9sum%C3%A9.pdf"
    with pytest.raises(InvalidArgumentError, match="filename: must be a string, got 7"):
        text_header("filename", 7)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value", ["text/plain", "text/plain; charset=utf-8", "application/vnd.x+json;a=\"b\"", "a/b;"]
)  # fmt: skip
def test_good_content_types(value: str) -> None:
    """Media types with or without parameters."""
    assert check_content_type(value) == value


@pytest.mark.parametrize(
    "value", ["", "text", "/", "text/", "text/plain\r\nx: y", "tèxt/plain", "text/plain, a/b", 7]
)
def test_bad_content_types(value: object) -> None:
    """What is no media type, or would break out of its header, is refused."""
    with pytest.raises(InvalidArgumentError, match="content_type: must be a media type"):
        check_content_type(value)  # type: ignore[arg-type]


def test_policies_are_written_rounded_up() -> None:
    """An object never lives shorter than asked; the absence of a policy needs no header."""
    assert policy_header(None) is policy_header(Manual()) is None
    assert policy_header(TimeToLive(timedelta(days=1))) == "ttl:1d"
    assert policy_header(TimeToLive(timedelta(milliseconds=1))) == "ttl:1s"
    assert policy_header(TimeToIdle(timedelta(seconds=59, microseconds=1))) == "tti:1m"


def test_metadata_of_an_answer() -> None:
    """All fields, percent-decoded."""
    now = datetime.now(UTC)
    metadata = read_metadata(
        {
            "content-type": "text/plain",
            "content-encoding": "zstd",
            "x-sn-expiration": "ttl:1month 13h 26m 24s",
            "x-sn-filename": "r%C3%A9port.pdf",
            "x-sn-origin": "203.0.113.42",
            "x-snme-a": "100%25 done",
            "x-snme-b": "100% done",
            "x-unknown": "ignored",
        },
        size=26,
        time_created=now,
        time_expires=None,
    )
    assert metadata.content_type == "text/plain"
    assert metadata.compression == "zstd"
    assert metadata.expiration_policy == TimeToLive(timedelta(days=31))
    assert (metadata.filename, metadata.origin) == ("réport.pdf", "203.0.113.42")
    assert metadata.custom == {"a": "100% done", "b": "100% done"}
    assert (metadata.size, metadata.time_created, metadata.time_expires) == (26, now, None)
    assert pickle.loads(pickle.dumps(metadata)) == metadata


def test_bare_answers_of_old_servers() -> None:
    """Nothing but the payload: defaults, and no guess."""
    metadata = read_metadata({}, size=None, time_created=None, time_expires=None)
    assert metadata.content_type == "application/octet-stream"
    assert metadata.expiration_policy == Manual()
    assert metadata.compression is metadata.filename is metadata.origin is None
    assert metadata.custom == {}


def test_values_that_do_not_decode_are_kept() -> None:
    """An old server may hold a raw `%FF`: reading the object must not fail for it."""
    headers = {"x-snme-a": "%FF", "x-sn-filename": "%FF"}
    metadata = read_metadata(headers, size=None, time_created=None, time_expires=None)
    assert metadata.custom == {"a": "%FF"}
    assert metadata.filename == "%FF"


def test_an_unreadable_policy_is_an_error() -> None:
    """Taking it for `manual` would tell the caller that the object stays."""
    with pytest.raises(InvalidResponseError, match="expiration policy"):
        read_metadata({"x-sn-expiration": "soon"}, size=None, time_created=None, time_expires=None)
