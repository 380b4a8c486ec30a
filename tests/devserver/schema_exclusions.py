"""What the schema-driven run leaves out, with the reason for each.

Whatever stands here is not tested against `openapi.yaml`: the shorter, the better.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Exclusion:
    """Something about the operation with the `operationId` *operation* that is not tested.

    Attributes:
        check: Name of a check; `None` leaves out the whole operation.
        accepted: Statuses that the check shall accept besides its own; without any it is off.
        fixed: Instead of a check: headers that always have these values.
    """

    operation: str
    reason: str
    check: str | None = None
    accepted: tuple[int, ...] = ()
    fixed: dict[str, str] = field(default_factory=dict)


NOT_SUPPORTED_YET = "the server answers 501"
RESUMABLE_QUERY = "the server answers 501 once the query asks for a resumable upload"
PLAIN_UPLOADS = (
    "these headers mean nothing without the query of a resumable upload, and may then hold "
    "anything; the schema can't say so"
)

EXCLUSIONS = (
    *(
        Exclusion(operation, NOT_SUPPORTED_YET)
        for operation in (
            "initiate_multipart",
            "initiate_multipart_with_key",
            "abort_multipart",
            "put_part",
            "list_parts",
            "complete_multipart",
        )
    ),
    *(
        Exclusion(operation, RESUMABLE_QUERY, check="not_a_server_error", accepted=(501,))
        for operation in ("create_object", "put_object", "delete_object")
    ),
    Exclusion("create_object", PLAIN_UPLOADS, fixed={"Upload-Length": "1"}),
    Exclusion("put_object", PLAIN_UPLOADS, fixed={"Upload-Length": "1", "Upload-Offset": "0"}),
    Exclusion(
        "get_object",
        "which ranges an object satisfies depends on its size",
        check="positive_data_acceptance",
        accepted=(404, 416),
    ),
    Exclusion(
        "get_object",
        "payloads are opaque: a part of a JSON document, or what its writer calls text, need not "
        "be JSON or text",
        check="response_schema_conformance",
    ),
)
