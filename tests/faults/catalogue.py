"""The faults, by what they strike: each makes a server that shows it once, or always."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import inf
from typing import Protocol, TypeAlias

from tests.faults.doors import Door
from tests.faults.liars import Answer, Liar, Misdeed, lie, refuse, refuse_early
from tests.faults.operations import KIB, MIB, Operation
from tests.faults.proxy import (
    FINE,
    Cut,
    Delay,
    Drip,
    Flip,
    Insert,
    Plan,
    Proxy,
    Reset,
    Stall,
    Throttle,
)


class Front(Protocol):
    """What stands between the client and the server."""

    @property
    def url(self) -> str: ...
    @property
    def asked(self) -> list[str]:
        """Method and target of each request that a client began."""

    @property
    def served(self) -> list[str]:
        """Those of them that the server heard of."""

    @property
    def fired(self) -> int:
        """How many faults there were."""

    def heal(self) -> None:
        """Do no harm from now on."""


@dataclass(frozen=True)
class Occasion:
    """When and where a fault strikes.

    Attributes:
        upstream: URL of the real server.
        operation: What it strikes.
        always: Strike every time, else the first time only.
        random: Draws where exactly.
    """

    upstream: str
    operation: Operation
    always: bool
    random: random.Random

    def in_request_head(self) -> int:
        """A byte of the head of the request."""
        return self.random.randrange(1, 60)

    def in_request_body(self) -> int:
        """A byte of the body of the request, if it is a large one."""
        return self.random.randrange(1, 200 * KIB)

    def in_answer_head(self) -> int:
        """A byte of the head of the answer."""
        return self.random.randrange(1, 60)

    def in_answer_body(self) -> int:
        """A byte of the body of the answer."""
        return self.random.randrange(self.operation.body_size or 1)


Make: TypeAlias = Callable[[Occasion], "AbstractContextManager[Front]"]


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: As the table shows it.
        make: Makes the server that shows it.
        kept: It strikes a connection that has served a request before.
        idle: It strikes before the client uses that connection again.
        scheme: Of the URL that the client is given.
    """

    name: str
    make: Make
    kept: bool = False
    idle: bool = False
    scheme: str = "http"


def _door(name: str, door: Callable[[float], Door]) -> Fault:
    def make(occasion: Occasion) -> Proxy:
        return Proxy(occasion.upstream, door=door(inf if occasion.always else 1))

    return Fault(name, make)


def _plan(name: str, plan: Callable[[Occasion], Plan], scheme: str = "http") -> Fault:
    def make(occasion: Occasion) -> Proxy:
        planned = plan(occasion)
        # Behind the proxy there is no TLS: without the fault a client could not do anything.
        always = occasion.always or scheme == "https"
        return Proxy(occasion.upstream, planned, rest=planned if always else FINE)

    return Fault(name, make, scheme=scheme)


def _kept(name: str, plan: Plan, *, idle: bool) -> Fault:
    # One connection is kept, so there is no "always".
    return Fault(name, lambda occasion: Proxy(occasion.upstream, plan), kept=True, idle=idle)


def _misdeed(name: str, misdeed: Misdeed) -> Fault:
    def make(occasion: Occasion) -> Liar:
        return Liar(occasion.upstream, misdeed, always=misdeed if occasion.always else None)

    return Fault(name, make)


def _too_short(answer: Answer) -> bytes:
    return answer.wire(f"Content-Length: {max(0, (answer.length or 0) - 3)}")


def _too_long(answer: Answer) -> bytes:
    return answer.wire(f"Content-Length: {(answer.length or 0) + 10}")


def _two_lengths(answer: Answer) -> bytes:
    length = answer.length or 0
    return answer.wire(f"Content-Length: {length}", f"Content-Length: {length + 1}")


def _length_and_chunks(answer: Answer) -> bytes:
    body = answer.chunks + b"0\r\n\r\n"
    return answer.wire(f"Content-Length: {answer.length}", "Transfer-Encoding: chunked", body=body)


def _no_last_chunk(answer: Answer) -> bytes:
    return answer.wire("Transfer-Encoding: chunked", body=answer.chunks)


def _bad_chunk(answer: Answer) -> bytes:
    body = answer.chunks + b"seven\r\nsamurai\r\n0\r\n\r\n"
    return answer.wire("Transfer-Encoding: chunked", body=body)


def _interim(answer: Answer) -> bytes:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
    return b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + early + answer.true


_LATE_408 = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_GARBAGE = b"\x15\x03\x03\x00\x02\x02\x28 SSH-2.0-OpenSSH_9.9\r\n\r\n"
_SLOW = 24 * MIB

FAMILIES: dict[str, tuple[Fault, ...]] = {
    "connecting": (
        _door("refused", lambda times: Door(refusals=times)),
        _door("ignored", lambda times: Door(ignored=times)),
        _plan("closed", lambda _: Plan(up=Cut(eager=True))),
        _plan("reset", lambda _: Plan(up=Reset(eager=True))),
        _plan("mute", lambda _: Plan(up=Stall(eager=True))),
        _plan("TLS mute", lambda _: Plan(up=Stall(eager=True)), "https"),
        _plan("TLS cut", lambda _: Plan(up=Cut(offset=10)), "https"),
        _plan("TLS reset", lambda _: Plan(up=Reset(offset=10)), "https"),
        _plan("no TLS", lambda _: Plan(up=Insert(data=b"HTTP/1.1 400 Bad Request\r\n")), "https"),
    ),
    "request": (
        _plan("late", lambda _: Plan(up=Delay(seconds=0.1))),
        _plan("slow", lambda _: Plan(up=Throttle(rate=_SLOW))),
        _plan("head cut", lambda at: Plan(up=Cut(offset=at.in_request_head()))),
        _plan("head reset", lambda at: Plan(up=Reset(offset=at.in_request_head()))),
        _plan("head stall", lambda at: Plan(up=Stall(offset=at.in_request_head()))),
        _plan("body cut", lambda at: Plan(up=Cut(heads=1, offset=at.in_request_body()))),
        _plan("body reset", lambda at: Plan(up=Reset(heads=1, offset=at.in_request_body()))),
        _plan("body stall", lambda at: Plan(up=Stall(heads=1, offset=at.in_request_body()))),
    ),
    "answer": (
        _plan("late", lambda _: Plan(down=Delay(seconds=0.1))),
        _plan("slow", lambda _: Plan(down=Throttle(rate=_SLOW))),
        _plan("drips", lambda _: Plan(down=Drip(pause=0.001, count=100))),
        _plan("cut", lambda _: Plan(down=Cut())),
        _plan("reset", lambda _: Plan(down=Reset())),
        _plan("stall", lambda _: Plan(down=Stall())),
        _plan("garbage", lambda _: Plan(down=Insert(data=_GARBAGE))),
    ),
    "parts of the answer": (
        _plan("head cut", lambda at: Plan(down=Cut(offset=at.in_answer_head()))),
        _plan("head reset", lambda at: Plan(down=Reset(offset=at.in_answer_head()))),
        _plan("head stall", lambda at: Plan(down=Stall(offset=at.in_answer_head()))),
        _plan("head drips", lambda _: Plan(down=Drip(pause=0.1))),
        _plan("body cut", lambda at: Plan(down=Cut(heads=1, offset=at.in_answer_body()))),
        _plan("body reset", lambda at: Plan(down=Reset(heads=1, offset=at.in_answer_body()))),
        _plan("body stall", lambda at: Plan(down=Stall(heads=1, offset=at.in_answer_body()))),
        _plan("body drips", lambda _: Plan(down=Drip(heads=1, pause=0.2))),
        _plan(
            "body flip",
            lambda at: Plan(
                down=Flip(heads=1, offset=at.in_answer_body(), bit=at.random.randrange(8))
            ),
        ),
    ),
    "kept connection": (
        _kept("idle cut", Plan(down=Cut(heads=1, eager=True)), idle=True),
        _kept("idle reset", Plan(down=Reset(heads=1, eager=True)), idle=True),
        _kept("idle 408", Plan(down=Insert(heads=1, eager=True, data=_LATE_408)), idle=True),
        _kept("used cut", Plan(up=Cut(heads=1)), idle=False),
        _kept("used reset", Plan(up=Reset(heads=1)), idle=False),
    ),
    "status": (
        _misdeed("429", refuse(429)),
        _misdeed("429 1 s", refuse(429, "1")),
        _misdeed("503", refuse(503)),
        _misdeed("503 1 s", refuse(503, "1")),
        _misdeed("503 1 h", refuse(503, "3600")),
        _misdeed("500", refuse(500)),
        _misdeed("502", refuse(502)),
        _misdeed("408", refuse(408, close=True)),
    ),
    "odd answers": (
        _misdeed("413 deaf", refuse_early(413, "deaf")),
        _misdeed("413 open", refuse_early(413, "open")),
        _misdeed("413 end", refuse_early(413, "end")),
        _misdeed("413 close", refuse_early(413, "close")),
        _misdeed("1xx", lie(_interim, close=False)),
        _misdeed("until EOF", lie(lambda answer: answer.wire())),
        _misdeed("huge head", lie(lambda answer: answer.wire(*["x-filler: " + "x" * 500] * 5000))),
    ),
    "lengths": (
        _misdeed("too long", lie(_too_long)),
        _misdeed("too short", lie(_too_short, close=False)),
        _misdeed("two", lie(_two_lengths)),
        _misdeed("+chunks", lie(_length_and_chunks)),
        _misdeed("no end", lie(_no_last_chunk)),
        _misdeed("bad chunk", lie(_bad_chunk)),
    ),
}
"""All faults, by the part of an exchange that they strike."""
