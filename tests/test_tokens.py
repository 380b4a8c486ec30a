"""Tokens: what they say, what signs them, how long they are used."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st

from objectstore_client import InvalidArgumentError, Scope, SecretKey
from objectstore_client.tokens import (
    ALL_PERMISSIONS,
    HeldToken,
    check_token,
    decode_base64url,
    encode_base64url,
    expiry_of,
    make_token,
    resources,
)
from tests.support.keys import KID, PRIVATE_PEM, SEED, VECTOR_TOKEN


def claims_of(token: str) -> dict[str, object]:
    """What *token* says."""
    claims: dict[str, object] = json.loads(decode_base64url(token.split(".")[1]))
    return claims


# ---- what a token says ----------------------------------------------------------------------


@pytest.mark.parametrize("private_key", [PRIVATE_PEM, PRIVATE_PEM.encode(), SEED])
def test_the_vector_of_the_protocol(private_key: str | bytes) -> None:
    """The token of section 13.4, byte by byte, whatever form the key has."""
    key = SecretKey(KID, private_key)
    found = resources("attachments", Scope(org=17), ["project"])
    assert make_token(KID, key.sign, found, ["object.read"], 4102444800) == VECTOR_TOKEN
    assert expiry_of(VECTOR_TOKEN) == 4102444800


def test_what_a_key_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Usecase and scope, all permissions of the key, and an expiry rounded up."""
    monkeypatch.setattr("time.time", lambda: 1000.25)
    key = SecretKey(KID, SEED, permissions=["object.write", "object.read", "object.read"])
    token = key.token(resources("abc", Scope(org=17, flag=True)))
    assert claims_of(token) == {
        "res": {"os:usecase": "abc", "org": "17", "flag": "True"},
        "permissions": ["object.read", "object.write"],
        "exp": 1061,
    }
    narrow = key.token({}, permissions=["object.write"], expiry=timedelta(seconds=2.5))
    assert claims_of(narrow) == {"res": {}, "permissions": ["object.write"], "exp": 1003}


@pytest.mark.parametrize("permissions", [["object.delete"], list(ALL_PERMISSIONS)])
def test_a_token_never_allows_more_than_its_key(permissions: list[str]) -> None:
    """It is refused, and the error names what the key may."""
    key = SecretKey(KID, SEED, permissions=["object.read"])
    with pytest.raises(InvalidArgumentError, match=r"some of the key's \(object.read\)"):
        key.token({}, permissions=permissions)  # type: ignore[arg-type]


def test_wildcards() -> None:
    """They replace the value of a scope, or cover a name that the scope does not have."""
    scope = Scope(org=17, project=5)
    assert resources("abc", scope, ["project", "app"]) == {
        "os:usecase": "abc",
        "org": "17",
        "project": "*",
        "app": "*",
    }
    for wrong in ("project", ["*"], [""], ["os:usecase"]):
        with pytest.raises(InvalidArgumentError):
            resources("abc", scope, wrong)


def test_a_scope_that_no_token_covers() -> None:
    """A name with two values is refused: the protocol has no way to say it."""
    assert resources("abc", Scope.parse("a=1;a=1"))["a"] == "1"
    with pytest.raises(InvalidArgumentError, match="no token covers two values of 'a'"):
        resources("abc", Scope.parse("a=1;a=2"))
    assert resources("abc", Scope.parse("a=1;a=2"), ["a"])["a"] == "*"


# ---- keys -----------------------------------------------------------------------------------


def pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey, password: str = "") -> bytes:
    """*key* as PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password.encode())
        if password
        else serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    ("private_key", "rule"),
    [
        (b"", "must be PEM or 32 bytes"),
        (SEED[:31], "must be PEM or 32 bytes"),
        (PRIVATE_PEM[:60], "must be PEM or 32 bytes"),
        (PRIVATE_PEM.replace("E5M", "E5"), "must be PEM or 32 bytes"),
        (None, "must be PEM or 32 bytes, got NoneType"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "must be an Ed25519 key"),
        (pem(ed25519.Ed25519PrivateKey.generate(), "pass"), "must not be protected by a password"),
    ],
)
def test_what_is_no_key_is_refused(private_key: bytes, rule: str) -> None:
    """With its reason, and without a byte of it."""
    with pytest.raises(InvalidArgumentError, match=f"private_key: {rule}") as caught:
        SecretKey(KID, private_key)
    assert "MC4C" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    "kid", ["", "a b", "a&b", "a=b", "a+b", "a#b", "a\nb", "é", "a" * 257, None]
)
def test_key_ids_are_unambiguous_in_a_url(kid: str) -> None:
    """Anything but unreserved characters is refused."""
    with pytest.raises(InvalidArgumentError, match="kid: must be of"):
        SecretKey(kid, SEED)


@pytest.mark.parametrize("expiry", [timedelta(0), timedelta(seconds=-1), timedelta.max, 60])
def test_bad_lives_are_refused(expiry: timedelta) -> None:
    """Of all tokens of a key, and of one."""
    with pytest.raises(InvalidArgumentError, match="expiry: must be a timedelta above 0"):
        SecretKey(KID, SEED, expiry=expiry)
    with pytest.raises(InvalidArgumentError, match="expiry: must be a timedelta above 0"):
        SecretKey(KID, SEED).token({}, expiry=expiry)


@pytest.mark.parametrize("permissions", [[], ["read"], "", ["object.read", "object.admin"]])
def test_bad_permissions_are_refused(permissions: list[str]) -> None:
    """None at all, too: such a token would be of no use."""
    with pytest.raises(InvalidArgumentError, match=r"permissions: must be some of object\.read, "):
        SecretKey(KID, SEED, permissions=permissions)  # type: ignore[arg-type]


def test_a_key_shows_its_name_only() -> None:
    """It has no attribute with the key, and can't be pickled or changed."""
    key = SecretKey(KID, SEED)
    assert repr(key) == str(key) == "<SecretKey test-key>"
    assert not hasattr(key, "__dict__")
    assert SEED.hex() not in "".join(repr(getattr(key, name)) for name in key.__slots__)
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(key)
    with pytest.raises(AttributeError, match="immutable"):
        key.kid = "other"


def test_keys_from_files_and_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PEM or 32 bytes in a file, PEM or the path of one in the environment."""
    path = tmp_path / "key.pem"
    path.write_text(PRIVATE_PEM)
    (tmp_path / "key").write_bytes(SEED)
    expected = SecretKey(KID, SEED).sign(b"x")
    assert SecretKey.from_file(KID, path).sign(b"x") == expected
    assert SecretKey.from_file(KID, tmp_path / "key").sign(b"x") == expected
    with pytest.raises(FileNotFoundError):
        SecretKey.from_file(KID, tmp_path / "absent")

    for name in ("KEY_ID", "SECRET_KEY", "SECRET_KEY_FILE"):
        monkeypatch.delenv(f"OBJECTSTORE_{name}", raising=False)
    with pytest.raises(InvalidArgumentError, match="OBJECTSTORE_KEY_ID: must be set"):
        SecretKey.from_env()
    monkeypatch.setenv("OBJECTSTORE_KEY_ID", KID)
    with pytest.raises(InvalidArgumentError, match="exactly one must be set"):
        SecretKey.from_env()
    monkeypatch.setenv("OBJECTSTORE_SECRET_KEY", PRIVATE_PEM)
    key = SecretKey.from_env(expiry=timedelta(seconds=5), permissions=["object.read"])
    assert key.sign(b"x") == expected
    assert (key.expiry, key.permissions) == (timedelta(seconds=5), ("object.read",))
    monkeypatch.setenv("OBJECTSTORE_SECRET_KEY_FILE", str(path))
    with pytest.raises(InvalidArgumentError, match="exactly one must be set"):
        SecretKey.from_env()
    monkeypatch.delenv("OBJECTSTORE_SECRET_KEY")
    assert SecretKey.from_env().sign(b"x") == expected


def test_without_cryptography_the_error_says_what_to_install() -> None:
    """And only who signs needs it."""
    code = (
        "import sys; sys.modules['cryptography'] = None\n"
        "import objectstore_client as o\n"
        "o.Objectstore('http://localhost', token='abc')\n"
        "try: o.SecretKey('kid', bytes(32))\n"
        "except o.MissingSigningError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "needs the extra 'signing'" in run.stdout


# ---- how long a token is used ---------------------------------------------------------------


def token_until(expires: object) -> str:
    """A token that expires then."""
    return make_token(KID, lambda _: b"", {}, [], expires)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("token", "renew_at", "expires"),
    [
        (token_until(1100), 1080, 1100),
        (token_until(1000.5), 1001, 1000.5),
        (token_until(900), 1001, 900),
        (token_until("1100"), 1060, 1060),
        (token_until(True), 1060, 1060),
        (token_until(float("inf")), 1060, 1060),
        ("opaque", 1060, 1060),
        ("a.b.c", 1060, 1060),
        ("a.bnVsbA.c", 1060, 1060),
        ("a..c", 1060, 1060),
    ],
)
def test_when_another_token_is_due(token: str, renew_at: float, expires: float) -> None:
    """After 80 % of its life, or a minute if that is not to be read; not within a second."""
    held = HeldToken.of(token, 1000)
    assert (held.renew_at, held.expires) == (renew_at, expires)
    assert held.headers == {"x-os-auth": f"Bearer {token}"}


def test_a_held_token_does_not_show() -> None:
    """Not as a text, and not in a pickle; it is equal to the same token of another time."""
    held = HeldToken.of("secret", 1000)
    assert "secret" not in repr(held)
    assert held == HeldToken.of("secret", 2000) != HeldToken.of("other", 1000)
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(held)


@pytest.mark.parametrize("token", ["", "a b", "a\r\nx: y", "é", "a\0", b"abc", None])
def test_what_is_no_token_is_refused(token: str) -> None:
    """Without showing it."""
    with pytest.raises(InvalidArgumentError, match="token: must be") as caught:
        check_token("token", token)
    assert not token or str(token) not in str(caught.value)


@given(st.text() | st.from_regex(r"[\w-]*\.[\w-]*\.[\w-]*"))
def test_any_text_has_an_expiry_or_none(text: str) -> None:
    """Nothing that a provider returns raises."""
    assert expiry_of(text) is None or isinstance(expiry_of(text), float)


@given(st.binary())
def test_base64url_there_and_back(data: bytes) -> None:
    """Without padding."""
    text = encode_base64url(data)
    assert "=" not in text
    assert decode_base64url(text) == data


@pytest.mark.parametrize("text", ["a", "a=", "aa==", "a+", "a/", "é", "aaaaa"])
def test_what_is_no_base64url(text: str) -> None:
    """Padding and the characters of plain base64 included."""
    with pytest.raises(ValueError, match="not base64url"):
        decode_base64url(text)
