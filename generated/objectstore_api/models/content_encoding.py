# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""The only encoding a payload may declare."""

from typing import Literal

ContentEncoding = Literal["zstd"]
CONTENT_ENCODING_CHOICES: tuple[ContentEncoding, ...] = ("zstd",)
