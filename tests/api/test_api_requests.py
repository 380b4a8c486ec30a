"""Request builders and the requests that clients make of them, without a network."""

import io
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta, timezone

import httpx
import pytest
from objectstore_api import (
    DEFAULT_TIMEOUT,
    AsyncClient,
    Client,
    InvalidArgument,
    PreparedHeaders,
    RequestParts,
)
from objectstore_api.api.batch import batch_objects
from objectstore_api.api.internal import health
from objectstore_api.api.multipart import complete_multipart, put_part
from objectstore_api.api.objects import create_object, get_object, patch_object, put_object
from objectstore_api.models import (
    CompletedPart,
    ExtendExpiryAfter,
    ExtendExpiryAt,
    MultipartManifest,
    ObjectPatch,
)
from objectstore_api.target import Target


async def pieces() -> AsyncIterator[bytes]:
    """An async body."""
    yield b"x"


def test_parts_say_what_is_sent() -> None:
    """Parts show operation, method, target, headers by lowercase name, and the body."""
    parts = put_object.build_request(
        "u",
        "_",
        "k",
        body=b"data",
        content_type="text/plain",
        content_encoding="zstd",
        upload_length=10,
        x_sn_expiration="ttl:7d",
        extra_headers={"x-snme-A": "1"},
    )
    assert (parts.operation_id, parts.method, parts.target) == (
        "put_object",
        "PUT",
        "/v1/objects/u/_/k",
    )
    assert parts.headers == {
        "content-type": "text/plain",
        "content-encoding": "zstd",
        "upload-length": "10",
        "x-sn-expiration": "ttl:7d",
        "x-snme-a": "1",
    }
    assert parts.content == b"data"


def test_the_repr_of_parts_shows_no_secrets() -> None:
    """Tokens travel in headers and in the query, so neither is in the repr."""
    headers = {"x-os-auth": "hunter2"}
    parts = put_object.build_request("u", "_", "k", session="hunter2", extra_headers=headers)
    assert "path='/v1/objects/u/_/k'" in repr(parts)
    assert "hunter2" not in repr(parts)


def test_extra_headers_replace_whatever_their_case() -> None:
    """An extra header replaces the declared one of the same name, so none is sent twice."""
    parts = put_object.build_request(
        "u", "_", "k", body=b"", content_type="a/b", extra_headers={"Content-TYPE": "c/d"}
    )
    assert parts.headers == {"content-type": "c/d"}


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\rb", "a\0b", "é", "\x7f", "\ud800"])
def test_unsafe_header_values_are_refused_without_showing_them(value: str) -> None:
    """A value that could end the header or is not ASCII is refused; it may be a secret."""
    with pytest.raises(InvalidArgument) as caught:
        get_object.build_request("u", "_", "k", extra_headers={"x-os-auth": f"secret{value}"})
    assert caught.value.argument == "header x-os-auth"
    assert "secret" not in str(caught.value)
    with pytest.raises(InvalidArgument):
        put_object.build_request("u", "_", "k", x_sn_filename=value)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "é", "(x)"])
def test_header_names_must_be_tokens(name: str) -> None:
    """A name that is no HTTP token is refused."""
    with pytest.raises(InvalidArgument, match="not an HTTP token"):
        get_object.build_request("u", "_", "k", extra_headers={name: "x"})


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding"])
def test_framing_headers_are_refused(name: str) -> None:
    """Nobody can give the body another framing than it has."""
    with pytest.raises(InvalidArgument, match="follows from the body"):
        get_object.build_request("u", "_", "k", extra_headers={name: "3"})
    with pytest.raises(InvalidArgument, match="follows from the body"):
        Client("http://h", headers={name: "3"})


def test_a_header_given_in_two_spellings_is_refused() -> None:
    """Which of the two would win is nobody's guess."""
    with pytest.raises(InvalidArgument, match="given twice"):
        get_object.build_request("u", "_", "k", extra_headers={"X-A": "1", "x-a": "2"})


@pytest.mark.parametrize("body", ["text", {"a": 1}, 5, object()])
def test_bodies_that_are_no_bytes_are_refused(body: object) -> None:
    """Text and other objects are refused when the request is built, with their type."""
    with pytest.raises(TypeError, match=type(body).__name__):
        put_object.build_request("u", "_", "k", body=body)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "length"), [(b"abc", 4), (b"abc", -1), (None, 3), (memoryview(b"abcd"), 3)]
)
def test_a_wrong_content_length_is_refused(body: bytes | None, length: int) -> None:
    """A length that contradicts the body is refused before anything is sent."""
    with pytest.raises(InvalidArgument) as caught:
        put_object.build_request("u", "_", "k", body=body, content_length=length)
    assert caught.value.argument == "content_length"


def test_batches_need_a_content_type() -> None:
    """The boundary is part of the type, so a batch can't be built without one."""
    with pytest.raises(TypeError, match="content_type"):
        batch_objects.build_request("u", "_", body=b"")  # type: ignore[call-arg]
    parts = batch_objects.build_request(
        "u", "_", body=b"", content_type="multipart/form-data; boundary=b"
    )
    assert parts.headers["content-type"] == "multipart/form-data; boundary=b"


@pytest.mark.parametrize(
    ("target", "content"),
    [
        (
            ExtendExpiryAt(at=datetime(2026, 10, 16, 14, tzinfo=timezone(timedelta(hours=2)))),
            b'{"extend_expiry":{"at":"2026-10-16T12:00:00Z"}}',
        ),
        (
            ExtendExpiryAfter(after="30d", from_="creation"),
            b'{"extend_expiry":{"after":"30d","from":"creation"}}',
        ),
    ],
)
def test_patch_bodies(target: ExtendExpiryAt | ExtendExpiryAfter, content: bytes) -> None:
    """Both forms of the PATCH body are compact JSON with its content type."""
    parts = patch_object.build_request("u", "_", "k", body=ObjectPatch(extend_expiry=target))
    assert parts.content == content
    assert parts.headers == {"content-type": "application/json"}


def test_a_deadline_needs_a_time_zone() -> None:
    """A naive datetime is refused: which instant it means would be a guess."""
    patch = ObjectPatch(extend_expiry=ExtendExpiryAt(at=datetime(2026, 10, 16)))
    with pytest.raises(InvalidArgument, match=r"at .*: needs a time zone"):
        patch_object.build_request("u", "_", "k", body=patch)


def test_manifests_keep_etags_verbatim() -> None:
    """Etags carry quotes and other characters, which JSON brings over unchanged."""
    manifest = MultipartManifest(parts=[CompletedPart(part_number=1, etag='"é-1"')])
    parts = complete_multipart.build_request("u", "_", "k", upload_id="i", body=manifest)
    assert parts.content == '{"parts":[{"part_number":1,"etag":"\\"é-1\\""}]}'.encode()


@pytest.mark.parametrize("make", [Client, AsyncClient])
@pytest.mark.parametrize(
    "url",
    [
        "localhost:8888",
        "ftp://h",
        "http://",
        "http://ho st",
        "http://h:65536",
        "http://user:hunter2@h",
        "http://h/?token=hunter2",
        "http://h/#hunter2",
    ],
)
def test_base_urls_are_checked_without_showing_secrets(
    make: Callable[[str], Client | AsyncClient], url: str
) -> None:
    """A base URL that is no plain HTTP URL is refused, in words that can't hold a password."""
    with pytest.raises(ValueError, match="base_url") as caught:
        make(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("make", [Client, AsyncClient])
def test_repr_shows_the_base_url_only(make: type[Client] | type[AsyncClient]) -> None:
    """Neither headers nor anything else that may be secret is in the repr."""
    client = make("http://h:80/prefix/", headers={"x-os-auth": "hunter2"})
    assert repr(client) == f"<{make.__name__} 'http://h/prefix'>"


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("http://h", b"/v1/objects/u/a=1;b=2//%2520x%3F?session=%2F"),
        ("http://h/", b"/v1/objects/u/a=1;b=2//%2520x%3F?session=%2F"),
        ("http://h/pre%20fix/x", b"/pre%20fix/x/v1/objects/u/a=1;b=2//%2520x%3F?session=%2F"),
    ],
)
def test_requests_keep_the_encoded_target(base: str, expected: bytes) -> None:
    """The target is base path, path and query, byte for byte; so is what httpx would parse."""
    parts = put_object.build_request("u", "a=1;b=2", "/%20x?", session="/")
    request = Client(base).build(parts)
    assert request.url.raw_path == expected
    assert request.url == httpx.URL(str(request.url))


def test_an_unknown_httpx_falls_back_to_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The short cut for URLs relies on a private attribute, and nothing breaks without it."""
    from objectstore_api import target

    def broken(*_: object) -> httpx.URL:
        raise AttributeError

    monkeypatch.setattr(target.Target, "_replace_path", broken)
    request = Client("http://h/p").build(get_object.build_request("u", "_", "/%20"))
    assert request.url.raw_path == b"/p/v1/objects/u/_//%2520"


def test_keys_may_be_longer_than_httpx_parses() -> None:
    """No limit is put on the length of a key; the server has its own."""
    key = "k" * 100_000
    request = Client("http://h").build(get_object.build_request("u", "_", key))
    assert len(request.url.raw_path) > 100_000


def test_default_headers_and_timeout() -> None:
    """A request names host, agent and an encoding nobody has to undo, and has a time limit."""
    request = Client("http://h:8888/p", headers={"X-Os-Auth": "t"}).build(health.build_request())
    assert dict(request.headers) == {
        "host": "h:8888",
        "user-agent": "objectstore-api-python",
        "accept-encoding": "identity",
        "x-os-auth": "t",
    }
    assert request.extensions["timeout"] == {"connect": 5, "read": 60, "write": 30, "pool": 10}
    assert DEFAULT_TIMEOUT.as_dict() == request.extensions["timeout"]


def test_timeouts_from_wide_to_narrow() -> None:
    """The timeout of a call beats the client's; a ready client's own beats our default."""
    parts = health.build_request()

    def read_timeout(request: httpx.Request) -> object:
        return request.extensions["timeout"]["read"]

    assert read_timeout(Client("http://h", timeout=7).build(parts)) == 7
    assert read_timeout(Client("http://h", timeout=7).build(parts, timeout=8)) == 8
    assert read_timeout(Client("http://h").build(parts, timeout=httpx.Timeout(None))) is None
    with httpx.Client(timeout=9) as ready:
        assert read_timeout(Client("http://h", http_client=ready).build(parts)) == 9
        assert read_timeout(Client("http://h", http_client=ready, timeout=7).build(parts)) == 7


def test_request_headers_rank_above_client_headers() -> None:
    """A header of the request replaces the client's, also `Accept-Encoding`."""
    client = Client("http://h", headers={"X-A": "client", "Accept-Encoding": "zstd"})
    parts = health.build_request(extra_headers={"x-a": "request"})
    request = client.build(parts)
    assert request.headers["x-a"] == "request"
    assert request.headers["accept-encoding"] == "zstd"


@pytest.mark.parametrize(
    ("parts", "framing"),
    [
        (get_object.build_request("u", "_", "k"), {}),
        (put_object.build_request("u", "_", "k"), {"content-length": "0"}),
        (create_object.build_request("u", "_", body=b""), {"content-length": "0"}),
        (create_object.build_request("u", "_", body=b"abc"), {"content-length": "3"}),
        (
            put_object.build_request("u", "_", "k", body=memoryview(b"abcd").cast("I")),
            {"content-length": "4"},
        ),
        (put_object.build_request("u", "_", "k", body=[b"a"]), {"transfer-encoding": "chunked"}),
        (
            put_object.build_request("u", "_", "k", body=[b"a"], content_length=1),
            {"content-length": "1"},
        ),
        (
            put_part.build_request(
                "u", "_", "k", upload_id="i", part_number=1, body=io.BytesIO(b"abc")
            ),
            {"content-length": "3"},
        ),
    ],
)
def test_framing_follows_from_the_body(
    parts: RequestParts[object, object], framing: dict[str, str]
) -> None:
    """A known length is announced, an unknown one is chunked, no body says so where expected."""
    headers = Client("http://h").build(parts).headers
    found = {k: headers[k] for k in ("content-length", "transfer-encoding") if k in headers}
    assert found == framing


async def test_each_client_refuses_what_it_cannot_send() -> None:
    """A body of the other world is refused before a connection is made."""
    client, async_client = Client("http://h"), AsyncClient("http://h")
    with pytest.raises(TypeError, match="needs AsyncClient"):
        client.build(put_object.build_request("u", "_", "k", body=pieces()))
    for body in (io.BytesIO(b"x"), [b"x"]):
        with pytest.raises(TypeError, match="async iterable"):
            async_client.build(put_object.build_request("u", "_", "k", body=body))


def test_transport_and_http_client_exclude_each_other() -> None:
    """Two ways to send at once make no sense."""
    with httpx.Client() as ready, pytest.raises(ValueError, match="not both"):
        Client("http://h", transport=httpx.MockTransport(lambda r: r), http_client=ready)


def test_utc_is_what_timestamps_are_written_in() -> None:
    """Fractions stay, offsets become Z."""
    at = datetime(2026, 1, 1, 0, 0, 0, 5, tzinfo=UTC)
    assert ExtendExpiryAt(at=at).to_dict() == {"at": "2026-01-01T00:00:00.000005Z"}


def test_prepared_headers_are_those_they_were_made_of() -> None:
    """They are checked when they are made, and go out as others do."""
    prepared = PreparedHeaders({"X-Os-Auth": "Bearer abc"})
    assert prepared == {"x-os-auth": "Bearer abc"}
    for range_, more in ((None, {}), ("bytes=0-1", {"range": "bytes=0-1"})):
        parts = get_object.build_request("abc", "_", "key", range_=range_, extra_headers=prepared)
        assert parts.headers == {**more, "x-os-auth": "Bearer abc"}
        plain = get_object.build_request(
            "abc", "_", "key", range_=range_, extra_headers=dict(prepared)
        )
        target = Target("http://localhost", 1.0, {})
        assert target.head(parts, 0) == target.head(plain, 0)
    with pytest.raises(InvalidArgument, match="not allowed"):
        PreparedHeaders({"x-os-auth": "a\nb"})
