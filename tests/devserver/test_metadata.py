"""Metadata headers (protocol section 4)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectstore_client.devserver.metadata import content_disposition, describe, read_record
from objectstore_client.devserver.replies import Refusal
from objectstore_client.header_values import encode_value
from tests.devserver.conftest import START, Ask
from tests.devserver.wire import Header


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("content-type", "text/plain", "image/png"),
        ("content-encoding", "gzip", "zstd"),
        ("x-sn-expiration", "nonsense", "ttl:1d"),
        ("x-sn-origin", "%FF", "b"),
        ("x-sn-filename", "a", "b"),
        ("x-snme-k", "a", "b"),
    ],
)
def test_the_last_of_repeated_headers_counts(call: Ask, name: str, first: str, last: str) -> None:
    """Whatever the earlier one says, and however their names are written."""
    headers = [(name.upper(), first), (name, last)]
    assert call("PUT", headers=headers, body=b"x").status == 200
    assert call("HEAD").headers[name] == last


def test_headers_that_only_answers_have_are_ignored(call: Ask) -> None:
    """Even if they hold garbage."""
    names = ("x-sn-time-created", "x-sn-time-expires", "x-sn-size", "content-disposition", "range")
    assert call("PUT", headers=[(name, "gar\xffbage") for name in names], body=b"x").status == 200
    found = call("GET").headers
    assert found["x-sn-size"] == "1"
    assert "x-sn-time-expires" not in found
    assert "content-disposition" not in found


INVALID: dict[str, list[str | bytes]] = {
    "content-encoding": ["gzip", "identity", "ZSTD", "zstd, gzip", ""],
    "content-type": [
        *("", "text", "/plain", "text/", "a b/c", "text/pl(", b"a/\xe9"),
        *("a/b;c", "a/b;c=", 'a/b;c="d', "a/b;;c", "a/b, c/d"),
    ],
    "x-sn-expiration": [
        *("", "ttl", "ttl:", "TTL:1d", "ttl:1", "ttl:-1d", "ttl:1.5d", "ttl:1D", "manual x"),
        *("ttl:9000y", "ttl:99999999999999999999y", b"ttl:1\xc2\xb5s"),
    ],
    "x-sn-origin": [b"\xe9", "a\x7fb"],
    "x-sn-filename": ["réport.pdf".encode(), "%C3%28"],
    "x-snme-k": ["%FF", "bell\x07"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in INVALID.items() for value in values]
)
def test_invalid_metadata_is_refused(call: Ask, name: str, value: str | bytes) -> None:
    """As 400 with JSON; nothing is stored."""
    for method, key in (("PUT", "/o"), ("POST", "/")):
        assert call(method, key, [(name, value)], b"x").shape == (400, "json")
    assert call("GET").status == 404


@pytest.mark.parametrize(
    "value",
    [
        "text/plain",
        "text/plain; charset=utf-8",
        'a/b;c="d \\" e";f=g',
        "application/vnd.api+json;",
        "a/b ; c=d",
        "*/*",
    ],
)
def test_content_types_come_back_verbatim(call: Ask, value: str) -> None:
    """Parameters, quotes and empty parameters included."""
    assert call("PUT", headers=[("content-type", value)], body=b"x").status == 200
    assert call("HEAD").headers["content-type"] == value


def test_a_hostile_content_type_costs_no_time(call: Ask) -> None:
    """Nothing in it is tried in more than one way."""
    for value in (
        "a/b" + "; " * 15_000 + "(",
        "a/b;" + " " * 30_000 + "(",
        "a/b;c=" + "\\" * 30_000,
    ):
        assert call("PUT", headers=[("content-type", value)], body=b"x").status == 400


@pytest.mark.parametrize(
    ("sent", "returned"),
    [
        ("report.pdf", "report.pdf"),
        ("r%C3%A9port.pdf", "r%C3%A9port.pdf"),
        ("r%c3%a9port.pdf", "r%C3%A9port.pdf"),
        ("100%25 done", "100%25 done"),
        ("100% done", "100%25 done"),
        ("a%0D%0Ab", "a%0D%0Ab"),
        ("%41", "A"),
        ("%20edge%20", "%20edge%20"),
        ("a\tb", "a%09b"),
        ("%00", "%00"),
        ("", ""),
    ],
)
def test_text_is_percent_encoded(call: Ask, sent: str, returned: str) -> None:
    """It is decoded on the way in, and written in one form on the way out."""
    headers: list[Header] = [("x-sn-origin", sent), ("x-sn-filename", sent), ("x-snme-k", sent)]
    assert call("PUT", headers=headers, body=b"x").status == 200
    found = call("HEAD").headers
    assert {found[name] for name in ("x-sn-origin", "x-sn-filename", "x-snme-k")} == {returned}


@pytest.mark.parametrize(
    ("filename", "value"),
    [
        ("report.pdf", 'attachment; filename="report.pdf"'),
        ("a/b\\c", 'attachment; filename="a-b-c"'),
        ('say "hi"', 'attachment; filename="say \\"hi\\""'),
        ("..", 'attachment; filename="--"'),
        ("...a", 'attachment; filename="...a"'),
        ("../..", 'attachment; filename="..-.."'),
        ("a\r\nb", 'attachment; filename="a__b"'),
        ("", 'attachment; filename=""'),
        ("réport.pdf", "attachment; filename=\"r_port.pdf\"; filename*=UTF-8''r%C3%A9port.pdf"),
        (
            "é !#$&+-.^_`|~%'*(),/",
            'attachment; filename="_ !#$&+-.^_`|~%\'*(),-"; '
            "filename*=UTF-8''%C3%A9%20!#$&+-.^_`|~%25%27%2A%28%29%2C-",
        ),
        ("日本", "attachment; filename=\"__\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC"),
    ],
)
def test_content_disposition(filename: str, value: str) -> None:
    """It names no directory, breaks out of no quotes, and keeps the rest of the name."""
    assert content_disposition(filename) == value


@pytest.mark.parametrize(
    "headers",
    [
        [("x-snme-percents", "%" * 40_000)],
        [(f"x-snme-{number}", "") for number in range(97)],
        [("x-sn-filename", "%00" * 10_000 + "%C3%A9")],
    ],
    ids=["grows when escaped", "many fields", "is told three times"],
)
def test_what_could_not_be_read_is_not_stored(call: Ask, headers: list[Header]) -> None:
    """Answers have more fields than requests and escape more; readers accept no larger heads."""
    call("PUT", body=b"old")
    assert call("PUT", headers=headers, body=b"new").shape == (400, "json")
    assert call("GET").body == b"old"


@settings(deadline=None)
@given(
    st.text(st.characters(codec="utf-8")),
    st.dictionaries(st.from_regex(r"[a-z0-9!#$&'*+.^_`|~-]{1,20}", fullmatch=True), st.text(
        st.characters(codec="utf-8"))),
)  # fmt: skip
def test_any_text_survives(text: str, custom: dict[str, str]) -> None:
    """What was read from headers and written to headers reads the same."""
    headers = [
        (b"x-sn-filename", encode_value(text).encode()),
        (b"x-sn-origin", encode_value(text).encode()),
        *(
            (b"x-snme-" + key.encode(), encode_value(value).encode())
            for key, value in custom.items()
        ),
    ]
    record = read_record(headers, START)
    assert (record.filename, record.origin, record.custom) == (text, text, custom)
    assert read_record(describe(record), START) == record
    assert all(value.isascii() and b"\n" not in value for _, value in describe(record))


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_read_or_refused(value: bytes) -> None:
    """No header value gets anything else than a refusal out of the server."""
    for name in (b"content-type", b"content-encoding", b"x-sn-expiration", b"x-snme-k"):
        try:
            read_record([(name, value)], START)
        except Refusal as refusal:
            assert refusal.reply.status == 400
