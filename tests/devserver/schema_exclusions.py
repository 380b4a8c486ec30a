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


UNKNOWN_UPLOAD = "an unknown upload is answered with 500, and known ones are not met by chance"
EMPTY_BODY = "opening a session takes an empty body only; the schema can't tell it from a put"
PLAIN_UPLOADS = (
    "these headers mean nothing without the query of a resumable upload, and may then hold "
    "anything; the schema can't say so"
)

EXCLUSIONS = (
    *(
        Exclusion(operation, UNKNOWN_UPLOAD, check="not_a_server_error", accepted=(500,))
        for operation in ("put_part", "list_parts")
    ),
    *(
        Exclusion(operation, UNKNOWN_UPLOAD, check="positive_data_acceptance", accepted=(500,))
        for operation in ("put_part", "list_parts")
    ),
    Exclusion("create_object", PLAIN_UPLOADS, fixed={"Upload-Length": "1"}),
    Exclusion("put_object", PLAIN_UPLOADS, fixed={"Upload-Length": "1", "Upload-Offset": "0"}),
    *(
        Exclusion(operation, EMPTY_BODY, check="positive_data_acceptance", accepted=(400,))
        for operation in ("create_object", "put_object")
    ),
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
