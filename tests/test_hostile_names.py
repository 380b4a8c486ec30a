"""Whatever is passed as a name or header: refused before anything is sent, or inert."""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectstore_client import (
    Client,
    InvalidArgumentError,
    Objectstore,
    ObjectstoreError,
    Scope,
    Usecase,
)
from objectstore_client.devserver import DevServer
from objectstore_client.requests import MAX_ID_BYTES
from tests.devserver.wire import ask
from tests.support.rawserver import RawServer, reply

_numbers = itertools.count()

FRAGMENTS = (
    *("..", ".", "/", "//", "\\", "a", "A", "b", "_", "~", "-", " ", "\t", "+", ":", "@", "*"),
    *("%", "%2e%2e", "%2E", "%2F", "%252e", "%00", "%zz", "%c0%ae", "&", "=", ";", "..;", "org=1"),
    *("?", "#", "?session=x", "?upload_type=resumable", "?os_auth=x", "/v1/objects/", " HTTP/1.1"),
    *("\0", "\r\n", "\n", "\r", "\r\nx: y", "\x7f", "\x85", "\u2028", "\ufeff", "\u200b", "\u202e"),
    # Look alike, or do so in another Unicode normal form or case.
    *("\u00e9", "e\u0301", "\u00c5", "\u212b", "\u2025", "\uff0e", "\uff0f", "\u2215", "\ufb01"),
    *("\u00df", "ss", "\u0131", "i", "I", "\u0130", "\U0001f600", "\ud800", "\udfff"),
)
TRICKS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=5).map("".join)


class World(NamedTuple):
    """A server, its client, and where it keeps its files if it does."""

    server: DevServer
    objectstore: Objectstore
    directory: Path | None

    def client(self) -> Client:
        """A client whose scope nobody else uses."""
        return self.objectstore.get_client(Usecase("hostile"), Scope(number=next(_numbers)))


@pytest.fixture(scope="module", params=["memory", "directory"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server on each of the storages."""
    directory = tmp_path_factory.mktemp("data") if request.param == "directory" else None
    with DevServer(data_dir=directory) as server, Objectstore(server.url) as objectstore:
        yield World(server, objectstore, directory)
        if directory is not None:
            names = {str(path.relative_to(directory)) for path in directory.rglob("*")}
            ours = re.compile(r"lock|staging|drafts|objects(/[0-9a-f]{64}\.(json|[0-9a-f]{32}))?")
            assert all(map(ours.fullmatch, names)), "no name leads to another file"


@pytest.fixture(scope="module")
def nobody() -> Iterator[Client]:
    """A client of a server that may not be asked."""
    with RawServer() as server, Objectstore(server.url) as objectstore:
        yield objectstore.get_client(Usecase("hostile"), Scope())
        assert server.connections == 0


def lookalikes(key: str) -> Iterator[str]:
    """What something on the way could make of *key*, or take for it."""
    yield from (quote(key, safe="", errors="replace"), unquote(key), key.replace("+", " "))
    yield from (key.strip(), key.strip("/"), key.replace("//", "/"), key.replace("\\", "/"))
    yield from (f"{key}/", f"/{key}", f"{key}\0", f"{key} ", f"{key};a=1", key.split("\0")[0])
    yield from (key.partition("?")[0], key.partition("#")[0], key.partition(";")[0])
    yield from (key.lower(), key.upper(), key.casefold(), key.encode(errors="replace").decode())
    yield from (unicodedata.normalize(form, key) for form in ("NFC", "NFD", "NFKC", "NFKD"))


def is_possible(key: str) -> bool:
    """Whether the contract knows such a key."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return key != "" and not {".", ".."} & set(key.split("/"))


@settings(max_examples=40, deadline=None)
@given(keys=st.lists(TRICKS, min_size=1, max_size=4, unique=True))
def test_a_key_names_one_object(world: World, nobody: Client, keys: list[str]) -> None:
    """What was stored under a key is read under that key and no other; the rest is refused."""
    client = world.client()
    stored = [key for key in keys if is_possible(key)]
    for key in keys:
        if key in stored:
            assert client.put(repr(key).encode(), id=key) == key
            continue
        for operation in (nobody.get, nobody.head, nobody.delete):
            with pytest.raises(InvalidArgumentError, match=r"^id: "):
                operation(key)
        with pytest.raises(InvalidArgumentError, match=r"^id: "):
            nobody.put(b"", id=key)
    for key in stored:
        assert client.get(key).payload.read() == repr(key).encode()
        for other in set(lookalikes(key)) - set(stored):
            if is_possible(other):
                assert not client.exists(other)
    for gone in stored:
        client.delete(gone)
        assert not client.exists(gone)
    assert not any(map(client.exists, stored))


USECASES = ("test", "Test", "tes", "test_", "test-", "org", "objects")
SCOPES = ("_", "a=1", "A=1", "a=1;b=2", "b=2;a=1", "a=1;a=1", "a=1+", "_=_", "a=(1)", "a='", "a=$")
ADDRESSES = st.tuples(
    st.sampled_from(USECASES),
    st.sampled_from(SCOPES),
    TRICKS.filter(is_possible) | st.sampled_from(["a=1", "a=1/o", "o", "_/o"]),
)


@settings(max_examples=30, deadline=None)
@given(addresses=st.lists(ADDRESSES, min_size=2, max_size=8, unique=True))
def test_usecases_and_scopes_never_mix(world: World, addresses: list[tuple[str, str, str]]) -> None:
    """However much of an address moves from one part of it to another."""
    clients = {
        address: world.objectstore.get_client(Usecase(address[0]), Scope.parse(address[1]))
        for address in addresses
    }
    for address, client in clients.items():
        client.put(repr(address).encode(), id=address[2])
    for address, client in clients.items():
        assert client.get(address[2]).payload.read() == repr(address).encode()
    for address, client in clients.items():
        client.delete(address[2])
        assert not client.exists(address[2])


@settings(max_examples=200, deadline=None)
@given(text=TRICKS)
def test_scopes_and_usecases_are_refused_or_literal(text: str) -> None:
    """Nothing is cut, decoded or escaped, so that nothing can stand for something else."""
    attempts: tuple[tuple[Callable[[], str], str], ...] = (
        (lambda: Scope.parse(text).path, "scope: "),
        (lambda: Scope(a=text).path.removeprefix("a="), "scope: "),
        (lambda: Scope(**{text: "1"}).path.removesuffix("=1"), "scope: "),
        (lambda: Usecase(text).name, "usecase: "),
    )
    for make, rule in attempts:
        try:
            assert make() == text
        except InvalidArgumentError as error:
            assert re.match(rule, str(error))


RAW = st.lists(
    st.sampled_from(
        (
            *("..", ".", "/", "%2e", "%2E%2e", "%2f", "%5c", "%00", "%0d%0a", "%ff", "%c0%ae", "%"),
            *("%zz", "%ed%a0%80", "%252e", "a", "A", ";", "=", "+", "~", "*", "'", "?", "?a", "&"),
        )
    ),
    min_size=1,
    max_size=6,
).map("".join)


@settings(max_examples=100, deadline=None)
@given(raw=RAW)
def test_raw_targets_mean_what_they_say(world: World, raw: str) -> None:
    """Who writes requests by hand gets an answer, and reaches no more than the key he wrote."""
    prefix = f"/v1/objects/hostile/raw={next(_numbers)}/"
    answer = ask(world.server.url, "PUT", prefix + raw, body=raw.encode())
    key = unquote_to_bytes(raw.partition("?")[0])
    try:
        possible = is_possible(key.decode())
    except UnicodeDecodeError:
        possible = False
    if not possible:
        assert answer.status == (400 if key else 405)
        return
    assert (answer.status, answer.json()) == (200, {"key": key.decode()})
    written = prefix + quote(key, safe="")
    assert ask(world.server.url, "GET", written).body == raw.encode()


# ---- sizes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["a" * 10_000_000, "\u00e9" * 5_000_000, "a" * (MAX_ID_BYTES + 1)])
def test_a_key_of_megabytes_is_refused(nobody: Client, key: str) -> None:
    """By every operation, and without quoting it."""
    for operation in (nobody.get, nobody.head, nobody.exists, nobody.delete):
        with pytest.raises(InvalidArgumentError, match=r"^id: must be at most") as caught:
            operation(key)
        assert len("".join([str(caught.value), *caught.value.__notes__])) < 1000
    with pytest.raises(InvalidArgumentError, match=r"^id: must be at most"):
        nobody.put(b"", id=key)


@pytest.mark.parametrize("character", ["a", "\u00e9", "\U0001f600", "%", "\0"])
def test_the_longest_address_can_be_sent(world: World, character: str) -> None:
    """With as much metadata as is allowed: the limits of the parts fit together."""
    scope = Scope(number=next(_numbers), long="x" * 4000)
    client = world.objectstore.get_client(Usecase("u" * 64), scope)
    key = character * (MAX_ID_BYTES // len(character.encode()))
    metadata = {f"key-{number}": "\u00e9" * 36 for number in range(64)}
    assert client.put(b"x", id=key, metadata=metadata, filename="f") == key
    result = client.get(key)
    assert (result.payload.read(), result.metadata.custom) == (b"x", metadata)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Scope(a="a" * 10_000_000),
        lambda: Scope.parse(";".join(["a=1"] * 1_000_000)),
        lambda: Scope(a=10**5000),
        lambda: Scope(**{"a" * 10_000_000: "?"}),
        lambda: Usecase("a" * 10_000_000),
        lambda: Usecase("test", compression_level=10**5000),
    ],
)
def test_names_of_megabytes_are_refused(make: Callable[[], object]) -> None:
    """And not quoted."""
    with pytest.raises(InvalidArgumentError) as caught:
        make()
    assert len(str(caught.value)) < 1000


# ---- headers ------------------------------------------------------------------------------------

HEADERS = (
    *("user-agent", "accept-encoding", "host", "content-length", "content-encoding"),
    *("content-type", "x-sn-filename", "x-sn-origin", "x-snme-key", "x-downstream-service"),
)
TEXTS = TRICKS | st.text(max_size=20)


@settings(max_examples=100, deadline=None)
@given(value=TEXTS, filename=TEXTS, origin=TEXTS)
def test_metadata_is_refused_or_kept(world: World, value: str, filename: str, origin: str) -> None:
    """Any text comes back as it was, and nothing beside it."""
    client = world.client()
    try:
        client.put(b"x", id="o", metadata={"key": value}, filename=filename, origin=origin)
    except InvalidArgumentError as error:
        assert re.match(r"metadata\['key'\]: |filename: |origin: ", str(error))
        assert not client.exists("o")
        return
    metadata = client.head("o")
    assert metadata.custom == {"key": value}
    assert (metadata.filename, metadata.origin) == (filename, origin)


@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
@pytest.mark.parametrize(
    "argument", ["metadata key", "metadata", "content_type", "filename", "origin"]
)
def test_nothing_becomes_another_header(argument: str, text: str) -> None:
    """On the wire there are the headers that belong there, each once."""
    special: dict[str, dict[str, Any]] = {
        "metadata key": {"metadata": {text: "value"}},
        "metadata": {"metadata": {"key": text}},
        "content_type": {"content_type": f"text/plain{text}"},
    }
    arguments = special.get(argument, {argument: text})
    answer = json.dumps({"key": "o"}).encode()
    with RawServer(rest=reply(200, [("Content-Type", "application/json")], answer)) as server:
        with Objectstore(server.url, downstream_service="service", retries=0) as objectstore:
            client = objectstore.get_client(Usecase("hostile"), Scope())
            try:
                client.put(b"x", id="o", **arguments)
            except InvalidArgumentError as error:
                assert str(error).startswith(argument.split()[0])
                assert server.connections == 0
                return
        (request,) = server.requests
        assert request.target == "/v1/objects/hostile/_/o"
        assert set(request.headers) <= {*HEADERS, f"x-snme-{text}"}


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("downstream_service", value) for value in ("a\r\nb: c", "\0", "\u00e9", "", 7, b"x")),
        ("downstream_service", "x" * 70_000),
        *(("base_url", f"http://localhost{value}") for value in ("\r\nx: y", "/\n", "/\0", "/\t")),
        *(("base_url", f"http://{value}/") for value in ("\ud800", "a b", "a\r\n", "%41", "[::1")),
        *(("base_url", f"http://localhost/{value}") for value in ("\ud800", "a" * 70_000, "?a")),
        *(("base_url", value) for value in (b"http://localhost", None, "ftp://h", "//h", "h:80")),
    ],
)
def test_a_bad_configuration_is_refused(argument: str, value: object) -> None:
    """At construction, by the name of the argument, without quoting much."""
    arguments: dict[str, Any] = {"base_url": "http://localhost", argument: value}
    with pytest.raises(InvalidArgumentError, match=f"^{argument}: ") as caught:
        Objectstore(**arguments)
    assert len(str(caught.value)) < 500


@settings(max_examples=30, deadline=None)
@given(path=st.lists(st.sampled_from(FRAGMENTS), max_size=4).map("".join))
def test_a_base_url_leads_nowhere_else(path: str) -> None:
    """Whatever its path: the host stays, and there is one request line."""
    with RawServer(rest=reply(404)) as server:
        try:
            objectstore = Objectstore(f"{server.url}/{path}", retries=0)
        except InvalidArgumentError as error:
            assert str(error).startswith("base_url: ")
            return
        with objectstore:
            try:
                objectstore.get_client(Usecase("hostile"), Scope()).exists("o")
            except ObjectstoreError:
                assert not server.requests
                return
        (request,) = server.requests
        assert request.headers["host"] == server.host
        assert request.head.split(b"\r\n")[0].count(b" ") == 2
        assert request.target.endswith("/v1/objects/hostile/_/o")
