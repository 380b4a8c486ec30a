"""Compress the files of a folder as clients do: `python encode.py FOLDER`.

Each becomes NAME.zst, as our `put` makes it of independent frames; of `large` there is also
`large.one.zst`, one frame that does not tell its size, as the official client makes it, and the
first has the name `large.frames.zst`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import zstandard

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from objectstore_client.sources import PIECE  # noqa: E402
from objectstore_client.zstd import IndependentFrames, compress  # noqa: E402

for path in list(Path(sys.argv[1]).iterdir()):
    data, frames = path.read_bytes(), IndependentFrames(PIECE)
    encoded = [frames.note(compress(block)) for block in frames.feed(data)]
    if (block := frames.finish()) is not None:
        encoded.append(frames.note(compress(block)))
    encoded.append(frames.seek_table())
    name = "large.frames" if path.name == "large" else path.name
    path.with_name(f"{name}.zst").write_bytes(b"".join(encoded))
    if path.name == "large":
        stream = zstandard.ZstdCompressor().compressobj()
        path.with_name("large.one.zst").write_bytes(stream.compress(data) + stream.flush())
