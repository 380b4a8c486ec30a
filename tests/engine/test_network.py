"""Ways to a server: TLS, IPv6, Unix sockets, names, proxies, and time-outs on each of them."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any

import httpx
import pytest

from objectstore_client.engine import network
from objectstore_client.engine.facts import Facts, Progress, facts_of
from objectstore_client.engine.network import Network, Origin, origin_of
from tests.engine.peers import client_tls, peer, read_head, server_tls
from tests.engine.worlds import Pieces, World, make_request
from tests.support.rawserver import RawServer, answer, reply

MIB = 1024 * 1024
LARGE = bytes(range(256)) * 8192  # 2 MiB
OK = b"HTTP/1.1 200 OK\r\n"


def echo(connection: socket.socket) -> None:
    """Answer each request with its own body, which has a length."""
    while head := read_head(connection):
        left = int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0] or b"0")
        body = bytearray()
        while len(body) < left:
            body += connection.recv(min(left - len(body), MIB))
        connection.sendall(answer(200, body=bytes(body)))


# ---- TLS ------------------------------------------------------------------------------------


def test_tls(world: World) -> None:
    """Small and large bodies both ways, over one connection that is kept."""
    count = 0

    def play(connection: socket.socket) -> None:
        nonlocal count
        count += 1
        echo(connection)

    with peer(play, tls=server_tls()) as url:
        transport = world.transport(ssl_context=client_tls())
        for body in (b"", b"small", LARGE, b"small"):
            assert world.ask(transport, "PUT", url, (), body).body == body
        headers = [("Content-Length", str(3 * len(LARGE)))]
        pieces = world.pieces([memoryview(LARGE)] * 3)
        assert world.ask(transport, "PUT", url, headers, pieces).body == LARGE * 3
    assert count == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_name_in_the_url_is_checked(
    world: World, version: ssl.TLSVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that is not for this host, or from nobody we trust, is no connection."""
    tls = server_tls()
    tls.maximum_version = version
    with (
        peer(echo, tls=tls) as url,
        names(monkeypatch, lambda host, port, *_: found(("127.0.0.1", port))),
    ):
        assert world.ask(world.transport(ssl_context=client_tls()), "GET", url).status == 200
        for wrong, context in (
            (url.replace("127.0.0.1", "wrong.test"), client_tls()),
            (url, ssl.create_default_context()),
            (url, None),
        ):
            transport = world.transport(ssl_context=context)
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED") as caught:
                world.ask(transport, "GET", wrong)
            assert facts_of(caught.value) == Facts(Progress.NOT_SENT)
            assert not world.pool(transport).in_use


def test_client_certificate(world: World) -> None:
    """The caller's context shows its certificate to a server that asks for one."""
    tls = server_tls(wants_certificate=True)
    with peer(echo, tls=tls) as url:
        transport = world.transport(ssl_context=client_tls(certificate=True))
        assert world.ask(transport, "GET", url).status == 200
        with pytest.raises(httpx.TransportError):
            world.ask(world.transport(ssl_context=client_tls()), "GET", url)


def test_what_does_not_speak_tls(world: World) -> None:
    """A plain server behind an https URL is an error of the connection."""

    def play(connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with peer(play) as url:
        transport = world.transport(ssl_context=client_tls())
        with pytest.raises(httpx.ConnectError):
            world.ask(transport, "GET", url.replace("http:", "https:"))


@pytest.mark.parametrize("proper", [True, False])
def test_the_end_of_a_tls_stream(world: World, proper: bool) -> None:
    """A body that ends with the connection ends only with the end that TLS protects."""

    def play(connection: socket.socket) -> None:
        assert isinstance(connection, ssl.SSLSocket)
        read_head(connection)
        connection.sendall(OK + b"\r\n" + LARGE)
        if proper:
            connection.settimeout(5)
            connection.unwrap()

    with peer(play, tls=server_tls()) as url:
        transport = world.transport(ssl_context=client_tls())
        if proper:
            assert world.ask(transport, "GET", url).body == LARGE
        else:
            with pytest.raises(httpx.TransportError):
                world.ask(transport, "GET", url)


def test_stray_data_inside_tls(world: World) -> None:
    """What TLS has decrypted already and nobody asked for is seen as well."""
    first = iter([answer(200, body=LARGE[:100_000]) + answer(200, body=b"wrong")])

    def play(connection: socket.socket) -> None:
        while read_head(connection):
            connection.sendall(next(first, answer(200, body=b"right")))

    with peer(play, tls=server_tls()) as url:
        transport = world.transport(ssl_context=client_tls())
        assert world.ask(transport, "GET", url).body == LARGE[:100_000]
        assert world.ask(transport, "GET", url).body == b"right"


def test_an_early_answer_over_tls(world: World) -> None:
    """It is seen while the body still goes out, tickets of TLS are not taken for it."""
    done = threading.Event()

    def play(connection: socket.socket) -> None:
        read_head(connection)
        connection.recv(5 * MIB)
        time.sleep(0.05)
        connection.sendall(answer(413, body=b"too large"))
        done.wait(30)

    with peer(play, tls=server_tls()) as url:
        for kind in (Pieces, world.pieces):
            body = kind(repeat(bytes(MIB)))
            headers = [("Content-Length", str(1 << 40))]
            transport = world.transport(ssl_context=client_tls())
            got = world.ask(transport, "PUT", url, headers, body)
            assert (got.status, got.body) == (413, b"too large")
            assert body.closed
        done.set()


def test_a_tls_handshake_that_never_ends(world: World) -> None:
    """A server that accepts and says nothing is given up in the connect time-out."""
    done = threading.Event()

    def play(connection: socket.socket) -> None:
        done.wait(30)

    with peer(play) as url:
        transport = world.transport(ssl_context=client_tls(), max_connections=1)
        for options in ({"connect": 0.1}, {"deadline": 0.1}):
            with pytest.raises(httpx.ConnectTimeout) as caught:
                world.ask(transport, "GET", url.replace("http:", "https:"), **options)
            assert facts_of(caught.value) == Facts(
                Progress.NOT_SENT, past_deadline="deadline" in options
            )
        done.set()
        world.settle()
        assert not world.pool(transport).in_use


def test_no_certificates_are_loaded_for_http(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading them takes longer than many requests; it happens once, and for https only."""
    made: list[ssl.SSLContext] = []

    def create() -> ssl.SSLContext:
        made.append(client_tls())
        return made[-1]

    monkeypatch.setattr(httpx, "create_ssl_context", create)
    transport = world.transport()
    with peer(echo) as url:
        assert world.ask(transport, "GET", url).status == 200
    assert not made
    with peer(echo, tls=server_tls()) as first, peer(echo, tls=server_tls()) as second:
        assert world.ask(transport, "GET", first).status == 200
        assert world.ask(transport, "GET", second).status == 200
    assert len(made) == 1


# ---- addresses ------------------------------------------------------------------------------


def has_ipv6() -> bool:
    """Whether this machine has the loopback of IPv6."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
@pytest.mark.parametrize("tls", [False, True])
def test_ipv6(world: World, tls: bool) -> None:
    """A literal address of IPv6 in the URL, in the certificate and in Host."""
    with peer(echo, host="::1", tls=server_tls() if tls else None) as url:
        transport = world.transport(ssl_context=client_tls())
        assert world.ask(transport, "PUT", url, (), b"x").body == b"x"


@pytest.mark.parametrize("tls", [False, True])
def test_unix_socket(world: World, tmp_path: Path, tls: bool) -> None:
    """The path is where it connects to; the URL still names the host."""
    path = tmp_path / "socket"
    with peer(echo, path=path, tls=server_tls() if tls else None) as url:
        transport = world.transport(unix_socket=path, ssl_context=client_tls())
        for body in (b"x", LARGE):
            assert world.ask(transport, "PUT", url, (), body).body == body
    path.unlink()
    with pytest.raises(httpx.ConnectError, match="No such file"):
        world.ask(transport, "PUT", url, (), b"x")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://Example.COM/x", ("http", "example.com", 80)),
        ("https://example.com", ("https", "example.com", 443)),
        ("https://example.com:443", ("https", "example.com", 443)),
        ("http://[::1]:8080/", ("http", "::1", 8080)),
        ("http://bücher.example/", ("http", "xn--bcher-kva.example", 80)),
        ("ftp://example.com", None),
        ("/x", None),
    ],
)
def test_origins(url: str, origin: Origin | None) -> None:
    """Which connections can stand in for each other."""
    assert origin_of(httpx.URL(url)) == origin


Lookup = Callable[..., list[Any]]


@contextmanager
def names(monkeypatch: pytest.MonkeyPatch, lookup: Lookup) -> Iterator[None]:
    """Have *lookup* answer for names, the system for literal addresses."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: Any, **options: Any) -> list[Any]:
        if options.get("flags", 0) & socket.AI_NUMERICHOST or host == "127.0.0.1":
            return real(host, *arguments, **options)
        return lookup(host, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


def found(*addresses: tuple[str, int]) -> list[Any]:
    """What a lookup returns."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]


def test_names_are_looked_up(world: World) -> None:
    """A name leads to its addresses; the thread that looks it up does not stay."""
    with peer(echo) as url:
        transport = world.transport()
        named = url.replace("127.0.0.1", "localhost")
        assert world.ask(transport, "PUT", named, (), b"x").body == b"x"


def test_addresses_are_tried_in_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that refuses does not matter if another one works; the last error tells why none did."""
    with peer(echo) as url:
        port = int(url.rpartition(":")[2])
        asked: list[str] = []

        def lookup(host: str, *arguments: Any) -> list[Any]:
            asked.append(host)
            addresses = [("127.0.0.1", 1), ("127.0.0.1", 2)]
            return found(*addresses, *([("127.0.0.1", port)] if host == "good" else []))

        with names(monkeypatch, lookup):
            transport = world.transport()
            assert world.ask(transport, "GET", "http://good").status == 200
            assert world.ask(transport, "GET", "http://good").status == 200
            with pytest.raises(httpx.ConnectError, match=r"bad port 80: .*(refused|failed)"):
                world.ask(transport, "GET", "http://bad")
        assert asked == ["good", "bad"]


def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each address has its share of the connect time-out."""
    with peer(echo) as url, deaf_listener() as deaf:
        port = int(url.rpartition(":")[2])
        with names(monkeypatch, lambda host, *_: found(deaf, ("127.0.0.1", port))):
            assert world.ask(world.transport(), "GET", "http://x", connect=0.4).status == 200


@pytest.mark.parametrize("error", [socket.gaierror(-2, "Name not known"), UnicodeError("label")])
def test_unknown_names(world: World, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """No address is no connection, whatever the reason."""

    def lookup(*arguments: Any) -> list[Any]:
        raise error

    with names(monkeypatch, lookup):
        with pytest.raises(httpx.ConnectError) as caught:
            world.ask(world.transport(), "GET", "http://nowhere.invalid")
        assert facts_of(caught.value) == Facts(Progress.NOT_SENT)


def test_a_lookup_that_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends in the connect time-out, on one thread, which does not look up in vain later."""
    hang = threading.Event()
    asked: list[str] = []

    def lookup(host: str, *arguments: Any) -> list[Any]:
        asked.append(host)
        hang.wait(30)
        return found(("127.0.0.1", 1))

    threads = threading.active_count()
    with names(monkeypatch, lookup):
        transport = world.transport()
        for number in range(3):
            with pytest.raises(httpx.ConnectTimeout):
                world.ask(transport, "GET", f"http://name{number}", connect=0.05)
        assert threading.active_count() == threads + 1
        hang.set()
        with pytest.raises(httpx.ConnectError):
            world.ask(transport, "GET", "http://last")
    assert asked == ["name0", "last"]
    assert not world.pool(transport).in_use


@contextmanager
def deaf_listener() -> Iterator[tuple[str, int]]:
    """An address that lets nobody in and tells nobody so."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = []
        try:
            while True:  # fill its backlog
                sock = socket.socket()
                waiting.append(sock)
                sock.settimeout(0.05)
                try:
                    sock.connect(listener.getsockname())
                except TimeoutError:
                    break
            yield listener.getsockname()
        finally:
            for sock in waiting:
                sock.close()


def test_connect_timeout(world: World) -> None:
    """A server that does not answer at all is given up."""
    with deaf_listener() as (host, port):
        transport = world.transport(max_connections=1)
        for options in ({"connect": 0.05}, {"deadline": 0.05}):
            with pytest.raises(httpx.ConnectTimeout) as caught:
                world.ask(transport, "GET", f"http://{host}:{port}", **options)
            assert facts_of(caught.value) == Facts(
                Progress.NOT_SENT, past_deadline="deadline" in options
            )


# ---- proxies --------------------------------------------------------------------------------


def proxy(connection: socket.socket) -> None:
    """A proxy for plain HTTP that tells what it was asked for."""
    while head := read_head(connection):
        connection.sendall(answer(200, body=head.split(b"\r\n")[0]))


def test_the_proxy_of_the_environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests go where the environment says, and directly where it excepts the host."""
    with peer(proxy) as url, RawServer(reply(200, body=b"direct")) as server:
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.setenv("no_proxy", f"other.test,{server.host}")
        transport = world.transport()
        for _ in range(2):
            got = world.ask(transport, "GET", "http://object.test/x?y", deadline=20)
            assert got.body == b"GET http://object.test/x?y HTTP/1.1"
        assert world.ask(transport, "GET", server.url).body == b"direct"


def test_time_holds_at_the_proxy(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline is part of the time-outs that httpx's transport gets."""

    def play(connection: socket.socket) -> None:
        read_head(connection)
        connection.recv(1)

    with peer(play) as url:
        monkeypatch.setenv("all_proxy", url)
        transport = world.transport()
        with pytest.raises(httpx.ReadTimeout) as caught:
            world.ask(transport, "GET", "http://object.test", deadline=0.2)
        assert facts_of(caught.value) == Facts(Progress.MAYBE_SENT, past_deadline=True)
        with pytest.raises(httpx.ReadTimeout) as caught:
            world.ask(transport, "GET", "http://object.test", read=0.05)
        assert facts_of(caught.value) == Facts(Progress.MAYBE_SENT)


@pytest.mark.parametrize("value", ["gopher://127.0.0.1:70", "socks5://127.0.0.1:1080"])
def test_proxies_that_nobody_can_use(
    world: World, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """An unknown kind of proxy, or one whose package is not there, is an error, not a bypass."""
    monkeypatch.setenv("all_proxy", value)
    with pytest.raises(httpx.UnsupportedProtocol, match="proxy") as caught:
        world.ask(world.transport(), "GET", "http://object.test")
    assert facts_of(caught.value) == Facts(Progress.NOT_SENT)


@pytest.mark.parametrize(
    ("environment", "origin", "expected"),
    [
        ({"http_proxy": "http://p"}, ("http", "h", 80), "http://p"),
        ({"HTTP_PROXY": "http://p"}, ("http", "h", 80), "http://p"),
        ({"http_proxy": "http://p"}, ("https", "h", 443), None),
        ({"https_proxy": "http://p"}, ("https", "h", 443), "http://p"),
        ({"all_proxy": "http://p"}, ("https", "h", 443), "http://p"),
        ({"all_proxy": "http://p", "no_proxy": "*"}, ("https", "h", 443), None),
        ({"all_proxy": "http://p", "no_proxy": "h"}, ("https", "h", 443), None),
        ({"all_proxy": "http://p", "NO_PROXY": "x, h.test"}, ("https", "a.h.test", 443), None),
        ({"all_proxy": "http://p", "no_proxy": "h:80"}, ("https", "h", 443), "http://p"),
        ({"all_proxy": "http://p", "no_proxy": "h:443"}, ("https", "h", 443), None),
        ({"all_proxy": "http://p", "no_proxy": "::1"}, ("http", "::1", 80), None),
        ({"all_proxy": "http://p", "no_proxy": "[::1]:80"}, ("http", "::1", 80), None),
    ],
)
def test_which_proxy(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    origin: Origin,
    expected: str | None,
) -> None:
    """The variables mean what they mean to urllib."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Network(1, 1, None, None).proxy(origin) == expected
    assert Network(1, 1, None, "/socket").proxy(origin) is None


def test_the_resolver_is_new_after_a_fork() -> None:
    """A child has no resolver thread, so it must not wait for the parent's."""
    before = network._resolver
    network._renew_resolver()
    assert network._resolver is not before


def test_bodies_are_not_proxied_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body goes to the proxy once, as it was framed."""
    seen: list[bytes] = []

    def play(connection: socket.socket) -> None:
        seen.append(read_head(connection) + connection.recv(5, socket.MSG_WAITALL))
        connection.sendall(answer(200))

    with peer(play) as url:
        monkeypatch.setenv("http_proxy", url)
        transport = world.transport()
        response = world.open(transport, make_request("PUT", "http://o.test/x", (), b"hello"))
        world.read(response)
        world.close_response(response)
    assert len(seen) == 1
    assert seen[0].endswith(b"\r\n\r\nhello")
