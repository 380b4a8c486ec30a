"""What every benchmark here needs: processes, environments of their own, facts of the machine."""

from __future__ import annotations

import http.client
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Self

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).resolve().parent
BUILD = ROOT / "build" / "bench"

OFFICIAL = "0.2.10"
"""Version of the official client."""


def say(text: str, end: str = "\n") -> None:
    """Write *text* for whoever looks on."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


class Process:
    """A child that is told what to do line by line, and ends when nothing more comes."""

    def __init__(self, python: str, script: str, *args: str) -> None:
        self.child = subprocess.Popen(
            [python, "-I", str(HERE / script), *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.input.close()
        self.output.close()
        self.child.wait(timeout=30)

    @property
    def input(self) -> IO[str]:
        assert self.child.stdin is not None
        return self.child.stdin

    @property
    def output(self) -> IO[str]:
        assert self.child.stdout is not None
        return self.child.stdout

    def line(self) -> str:
        """Wait for a line of output."""
        if not (line := self.output.readline()):
            raise SystemExit(f"a part of the benchmark failed: {self.child.args!r}")
        return line

    def do(self, operation: str, concurrency: int, seconds: float) -> dict[str, float]:
        """Have a job done."""
        job = {"operation": operation, "concurrency": concurrency, "seconds": seconds}
        self.input.write(json.dumps(job) + "\n")
        self.input.flush()
        result: dict[str, float] = json.loads(self.line())
        return result


class Server(Process):
    """The canned server."""

    def __init__(self, folder: Path) -> None:
        super().__init__(sys.executable, "server.py", str(folder))
        self.port = int(self.line())
        self._control = http.client.HTTPConnection("127.0.0.1", self.port)

    def __exit__(self, *_: object) -> None:
        self._control.close()
        super().__exit__()

    def cpu(self) -> float:
        """Return the seconds of CPU time that it has used."""
        self._control.request("GET", "/cpu")
        return float(self._control.getresponse().read())


def environment(name: str, *packages: str) -> str:
    """Return the interpreter of an environment with these packages; make it if need be."""
    folder = ROOT / ".venv" / name
    python, marker = str(folder / "bin" / "python"), folder / "packages.txt"
    if not marker.exists() or marker.read_text().split() != list(packages):
        say(f"making .venv/{name} with {', '.join(packages)}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip_install(python, *packages)
        marker.write_text("\n".join(packages))
    return python


def pip_install(python: str, *arguments: str) -> None:
    """Install into an environment."""
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, *arguments], check=True, cwd=ROOT)


def run(python: str, *arguments: str) -> str:
    """Return the output of a Python process."""
    return subprocess.run(
        [python, *arguments], check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ).stdout.strip()


def versions(python: str, names: Sequence[str]) -> str:
    """Return the versions of packages in an environment."""
    code = (
        "import sys, platform, importlib.metadata as m\n"
        "found = {d.metadata['name'].lower(): d.version for d in m.distributions()}\n"
        "print('Python ', platform.python_version(), *(\n"
        "    f', {name} {found[name]}' for name in sys.argv[1:] if name in found), sep='')"
    )
    return run(python, "-I", "-c", code, *names)


def machine() -> str:
    """Describe where this runs."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return f"{cores} × {model}, {platform.system()} {platform.release()}"


def commit() -> str:
    """Name what is checked out."""
    command = ["git", "describe", "--always", "--dirty"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"
