"""Paths, methods and queries (protocol sections 2, 3, 11 and 12)."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from objectstore_client.devserver import DevServer
from objectstore_client.devserver.replies import Refusal
from objectstore_client.devserver.routing import match, parse_query, refine
from tests.devserver.conftest import Ask
from tests.devserver.wire import ask

OBJECT = "/v1/objects/test/_/o"
REFERENCE_SAFE = "-._~/:@!$&'()*+,;="
"""What the reference clients leave unescaped, besides letters and digits."""


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "*",
        "/v1",
        "/v1/",
        "/v1/objects",
        "/v1/objects/",
        "/v1/objects/test",
        "/v1/objects/test/",
        "/v1/objects//_/o",
        "/v1/objects/test//o",
        "/v2/objects/test/_/o",
        "//v1/objects/test/_/o",
        "/v1/object/test/_/o",
        "/v1/objects%3Abatch/test/_/",
        "/v1/objects:batch/test/_",
        "/v1/objects:batch/test/_/o",
        "/v1/objects:multipart:parts/test/_/",
        "/v1/objects:multipart:complete/test/_",
        "/health/",
        "/debug/pprof/heap",
    ],
)
def test_an_unknown_path_is_404(server: DevServer, target: str) -> None:
    """Without a body, whatever the method."""
    for method in ("GET", "POST", "PUT"):
        assert ask(server.url, method, target).shape == (404, "empty")


@pytest.mark.parametrize(
    ("target", "methods", "allowed"),
    [
        (OBJECT, "POST OPTIONS TRACE get", "GET, HEAD, PUT, PATCH, DELETE"),
        ("/v1/objects/test/_/", "GET HEAD PUT PATCH DELETE OPTIONS", "POST"),
        ("/v1/objects/test/_", "GET HEAD PUT PATCH DELETE OPTIONS", "POST"),
        ("/v1/objects:batch/test/_/", "GET PUT", "POST"),
        ("/v1/objects:multipart/test/_/", "GET PUT", "POST"),
        ("/v1/objects:multipart/test/_/o", "GET POST", "PUT, DELETE"),
        ("/v1/objects:multipart:parts/test/_/o", "POST DELETE", "PUT, GET"),
        ("/v1/objects:multipart:complete/test/_/o", "PUT", "POST"),
        ("/health", "POST PUT", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_405(server: DevServer, target: str, methods: str, allowed: str) -> None:
    """Without a body, but with the methods that there are."""
    for method in methods.split():
        refused = ask(server.url, method, target)
        assert refused.shape == (405, "empty")
        assert refused.headers["allow"] == allowed


@pytest.mark.parametrize(
    "usecase", ["ab", "a" * 65, "a.b", "%2e%2e", "a%2Fb", "a%00b", "%FF%FF%FF"]
)
def test_a_bad_usecase_is_refused(server: DevServer, usecase: str) -> None:
    """As 400 with plain text."""
    assert ask(server.url, "GET", f"/v1/objects/{usecase}/_/o").shape == (400, "text")
    assert ask(server.url, "POST", f"/v1/objects:batch/{usecase}/_/").shape == (400, "text")


@pytest.mark.parametrize(
    "scopes",
    [
        "org",
        "org=",
        "=17",
        "org=1;",
        ";org=1",
        "org=1;;b=2",
        "a=b.c",
        "a=b=c",
        "a=%C3%A9",
        "%FF",
        "..",
    ],
)
def test_bad_scopes_are_refused(server: DevServer, scopes: str) -> None:
    """As 400 with plain text."""
    assert ask(server.url, "GET", f"/v1/objects/test/{scopes}/o").shape == (400, "text")


@pytest.mark.parametrize(
    "scopes", ["_", "%5F", "org=17", "a=(1)$!+'-_;a=2", "org%3D17%3Bproject%3D42"]
)
def test_good_scopes_are_accepted(server: DevServer, scopes: str) -> None:
    """Escaped or not."""
    assert ask(server.url, "PUT", f"/v1/objects/test/{scopes}/o", body=b"x").status == 200


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a%2Fb", "a/b"),
        ("a/b", "a%2fb"),
        ("a%20b", "a%20b"),
        ("a+b", "a%2Bb"),
        ("%C3%A9", "%c3%a9"),
        ("looks%2520encoded", "looks%2520encoded"),
        ("100%", "100%25"),
        ("a%zzb", "a%25zzb"),
        ("/lead", "%2Flead"),
        ("a//b", "a/%2Fb"),
        ("trail/", "trail%2F"),
        ("...", "%2e%2e%2e"),
        (".hidden", "%2ehidden"),
    ],
)
def test_spellings_of_one_key(call: Ask, written: str, read: str) -> None:
    """Escapes are decoded once, after the path has been split; a plus is a plus."""
    assert call("PUT", f"/{written}", body=b"x").status == 200
    assert call("GET", f"/{read}").body == b"x"


@pytest.mark.parametrize(
    "key",
    [
        "..",
        ".",
        "../o",
        "a/../o",
        "a/./o",
        "a/..",
        "%2e%2e",
        "%2E%2e%2Fo",
        "a%2F..%2Fo",
        "..%2F..%2F..%2Fetc%2Fpasswd",
        "/..",
        "%C3%28",
        "%ED%A0%80",
        "%FF",
    ],
)
def test_keys_that_are_refused(call: Ask, key: str) -> None:
    """Dot segments, however they are written, and what is not UTF-8: 400 with plain text."""
    for method in ("GET", "PUT", "DELETE"):
        assert call(method, f"/{key}", body=b"x").shape == (400, "text")


HARMLESS = [
    "/etc/passwd",
    "\\..\\..\\etc",
    "C:\\windows",
    "a\0b",
    "\0",
    "~root",
    "a\r\nb",
    "k" * 10_000,
    "\U0001f600",
    "\ufeff",
    "lock",
    "objects",
    "'; DROP TABLE",
    "%2e%2e",
    "a?b#c",
    "x" * 300 + "/" + "y" * 300,
]


@pytest.mark.parametrize("key", HARMLESS, ids=range(len(HARMLESS)))
def test_strange_keys_are_only_keys(call: Ask, key: str) -> None:
    """Each names one object, and is echoed as it is."""
    target = "/" + quote(key, safe=REFERENCE_SAFE)
    stored = call("PUT", target, body=key.encode())
    assert (stored.status, stored.json()) == (200, {"key": key})
    assert call("GET", target).body == key.encode()


@given(
    st.text(st.characters(codec="utf-8"), min_size=1), st.sampled_from(["", "/", REFERENCE_SAFE])
)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
def test_any_key_through_the_socket(call: Ask, key: str, safe: str) -> None:
    """What was stored under a key is found under it, however much of it is escaped."""
    target = "/" + quote(key, safe=safe)
    stored = call("PUT", target, body=key.encode())
    if {".", ".."} & set(key.split("/")):
        assert stored.shape == (400, "text")
    else:
        assert stored.json() == {"key": key}
        assert call("GET", "/" + quote(key, safe="")).body == key.encode()


@settings(deadline=None)
@given(st.binary(), st.sampled_from(["GET", "POST", "PUT", "DELETE"]))
def test_any_path_is_matched_or_refused(tail: bytes, method: str) -> None:
    """Nothing else happens, whatever stands in the request line."""
    for path in (tail, b"/v1/" + tail, b"/v1/objects/test/_/" + tail):
        try:
            match(method, path).address()
        except Refusal as refusal:
            assert refusal.reply.status in (400, 404, 405)


@settings(deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126)))
def test_any_query_is_read_or_refused(query: str) -> None:
    """Nothing else happens, whatever stands behind the question mark."""
    try:
        refine(match("PUT", b"/v1/objects/test/_/o").operation, parse_query(query.encode()))
    except Refusal as refusal:
        assert refusal.reply.status == 400


def test_unknown_parameters_are_ignored(call: Ask) -> None:
    """Even when they are repeated."""
    assert call("PUT", "/o?a=1&a=2&x&x&&=&%FF", body=b"x").status == 200
    assert call("GET", "/o?upload=resumable").body == b"x"


@pytest.mark.parametrize("name", ["os_auth", "session", "upload_type", "upload_id", "os%5Fauth"])
def test_a_repeated_parameter_is_refused(call: Ask, name: str) -> None:
    """If it is one that means something: 400 with plain text."""
    for method in ("GET", "PUT", "DELETE"):
        assert call(method, f"/o?{name}=1&b=2&{name}=1").shape == (400, "text")


@pytest.mark.parametrize(
    ("method", "key", "shape"),
    [
        ("POST", "/?upload_type=resumable", (400, "text")),
        ("POST", "?upload_type=resumable", (400, "text")),
        ("POST", "/?session=AAAA", (400, "text")),
        ("POST", "/?upload_type=other", (400, "json")),
        ("PUT", "/o?upload_type=resumable", (400, "text")),
        ("PUT", "/o?session=AAAA", (400, "text")),
        ("PUT", "/o?session=", (400, "text")),
        ("PUT", "/o?session=AAAA&upload_type=other", (400, "text")),
        ("PUT", "/o?upload_type=other", (400, "json")),
        ("PUT", "/o?upload_type=", (400, "json")),
        ("PUT", "/o?upload_type=Resumable", (400, "json")),
        ("DELETE", "/o?session=AAAA", (404, "json")),
        ("DELETE", "/o?upload_type=resumable", (400, "json")),
        ("DELETE", "/o?upload_type=other", (400, "json")),
    ],
)
def test_the_query_decides_about_resumable_uploads(
    call: Ask, method: str, key: str, shape: tuple[int, str]
) -> None:
    """Without the headers they need they fail, and are never mistaken for plain operations."""
    assert call(method, key).shape == shape
    assert call("GET").status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reading_ignores_the_parameters_of_resumable_uploads(call: Ask, method: str) -> None:
    """They only turn writing into something else."""
    call("PUT", body=b"x")
    assert call(method, "/o?session=AAAA&upload_type=other").status == 200


def test_the_order_of_checks(call: Ask) -> None:
    """Path, then query, then metadata and range, then the object."""
    bad: list[tuple[str, str | bytes]] = [("content-encoding", "gzip"), ("range", "x")]
    assert call("PUT", "/..?session=1&session=2", bad).body.startswith(b"Invalid URL: key")
    assert b"session" in call("PUT", "/o?session=1&session=2", bad).body
    assert call("PUT", "/o", bad).json()["detail"] == "invalid content-encoding header"
    assert call("GET", "/o", bad).json()["detail"] == "malformed Range header"
