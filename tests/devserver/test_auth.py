"""Enforcement: where a token is read, what it has to say, what it allows (protocol 13, 14)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from objectstore_client import (
    Delete,
    Get,
    Head,
    InvalidArgumentError,
    Objectstore,
    PermissionDeniedError,
    Put,
    Scope,
    SecretKey,
    Usecase,
)
from objectstore_client.devserver import AuthKey, DevServer
from objectstore_client.devserver.auth import PERMISSIONS
from objectstore_client.devserver.routing import Operation
from objectstore_client.presign import canonical_form, sign_query
from objectstore_client.tokens import encode_base64url
from tests.devserver.wire import Answer, Header, ask, connect, head, receive
from tests.support.keys import KID, OTHER_SEED, PRIVATE_PEM, PUBLIC_PEM, SEED, VECTOR_TOKEN
from tests.support.serve import serving

NOW = datetime(2026, 4, 20, 13, 37, tzinfo=UTC)
KEY = SecretKey(KID, PRIVATE_PEM)
OTHER = SecretKey("other", OTHER_SEED)
OBJECT = "/v1/objects/attachments/org=17;project=42/o"
ALL = ["object.read", "object.write", "object.delete"]


def public(seed: bytes) -> bytes:
    """The public key that belongs to the private one *seed*."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


@pytest.fixture(scope="module")
def server() -> Iterator[DevServer]:
    """A server with two keys; of the second there are two versions, which may only read."""
    keys = [
        AuthKey(KID, PUBLIC_PEM),
        AuthKey("other", public(bytes(32)), ["object.read"]),
        AuthKey("other", public(OTHER_SEED), ["object.read"]),
    ]
    with DevServer(auth_keys=keys, clock=lambda: NOW) as server:
        yield server


def token(
    claims: dict[str, Any] | None = None,
    *,
    header: dict[str, Any] | None = None,
    key: SecretKey = KEY,
    drop: str = "",
) -> str:
    """A token that allows everything on `OBJECT`, but for what differs."""
    full = {
        "res": {"os:usecase": "attachments", "org": "17", "project": "42"},
        "permissions": ALL,
        "exp": int(NOW.timestamp()) + 60,
        **(claims or {}),
    }
    full.pop(drop, None)
    parts = [{"alg": "EdDSA", "kid": key.kid, "typ": "JWT", **(header or {})}, full]
    if header and header.get("kid", "") is None:
        del parts[0]["kid"]
    signed = ".".join(encode_base64url(json.dumps(part).encode()) for part in parts)
    return f"{signed}.{encode_base64url(key.sign(signed.encode()))}"


def bearer(jwt: str) -> list[Header]:
    """The header that carries *jwt*."""
    return [("x-os-auth", f"Bearer {jwt}")]


def asked(
    server: DevServer,
    method: str = "DELETE",
    target: str = OBJECT,
    headers: Iterable[Header] = (),
    body: bytes | None = None,
) -> int:
    """The status of an answer, whose body has the form that goes with it."""
    answer: Answer = ask(server.url, method, target, headers, body)
    if answer.status in (400, 401, 403) and method != "HEAD":
        assert answer.shape == (answer.status, "json")
    return answer.status


# ---- where the token is read ----------------------------------------------------------------

GOOD, BAD = token(), token(key=OTHER, header={"kid": KID})


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ([], "", 400),
        ([("x-os-auth", f"Bearer {GOOD}")], "", 204),
        ([("x-os-auth", f"bEaReR {GOOD}")], "", 204),
        ([("x-os-auth", GOOD)], "", 400),
        ([("x-os-auth", f"Bearer  {GOOD}")], "", 401),
        ([("x-os-auth", f"Basic {GOOD}")], "", 400),
        ([("authorization", f"Bearer {GOOD}")], "", 204),
        ([("authorization", f"Basic {GOOD}")], "", 400),
        ([("x-os-auth", "Basic x"), ("authorization", f"Bearer {GOOD}")], "", 400),
        ([("x-os-auth", f"Bearer {BAD}"), ("authorization", f"Bearer {GOOD}")], "", 401),
        ([("x-os-auth", f"Bearer {GOOD}"), ("authorization", f"Bearer {BAD}")], "", 204),
        ([], f"?os_auth={GOOD}", 204),
        ([], f"?os_auth=Bearer%20{GOOD}", 401),
        ([], f"?OS_AUTH={GOOD}", 400),
        ([], f"?os_auth={GOOD}&os_auth={GOOD}", 400),
        ([("x-os-auth", "Basic x")], f"?os_auth={GOOD}", 204),
        ([("x-os-auth", f"Bearer {BAD}")], f"?os_auth={GOOD}", 401),
        ([("x-os-auth", f"Bearer {GOOD}")], f"?os_auth={BAD}", 204),
        ([("x-os-auth", f"Bearer {GOOD}")], "?os_sig=x", 403),
    ],
)
def test_where_the_token_is_read(
    server: DevServer, headers: list[Header], query: str, status: int
) -> None:
    """By the precedence of section 13.1; without one, the answer is 400."""
    assert asked(server, target=OBJECT + query, headers=headers) == status


# ---- what a token has to say ----------------------------------------------------------------


def resource(**scopes: object) -> dict[str, Any]:
    """Claims for the use case of `OBJECT` and these scopes."""
    return {"res": {"os:usecase": "attachments", **scopes}}


@pytest.mark.parametrize(
    ("jwt", "status"),
    [
        (token(header={"kid": None}), 400),
        (token(header={"kid": "unknown"}), 401),
        (token(header={"kid": 7}), 401),
        (token(header={"alg": "none"}), 401),
        (token(header={"alg": "HS256"}), 401),
        (token(header={"typ": "anything", "crit": ["x"]}), 204),
        (BAD, 401),
        (GOOD[:-2] + ("AA" if GOOD[-2:] != "AA" else "BB"), 401),
        (GOOD.rpartition(".")[0] + ".", 401),
        (GOOD + "=", 401),
        (GOOD + ".x", 401),
        ("x", 401),
        ("..", 401),
        ("W10.W10.", 401),
        (token(drop="exp"), 401),
        (token({"exp": int(NOW.timestamp()) - 60}), 204),
        (token({"exp": int(NOW.timestamp()) - 61}), 401),
        (token({"exp": str(NOW.timestamp())}), 401),
        (token({"exp": True}), 401),
        (token({"exp": float("nan")}), 401),
        (token({"exp": 10**400}), 204),
        (token({"exp": NOW.timestamp() + 0.5}), 204),
        (token({"nbf": 4102444800, "iat": 4102444800, "sub": 1}), 204),
        (token({"aud": "objectstore"}), 204),
        (token({"aud": ["x", "objectstore"]}), 204),
        (token({"aud": "other"}), 401),
        (token({"aud": []}), 401),
        (token({"aud": None}), 401),
        (token({"iss": "sentry"}), 204),
        (token({"iss": "relay"}), 204),
        (token({"iss": "other"}), 401),
        (token({"iss": ["relay"]}), 401),
        (token(drop="res"), 401),
        (token({"res": []}), 401),
        (token({"res": {"org": "17"}}), 401),
        (token(resource(org=17, project="42")), 401),
        (token(drop="permissions"), 401),
        (token({"permissions": "object.delete"}), 401),
        (token({"permissions": [*ALL, "object.admin"]}), 401),
        (token({"permissions": [["object.delete"]]}), 401),
        (token({"permissions": []}), 403),
        (token({"permissions": ["object.delete"]}), 204),
    ],
)
def test_what_a_token_has_to_say(server: DevServer, jwt: str, status: int) -> None:
    """By the table of section 13.2."""
    assert asked(server, headers=bearer(jwt)) == status


@pytest.mark.parametrize(
    ("scopes", "target", "status"),
    [
        ({"org": "17", "project": "42"}, OBJECT, 204),
        ({"project": "42", "org": "17"}, OBJECT, 204),
        ({"org": "17", "project": "*"}, OBJECT, 204),
        ({"org": "*", "project": "*"}, OBJECT, 204),
        ({"org": "17", "project": "4*"}, OBJECT, 403),
        ({"org": "17", "*": "*"}, OBJECT, 403),
        ({"org": "17"}, OBJECT, 403),
        ({"org": "18", "project": "42"}, OBJECT, 403),
        ({}, OBJECT, 403),
        ({"org": "17", "project": "42"}, "/v1/objects/attachments/org=17/o", 204),
        ({"org": "17", "project": "42"}, "/v1/objects/attachments/project=42;org=17/o", 204),
        ({"org": "17", "project": "42"}, "/v1/objects/attachments/_/o", 204),
        ({"org": "17"}, "/v1/objects/attachments/org=17;org=18/o", 403),
        ({"org": "17"}, "/v1/objects/attachments/org%3D17/o", 204),
        ({"org": "17"}, "/v1/objects/other/org=17/o", 403),
        ({"org": "17", "project": "42"}, "/v1/objects/attachmentsx/_/o", 403),
    ],
)
def test_which_scopes_a_token_covers(
    server: DevServer, scopes: dict[str, str], target: str, status: int
) -> None:
    """Every scope of the request, by value or wildcard; others of the token do not matter."""
    assert asked(server, target=target, headers=bearer(token(resource(**scopes)))) == status


def test_the_vector_of_the_protocol(server: DevServer) -> None:
    """The token of section 13.4 reads where it should, and does nothing else."""
    for query, headers in (("", bearer(VECTOR_TOKEN)), (f"?os_auth={VECTOR_TOKEN}", [])):
        for target, method, status in (
            ("org=17;project=5/a", "GET", 404),
            ("org=17;project=5/a", "PUT", 403),
            ("org=18;project=5/a", "GET", 403),
        ):
            path = f"/v1/objects/attachments/{target}{query}"
            assert asked(server, method, path, headers) == status


@pytest.mark.parametrize("permission", ALL)
def test_each_operation_needs_its_permission(server: DevServer, permission: str) -> None:
    """By the table of section 13.3."""
    headers = bearer(token({"permissions": [permission]}))
    asked(server, "PUT", headers=bearer(GOOD), body=b"x")
    json_type = [("content-type", "application/json")]
    statuses = {
        "object.read": [
            asked(server, "GET", headers=headers),
            asked(server, "HEAD", headers=headers),
        ],
        "object.write": [
            asked(server, "PUT", headers=headers, body=b"x"),
            asked(server, "POST", OBJECT[:-1], headers, b"x"),
            asked(
                server,
                "PATCH",
                headers=[*headers, *json_type],
                body=b'{"extend_expiry":{"after":"1d","from":"now"}}',
            ),
        ],
        "object.delete": [asked(server, "DELETE", headers=headers)],
    }
    for needed, found in statuses.items():
        if needed == permission:
            assert not {400, 401, 403} & set(found)
        else:
            assert set(found) == {403}


@pytest.mark.parametrize(
    ("method", "prefix", "suffix"),
    [
        ("POST", "objects", "?upload_type=resumable"),
        ("PUT", "objects", "o?upload_type=resumable"),
        ("PUT", "objects", "o?session=AAAA"),
        ("DELETE", "objects", "o?session=AAAA"),
        ("POST", "objects:multipart", ""),
        ("PUT", "objects:multipart", "o"),
        ("DELETE", "objects:multipart", "o?upload_id=x"),
        ("PUT", "objects:multipart:parts", "o?upload_id=x&part_number=1"),
        ("GET", "objects:multipart:parts", "o?upload_id=x"),
    ],
)
def test_uploads_are_writing(server: DevServer, method: str, prefix: str, suffix: str) -> None:
    """All that belongs to them, listing and giving up included; completing says so in its 200."""
    target = f"/v1/{prefix}/attachments/org=17;project=42/{suffix}"
    rest = bearer(token({"permissions": ["object.read", "object.delete"]}))
    assert asked(server, method, target, rest, b"") == 403
    assert asked(server, method, target, [], b"") == 400
    writer = bearer(token({"permissions": ["object.write"]}))
    assert ask(server.url, method, target, writer, b"").status not in (401, 403)


def test_every_operation_of_the_contract_has_a_permission() -> None:
    """One that was forgotten would fail, not pass."""
    internal = {Operation.HEALTH, Operation.READY, Operation.KEDA}
    assert set(PERMISSIONS) == set(Operation) - internal


def test_a_key_bounds_what_its_tokens_allow(server: DevServer) -> None:
    """And each of its versions verifies."""
    headers = bearer(token(key=OTHER))
    assert asked(server, "GET", "/v1/objects/attachments/_/absent", headers) == 404
    assert asked(server, "DELETE", headers=headers) == 403
    old = SecretKey("other", bytes(32))
    assert asked(server, "GET", "/v1/objects/attachments/_/absent", bearer(token(key=old))) == 404


@pytest.mark.parametrize("path", ["/health", "/ready", "/keda"])
def test_internal_endpoints_need_no_token(server: DevServer, path: str) -> None:
    """They say nothing of objects."""
    assert ask(server.url, "GET", path).status == 200


# ---- the order of checks --------------------------------------------------------------------

READER = bearer(token({"permissions": ["object.read"]}))


@pytest.mark.parametrize(
    ("method", "target", "headers", "status"),
    [
        ("GET", "/v2/nonsense", [], 404),
        ("TRACE", OBJECT, [], 405),
        ("GET", "/v1/objects/a/b=/c", [], 400),
        ("GET", "/v1/objects/a/b=/c", bearer(BAD), 401),
        ("PUT", OBJECT, [*READER, ("content-type", "?")], 400),
        ("PUT", OBJECT, READER, 403),
        ("GET", "/v1/objects/other/_/o", [*READER, ("range", "bytes=2-1")], 400),
        ("GET", "/v1/objects/other/_/o", READER, 403),
        ("PUT", OBJECT + "?upload_type=x", READER, 400),
        ("PUT", OBJECT + "?upload_type=resumable", bearer(BAD), 401),
    ],
)
def test_the_order_of_checks(
    server: DevServer, method: str, target: str, headers: list[Header], status: int
) -> None:
    """Route, token, path, range or metadata, and the permission at last (section 12.3)."""
    assert ask(server.url, method, target, headers).status == status


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH"])
def test_a_refusal_comes_before_the_body(server: DevServer, method: str) -> None:
    """Which is not read: a client that waits for leave to send need not send it."""
    target = OBJECT[:-1] if method == "POST" else OBJECT
    for auth, status in (([], 400), (bearer(BAD), 401), (READER, 403)):
        headers = [*auth, ("content-length", "5"), ("expect", "100-continue")]
        with connect(server.url) as connection:
            connection.sendall(head(method, target, headers))
            assert receive(connection).status == status


# ---- pre-signed URLs ------------------------------------------------------------------------


def presigned(
    path: str = OBJECT,
    *,
    method: str = "GET",
    age: timedelta = timedelta(0),
    seconds: int = 60,
    key: SecretKey = KEY,
) -> str:
    """The target of a pre-signed request."""
    return f"{path}?{sign_query(key.kid, key.sign, method, path, now=NOW - age, seconds=seconds)}"


def resigned(old: str, new: str) -> str:
    """A target with a change in its query that is signed too."""
    query = presigned().partition("?")[2].rpartition("&os_sig=")[0].replace(old, new)
    signature = encode_base64url(KEY.sign(canonical_form("GET", OBJECT, query)))
    return f"{OBJECT}?{query}&os_sig={signature}"


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", presigned(), 200),
        ("HEAD", presigned(), 200),
        ("GET", presigned(method="HEAD"), 200),
        ("PUT", presigned(), 403),
        ("DELETE", presigned(), 403),
        ("POST", presigned(OBJECT[:-1]), 403),
        ("GET", presigned().replace("/o?", "/p?"), 401),
        ("GET", presigned().replace("/o?", "/%6F?"), 401),
        ("GET", presigned() + "&more", 401),
        ("GET", presigned() + "&&", 200),
        ("GET", presigned().replace("os_kid=test-key&", "") + "&os_kid=test-key", 200),
        ("GET", presigned().replace("os_kid=test-key", "OS_KID=test-key"), 400),
        ("GET", presigned() + "&os_kid=test-key", 400),
        ("GET", presigned().replace("os_sig", "OS_SIG"), 400),
        ("GET", f"{OBJECT}?os_sig", 400),
        ("GET", presigned()[:-1], 400),
        ("GET", presigned() + "AA", 400),
        ("GET", resigned("os_duration=60", "os_duration=-1"), 400),
        ("GET", resigned("os_duration=60", "os_duration=6e1"), 400),
        ("GET", resigned("os_timestamp=2026", "os_timestamp=x"), 400),
        ("GET", resigned("os_duration=60", "os_duration=604800"), 200),
        ("GET", resigned("os_duration=60", "os_duration=604801"), 400),
        ("GET", resigned("os_kid=test-key", "os_kid=x").replace("604800", "604801"), 401),
        ("GET", resigned("Z&", "%2B00:00&"), 200),
        ("GET", presigned(age=timedelta(seconds=60)), 200),
        ("GET", presigned(age=timedelta(seconds=61)), 401),
        ("GET", presigned(age=timedelta(seconds=-60)), 200),
        ("GET", presigned(age=timedelta(seconds=-61)), 401),
        ("GET", presigned(key=SecretKey("unknown", SEED)), 401),
        ("GET", presigned(key=OTHER), 200),
        ("GET", presigned(key=SecretKey("other", SEED)), 401),
        ("GET", presigned("/v1/objects/attachments/org=99/absent"), 404),
    ],
)
def test_pre_signed_requests(server: DevServer, method: str, target: str, status: int) -> None:
    """By the order of section 14.3; they are for reading exactly what was signed."""
    asked(server, "PUT", headers=bearer(GOOD), body=b"x")
    assert asked(server, method, target) == status


def test_a_key_that_may_not_read_signs_no_urls() -> None:
    """The answer is 403."""
    with DevServer(
        auth_keys=[AuthKey(KID, PUBLIC_PEM, ["object.write"])], clock=lambda: NOW
    ) as server:
        assert asked(server, "GET", presigned()) == 403


# ---- keys -----------------------------------------------------------------------------------


def test_keys_on_the_command_line(tmp_path: Path) -> None:
    """Name, file, and perhaps what it allows at most; the path may have a colon."""
    path = tmp_path / "a:b.pem"
    path.write_text(PUBLIC_PEM)
    assert AuthKey.parse(f"k={path}").permissions == tuple(ALL)
    narrow = AuthKey.parse(f"k={path}:object.write,object.read")
    assert (narrow.kid, narrow.permissions) == ("k", ("object.read", "object.write"))
    for text, error in (
        ("k", InvalidArgumentError),
        ("k=", InvalidArgumentError),
        (f"={path}", InvalidArgumentError),
        (f"a b={path}", InvalidArgumentError),
        (f"k={path}:object.read,x", InvalidArgumentError),
        (f"k={path}:read", FileNotFoundError),
        (f"k={tmp_path}/absent", FileNotFoundError),
    ):
        with pytest.raises(error):
            AuthKey.parse(text)
    path.write_text(PRIVATE_PEM)
    with pytest.raises(InvalidArgumentError, match="must be a public key") as caught:
        AuthKey.parse(f"k={path}")
    assert "MC4C" not in str(caught.value)


def test_the_command_enforces_tokens(tmp_path: Path) -> None:
    """With `--auth-key`, for every key that is named; `--policy` restricts what they store."""
    key, policy = tmp_path / "key.pem", tmp_path / "policy.toml"
    key.write_text(PUBLIC_PEM)
    policy.write_text('[attachments]\nexpirations = ["ttl"]\n')
    options = [f"--auth-key={KID}={key}:object.read,object.write", f"--auth-key=other={key}"]
    with serving(*options, f"--policy={policy}") as url:
        far = token({"exp": 4102444800})
        assert ask(url, "GET", OBJECT).status == 400
        assert ask(url, "GET", OBJECT, bearer(far)).status == 404
        assert ask(url, "DELETE", OBJECT, bearer(far)).status == 403
        assert ask(url, "PUT", OBJECT, bearer(far), b"x").status == 400
        headers = [*bearer(far), ("x-sn-expiration", "ttl:1d")]
        assert ask(url, "PUT", OBJECT, headers, b"x").status == 200


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--auth-key=k"], "must be KID=FILE"),
        (["--auth-key=k=absent.pem"], "absent.pem: No such file"),
        (["--auth-key=k=policy.toml"], "must be a public key"),
        (["--policy=policy.toml"], "policy: that of abc is not valid"),
        (["--policy=absent"], "does not exist"),
    ],
)
def test_bad_options_are_told(tmp_path: Path, options: list[str], words: str) -> None:
    """In one line, before anything listens."""
    (tmp_path / "policy.toml").write_text("[abc]\nx = 1\n")
    run = subprocess.run(
        [sys.executable, "-m", "objectstore_client.cli", "serve", "--port", "0", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode != 0
    assert words in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""


def test_the_command_warns_when_everybody_is_let_in(tmp_path: Path) -> None:
    """Only on an address that others reach, and only without a key."""
    key = tmp_path / "key.pem"
    key.write_text(PUBLIC_PEM)
    for options, warned in (([], True), ([f"--auth-key=k={key}"], False)):
        command = [sys.executable, "-m", "objectstore_client.cli", "serve", "--port", "0"]
        with subprocess.Popen(
            [*command, "--host", "0.0.0.0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("listening on ")
            process.terminate()
            _, said = process.communicate(timeout=30)
        assert ("there is no authentication" in said) is warned


def test_each_operation_of_a_batch_needs_its_permission() -> None:
    """One that is not granted fails by itself, and so does one outside of the scopes."""
    reading = SecretKey(KID, PRIVATE_PEM, permissions=["object.read"])
    usecase, scope = Usecase("attachments"), Scope(org=17)
    with DevServer(auth_keys=[AuthKey(KID, PUBLIC_PEM)]) as server:
        with Objectstore(server.url, token=KEY) as objectstore:
            objectstore.get_client(usecase, scope).put(b"x", id="stored")
        operations: list[Put | Get | Head | Delete]
        operations = [Get("stored"), Put(b"y", id="new"), Head("stored"), Delete("stored")]
        with Objectstore(server.url, token=reading) as objectstore:
            client = objectstore.get_client(usecase, scope)
            results = {type(each.operation): each for each in client.many(operations)}
        with Objectstore(server.url, token=KEY.token({"os:usecase": "attachments"})) as other:
            outside = list(other.get_client(usecase, scope).many(operations))
    assert {kind for kind, result in results.items() if result.ok} == {Get, Head}
    for result in (results[Put], results[Delete], *outside):
        assert isinstance(result.error, PermissionDeniedError)
