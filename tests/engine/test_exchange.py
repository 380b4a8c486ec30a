"""The exchange machine, without I/O: what goes out, what is accepted, what is refused."""

from __future__ import annotations

import itertools
import os
import random
import time
import tracemalloc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import h11
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectstore_client.engine.exchange import PIECE_BYTES, Exchange
from objectstore_client.engine.facts import Facts, Progress, facts_of
from objectstore_client.engine.heads import head_of
from tests.engine.worlds import Pieces

FUZZ_SECONDS = float(os.environ.get("FUZZ_SECONDS", "2"))
KIB = 1024


def exchange(
    method: str = "GET",
    target: str = "/v1/x",
    headers: Iterable[tuple[str | bytes, str | bytes]] = (("Host", "h"),),
) -> Exchange:
    """An exchange whose request has exactly these headers."""
    url = httpx.URL(f"http://h{target}")
    fields = [tuple(x if isinstance(x, bytes) else x.encode() for x in pair) for pair in headers]
    request = httpx.Request(method, url, stream=Pieces([]))
    request.headers = httpx.Headers(cast("list[tuple[bytes, bytes]]", fields))
    return Exchange(head_of(request))


def sent(machine: Exchange, *pieces: bytes) -> list[bytes]:
    """What goes out for a body of these pieces, send by send."""
    buffers = [bytes(data) for piece in pieces for data in machine.frame(piece)]
    return [*buffers, machine.finish()]


@dataclass
class Received:
    """What a client makes of an answer, whatever it came from."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    reusable: bool


def received(
    data: Sequence[bytes],
    *,
    method: str = "GET",
    eof: bool = False,
    machine: Exchange | None = None,
) -> Received:
    """Feed an answer; fails if it is not complete at the end."""
    machine = machine or exchange(method)
    machine.sent = machine.all_sent = True
    for piece in data:
        machine.receive(piece)
    if eof:
        machine.receive_eof()
    assert machine.complete
    return Received(machine.status, machine.headers, b"".join(machine.body), machine.reusable)


# ---- the request ----------------------------------------------------------------------------


def test_the_head_goes_out_as_it_was_given() -> None:
    """Target and headers keep their bytes, spelling and order; nothing is added."""
    machine = exchange(
        "PUT",
        "/v1/a%2Fb;c=d//e?q=%3D&r",
        [("Host", "h:1"), ("X-B", "2"), ("x-a", "1"), (b"X-B", b"\xe9 "), ("content-length", "3")],
    )
    assert sent(machine, b"abc") == [
        b"PUT /v1/a%2Fb;c=d//e?q=%3D&r HTTP/1.1\r\nHost: h:1\r\nX-B: 2\r\nx-a: 1\r\nX-B: \xe9 \r\n"
        b"content-length: 3\r\n\r\nabc",
        b"",
    ]


def test_head_and_small_body_are_one_piece() -> None:
    """Up to 64 KiB go out with the head; more than that is not copied."""
    headers = [("Content-Length", str(64 * KIB))]
    assert len(sent(exchange("PUT", headers=headers), b"x" * (64 * KIB))) == 2
    body = memoryview(bytearray(64 * KIB + 1))
    machine = exchange("PUT", headers=[("Content-Length", str(len(body)))])
    head, data = machine.frame(body)  # type: ignore[arg-type]
    assert head.endswith(b"\r\n\r\n")
    assert memoryview(data).obj is body.obj


def test_chunked_body() -> None:
    """Each piece is a chunk, empty pieces are none, and the end is marked once."""
    machine = exchange("PUT", headers=[("Transfer-Encoding", "chunked")])
    large = bytes(70 * KIB)
    head = b"PUT /v1/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert sent(machine, b"", b"abc", b"", large, b"z") == [
        head + b"3\r\nabc",
        b"\r\n11800\r\n",
        large,
        b"\r\n1\r\nz",
        b"\r\n0\r\n\r\n",
    ]
    empty = exchange("PUT", headers=[("Transfer-Encoding", "Chunked")])
    assert sent(empty)[-1].endswith(b"\r\n\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    "body", [bytearray(b"abcd"), memoryview(b"abcd"), memoryview(b"abcd").cast("H")]
)
def test_any_buffer_is_a_piece(body: bytes) -> None:
    """Sizes count bytes, whatever the items of a buffer are."""
    assert sent(exchange("PUT", headers=[("Content-Length", "4")]), body)[0].endswith(b"abcd")


@pytest.mark.parametrize(
    ("headers", "pieces"),
    [
        ([("Content-Length", "3")], [b"ab"]),
        ([("Content-Length", "3")], [b"ab", b"cd"]),
        ([("Content-Length", "3")], []),
        ([], [b"a"]),
        ([("Content-Length", "0")], [b"a"]),
    ],
)
def test_a_body_is_held_to_its_length(
    headers: list[tuple[str | bytes, str | bytes]], pieces: list[bytes]
) -> None:
    """Neither less nor more goes out than was declared."""
    with pytest.raises(httpx.LocalProtocolError, match="than its Content-Length"):
        sent(exchange("PUT", headers=headers), *pieces)


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Length", "3"), ("Transfer-Encoding", "chunked")],
        [("Content-Length", "3"), ("Content-Length", "3")],
        [("Content-Length", "-3")],
        [("Content-Length", "+3")],
        [("Content-Length", "")],
        [("Transfer-Encoding", "gzip, chunked")],
        [("X", "a\r\nY: b")],
        [("X", "a\nb")],
        [("X", "a\0b")],
        [("X: y", "a")],
        [("X Y", "a")],
        [("", "a")],
        [("X\r\nY", "a")],
    ],
)
def test_what_must_not_be_sent(headers: list[tuple[str | bytes, str | bytes]]) -> None:
    """Contradictory framing and headers that would end up as something else are refused."""
    with pytest.raises(httpx.LocalProtocolError) as caught:
        exchange("PUT", headers=headers)
    assert facts_of(caught.value) == Facts(Progress.NOT_SENT)


@pytest.mark.parametrize("method", ["CONNECT", "GET /x HTTP/1.1\r\nA: b\r\n\r\n", "", "G T"])
def test_odd_methods(method: str) -> None:
    """A method is a token, and not one that changes the protocol."""
    with pytest.raises(httpx.LocalProtocolError):
        exchange(method)


# ---- the answer -----------------------------------------------------------------------------

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("data", "eof", "body", "reusable"),
    [
        (OK + b"Content-Length: 5\r\n\r\nhello", False, b"hello", True),
        (OK + b"Content-Length: 0\r\n\r\n", False, b"", True),
        (OK + b"content-length: 5 \r\n\r\nhello", False, b"hello", True),
        (
            OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n",
            False,
            b"hello",
            True,
        ),
        (
            OK + b"Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
            False,
            b"hello",
            True,
        ),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", False, b"", True),
        (OK + b"\r\nhello", True, b"hello", False),
        (OK + b"\r\n", True, b"", False),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", True, b"hello", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", False, b"hello", False),
        (
            b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\nhello",
            False,
            b"hello",
            True,
        ),
        (OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello", False, b"hello", False),
        (OK + b"Connection: x, Close\r\nContent-Length: 5\r\n\r\nhello", False, b"hello", False),
        (
            OK + b"Connection: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            False,
            b"",
            False,
        ),
        (OK + b"Connection: closed\r\nContent-Length: 5\r\n\r\nhello", False, b"hello", True),
        (OK + b"Content-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK", False, b"hello", False),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 2", False, b"", False),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nstray", False, b"", False),
        (b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", False, b"", True),
        (b"HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", False, b"", True),
        (b"HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n", False, b"", True),
        (b"HTTP/1.1 204 No\r\n\r\nstray", False, b"", False),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", False, b"", True),
        (b"HTTP/1.1 100 C\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n", False, b"", True),
        (
            b"HTTP/1.1 103 E\r\nLink: a\r\nLink: b\r\n\r\n" * 10
            + OK
            + b"Content-Length: 1\r\n\r\nx",
            False,
            b"x",
            True,
        ),
        (
            b"HTTP/1.1 100 C\r\nContent-Length: 7\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\nx",
            False,
            b"x",
            True,
        ),
    ],
)
def test_bodies_end_where_they_should(data: bytes, eof: bool, body: bytes, reusable: bool) -> None:
    """By length, in chunks, by the end of the connection, or at once; in one go or byte by byte."""
    whole = received([data], eof=eof)
    assert (whole.body, whole.reusable) == (body, reusable)
    bytewise = received([data[i : i + 1] for i in range(len(data))], eof=eof)
    assert bytewise == whole


@pytest.mark.parametrize(
    ("status", "size", "reusable"), [(413, 70_000, False), (413, 100, True), (200, 70_000, True)]
)
def test_who_refuses_may_not_have_read(status: int, size: int, reusable: bool) -> None:
    """The network takes more than the server reads; the next request must not wait behind that."""
    machine = exchange("PUT", headers=[("Host", "h"), ("Content-Length", str(size))])
    sent(machine, bytes(size))
    head = b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status
    assert received([head], machine=machine).reusable is reusable


@pytest.mark.parametrize("framing", [b"Content-Length: 5", b"Transfer-Encoding: chunked", b"A: b"])
def test_head_has_no_body(framing: bytes) -> None:
    """The answer to HEAD ends with its head, whatever that says about a body."""
    answer = received([OK + framing + b"\r\n\r\n"], method="HEAD")
    assert (answer.body, answer.reusable) == (b"", True)


def test_headers_come_in_order() -> None:
    """Order, repetition and bytes beyond ASCII survive; names are lowered, trailers left out."""
    answer = received(
        [
            OK
            + b"X-b: 1\r\nx-A:  two words \r\nX-B:\r\nY: \xe9\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"1\r\nx\r\n0\r\nX-Trailer: t\r\n\r\n"
        ]
    )
    assert answer.headers == [
        (b"x-b", b"1"),
        (b"x-a", b"two words"),
        (b"x-b", b""),
        (b"y", b"\xe9"),
        (b"transfer-encoding", b"chunked"),
    ]


MALFORMED = [
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"<html>",
    b"\r\n" + OK + b"\r\n",
    b"HTTP/1.1200 OK\r\n\r\n",
    b"HTTP/1.2 200 OK\r\n\r\n",
    b"HTTP/2.0 200 OK\r\n\r\n",
    b"HTTP/0.9 200 OK\r\n\r\n",
    b"RTSP/1.0 200 OK\r\n\r\n",
    b"HTTP/1.1 20 OK\r\n\r\n",
    b"HTTP/1.1 000 OK\r\n\r\n",
    b"HTTP/1.1 099 OK\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/1.1 abc OK\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\n\r\n",
    b"HTTP/1.1 100 C\r\n\r\n" * 11 + OK + b"\r\n",
    OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    OK + b"Content-Length: 5, 5\r\n\r\nhello",
    OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    OK + b"Content-Length: -5\r\n\r\n",
    OK + b"Content-Length: +5\r\n\r\nhello",
    OK + b"Content-Length: 0x5\r\n\r\nhello",
    OK + b"Content-Length: \r\n\r\n",
    OK + b"Content-Length: 99999999999999999999999\r\n\r\n",
    OK + b"Transfer-Encoding: gzip\r\n\r\n",
    OK + b"Transfer-Encoding: identity\r\n\r\n",
    OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    OK + b"X: a\r\n folded\r\n\r\n",
    OK + b"X : a\r\n\r\n",
    OK + b"no colon\r\n\r\n",
    OK + b"X: a\0b\r\n\r\n",
    OK + b": a\r\n\r\n",
    OK.replace(b"\r", b"") + b"Content-Length: 0\r\n\r\n",
    OK + b"X: y\nZ: 1\r\n\r\n",
    OK + b"X: y\rZ: 1\r\n\r\n",
    OK + b"".join(b"X-%d: y\r\n" % i for i in range(101)) + b"\r\n",
    OK + b"X: " + b"y" * (64 * KIB),
    OK + b"X: " + b"y" * (64 * KIB) + b"\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\nhello",
    OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx",
    OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n1 \r\nx\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx",
    OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"x" * (65 * KIB),
    OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"y" * (65 * KIB),
]


@pytest.mark.parametrize("data", MALFORMED, ids=lambda data: repr(data[:60]))
def test_malformed_answers_are_refused(data: bytes) -> None:
    """In one go or in small pieces: what may be understood in two ways is not understood at all."""
    for size in (len(data), 1000, 7):
        machine = exchange()
        machine.sent = True
        with pytest.raises(
            httpx.RemoteProtocolError, match=r"the answer is not valid: \S"
        ) as caught:
            for start in range(0, len(data), size):
                machine.receive(data[start : start + size])
            pytest.fail(f"accepted, {size} bytes at a time")
        assert facts_of(caught.value) == Facts(Progress.ANSWERED)
        assert not machine.reusable


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"", "without an answer"),
        (b"HTTP/1.1 2", "inside the head"),
        (b"HTTP/1.1 100 C\r\n\r\n", "inside the head"),
        (OK + b"Content-Length: 5\r\n\r\nhell", "after 4 of the 5 bytes of the body"),
        (OK + b"Content-Length: 5\r\n\r\n", "after 0 of the 5 bytes of the body"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhell", "inside a chunked body"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "inside a chunked body"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "inside a chunked body"),
    ],
)
def test_a_truncated_answer_is_an_error(data: bytes, where: str) -> None:
    """The end of the connection is the end of the body only where nothing else could be."""
    machine = exchange()
    machine.sent = True
    if data:
        machine.receive(data)
    with pytest.raises(httpx.RemoteProtocolError, match=where):
        machine.receive_eof()
    assert not machine.complete


def test_what_errors_tell() -> None:
    """How much was sent, whether anything came back, and whether the connection was an old one."""
    machine = exchange()
    machine.reused = True
    assert facts_of(machine.error(httpx.WriteError, "x", died=True)) == Facts(
        Progress.NOT_SENT, reused=True
    )
    machine.sent = True
    assert facts_of(machine.error(httpx.ReadError, "x", died=True)).reused
    assert facts_of(machine.error(httpx.ReadTimeout, "x")) == Facts(Progress.MAYBE_SENT)
    machine.receive(b"H")
    assert facts_of(machine.error(httpx.ReadError, "x", died=True)) == Facts(Progress.ANSWERED)


def test_the_connection_is_not_reused_while_the_request_is_incomplete() -> None:
    """An early answer may be complete; the connection still waits for the rest of the request."""
    machine = exchange("PUT", headers=[("Content-Length", "3")])
    machine.receive(OK + b"Content-Length: 0\r\n\r\n")
    assert machine.complete
    assert not machine.reusable
    machine.all_sent = True
    assert machine.reusable


@pytest.mark.parametrize("value", ["close", "x, Close"])
def test_connection_close_of_the_request(value: str) -> None:
    """Who asks for the end of the connection gets it, whatever the server says."""
    machine = exchange(headers=[("Connection", value)])
    answer = received([OK + b"Content-Length: 0\r\n\r\n"], machine=machine)
    assert not answer.reusable


def test_bodies_of_known_length_are_not_copied() -> None:
    """After the head, what is received is what the reader gets: the same objects."""
    machine = exchange()
    machine.receive(OK + b"Content-Length: 600000\r\n\r\n")
    first, second = bytes(PIECE_BYTES), bytes(600000 - PIECE_BYTES)
    assert machine.wanted == PIECE_BYTES
    machine.receive(first)
    machine.receive(second)
    assert machine.body[0] is first
    assert machine.body[1] is second
    assert machine.complete


def test_never_reads_beyond_the_body() -> None:
    """What does not belong to this answer stays in the socket, where the pool will see it."""
    machine = exchange()
    machine.receive(OK + b"Content-Length: 600000\r\n\r\n")
    machine.receive(bytes(PIECE_BYTES))
    assert machine.wanted == 600000 - PIECE_BYTES


# ---- any answer, in any pieces --------------------------------------------------------------

TOKEN = st.text("abcXYZ012-_", min_size=1, max_size=12).map(lambda name: f"x-{name}".encode())
VALUE = st.text([chr(c) for c in range(0x21, 0x7F)] + ["\xe9"], max_size=20).map(
    lambda text: text.encode("latin-1")
)


@dataclass(frozen=True)
class Message:
    """A valid answer: the bytes, and what they mean."""

    data: bytes
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    eof: bool


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Valid answers to a GET, with any framing."""
    status = draw(st.sampled_from([200, 201, 206, 204, 304, 400, 404, 429, 500, 503]))
    headers = draw(st.lists(st.tuples(TOKEN, VALUE), max_size=5))
    pieces = draw(st.lists(st.binary(min_size=1, max_size=300), max_size=5))
    framing = draw(st.sampled_from(["length", "chunked", "eof"]))
    body = b"".join(pieces)
    if status in {204, 304}:
        framing, body, pieces = "none", b"", []
    wire = body
    if framing == "length":
        headers.insert(draw(st.integers(0, len(headers))), (b"Content-Length", b"%d" % len(body)))
    elif framing == "chunked":
        headers.append((b"Transfer-Encoding", b"chunked"))
        extension = draw(st.sampled_from([b"", b";a", b";a=b", b';a="b"']))
        trailer = draw(st.sampled_from([b"", b"X-Trailer: t\r\n"]))
        wire = b"".join(b"%x%b\r\n%b\r\n" % (len(p), extension, p) for p in pieces)
        wire += b"0\r\n" + trailer + b"\r\n"
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n"])) * draw(
        st.integers(0, 2)
    )
    head = b"HTTP/1.1 %d %b\r\n" % (status, draw(st.sampled_from([b"", b"OK", b"Not Found"])))
    lines = b"".join(b"%b: %b\r\n" % header for header in headers)
    wire = interim + head + lines + b"\r\n" + wire
    lowered = [(name.lower(), value) for name, value in headers]
    return Message(wire, status, lowered, body, framing == "eof")


def split(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """Cut *data* at these places, as far as it has them."""
    places = sorted({cut % len(data) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(places)]


@settings(deadline=None, max_examples=150)
@given(messages(), st.lists(st.integers(0, 10_000), max_size=8))
def test_any_split_gives_the_same(message: Message, cuts: list[int]) -> None:
    """An answer means the same in whatever pieces the network brings it."""
    answer = received(split(message.data, cuts), eof=message.eof)
    assert (answer.status, answer.headers) == (message.status, message.headers)
    assert answer.body == message.body
    assert answer.reusable is not message.eof


@settings(deadline=None, max_examples=150)
@given(messages())
def test_agrees_with_another_parser(message: Message) -> None:
    """On valid input, h11 finds the same status, headers and body."""
    other = h11.Connection(h11.CLIENT)
    other.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    other.send(h11.EndOfMessage())
    other.receive_data(message.data)
    if message.eof:
        other.receive_data(b"")
    status, headers, body = 0, [], b""
    while not isinstance(event := other.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            status, headers = event.status_code, list(event.headers)
        elif isinstance(event, h11.Data):
            body += event.data
        else:
            assert isinstance(event, h11.InformationalResponse), event
    answer = received([message.data], eof=message.eof)
    assert (answer.status, answer.headers, answer.body) == (status, headers, body)


# ---- hostile answers ------------------------------------------------------------------------


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Damage an answer in a few places."""
    damaged = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(damaged) + 1)
        match rng.randrange(5):
            case 0:
                damaged[place : place + 1] = bytes([rng.randrange(256)])
            case 1:
                del damaged[place : place + rng.randint(1, 20)]
            case 2:
                damaged[place:place] = rng.choice(
                    [b"\r\n", b"\r\n\r\n", b"\n", b":", b" ", b"\0", b"0\r\n", b"ffffffff\r\n"]
                )
            case 3:
                damaged[place:place] = damaged[place : place + rng.randint(1, 40)]
            case 4:
                damaged[place:place] = rng.randbytes(rng.randint(1, 40))
    return bytes(damaged)


def play_hostile(data: bytes, rng: random.Random) -> str:
    """Feed *data* as a network would; return how that ends, which must be in a known way."""
    machine = exchange(rng.choice(["GET", "HEAD", "PUT"]))
    start = 0
    try:
        while start < len(data) and not machine.complete:
            size = rng.choice([1, 3, 50, 5000, PIECE_BYTES])
            machine.receive(data[start : start + size])
            start += size
            assert sum(map(len, machine.body)) <= len(data)
        machine.receive_eof()
    except httpx.RemoteProtocolError as error:
        assert facts_of(error).progress is Progress.ANSWERED or start == 0
        assert str(error)
        return "refused"
    assert 200 <= machine.status <= 999
    assert len(machine.headers) <= 100
    return "accepted"


def test_hostile_answers() -> None:
    """Whatever comes: a valid answer or `RemoteProtocolError`. `FUZZ_SECONDS` says how long."""
    seed = int(os.environ.get("FUZZ_SEED", "0")) or time.time_ns()
    rng = random.Random(seed)
    print(f"FUZZ_SEED={seed}")
    corpus = [data for data in MALFORMED if len(data) < 2000] + [
        OK + b"Content-Length: 5\r\nX: y\r\n\r\nhello",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n5\r\nworld\r\n0\r\nX: y\r\n\r\n",
        b"HTTP/1.1 100 C\r\n\r\n" + OK + b"Connection: keep-alive\r\n\r\nhello",
    ]
    ends = {"refused": 0, "accepted": 0}
    deadline = time.monotonic() + FUZZ_SECONDS
    while time.monotonic() < deadline:
        data = mutated(rng.choice(corpus), rng)
        state = rng.getstate()
        try:
            ends[play_hostile(data, rng)] += 1
        except BaseException:
            print(f"input {data!r}, state {state!r}")
            raise
    assert all(ends.values())


@pytest.mark.parametrize(
    "endless",
    [
        OK + b"X: ",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5;",
        OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ",
        b"HTTP/1.1 100 C\r\nX: y\r\n\r\n",
    ],
)
def test_endless_framing_costs_bounded_memory(endless: bytes) -> None:
    """Who sends everything but data is refused before he has filled anybody's memory."""
    filler = endless if endless.startswith(b"HTTP/1.1 100") else b"y" * 5000
    machine = exchange()
    tracemalloc.start()
    try:
        with pytest.raises(httpx.RemoteProtocolError):
            machine.receive(endless)
            for _ in range(100):
                machine.receive(filler)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_tiny_chunks_are_collected() -> None:
    """What came at once is one piece, for a million tiny ones would be expensive."""
    machine = exchange()
    machine.receive(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    machine.receive(b"1\r\nx\r\n" * 1000)
    assert [len(piece) for piece in machine.body] == [1000]
