# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""How to upload. Without this parameter the body is the object."""

from typing import Literal

UploadType = Literal["resumable"]
UPLOAD_TYPE_CHOICES: tuple[UploadType, ...] = ("resumable",)
