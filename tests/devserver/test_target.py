"""The server as a target: requests within requests, crowds of slow clients, planted files."""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import queue
import random
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectstore_client.devserver import DevServer
from objectstore_client.devserver.protocol import Limits
from tests.devserver.conftest import Ask
from tests.devserver.wire import ask, chunked, closed, connect, head

MIB = 1024 * 1024
VICTIM = "/v1/objects/test/_/victim"
HIDDEN = f"DELETE {VICTIM} HTTP/1.1\r\nhost: test\r\n\r\n".encode()
PUT = b"PUT /v1/objects/test/_/o HTTP/1.1\r\nhost: test\r\n"
CHUNKED = PUT + b"transfer-encoding: chunked\r\n"
LENGTH = b"content-length: %d\r\n" % len(HIDDEN)
END = b"\r\n0\r\n\r\n"
AS_CHUNK = b"%x\r\n" % len(HIDDEN) + HIDDEN + END


# ---- requests within requests -------------------------------------------------------------------


@pytest.mark.parametrize(
    "smuggler",
    [
        # Two lengths of the body: who believes the one sees a request where the other sees data.
        CHUNKED + b"content-length: 5\r\n" + END + HIDDEN,
        CHUNKED + LENGTH + END + HIDDEN,
        PUT + LENGTH + b"transfer-encoding: chunked\r\n" + END + HIDDEN,
        PUT + LENGTH + b"content-length: 0\r\n\r\n" + HIDDEN,
        PUT + b"content-length: 0, %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
        # Encodings that not everybody takes for what they are.
        PUT + LENGTH + b"transfer-encoding: xchunked\r\n\r\n" + HIDDEN,
        PUT + LENGTH + b"transfer-encoding : chunked\r\n\r\n" + HIDDEN,
        PUT + LENGTH + b"transfer-encoding: \x0bchunked\r\n\r\n" + HIDDEN,
        PUT + LENGTH + b"transfer-encoding: identity, chunked\r\n" + END + HIDDEN,
        PUT + b"transfer-encoding: chunked, identity\r\n\r\n" + HIDDEN,
        PUT + b"transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n" + END + HIDDEN,
        # Chunk sizes that not everybody reads.
        *(
            CHUNKED + b"\r\n" + size + b"\r\n" + HIDDEN + END + HIDDEN
            for size in (b"0x%x" % len(HIDDEN), b"+%x" % len(HIDDEN), b"-0", b"0_0", b"", b"\xb2")
        ),
        CHUNKED + b"\r\n" + AS_CHUNK.replace(b"\r\n", b"\n", 1) + HIDDEN,
        CHUNKED + b"\r\n1\r\nxyz0\r\n\r\n" + HIDDEN,
        CHUNKED + b"\r\n1;x\ny\r\nx\r\n0\r\n\r\n" + HIDDEN,
        # Lines that not everybody ends in the same place.
        PUT + b"x: y\r" + LENGTH + b"\r\n" + HIDDEN,
        PUT + b"x\0: y\r\n" + LENGTH + b"\r\n" + HIDDEN,
        PUT + b"x: y\0\r\n" + b"\r\n" + HIDDEN,
        # What comes after the last request of a connection is none.
        PUT + b"connection: close\r\ncontent-length: 0\r\n\r\n" + HIDDEN,
        CHUNKED.replace(b"1.1", b"1.0") + b"\r\n" + AS_CHUNK + HIDDEN,
        PUT.replace(b"1.1", b"1.0") + b"content-length: 0\r\n\r\n" + HIDDEN,
    ],
)
def test_a_request_in_doubt_hides_no_other(server: DevServer, smuggler: bytes) -> None:
    """Where others could see one request, the connection ends with that one."""
    ask(server.url, "PUT", VICTIM, body=b"alive")
    with connect(server.url) as connection:
        connection.sendall(smuggler)
        answers = closed(connection)
    assert len(re.findall(rb"^HTTP/1\.[01] \d", answers, re.MULTILINE)) == 1
    assert ask(server.url, "GET", VICTIM).body == b"alive"


@pytest.mark.parametrize(
    "request_line",
    [
        *(b"GET /health", b"HEAD /health", b"GET /v1/objects/test/_/none", b"DELETE /v1/o"),
        *(b"PUT /v1/objects/test/_/..", b"PUT /v1/objects/test/_/o?session=x", b"PATCH /"),
        *(b"PUT /v1/objects/test/_/", b"POST /v1/objects/t/_/", b"OPTIONS *", b"TRACE /health"),
    ],
)
@pytest.mark.parametrize("body", [LENGTH + b"\r\n" + HIDDEN, b"transfer-encoding: chunked\r\n\r\n"])
def test_a_body_that_nobody_reads_is_no_request(
    server: DevServer, request_line: bytes, body: bytes
) -> None:
    """Whatever a request is answered with, its body stays one."""
    ask(server.url, "PUT", VICTIM, body=b"alive")
    with connect(server.url) as connection:
        rest = AS_CHUNK if body.startswith(b"transfer") else b""
        connection.sendall(request_line + b" HTTP/1.1\r\nhost: test\r\n" + body + rest)
        connection.shutdown(socket.SHUT_WR)
        closed(connection)
    assert ask(server.url, "GET", VICTIM).body == b"alive"


def test_a_body_is_stored_whatever_it_looks_like(server: DevServer, call: Ask) -> None:
    """And so is what looks like the end of it."""
    ask(server.url, "PUT", VICTIM, body=b"alive")
    for contents in (HIDDEN, END + HIDDEN, AS_CHUNK + HIDDEN, b"\r\n\r\n" + HIDDEN):
        assert call("PUT", "/a", body=contents).status == 200
        chunks = [("transfer-encoding", "chunked")]
        assert call("PUT", "/b", headers=chunks, body=chunked(contents, 7)).status == 200
        assert (call("GET", "/a").body, call("GET", "/b").body) == (contents, contents)
    assert ask(server.url, "GET", VICTIM).body == b"alive"


BATCH = b"".join(
    b"--x\r\nx-sn-batch-operation-kind: %b\r\nx-sn-batch-operation-key: k\r\n\r\n%b\r\n" % part
    for part in ((b"insert", b"hello"), (b"get", b""), (b"head", b""), (b"delete", b""))
)
BATCH_HEADERS = [
    ("content-type", "multipart/form-data; boundary=x"),
    ("content-length", str(len(BATCH) + 5)),
]
VALID = (
    head("PUT", "/v1/objects/test/_/fuzz", [("content-length", "5"), ("x-snme-a", "b")]) + b"hello",
    head("PUT", "/v1/objects/test/_/fuzz", [("transfer-encoding", "chunked")]) + chunked(b"hello"),
    head("GET", "/v1/objects/test/_/fuzz", [("range", "bytes=0-2")]),
    head("PATCH", "/v1/objects/test/_/fuzz", [("content-length", "2")]) + b"{}",
    head("POST", "/v1/objects/test/a=1;b=2/?upload_type=resumable", [("content-length", "0")]),
    head("POST", "/v1/objects:batch/test/_/", BATCH_HEADERS) + BATCH + b"--x--",
)


@contextmanager
def failures() -> Iterator[list[logging.LogRecord]]:
    """What the server, which runs in this process, logs as an error meanwhile."""
    found: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = logging.handlers.QueueHandler(found)
    handler.setLevel(logging.ERROR)
    records: list[logging.LogRecord] = []
    logging.getLogger().addHandler(handler)
    try:
        yield records
    finally:
        logging.getLogger().removeHandler(handler)
        while not found.empty():
            records.append(found.get())


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), base=st.sampled_from(VALID))
def test_damaged_requests_are_answered_or_cut(server: DevServer, seed: int, base: bytes) -> None:
    """Never with a failure of the server, which goes on serving."""
    rng = random.Random(seed)
    data = bytearray(base * rng.choice([1, 1, 3]))
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(data) + 1)
        piece = rng.choice([b"\r\n", b"\0", b"%", b"..", b"9" * 30, b":", b" ", rng.randbytes(3)])
        if rng.random() < 0.5:
            data[place : place + len(piece)] = piece
        else:
            data[place:place] = piece
    with failures() as found, connect(server.url) as connection:
        connection.sendall(data)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        answers = closed(connection)
        assert ask(server.url, "GET", "/health").status == 200
    assert not found
    failure = rb"^(HTTP/1\.1|x-sn-batch-operation-status:) 50[0234]"
    assert not re.search(failure, answers, re.MULTILINE)


@pytest.mark.parametrize("name", ["session", "upload_id"])
@pytest.mark.parametrize("value", ["../../outside", "%2e%2e%2foutside", "/etc/passwd", "%00", "o"])
def test_ids_of_uploads_lead_nowhere(tmp_path: Path, name: str, value: str) -> None:
    """Those that the server did not give out are refused; no file comes or goes for them."""
    data = tmp_path / "data"
    outside = tmp_path / "outside"
    outside.write_text("alive")
    with DevServer(data_dir=data) as server:
        before = sorted(tmp_path.rglob("*"))
        for method in ("PUT", "DELETE"):
            for kind in ("objects", "objects:multipart:parts", "objects:multipart"):
                target = f"/v1/{kind}/test/_/o?{name}={value}&part_number=1"
                if kind == "objects" and name == "upload_id":
                    continue  # means nothing there
                answer = ask(server.url, method, target, body=b"x" if method == "PUT" else None)
                # An upload that is not known is a 500, by the protocol, or aborted with success.
                refused = {
                    "objects": (400, 404, 410),
                    "objects:multipart:parts": (400, 404, 405, 500),
                }
                assert answer.status in refused.get(kind, (200, 204, 400, 404, 405))
        if before != sorted(tmp_path.rglob("*")):  # whoever can begin uploads may have begun one
            assert all(path.is_relative_to(data) or path == outside for path in tmp_path.iterdir())
    assert outside.read_text() == "alive"


# ---- crowds -------------------------------------------------------------------------------------


def test_a_crowd_of_slow_clients_holds_nobody_up(tmp_path: Path) -> None:
    """Half heads, half bodies, idle and deaf ones: others are served meanwhile; then all are cut,
    and nothing of them stays.
    """
    limits = Limits(head=2, stall=2, idle=2)
    target = "/v1/objects/test/_/o"
    with DevServer(data_dir=tmp_path, limits=limits) as server, ExitStack() as stack:
        assert ask(server.url, "PUT", "/v1/objects/test/_/big", body=bytes(8 * MIB)).status == 200
        starts = (
            b"",
            b"PUT /v1/objects/test/_/o HTTP/1.1\r\nhost: test\r\nx: ",
            head("PUT", target, [("content-length", str(8 * MIB))]) + bytes(MIB),
            head("PUT", target, [("transfer-encoding", "chunked")]) + b"5\r\nhell",
            head("GET", "/v1/objects/test/_/big"),
        )
        crowd = [stack.enter_context(connect(server.url)) for _ in range(200)]
        for number, connection in enumerate(crowd):
            connection.setblocking(False)
            with suppress(BlockingIOError):
                connection.send(starts[number % len(starts)])
        for number in range(20):
            body = b"%d" % number
            assert ask(server.url, "PUT", target, body=body).status == 200
            assert ask(server.url, "GET", target).body == body
        for connection in crowd:
            connection.setblocking(True)
            connection.settimeout(30)
            closed(connection)
        assert ask(server.url, "GET", target).body == b"19"
        assert list((tmp_path / "staging").iterdir()) == []
        assert len(list((tmp_path / "objects").iterdir())) == 4


SERVER = """
import sys
from pathlib import Path
from objectstore_client.devserver import DevServer

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

with DevServer(data_dir=sys.argv[1]) as server:
    print(server.url, flush=True)
    for line in sys.stdin:
        print(peak(), flush=True)
"""


@contextmanager
def measured_server(data: Path) -> Iterator[tuple[str, Callable[[], int]]]:
    """A server in a process of its own: its URL, and what tells the most memory it had."""
    command = [sys.executable, "-c", SERVER, str(data)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        questions, answers = process.stdin, process.stdout
        assert questions is not None
        assert answers is not None

        def peak() -> int:
            questions.write("\n")
            questions.flush()
            return int(answers.readline())

        yield answers.readline().strip(), peak
        questions.close()
        assert process.wait(30) == 0


def test_a_connection_costs_little_memory(tmp_path: Path) -> None:
    """A MiB at most, whatever it sends, and however many answers it asks for and leaves unread."""
    with measured_server(tmp_path) as (url, peak), ExitStack() as stack:
        target = "/v1/objects/test/_/o"
        assert ask(url, "PUT", target, body=bytes(4 * MIB)).status == 200
        ask(url, "GET", target)
        before = peak()
        chunks = head("PUT", target, [("transfer-encoding", "chunked")])
        starts = (
            b"GET /health HTTP/1.1\r\nhost: test\r\nx: " + b"y" * 60_000,
            b"GET /health HTTP/1.1\r\nhost: test\r\n" + b"x: y\r\n" * 10_000,
            head("GET", target) * 1000,
            chunks + b"1\r\nx\r\n" * 10_000,
            chunks + b"1;" + b"x" * 60_000,
            head("GET", "/health") * 1000,
        )
        connections = [stack.enter_context(connect(url)) for _ in range(60)]
        for number, connection in enumerate(connections):
            connection.setblocking(False)
            with suppress(BlockingIOError):
                connection.send(starts[number % len(starts)])
        for _ in range(20):  # others are served, and so what was sent has been looked at
            assert ask(url, "GET", "/health").status == 200
        growth = peak() - before
        print(f"{growth / MIB / len(connections):.2f} MiB a connection")
        assert growth < len(connections) * MIB


# ---- planted files ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["directory", "full directory", "FIFO", "socket", "hard link"])
def test_planted_files_are_not_touched(tmp_path: Path, kind: str) -> None:
    """What stands where a record should be is not read, waited for or written to."""
    data, secret = tmp_path / "data", tmp_path / "secret"
    secret.write_text('{"secret": 1}')
    target = "/v1/objects/test/_/o"
    with DevServer(data_dir=data) as server, socket.socket(socket.AF_UNIX) as listener:
        ask(server.url, "PUT", target, body=b"hello")
        (record,) = (data / "objects").glob("*.json")
        record.unlink()
        match kind:
            case "directory" | "full directory":
                record.mkdir()
                if kind == "full directory":
                    (record / "file").write_text("alive")
            case "FIFO":
                os.mkfifo(record)
            case "socket":
                with chdir(record.parent):
                    listener.bind(record.name)
            case "hard link":
                record.hardlink_to(secret)
        assert ask(server.url, "GET", target).status in (404, 500)
        assert ask(server.url, "HEAD", target).status in (404, 500)
        stored = ask(server.url, "PUT", target, body=b"again").status
        assert stored == (500 if "directory" in kind else 200)
        assert list((data / "staging").iterdir()) == []
        assert ask(server.url, "GET", target).status == (200 if stored == 200 else 404)
        assert ask(server.url, "PUT", "/v1/objects/test/_/other", body=b"x").status == 200
    assert secret.read_text() == '{"secret": 1}'
    if kind == "full directory":
        assert (record / "file").read_text() == "alive"


@pytest.mark.parametrize("restart", [False, True])
def test_links_in_place_of_received_data_are_not_followed(tmp_path: Path, restart: bool) -> None:
    """Of uploads in several requests: nothing is added to what they point to, or taken from it."""
    data, secret = tmp_path / "data", tmp_path / "secret"
    secret.write_bytes(b"secret")
    objects, parts = "/v1/objects/test/_/o", "/v1/objects:multipart:parts/test/_/o"
    with ExitStack() as stack:
        server = stack.enter_context(DevServer(data_dir=data))
        opened = ask(
            server.url, "PUT", f"{objects}?upload_type=resumable", [("upload-length", "12")], b""
        )
        session = f"{objects}?session={opened.json()['session']}"
        start = [("upload-offset", "0")]
        assert ask(server.url, "PUT", session, start, b"public").status == 204
        begun = ask(server.url, "PUT", "/v1/objects:multipart/test/_/o", body=b"").json()
        part = f"{parts}?upload_id={begun['upload_id']}&part_number=1"
        etag = ask(server.url, "PUT", part, body=b"public").json()["etag"]
        received = [path for path in (data / "drafts").iterdir() if path.suffix != ".json"]
        assert len(received) == 2
        for path in received:
            path.unlink()
            path.symlink_to(secret)
        if restart:
            server.stop()
            server.start()
        for offset in ("*", "0", "6"):
            chunk = b"" if offset == "*" else b"public"
            answer = ask(server.url, "PUT", session, [("upload-offset", offset)], chunk)
            assert answer.status >= 400
            assert b"secret" not in answer.body
        manifest = json.dumps({"parts": [{"part_number": 1, "etag": etag}]}).encode()
        target = f"/v1/objects:multipart:complete/test/_/o?upload_id={begun['upload_id']}"
        ask(server.url, "POST", target, [("content-type", "application/json")], manifest)
        assert ask(server.url, "GET", objects).status == 404
        assert ask(server.url, "PUT", part, body=b"again").status in (200, 500)
        assert ask(server.url, "DELETE", session).status in (204, 404)
        assert list((data / "staging").iterdir()) == []
    assert secret.read_bytes() == b"secret"
