"""Health, readiness and load (protocol section 15)."""

from __future__ import annotations

import re
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from objectstore_client.devserver import DevServer
from objectstore_client.devserver.load import Load
from objectstore_client.devserver.replies import Refusal
from tests.devserver.conftest import Ask
from tests.devserver.wire import ask, connect, head, receive


@pytest.mark.parametrize("target", ["/health", "/ready"])
def test_a_running_server_says_ok(server: DevServer, target: str) -> None:
    """In plain text."""
    found = ask(server.url, "GET", target)
    assert (found.shape, found.body) == ((200, "text"), b"OK")
    assert ask(server.url, "HEAD", target).body == b""


def test_a_marker_makes_the_server_unready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the file is there; it still is healthy, and serves."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    marker = tmp_path / "objectstore.down"
    with DevServer() as server:
        marker.touch()
        assert ask(server.url, "GET", "/ready").shape == (503, "text")
        assert ask(server.url, "GET", "/health").status == 200
        assert ask(server.url, "PUT", "/v1/objects/test/_/o", body=b"x").status == 200
        marker.unlink()
        assert ask(server.url, "GET", "/ready").status == 200


def _series(server: DevServer) -> dict[str, int]:
    found = ask(server.url, "GET", "/keda")
    assert found.status == 200
    assert found.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = found.body.decode().splitlines()
    series = {}
    for help_line, type_line, value_line in zip(*[iter(lines)] * 3, strict=True):
        name, value = value_line.split(" ")
        kind = "counter" if name.endswith("_total") else "gauge"
        assert re.fullmatch(rf"# HELP {name} \S.*", help_line)
        assert type_line == f"# TYPE {name} {kind}"
        series[name.removeprefix("objectstore_")] = int(value)
    return series


def test_load_is_counted(server: DevServer, call: Ask) -> None:
    """Requests and payload bytes in both directions; the internal endpoints do not count."""
    before = _series(server)
    call("PUT", body=b"12345")
    call("GET")
    call("GET", headers=[("range", "bytes=0-1")])
    call("HEAD")
    after = _series(server)
    assert after["requests_total"] - before["requests_total"] == 4
    assert after["bytes_total"] - before["bytes_total"] == 5 + 5 + 2
    assert (after["requests_limit"], after["tasks_limit"]) == (10_000, 500)
    assert (after["requests_in_flight"], after["tasks_running"]) == (0, 0)


def test_requests_in_flight_are_shown(server: DevServer, prefix: str) -> None:
    """From the head to the end of the answer."""
    headers = [("content-length", "5"), ("expect", "100-continue")]
    with connect(server.url) as connection:
        connection.sendall(head("PUT", f"{prefix}/o", headers))
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        during = _series(server)
        assert (during["requests_in_flight"], during["tasks_running"]) == (1, 1)
        connection.sendall(b"hello")
        assert receive(connection).status == 200


def test_there_are_limits() -> None:
    """One request too many is 503 without a body, one operation too many 429 with JSON."""
    load = Load(requests_limit=1, tasks_limit=1)
    for admit, status in ((load.request, 503), (load.task, 429)):
        with ExitStack() as stack:
            stack.enter_context(admit())
            with pytest.raises(Refusal) as refused:
                stack.enter_context(admit())
        assert refused.value.reply.status == status
        assert bool(refused.value.reply.body) == (status == 429)
        with admit():
            pass
