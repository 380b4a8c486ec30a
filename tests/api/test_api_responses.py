"""Response parsers: typed headers, models, and the errors for everything else. No network."""

import json
import pickle
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from objectstore_api import ApiError, InvalidResponse, UnexpectedStatus
from objectstore_api.api.internal import health
from objectstore_api.api.multipart import complete_multipart, list_parts
from objectstore_api.api.objects import delete_object, get_object, head_object, put_object
from objectstore_api.errors import BODY_LIMIT_BYTES
from objectstore_api.models import (
    Error,
    MultipartCompleteFailure,
    MultipartCompleteSuccess,
    ObjectKey,
    PartInfo,
    PutObjectResult,
)
from objectstore_api.timestamps import parse_timestamp


def head(status: int, **headers: str) -> httpx.Response:
    """The head of an answer; underscores in header names stand for hyphens."""
    return httpx.Response(status, headers={k.replace("_", "-"): v for k, v in headers.items()})


def test_headers_are_typed() -> None:
    """Sizes are integers, times are aware datetimes, texts are as received, the rest is in raw."""
    headers = get_object.parse_response(
        head(
            206,
            Content_Type="text/plain; charset=utf-8",
            Content_Range="bytes 0-8/22",
            X_SN_Size="22",
            x_sn_expiration="ttl:2months 29days 2h 52m 48s",
            x_sn_time_created="2026-07-23T12:00:00.123456Z",
            x_sn_time_expires="2026-10-01T14:00:01+02:00",
            x_snme_build="7",
        ),
        b"",
    ).headers
    assert headers.content_type == "text/plain; charset=utf-8"
    assert headers.content_range == "bytes 0-8/22"
    assert headers.x_sn_size == 22
    assert headers.x_sn_expiration == "ttl:2months 29days 2h 52m 48s"
    assert headers.x_sn_time_created == datetime(2026, 7, 23, 12, 0, 0, 123456, UTC)
    assert headers.x_sn_time_expires == datetime(2026, 10, 1, 12, 0, 1, tzinfo=UTC)
    assert headers.raw["x-snme-build"] == "7"
    assert headers.content_encoding is None


@pytest.mark.parametrize("status", [200, 204])
def test_missing_headers_are_none(status: int) -> None:
    """An old server may leave out any header, and both statuses of HEAD are fine."""
    response = head_object.parse_response(head(status), b"")
    assert (response.status_code, response.body) == (status, None)
    assert response.headers.x_sn_size is None
    assert response.headers.x_sn_time_created is None


def test_the_last_of_repeated_headers_counts() -> None:
    """Of a single-valued header that comes twice the last one is taken (protocol section 4)."""
    answer = httpx.Response(200, headers=[(b"X-Sn-Size", b"1"), (b"x-sn-size", b"2")])
    headers = get_object.parse_response(answer, b"").headers
    assert headers.x_sn_size == 2
    assert headers.raw == {"x-sn-size": "2"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-11-14T22:13:20Z", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("2023-11-14t22:13:20.5z", datetime(2023, 11, 14, 22, 13, 20, 500000, UTC)),
        ("2026-07-23T12:00:05.123456789Z", datetime(2026, 7, 23, 12, 0, 5, 123456, UTC)),
        (
            "9999-12-31T23:59:59.999999999Z",
            datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
        ),
        ("1970-01-01T00:30:00+01:00", datetime(1969, 12, 31, 23, 30, tzinfo=UTC)),
    ],
)
def test_timestamps(text: str, expected: datetime) -> None:
    """All forms servers send are read; digits beyond microseconds are cut off."""
    assert parse_timestamp(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2023-11-14",
        "20231114T221320Z",
        "2023-11-14T22:13:20",
        "2023-11-14T22:13Z",
        "2023-13-14T22:13:20Z",
        "2023-11-14T22:13:20.1234567890Z",
        "2023-W46-2T22:13:20Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "\u0662023-11-14T22:13:20Z",
    ],
)
def test_other_timestamps_are_value_errors(text: str) -> None:
    """What is no RFC 3339 timestamp, or has no place in the calendar, is a ValueError."""
    with pytest.raises(ValueError):
        parse_timestamp(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-sn-size", "-1"),
        ("x-sn-size", "1_0"),
        ("x-sn-size", "1, 1"),
        ("x-sn-size", "9" * 21),
        ("x-sn-time-created", "yesterday"),
    ],
)
def test_malformed_headers_are_invalid_responses(name: str, value: str) -> None:
    """A documented header of the wrong form is an error that names header and value."""
    with pytest.raises(InvalidResponse) as caught:
        get_object.parse_response(httpx.Response(200, headers={name: value}), b"payload")
    error = caught.value
    assert (error.operation, error.status_code, error.body) == ("get_object", 200, b"payload")
    assert error.headers[name] == value
    assert name in str(error)


def test_payloads_are_never_decoded() -> None:
    """The body of an object is what was received, whatever encoding its headers declare."""
    response = get_object.parse_response(head(200, content_encoding="zstd"), b"\x28\xb5compressed")
    assert response.body == b"\x28\xb5compressed"


def test_statuses_choose_the_model() -> None:
    """Each success status has its own body; unknown members and null ones do no harm."""
    stored = put_object.parse_response(head(200), b'{"key": "a/b", "new": [1], "session": null}')
    assert stored.body == PutObjectResult(key="a/b", session=None)
    opened = put_object.parse_response(
        head(200), b'{"key": "k", "session": "s", "granularity": 262144}'
    )
    assert opened.body == PutObjectResult(key="k", session="s", granularity=262144)
    committed = put_object.parse_response(head(201), b'{"key": "k"}')
    assert committed.body == ObjectKey(key="k")
    incomplete = put_object.parse_response(head(204, upload_offset="524288"), b"")
    assert incomplete.body is None
    assert incomplete.headers.upload_offset == 524288


def test_completion_is_decided_by_the_error() -> None:
    """A completed upload is told from a failed one by `error`, after any amount of white space."""
    done = complete_multipart.parse_response(head(200), b'   {"key":"k"}')
    assert done.body == MultipartCompleteSuccess(key="k")
    body = b'  {"error":{"code":"InvalidPart","message":"no part 2"},"key":"k"}'
    failed = complete_multipart.parse_response(head(200), body).body
    assert isinstance(failed, MultipartCompleteFailure)
    assert (failed.error.code, failed.error.message) == ("InvalidPart", "no part 2")
    with pytest.raises(InvalidResponse, match="error or key"):
        complete_multipart.parse_response(head(200), b"{}")


def test_lists_of_models() -> None:
    """Part lists are read with their times; a marker is missing on the last page."""
    part = {
        "part_number": 1,
        "etag": '"e"',
        "last_modified": "2026-07-23T12:00:05.123456789Z",
        "size": 5,
    }
    body = json.dumps({"parts": [part], "is_truncated": False}).encode()
    page = list_parts.parse_response(head(200), body).body
    when = datetime(2026, 7, 23, 12, 0, 5, 123456, UTC)
    assert list(page.parts) == [PartInfo(part_number=1, etag='"e"', last_modified=when, size=5)]
    assert page.next_part_number_marker is None
    assert PartInfo.from_dict(page.parts[0].to_dict()) == page.parts[0]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting"),
        (b"[]", "at the root: expected an object, got list"),
        (b"{}", "at parts: missing"),
        (b'{"parts": {}, "is_truncated": true}', "at parts: expected an array, got dict"),
        (b'{"parts": [], "is_truncated": 1}', "at is_truncated: expected a boolean, got int"),
        (
            b'{"parts": [{"part_number": true}], "is_truncated": true}',
            "at parts.[0].part_number: expected an integer, got bool",
        ),
        (b"\xff\xfe\xff", "decode"),
        (b"[" * 100_000, "recursion"),
        (b"9" * 5000, "limit"),
        (b'{"parts": [], "parts": [], "is_truncated": false}', "twice"),
        (b'{"parts": [], "is_truncated": false, "x": {"a": 1, "a": 1}}', "twice"),
        (b'{"parts": [], "is_truncated": false, "x": NaN}', "NaN"),
        ('{"parts": [], "is_truncated": false}'.encode("utf-16"), "decode"),
    ],
)
def test_malformed_json_is_an_invalid_response(body: bytes, reason: str) -> None:
    """JSON of the wrong shape, or none at all, is an error that says where and what."""
    with pytest.raises(InvalidResponse, match=reason.replace("[", r"\[")) as caught:
        list_parts.parse_response(head(200), body)
    assert caught.value.body == body[:BODY_LIMIT_BYTES]
    assert len(str(caught.value)) < 400


def test_text_bodies() -> None:
    """Plain text is a str."""
    assert health.parse_response(head(200), b"OK").body == "OK"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", None),
        (b"slow down", None),
        (b"[1]", None),
        (b'{"detail": 5}', None),
        (b'{"detail": "d", "causes": ["a", "b"]}', Error(detail="d", causes=("a", "b"))),
        (b'{"detail": null, "code": 1}', Error()),
    ],
)
def test_documented_errors_carry_all_there_is(body: bytes, error: Error | None) -> None:
    """A documented status is an ApiError with status, headers, body and the JSON error if any."""
    with pytest.raises(ApiError) as caught:
        get_object.parse_response(head(429, retry_after="3"), body)
    assert type(caught.value) is ApiError
    assert caught.value.status_code == 429
    assert caught.value.headers["retry-after"] == "3"
    assert caught.value.body == body
    assert caught.value.error == error
    assert caught.value.operation == "get_object"


@pytest.mark.parametrize("status", [100, 202, 302, 418, 502, 599, 999])
def test_undocumented_statuses_are_unexpected(status: int) -> None:
    """Any status the contract does not name raises, also those no enumeration knows."""
    with pytest.raises(UnexpectedStatus) as caught:
        delete_object.parse_response(head(status), b"who knows")
    assert caught.value.status_code == status
    assert str(caught.value) == f"delete_object: status {status}: who knows"


def test_error_messages_are_bounded_and_on_one_line() -> None:
    """A message has the server's words, but neither all of them nor their control characters."""
    body = json.dumps({"detail": "bad\r\n\x1b[31m" + "x" * 5000, "causes": ["c"]}).encode()
    with pytest.raises(ApiError) as caught:
        get_object.parse_response(head(400), body)
    message = str(caught.value)
    assert message.startswith("get_object: status 400: bad [31mxxx")
    assert message.isprintable()
    assert len(message) < 350
    assert caught.value.body == body[:BODY_LIMIT_BYTES]


def test_typed_headers_of_errors() -> None:
    """The headers class reads error answers too, such as the offset that comes with a conflict."""
    with pytest.raises(ApiError) as caught:
        put_object.parse_response(head(409, upload_offset="17"), b"{}")
    assert put_object.PutObjectHeaders.parse(caught.value.headers).upload_offset == 17


def test_errors_survive_pickling() -> None:
    """Errors cross process borders whole: task queues do that to them."""
    errors: list[ApiError] = []
    for response, body in [(head(404), b'{"detail":"d"}'), (head(599), b"x"), (head(200), b"")]:
        with pytest.raises(ApiError) as caught:
            list_parts.parse_response(response, body)
        errors.append(caught.value)
    assert [type(error) for error in errors] == [ApiError, UnexpectedStatus, InvalidResponse]
    for error in errors:
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert vars(copy) == vars(error)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_no_json_escapes_as_another_error(value: object) -> None:
    """Whatever JSON a server sends, the outcome is a model or an InvalidResponse."""
    for body in (value, {"parts": value, "is_truncated": value}, {"parts": [value]}):
        with pytest.raises(InvalidResponse):
            list_parts.parse_response(head(200), json.dumps(body).encode())
