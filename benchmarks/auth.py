"""What tokens cost: `python benchmarks/auth.py`, half a minute; `--operations 2000` to try it.

Reads an object of 1 KiB again and again, in turns without a token and with ones signed by a key,
and compares the CPU time of this process. Counted is how often the key signs: once per life of a
token. Ends with an error if an operation takes more than 5 µs longer with a token.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from harness import Server, machine, say
from samples import json_lines

from objectstore_client import Client, Objectstore, Scope, SecretKey, Usecase
from objectstore_client.tokens import make_token

ALLOWED_MICROSECONDS = 5.0
TURN = 250
"""Operations in one turn: about as short as the clock of CPU time allows."""


def turn(client: Client) -> float:
    """Microseconds of CPU time per operation."""
    started = time.process_time()
    for _ in range(TURN):
        client.get("small").payload.read()
    return (time.process_time() - started) / TURN * 1e6


def main() -> None:
    """Measure, and say what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--operations", type=int, default=20_000, help="of each side")
    turns = max(parser.parse_args().operations // TURN, 2)
    life = timedelta(seconds=5)
    key = SecretKey("benchmark", bytes(32), expiry=life)
    counted = patch("objectstore_client.signing.make_token", wraps=make_token)
    with tempfile.TemporaryDirectory() as folder, counted as signatures:
        Path(folder, "small").write_bytes(json_lines(1024))
        with Server(Path(folder)) as server:
            url = f"http://127.0.0.1:{server.port}"
            with Objectstore(url) as plain, Objectstore(url, token=key) as signed:
                clients = [
                    each.get_client(Usecase("bench"), Scope(org=17, project=42))
                    for each in (plain, signed)
                ]
                for client in clients:
                    turn(client)
                started = time.monotonic()
                pairs = [tuple(map(turn, clients)) for _ in range(turns)]
                seconds = time.monotonic() - started
    without, with_token = (statistics.median(side) for side in zip(*pairs, strict=True))
    more = statistics.median(each[1] - each[0] for each in pairs)
    say(f"machine      {machine()}")
    say(f"operations   {turns * TURN} of each side, median of {turns} turns")
    say(f"no token     {without:6.1f} µs of CPU time per GET of 1 KiB")
    say(f"signed       {with_token:6.1f} µs")
    say(f"difference   {more:6.1f} µs, allowed are {ALLOWED_MICROSECONDS:.0f}")
    say(f"signatures   {signatures.call_count} in {seconds:.1f} s, of {life.seconds} s each")
    lives = 2 + seconds / (0.8 * life.total_seconds())
    if more > ALLOWED_MICROSECONDS or signatures.call_count > lives:
        raise SystemExit("tokens cost more than they may")


if __name__ == "__main__":
    main()
