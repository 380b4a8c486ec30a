# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""The JSON bodies of the contract."""

from .completed_part import CompletedPart
from .content_encoding import ContentEncoding
from .error import Error
from .extend_expiry_after import ExtendExpiryAfter
from .extend_expiry_at import ExtendExpiryAt
from .extend_expiry_base import ExtendExpiryBase
from .multipart_complete_failure import MultipartCompleteFailure
from .multipart_complete_success import MultipartCompleteSuccess
from .multipart_error import MultipartError
from .multipart_manifest import MultipartManifest
from .multipart_upload import MultipartUpload
from .object_key import ObjectKey
from .object_patch import ObjectPatch
from .part_info import PartInfo
from .part_list import PartList
from .put_object_result import PutObjectResult
from .upload_session import UploadSession
from .upload_type import UploadType
from .uploaded_part import UploadedPart

__all__ = [
    "CompletedPart",
    "ContentEncoding",
    "Error",
    "ExtendExpiryAfter",
    "ExtendExpiryAt",
    "ExtendExpiryBase",
    "MultipartCompleteFailure",
    "MultipartCompleteSuccess",
    "MultipartError",
    "MultipartManifest",
    "MultipartUpload",
    "ObjectKey",
    "ObjectPatch",
    "PartInfo",
    "PartList",
    "PutObjectResult",
    "UploadedPart",
    "UploadSession",
    "UploadType",
]
