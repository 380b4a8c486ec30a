"""Zstandard, in and out, with bounds on both: pure steps that other modules drive.

Nothing here does I/O, starts threads or waits. Writing: `compress` for what is in memory,
`IndependentFrames` for streams whose frames are compressed on several cores, `Compressor` for a
stream that is to be one frame. Reading: `Decoder`, which takes compressed bytes in pieces of any
size and gives decoded ones of at most 128 KiB, or whole frames for others to decode. `SeekTable`
tells where the frames of a stream are.
"""

from objectstore_client.zstd.contexts import DEFAULT_LEVEL
from objectstore_client.zstd.decoder import (
    DEFAULT_MAX_DECODED_SIZE,
    DEFAULT_MAX_WINDOW_SIZE,
    SMALL_SIZE,
    Decoder,
    WholeFrame,
    decompress_small,
)
from objectstore_client.zstd.encoder import Compressor, IndependentFrames, compress, shrinks
from objectstore_client.zstd.frames import MAX_BLOCK_SIZE, Buffer
from objectstore_client.zstd.seektable import FramePlace, SeekTable

__all__ = [
    "DEFAULT_LEVEL",
    "DEFAULT_MAX_DECODED_SIZE",
    "DEFAULT_MAX_WINDOW_SIZE",
    "MAX_BLOCK_SIZE",
    "SMALL_SIZE",
    "Buffer",
    "Compressor",
    "Decoder",
    "FramePlace",
    "IndependentFrames",
    "SeekTable",
    "WholeFrame",
    "compress",
    "decompress_small",
    "shrinks",
]
