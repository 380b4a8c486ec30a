"""Many clients at once on few objects."""

from __future__ import annotations

import hashlib
import random
from concurrent.futures import ThreadPoolExecutor

from objectstore_client.devserver import DevServer
from tests.devserver.conftest import Ask
from tests.devserver.wire import connect, head, receive

THREADS = 16
ROUNDS = 40


def _version(seed: int) -> tuple[str, bytes]:
    """A payload of its own, sometimes of several pieces, and its digest."""
    source = random.Random(seed)
    payload = source.randbytes(source.choice([0, 10, 5_000, 700_000]))
    return hashlib.sha256(payload).hexdigest(), payload


def test_every_read_returns_one_complete_version(server: DevServer, prefix: str) -> None:
    """Payload and metadata belong together, however writers and deletions interleave."""

    def client(number: int) -> int:
        source = random.Random(number)
        hits = 0
        with connect(server.url) as connection:
            for step in range(ROUNDS):
                target = f"{prefix}/{source.randrange(3)}"
                method = source.choice(["PUT", "GET", "GET", "GET", "HEAD", "DELETE"])
                body, headers = b"", []
                if method == "PUT":
                    digest, body = _version(number * ROUNDS + step)
                    headers = [("x-snme-digest", digest), ("content-length", str(len(body)))]
                    headers.append(("x-sn-expiration", "tti:1h"))
                connection.sendall(head(method, target, headers) + body)
                answer = receive(connection, method)
                if method == "GET" and answer.status == 200:
                    hits += 1
                    digest = answer.headers["x-snme-digest"]
                    assert hashlib.sha256(answer.body).hexdigest() == digest
                    assert answer.headers["x-sn-size"] == str(len(answer.body))
                else:
                    assert answer.status in (200, 204, 404)
        return hits

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(client, range(THREADS))) > 0


def test_concurrent_extensions_do_not_get_lost(call: Ask) -> None:
    """The latest deadline wins, whatever the order; a renewal in between takes nothing back."""
    call("PUT", headers=[("x-sn-expiration", "tti:1h")], body=b"x")

    def extend(hours: int) -> int:
        call("GET")
        body = b'{"extend_expiry":{"after":"%dh","from":"creation"}}' % hours
        return call("PATCH", "/o", [("content-type", "application/json")], body).status

    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(extend, range(1, 41))) == {204}
    assert call("HEAD").headers["x-sn-time-expires"] == "2026-01-02T16:00:01Z"


def test_many_connections_at_once(server: DevServer, prefix: str) -> None:
    """Hundreds of them may be open, each in the middle of a request."""
    connections = [connect(server.url) for _ in range(300)]
    try:
        for number, connection in enumerate(connections):
            headers = [("content-length", "5")]
            connection.sendall(head("PUT", f"{prefix}/{number}", headers) + b"he")
        for connection in connections:
            connection.sendall(b"llo")
        for connection in connections:
            assert receive(connection).status == 200
    finally:
        for connection in connections:
            connection.close()
