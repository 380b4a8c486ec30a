"""What servers send without end costs memory that is bounded: measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import repeat

import pytest

from tests.support.rawserver import Exchange, RawServer

MIB = 1024 * 1024
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ZSTD = OK + b"Content-Encoding: zstd\r\n\r\n"
BATCH = OK + b"Content-Type: multipart/form-data; boundary=B\r\n\r\n"
PART = b"--B\r\nx-sn-batch-operation-index: 0\r\nx-sn-batch-operation-status: 200 OK\r\n"
FILLER = b"x" * 65536

# The beginning of an answer, and what follows again and again. Batches are asked for by name.
ENDLESS = {
    "a-header-of-a-byte": (OK, b"x"),
    "one-header": (OK + b"x: ", FILLER),
    "headers": (OK, b"x: y\r\n" * 10_000),
    "interim-answers": (b"", b"HTTP/1.1 103 X\r\nx: " + FILLER[:60_000] + b"\r\n\r\n"),
    "chunk-extension": (CHUNKED + b"1;", FILLER),
    "chunk-extensions": (CHUNKED, (b"1;" + FILLER[:1000] + b"\r\nx\r\n") * 60),
    "trailers": (CHUNKED + b"1\r\nx\r\n0\r\n", b"x: y\r\n" * 10_000),
    "body": (OK + b"\r\n", FILLER),
    "body-of-a-length": (OK + b"Content-Length: 9223372036854775807\r\n\r\n", FILLER),
    "chunks-of-a-byte": (CHUNKED, b"1\r\nx\r\n" * 10_000),
    "error-body": (b"HTTP/1.1 500 X\r\n\r\n", FILLER),
    "error-body-in-chunks": (
        b"HTTP/1.1 404 X\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"10000\r\n" + FILLER + b"\r\n",
    ),
    "spaces-instead-of-JSON": (OK + b"Content-Type: application/json\r\n\r\n", b" " * 65536),
    "depth-instead-of-JSON": (OK + b"Content-Type: application/json\r\n\r\n", b"[" * 65536),
    "JSON": (OK + b"Content-Type: application/json\r\n\r\n[", b"[],{}," * 10_000),
    "skippable-frames": (ZSTD, (b"\x50\x2a\x4d\x18\x00\x00\x01\x00" + FILLER)),
    "empty-frames": (ZSTD, bytes.fromhex("28b52ffd 0000 010000") * 10_000),
    "zeros-compressed": (ZSTD, b""),
    "batch-without-parts": (BATCH, FILLER),
    "batch-with-a-part-s-head": (BATCH + PART + b"x: ", FILLER),
    "batch-with-headers": (BATCH + PART, b"x: y\r\n" * 10_000),
    "batch-with-a-part": (BATCH + PART + b"\r\n", FILLER),
    "batch-of-parts": (BATCH + PART + b"\r\nx\r\n", PART + b"\r\nx\r\n"),
    "batch-of-empty-parts": (BATCH, b"--B\r\n\r\n\r\n\r\n" * 1000),
    "batch-that-has-ended": (BATCH + PART + b"\r\nx\r\n--B--", FILLER),
}

# Blocks of a repeated byte, 4 bytes that decode to 128 KiB, in frames with the largest window.
BOMB = bytes.fromhex("28b52ffd 0068") + ((131_072 << 3 | 2).to_bytes(3, "little") + b"x") * 16_000

CLIENT = """
import asyncio, json, sys
from objectstore_client import AsyncObjectstore, Objectstore, ObjectstoreError, Scope, Usecase

url, world, names = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
USECASE, MIB = Usecase("hostile"), 1024 * 1024
OPTIONS = {"deadline": 0.3, "retries": 0, "max_decoded_size": 64 * MIB}

def peak(*, reset=False):
    if reset:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

def sync():
    with Objectstore(url, **OPTIONS) as objectstore:
        for name in ["warm-up", *names]:
            client = objectstore.get_client(USECASE, Scope(scenario=name))
            before, told = peak(reset=True), []
            try:
                if name.startswith("batch"):
                    raise client.get_many(["a", "b"])[1].error
                with client.get("key") as result:
                    for piece in result.payload:
                        pass
            except ObjectstoreError as error:
                told.append(type(error).__name__)
            try:
                if name.startswith("batch"):
                    raise client.put_many({"a": b"x", "b": b"y"})[1].error
                client.put(b"x", id="key")
            except ObjectstoreError as error:
                told.append(type(error).__name__)
            yield name, told, peak() - before

async def async_():
    async with AsyncObjectstore(url, **OPTIONS) as objectstore:
        for name in ["warm-up", *names]:
            client = objectstore.get_client(USECASE, Scope(scenario=name))
            before, told = peak(reset=True), []
            try:
                if name.startswith("batch"):
                    raise (await client.get_many(["a", "b"]))[1].error
                async with await client.get("key") as result:
                    async for piece in result.payload:
                        pass
            except ObjectstoreError as error:
                told.append(type(error).__name__)
            try:
                if name.startswith("batch"):
                    raise (await client.put_many({"a": b"x", "b": b"y"}))[1].error
                await client.put(b"x", id="key")
            except ObjectstoreError as error:
                told.append(type(error).__name__)
            yield name, told, peak() - before

async def collect():
    return [found async for found in async_()]

print(json.dumps(list(sync()) if world == "sync" else asyncio.run(collect())))
"""


def play(exchange: Exchange) -> None:
    """Answer without end, as the scope says."""
    exchange.read_body()
    name = exchange.target.partition("scenario=")[2].partition("/")[0]
    if name == "warm-up":
        exchange.send(OK + b'Content-Type: application/json\r\n\r\n{"key":"key"}')
        raise ConnectionError
    start, rest = ENDLESS[name]
    exchange.send(start)
    for piece in repeat(rest or BOMB):
        exchange.send(piece)


@pytest.mark.parametrize("world", ["sync", "async"])
def test_endless_answers_cost_little_memory(world: str) -> None:
    """Each ends in a typed error, at the latest at the deadline, and adds less than 32 MiB; only
    of JSON, of which 2 MiB are read, Python makes more.
    """
    with RawServer(rest=play) as server:
        command = [sys.executable, "-c", CLIENT, server.url, world, json.dumps(list(ENDLESS))]
        result = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    found = json.loads(result.stdout)
    for name, told, growth in found[1:]:
        print(f"{name:26} {growth / MIB:5.1f} MiB {' '.join(told)}")
        assert len(told) == 2, "neither get nor put is content with it"
        assert growth < (64 if name == "JSON" else 32) * MIB
    assert [name for name, _, _ in found[1:]] == list(ENDLESS)
