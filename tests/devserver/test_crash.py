"""`kill -9` of a server that stores to a directory."""

from __future__ import annotations

import hashlib
import http.client
import random
import subprocess
import sys
import threading
from pathlib import Path

from objectstore_client.devserver import DevServer
from tests.devserver.wire import ask, connect, head, receive

KEYS = 5
WRITERS = 4
ROUNDS = 12


def _payload(seed: int) -> bytes:
    source = random.Random(seed)
    return source.randbytes(source.choice([100, 50_000, 1_500_000]))


class Writer:
    """Puts versions of objects of its own, until the server is gone.

    Attributes:
        acknowledged: By key, the last version that the server said it had stored.
        attempted: By key, the versions that it was given after that one.
    """

    def __init__(self, number: int, first_version: int) -> None:
        self.keys = [f"{number}-{key}" for key in range(KEYS)]
        self.acknowledged: dict[str, int] = {}
        self.attempted: dict[str, list[int]] = {key: [] for key in self.keys}
        self._source = random.Random(first_version)
        self._version = first_version

    def run(self, url: str, first: threading.Event) -> None:
        """Put versions of random keys."""
        try:
            with connect(url) as connection:
                while True:
                    key = self._source.choice(self.keys)
                    self._version += 1
                    payload = _payload(self._version)
                    self.attempted[key].append(self._version)
                    headers = [("content-length", str(len(payload)))]
                    headers.append(("x-snme-version", str(self._version)))
                    target = f"/v1/objects/test/_/{key}"
                    connection.sendall(head("PUT", target, headers) + payload)
                    if receive(connection).status != 200:
                        raise AssertionError("the server failed instead of dying")
                    self.acknowledged[key] = self._version
                    self.attempted[key].clear()
                    first.set()
        except (OSError, http.client.HTTPException):
            pass  # the server is gone

    def check(self, url: str) -> None:
        """Compare what the server has with what it said."""
        for key in self.keys:
            found = ask(url, "GET", f"/v1/objects/test/_/{key}")
            possible = [*self.attempted[key]]
            if key in self.acknowledged:
                possible.append(self.acknowledged[key])
            if found.status == 404:
                assert key not in self.acknowledged
                continue
            assert found.status == 200
            version = int(found.headers["x-snme-version"])
            assert version in possible
            expected = _payload(version)
            assert hashlib.sha256(found.body).digest() == hashlib.sha256(expected).digest()
            # What it has now is what it must have from now on.
            self.acknowledged[key] = version
            self.attempted[key].clear()


def _serve(data: Path) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "objectstore_client.cli", "serve", "--port", "0"]
    process = subprocess.Popen([*command, "--data", str(data)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().split()[-1]


def test_acknowledged_objects_survive_a_kill(tmp_path: Path) -> None:
    """Each is whole, in its last acknowledged version or one that was on its way."""
    source = random.Random(1)
    writers: list[Writer] = []
    for _ in range(ROUNDS):
        process, url = _serve(tmp_path)
        try:
            for writer in writers:
                writer.check(url)
            if not writers:
                writers = [Writer(number, number * 1_000_000) for number in range(WRITERS)]
            first = threading.Event()
            threads = [threading.Thread(target=w.run, args=(url, first)) for w in writers]
            for thread in threads:
                thread.start()
            # A random moment is what this is about; nothing depends on how long it really takes.
            assert first.wait(30)
            threading.Event().wait(source.uniform(0, 0.08))
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        for thread in threads:
            thread.join()

    with DevServer(data_dir=tmp_path) as server:
        for writer in writers:
            writer.check(server.url)
        assert any(writer.acknowledged for writer in writers)
        objects = sum(len(writer.acknowledged) for writer in writers)
        assert len(list((tmp_path / "objects").iterdir())) == 2 * objects
        assert list((tmp_path / "staging").iterdir()) == []
