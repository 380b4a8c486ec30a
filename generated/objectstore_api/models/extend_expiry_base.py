# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""What the duration counts from, the creation of the object or this request."""

from typing import Literal

ExtendExpiryBase = Literal["creation", "now"]
EXTEND_EXPIRY_BASE_CHOICES: tuple[ExtendExpiryBase, ...] = ("creation", "now")
