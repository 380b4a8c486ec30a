"""What errors tell, and how long things may take."""

from __future__ import annotations

import pickle

import httpx
import pytest

from objectstore_client.engine import patience
from objectstore_client.engine.exchange import Exchange
from objectstore_client.engine.facts import Facts, Progress, facts_of, record
from objectstore_client.engine.heads import head_of
from objectstore_client.engine.patience import Patience, share
from tests.engine.worlds import make_request

NOT_SENT = [
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
]
MAYBE_SENT = [
    httpx.ReadError,
    httpx.ReadTimeout,
    httpx.WriteError,
    httpx.WriteTimeout,
    httpx.CloseError,
    httpx.RemoteProtocolError,
    httpx.LocalProtocolError,
    httpx.TransportError,
]


@pytest.mark.parametrize(
    ("kind", "progress"),
    [(kind, Progress.NOT_SENT) for kind in NOT_SENT]
    + [(kind, Progress.MAYBE_SENT) for kind in MAYBE_SENT],
)
def test_errors_of_other_transports(kind: type[httpx.TransportError], progress: Progress) -> None:
    """Where nothing is recorded, only what is certain counts as not sent."""
    assert facts_of(kind("x")) == Facts(progress)


def test_recorded_facts() -> None:
    """They are found again, also after pickling, whatever the type says."""
    facts = Facts(Progress.ANSWERED, reused=True, past_deadline=True, open_payloads=3)
    error = record(httpx.ConnectError("x"), facts)
    assert facts_of(error) == facts
    assert facts_of(pickle.loads(pickle.dumps(error))) == facts
    assert facts_of(httpx.InvalidURL("x")) == Facts(Progress.NOT_SENT)
    assert facts_of(ValueError()) == Facts(Progress.MAYBE_SENT)


def test_progress_is_ordered() -> None:
    """So that one can ask for less and more."""
    assert Progress.NOT_SENT < Progress.MAYBE_SENT < Progress.ANSWERED


@pytest.mark.parametrize(
    ("deadline", "limit", "left"),
    [
        (None, None, None),
        (None, 5.0, 5.0),
        (None, 0.0, 0.0),
        (None, float("inf"), 1_000_000.0),
        (103.0, None, 3.0),
        (103.0, 5.0, 3.0),
        (103.0, 2.0, 2.0),
        (100.0, 5.0, 0.0),
        (90.0, None, 0.0),
        (float("inf"), None, 1_000_000.0),
    ],
)
def test_what_is_left(
    monkeypatch: pytest.MonkeyPatch,
    deadline: float | None,
    limit: float | None,
    left: float | None,
) -> None:
    """Each step has its time-out or what the deadline leaves, whichever is less."""
    monkeypatch.setattr(patience, "monotonic", lambda: 100.0)
    patient = Patience({"timeout": {"read": 1.0}, "deadline": deadline})
    assert patient.left(limit) == left
    assert patient.ends(limit) == (None if left is None else 100.0 + left)
    assert (patient.read, patient.write) == (1.0, None)


def test_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left is divided among those who are left; nobody gets nothing."""
    monkeypatch.setattr(patience, "monotonic", lambda: 100.0)
    assert share(None, 3) is None
    assert share(103.0, 3) == 1.0
    assert share(103.0) == 3.0
    assert share(90.0) == 0.001


@pytest.mark.parametrize("extensions", [{}, {"timeout": None}, {"timeout": {}, "deadline": None}])
def test_no_time_outs(extensions: dict[str, object]) -> None:
    """Who says nothing waits for ever."""
    patient = Patience(extensions)
    assert [patient.connect, patient.read, patient.write, patient.pool] == [None] * 4
    assert patient.left(None) is None
    error = patient.late(Exchange(head_of(make_request("GET", "http://h"))), httpx.ReadTimeout, "x")
    assert not facts_of(error).past_deadline
