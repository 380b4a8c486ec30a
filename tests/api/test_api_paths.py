"""Encoding of paths and queries, against the table of protocol section 3.1."""

import re
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from objectstore_api import InvalidArgument, encode_key, encode_prefix
from objectstore_api.api.multipart import abort_multipart
from objectstore_api.api.objects import get_object
from objectstore_api.paths import encode_query

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
EXTRA = "/:@!$&'()*+,;="

text = st.text(st.characters(exclude_categories=["Cs"]))
keys = text.filter(lambda key: key != "" and not {".", ".."} & set(key.split("/")))


@pytest.mark.parametrize("char", [*UNRESERVED, *EXTRA])
def test_bytes_of_the_table_stay(char: str) -> None:
    """Each byte of the table travels as it is."""
    assert encode_key(f"a{char}b") == f"a{char}b"


@pytest.mark.parametrize("byte", [b for b in range(128) if chr(b) not in UNRESERVED + EXTRA])
def test_other_bytes_are_escaped(byte: int) -> None:
    """Each ASCII byte outside the table is escaped, in uppercase."""
    assert encode_key(f"a{chr(byte)}b") == f"a%{byte:02X}b"


@pytest.mark.parametrize(
    ("key", "encoded"),
    [
        ("looks%20encoded", "looks%2520encoded"),
        ("%2e%2e/x", "%252e%252e/x"),
        ("réport \u2013 100%.pdf", "r%C3%A9port%20%E2%80%93%20100%25.pdf"),
        ("/leading", "/leading"),
        ("a//b///", "a//b///"),
        ("/", "/"),
        ("...", "..."),
        ("a/..b/.c", "a/..b/.c"),
        ("..\n", "..%0A"),
        ("a\\..\\b", "a%5C..%5Cb"),
        ("nul\0", "nul%00"),
        ("\U0001f600", "%F0%9F%98%80"),
    ],
)
def test_keys_are_literal(key: str, encoded: str) -> None:
    """What looks encoded is encoded again, and slashes are never touched."""
    assert encode_key(key) == encoded


@pytest.mark.parametrize("key", [".", "..", "./a", "a/..", "a/../b", "a/./b", "/..", "../", "//."])
def test_dot_segments_are_refused(key: str) -> None:
    """A key that HTTP software would resolve to another one is refused, and the error says why."""
    with pytest.raises(InvalidArgument) as caught:
        encode_key(key)
    assert str(caught.value) == f"key {key!r}: must not have a segment '.' or '..'"


def test_empty_and_unencodable_keys_are_refused() -> None:
    """An empty key would be the collection, a lone surrogate is no text; both are ValueErrors."""
    with pytest.raises(ValueError, match=r"^key: must not be empty$"):
        encode_key("")
    with pytest.raises(ValueError, match=r"^key 'a\\ud800': is not valid Unicode"):
        encode_key("a\ud800")


def test_errors_quote_a_bounded_piece() -> None:
    """The error about a huge key is short."""
    with pytest.raises(InvalidArgument) as caught:
        encode_key("x" * 1_000_000 + "/..")
    assert len(str(caught.value)) < 200
    assert "1000003 characters" in str(caught.value)


def test_prefix_segments_keep_their_slashes_apart() -> None:
    """A slash in usecase or scopes is escaped: it must not begin a new segment."""
    assert encode_prefix("use/case", "a=1/2;b=3") == "use%2Fcase/a=1%2F2;b=3"
    assert encode_prefix("attachments", "org=17;project=42") == "attachments/org=17;project=42"
    assert encode_prefix("u", "_") == "u/_"


@pytest.mark.parametrize(
    ("usecase", "scopes", "named"),
    [("", "_", "usecase"), ("u", "", "scopes"), ("..", "_", "usecase"), ("u", ".", "scopes")],
)
def test_prefix_refuses_empty_and_dot_segments(usecase: str, scopes: str, named: str) -> None:
    """The error about a bad prefix names the argument."""
    with pytest.raises(InvalidArgument) as caught:
        encode_prefix(usecase, scopes)
    assert caught.value.argument == named


@given(keys)
def test_encoding_is_reversible_and_equals_the_reference(key: str) -> None:
    """Any key decodes to itself, has allowed bytes only, and equals stdlib quoting."""
    encoded = encode_key(key)
    assert unquote(encoded, errors="strict") == key
    assert re.fullmatch(r"(?:[A-Za-z0-9\-._~/:@!$&'()*+,;=]|%[0-9A-F]{2})+", encoded)
    assert encoded == quote(key, safe=EXTRA)
    assert encoded.count("/") == key.count("/")


@given(text, text)
def test_query_values_are_reversible(first: str, second: str) -> None:
    """Query values keep their bytes whatever they are: everything but unreserved is escaped."""
    query = encode_query({"upload_id": first, "absent": None, "part_number": 7, "session": second})
    assert re.fullmatch(r"[A-Za-z0-9\-._~%&=]+", query)
    pairs = dict(piece.split("=", 1) for piece in query.split("&"))
    assert unquote(pairs["upload_id"]) == first
    assert unquote(pairs["session"]) == second
    assert pairs["part_number"] == "7"
    assert "absent" not in pairs


def test_builders_put_path_and_query_together() -> None:
    """`build_request` and `build_request_at` make the same target, encoded once."""
    whole = abort_multipart.build_request("u/c", "a=1;b=2", "k y/z", upload_id="i+d/=&")
    prefix = encode_prefix("u/c", "a=1;b=2")
    bound = abort_multipart.build_request_at(prefix, "k y/z", upload_id="i+d/=&")
    target = "/v1/objects:multipart/u%2Fc/a=1;b=2/k%20y/z?upload_id=i%2Bd%2F%3D%26"
    assert whole.target == bound.target == target
    assert get_object.build_request("u", "_", "k").target == "/v1/objects/u/_/k"
