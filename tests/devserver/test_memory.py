"""How much memory large objects take, on a server that stores to a directory."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.devserver.wire import connect, head

MIB = 1024 * 1024
ALLOWED_GROWTH = 24 * MIB

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="peak memory is read from /proc"
)


def _peak(process: subprocess.Popen[str]) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


@pytest.mark.parametrize("size", [96 * MIB, pytest.param(1024 * MIB, marks=pytest.mark.long)])
def test_a_large_object_streams_both_ways(tmp_path: Path, size: int) -> None:
    """The peak does not depend on the size."""
    command = [sys.executable, "-m", "objectstore_client.cli", "serve", "--port", "0"]
    command += ["--data", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            before = _peak(process)
            piece = bytes(range(256)) * 4096
            target = "/v1/objects/test/_/o"
            with connect(url) as connection:
                headers = [("content-length", str(size))]
                connection.sendall(head("PUT", target, headers))
                for _ in range(size // MIB):
                    connection.sendall(piece)
                assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
            with connect(url) as connection:
                connection.sendall(head("GET", target, [("connection", "close")]))
                buffer = bytearray(MIB)
                received = 0
                while count := connection.recv_into(buffer):
                    received += count
            assert received > size
            assert _peak(process) - before < ALLOWED_GROWTH
        finally:
            process.send_signal(signal.SIGTERM)
