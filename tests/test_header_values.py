"""Free text in headers: percent-encoded UTF-8 that survives HTTP."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectstore_client.header_values import decode_value, encode_value


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("report.pdf", "report.pdf"),
        ("réport.pdf", "r%C3%A9port.pdf"),
        ("100% done", "100%25 done"),
        ("a\r\nb", "a%0D%0Ab"),
        ("", ""),
        (" a b ", "%20a b%20"),
        ("  ", "%20%20"),
        ("\t", "%09"),
        ("\x7f", "%7F"),
        ("\x00", "%00"),
        ("日本", "%E6%97%A5%E6%9C%AC"),
    ],
)
def test_table_of_the_protocol(text: str, wire: str) -> None:
    """The escapes are those of section 4.2; outer spaces are escaped as well."""
    assert encode_value(text) == wire
    assert decode_value(wire) == text


@pytest.mark.parametrize(
    ("wire", "text"),
    [("100% done", "100% done"), ("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%41%", "A%")],
)
def test_malformed_escapes_stay(wire: str, text: str) -> None:
    """A reader leaves alone what is no escape."""
    assert decode_value(wire) == text


@pytest.mark.parametrize("wire", ["é", "%FF", "%C3", "a%ED%A0%80"])
def test_what_is_not_utf8_is_refused(wire: str) -> None:
    """Raw non-ASCII and escapes that give no UTF-8 are a ValueError."""
    with pytest.raises(ValueError, match="value"):
        decode_value(wire)


def test_a_lone_surrogate_can_not_be_written() -> None:
    """It has no UTF-8 form."""
    with pytest.raises(ValueError, match="surrogate"):
        encode_value("a\ud800")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_round_trip(text: str) -> None:
    """Any text comes back; on the way it is visible ASCII that HTTP does not strip."""
    wire = encode_value(text)
    assert decode_value(wire) == text == unquote(wire, errors="strict")
    assert wire.isascii() and (not wire or wire.isprintable()) and wire.strip() == wire
