"""Starting and stopping: `DevServer` and `objectstore serve`."""

from __future__ import annotations

import gc
import importlib
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from objectstore_client.devserver import DevServer, MissingExtraError
from objectstore_client.devserver.protocol import Limits
from tests.devserver.wire import ask, closed, connect, head, receive

HAS_IPV6 = socket.has_ipv6 and Path("/proc/net/if_inet6").exists()


def _open_files() -> set[str]:
    return {str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.exists()}


@pytest.mark.parametrize("kind", ["memory", "directory"])
def test_a_stopped_server_leaves_nothing_behind(tmp_path: Path, kind: str) -> None:
    """No thread, no socket, no open file."""
    threads, files = set(threading.enumerate()), _open_files()
    with DevServer(data_dir=tmp_path if kind == "directory" else None) as server:
        url = server.url
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*", url)
        with connect(url) as idle:
            idle.sendall(head("PUT", "/v1/objects/test/_/o", [("content-length", "1")]) + b"x")
            assert receive(idle).status == 200
            server.stop()
            assert closed(idle) == b""
    gc.collect()
    assert set(threading.enumerate()) == threads
    assert _open_files() <= files
    with pytest.raises(ConnectionRefusedError):
        connect(url)


def test_a_server_can_be_started_again(tmp_path: Path) -> None:
    """A directory keeps the objects meanwhile, memory does not."""
    for data_dir, status in ((tmp_path, 200), (None, 404)):
        server = DevServer(data_dir=data_dir)
        server.start()
        ask(server.url, "PUT", "/v1/objects/test/_/o", body=b"x")
        server.stop()
        server.stop()
        with server:
            assert ask(server.url, "GET", "/v1/objects/test/_/o").status == status


def test_a_server_that_does_not_run_has_no_url() -> None:
    """And one that runs can't be started."""
    server = DevServer()
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.url
    with server, pytest.raises(RuntimeError, match="running already"):
        server.start()


def test_a_port_in_use_is_an_error_at_once() -> None:
    """Raised where the server is started, and nothing is left behind."""
    threads = set(threading.enumerate())
    with DevServer() as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            DevServer(port=port).start()
    assert set(threading.enumerate()) == threads


def test_an_error_on_the_thread_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that can't start says why, where it is started."""
    module = importlib.import_module("objectstore_client.devserver.server")

    def fail(*_: object, **__: object) -> None:
        raise ValueError("no")

    monkeypatch.setattr(module.HttpServer, "startup", fail)
    threads = set(threading.enumerate())
    with pytest.raises(ValueError, match="no"):
        DevServer().start()
    assert set(threading.enumerate()) == threads


def test_a_running_request_may_finish() -> None:
    """A server that is being stopped takes no new connections, but ends what it has begun."""
    server = DevServer()
    server.start()
    with connect(server.url) as connection:
        headers = [("content-length", "5"), ("expect", "100-continue")]
        connection.sendall(head("PUT", "/v1/objects/test/_/o", headers))
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        while True:
            try:
                connect(server.url).close()
            except (ConnectionRefusedError, ConnectionResetError):
                break
        connection.sendall(b"hello")
        assert receive(connection).status == 200
        stopping.join()


def test_a_stuck_request_does_not_keep_a_server_from_stopping() -> None:
    """It is cut off after a while."""
    with DevServer(limits=Limits(grace=0.2)) as server:
        connection = connect(server.url)
        headers = [("content-length", "5"), ("expect", "100-continue")]
        connection.sendall(head("PUT", "/v1/objects/test/_/o", headers))
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        server.stop()
    assert closed(connection) == b""
    connection.close()


@pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6")
def test_an_ipv6_address_is_written_in_brackets() -> None:
    """So that the URL can be used as it is."""
    with DevServer(host="::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert ask(server.url, "GET", "/health").status == 200


def test_the_packages_of_the_server_are_optional() -> None:
    """Without them there is one clear message, and the client works."""
    program = """
import sys
for name in ("uvicorn", "h11", "click"):
    sys.modules[name] = None
import objectstore_client
from objectstore_client.devserver.app import App
from objectstore_client.devserver import MissingExtraError
try:
    from objectstore_client.devserver import DevServer
except ImportError as error:
    assert isinstance(error, MissingExtraError), error
    print(error)
import objectstore_client.cli
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    for message, package in ((done.stdout, "uvicorn"), (done.stderr, "click")):
        assert len(message.splitlines()) == 1
        assert package in message
        assert "[server]" in message
    assert issubclass(MissingExtraError, ImportError)


def test_the_client_does_not_import_the_server() -> None:
    """Nor what only the server needs."""
    program = """
import sys
import objectstore_client
assert not {"uvicorn", "objectstore_client.cli", "objectstore_client.devserver"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


# ---- the command ----------------------------------------------------------------------------


@contextmanager
def _command(*options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "objectstore_client.cli", "serve", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _ready(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert re.fullmatch(r"listening on http://\S+:\d+\n", line), line
    return line.split()[-1]


def _run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "objectstore_client.cli", "serve", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_one_line_and_stops_cleanly(stop: signal.Signals) -> None:
    """Exit code 0, nothing else on stdout, nothing on stderr."""
    with _command("--port", "0") as process:
        url = _ready(process)
        assert ask(url, "PUT", "/v1/objects/test/_/o", body=b"x").status == 200
        assert ask(url, "GET", "/v1/objects/test/_/o").body == b"x"
        with connect(url):
            process.send_signal(stop)
            assert process.wait(30) == 0
        assert process.stdout is not None and process.stdout.read() == ""
        assert process.stderr is not None and process.stderr.read() == ""


def test_the_command_keeps_objects_in_a_directory(tmp_path: Path) -> None:
    """They are there when it is started again."""
    for method, body in (("PUT", b"x"), ("GET", None)):
        with _command("--port", "0", "--data", str(tmp_path / "new")) as process:
            answer = ask(_ready(process), method, "/v1/objects/test/_/o", body=body)
            assert answer.status == 200
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
    assert answer.body == b"x"


def test_requests_are_logged_without_their_queries() -> None:
    """With `--verbose`, on stderr."""
    with _command("--port", "0", "--verbose", "--memory") as process:
        url = _ready(process)
        ask(url, "PUT", "/v1/objects/test/_/o?os_auth=hush", body=b"x")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert process.stdout is not None and process.stdout.read() == ""
        assert process.stderr is not None
        (line,) = process.stderr.read().splitlines()
    assert re.search(r"PUT /v1/objects/test/_/o 200 \d+\.\d ms$", line)
    assert "hush" not in line


def test_a_port_in_use_is_one_clear_line() -> None:
    """It names the port, and what can be done."""
    with DevServer() as server:
        port = server.url.rpartition(":")[2]
        done = _run("--port", port)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert port in line
    assert "--port" in line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "host.invalid"], "host.invalid"),
        (["--data", "/dev/null/x"], "/dev/null/x"),
    ],
)
def test_what_can_not_be_served_is_one_clear_line(options: list[str], words: str) -> None:
    """Without a traceback."""
    done = _run("--port", "0", *options)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert words in line


def test_data_and_memory_exclude_each_other(tmp_path: Path) -> None:
    """As an error of usage."""
    done = _run("--data", str(tmp_path), "--memory")
    assert done.returncode == 2
    assert "--data and --memory" in done.stderr


def test_a_directory_in_use_is_one_clear_line(tmp_path: Path) -> None:
    """Two servers would not know of each other."""
    with DevServer(data_dir=tmp_path):
        done = _run("--port", "0", "--data", str(tmp_path))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "in use by another server" in line


def test_an_open_address_is_worth_a_warning() -> None:
    """As there is no authentication; on stderr, and the server runs."""
    with _command("--port", "0", "--host", "0.0.0.0") as process:
        url = _ready(process)
        assert url.startswith("http://0.0.0.0:")
        assert ask(url.replace("0.0.0.0", "127.0.0.1"), "GET", "/health").status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert process.stderr is not None
        (line,) = process.stderr.read().splitlines()
    assert "no authentication" in line
