"""Large objects through connections that keep breaking, and processes that are killed."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from objectstore_client import Client, Objectstore, Scope, Usecase
from objectstore_client.devserver import DevServer
from objectstore_client.resumable import CHUNK_BYTES
from objectstore_client.usecase import Compression
from tests.faults.proxy import Cut, Plan, Proxy, Reset, Throttle
from tests.faults.worlds import WORLDS, World, entered, value

MIB = 1024 * 1024
SEED = 7
USECASE = "transfers"


def write(path: Path, size: int) -> str:
    """Write a file of which half does not compress; returns its digest."""
    noise = random.Random(SEED)
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(size // MIB):
            block = noise.randbytes(MIB // 2) + bytes(MIB // 2)
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def digest_of(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Breaking(Proxy):
    """Breaks each connection after so many bytes in one direction, drawn by a seed."""

    def __init__(self, upstream: str, direction: str, least: int, most: int) -> None:
        super().__init__(upstream)
        self._plans = self._endless(direction, least, most)

    @staticmethod
    def _endless(direction: str, least: int, most: int) -> Iterator[Plan]:
        dice = random.Random(SEED)
        while True:
            # A proper end loses nothing that is on its way, a reset loses what was not read yet.
            kind = Reset if direction == "up" or most > 16 * MIB else Cut
            yield Plan(**{direction: kind(offset=dice.randrange(least, most))})


async def _up_and_down(
    world: World, url: str, breaking: tuple[int, int], compression: Compression, folder: Path
) -> dict[str, float]:
    """Upload and download a file; returns how many times its bytes passed the proxies."""
    source, copy = folder / "source", folder / "copy"
    usecase = Usecase(USECASE, compression=compression, resumable_threshold=1)
    passed = {}
    with Breaking(url, "up", *breaking) as proxy:
        async with entered(world.objectstore(proxy.url, spool_dir=folder)) as objectstore:
            client = objectstore.get_client(usecase, Scope())
            await value(client.upload_from(source, id="large"))
            passed["up"] = float(proxy.traffic.up)
        assert proxy.traffic.fired
    with Breaking(url, "down", *breaking) as proxy:
        async with entered(world.objectstore(proxy.url)) as objectstore:
            client = objectstore.get_client(usecase, Scope())
            metadata = await value(client.download_to("large", copy))
            passed["down"] = float(proxy.traffic.down)
        assert proxy.traffic.fired
    assert metadata.size is not None
    return {name: count / metadata.size for name, count in passed.items()}


def transfer(
    world: World, folder: Path, size: int, breaking: tuple[int, int], compression: Compression
) -> None:
    """A file goes up and comes down whole, with a quarter more bytes on the wire at most."""
    digest = write(folder / "source", size)
    with DevServer(data_dir=folder / "data") as server:
        passed = world.run(_up_and_down(world, server.url, breaking, compression, folder))
        assert digest_of(folder / "copy") == digest
    print(f"\n{world.name} {compression} {size // MIB} MiB:", passed, end="")
    assert all(1 <= factor <= 1.25 for factor in passed.values()), passed
    assert not list((folder / "data" / "drafts").iterdir())
    left = {path.name for path in folder.iterdir()}
    assert left == {"source", "copy", "data"}


@pytest.mark.parametrize("compression", ["none", "zstd"])
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: str(world.name))
def test_lost_connections_cost_little(
    world: World, compression: Compression, tmp_path: Path
) -> None:
    """24 MiB up and down, each connection breaking after 2 to 5 MiB."""
    transfer(world, tmp_path, 24 * MIB, (2 * MIB, 5 * MIB), compression)


@pytest.mark.long
@pytest.mark.parametrize("compression", ["none", "zstd"])
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: str(world.name))
def test_lost_connections_cost_little_of_256_mib(
    world: World, compression: Compression, tmp_path: Path
) -> None:
    """256 MiB up and down, each connection reset after 16 to 40 MiB."""
    transfer(world, tmp_path, 256 * MIB, (16 * MIB, 40 * MIB), compression)


# ---- killed --------------------------------------------------------------------------------

UPLOADER = """
import sys, time
from objectstore_client import Objectstore, Scope, Usecase

url, source, spool, compression, stop = *sys.argv[1:5], int(sys.argv[5])

def on_progress(done, total):
    if done >= stop:
        print("there", flush=True)
        time.sleep(600)

with Objectstore(url, spool_dir=spool) as objectstore:
    client = objectstore.get_client(Usecase("transfers", compression=compression), Scope())
    print(client.upload_from(source, id="large", resume=True, on_progress=on_progress))
"""


def kill_and_resume(folder: Path, size: int, kills: int, compression: Compression) -> None:
    """An upload that is killed *kills* times is completed; each costs one chunk at most."""
    digest = write(folder / "source", size)
    spool = folder / "spool"
    spool.mkdir()
    dice = random.Random(SEED)
    stops = sorted(dice.randrange(1, size) for _ in range(kills))
    with DevServer(data_dir=folder / "data") as server, Proxy(server.url) as proxy:
        for stop in [*stops, size * 2]:
            command = [sys.executable, "-c", UPLOADER, proxy.url, str(folder / "source")]
            command += [str(spool), compression, str(stop)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                said = process.stdout.readline().strip()
                if said == "there":
                    process.send_signal(signal.SIGKILL)
                    assert process.wait(30) == -signal.SIGKILL
            if said == "large":
                break
        else:
            pytest.fail("the upload was not completed")
        with Objectstore(server.url) as objectstore:
            client = objectstore.get_client(Usecase(USECASE), Scope())
            metadata = client.download_to("large", folder / "copy")
    assert metadata.size is not None
    overhead = (proxy.traffic.up - metadata.size) / MIB
    print(f"\n{compression}: {kills} kills, {overhead:.1f} MiB more than needed", end="")
    assert digest_of(folder / "copy") == digest
    assert overhead <= kills * CHUNK_BYTES / MIB + 1
    assert not list(spool.iterdir())
    assert not list((folder / "data" / "drafts").iterdir())


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_a_killed_upload_is_continued(compression: Compression, tmp_path: Path) -> None:
    """By another process, from the last chunk that the server has; nothing is left of it."""
    kill_and_resume(tmp_path, 32 * MIB, 2, compression)


@pytest.mark.long
@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_an_upload_killed_at_20_points_is_continued(
    compression: Compression, tmp_path: Path
) -> None:
    """256 MiB."""
    kill_and_resume(tmp_path, 256 * MIB, 20, compression)


# ---- slow connections ----------------------------------------------------------------------


def seconds(client: Client, path: Path, connections: int) -> float:
    """How long a download takes."""
    start = time.perf_counter()
    client.download_to("large", path, connections=connections)
    return time.perf_counter() - start


def speed_up(folder: Path, size: int, rate: int) -> float:
    """How much faster four slow connections are than one."""
    digest = write(folder / "source", size)
    throttled = Plan(down=Throttle(rate=rate))
    with DevServer(data_dir=folder / "data") as server, Proxy(server.url, rest=throttled) as proxy:
        with Objectstore(server.url) as objectstore:
            usecase = Usecase(USECASE, compression="none")
            objectstore.get_client(usecase, Scope()).upload_from(folder / "source", id="large")
        taken = []
        for connections in (1, 4):
            with Objectstore(proxy.url) as objectstore:
                client = objectstore.get_client(Usecase(USECASE), Scope())
                taken.append(seconds(client, folder / "copy", connections))
            assert digest_of(folder / "copy") == digest
            (folder / "copy").unlink()
    print(f"\n{size // MIB} MiB: {taken[0]:.1f} s, {taken[1]:.1f} s", end="")
    return taken[0] / taken[1]


def test_slow_connections_are_used_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four take less than half the time of one."""
    monkeypatch.setattr("objectstore_client._sync.download.PARALLEL_BYTES", MIB)
    monkeypatch.setattr("objectstore_client._sync.download.STEP_BYTES", MIB)
    assert speed_up(tmp_path, 8 * MIB, 8 * MIB) > 2


@pytest.mark.long
def test_one_gibibyte_over_four_connections_of_40_mib_per_second(tmp_path: Path) -> None:
    """Takes a third of the time of one, or less."""
    assert speed_up(tmp_path, 1024 * MIB, 40 * MIB) >= 3
