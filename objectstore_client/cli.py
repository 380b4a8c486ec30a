"""The command `objectstore`."""

from __future__ import annotations

import errno
import ipaddress
import logging
import signal
from pathlib import Path
from urllib.parse import urlsplit

from objectstore_client._version import __version__
from objectstore_client.devserver.missing import MissingExtraError
from objectstore_client.errors import InvalidArgumentError
from objectstore_client.signing import MissingSigningError

try:
    import click
except ModuleNotFoundError:
    raise SystemExit(f"objectstore: {MissingExtraError('click')}") from None

_STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM}


@click.group()
@click.version_option(__version__, prog_name="objectstore")
def main() -> None:
    """Tools for the Objectstore blob service."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8888,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--data", type=click.Path(file_okay=False), help="Keep the objects in this directory."
)
@click.option("--memory", is_flag=True, help="Keep the objects in memory (the default).")
@click.option(
    "--auth-key",
    "auth_keys",
    multiple=True,
    metavar="KID=FILE[:PERMISSIONS]",
    help="Demand tokens, and accept those of this public key (PEM), with these permissions at most "
    "(object.read,object.write,object.delete). Several of one name are versions of one key.",
)
@click.option(
    "--policy",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="What usecases allow as expiration (TOML or JSON).",
)
@click.option("--no-resumable", is_flag=True, help="Decline resumable uploads.")
@click.option(
    "--resumable-granularity",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    metavar="BYTES",
    help="Keep whole multiples of so many bytes of a resumable upload.",
)
@click.option("--old-server", is_flag=True, help="Behave as a server of the first version.")
@click.option("--verbose", is_flag=True, help="Log requests to stderr, without their queries.")
def serve(
    host: str,
    port: int,
    data: str | None,
    memory: bool,
    auth_keys: tuple[str, ...],
    policy: Path | None,
    no_resumable: bool,
    resumable_granularity: int,
    old_server: bool,
    verbose: bool,
) -> None:
    """Serve objects for tests; without --auth-key, to everybody."""
    if data is not None and memory:
        raise click.UsageError("--data and --memory exclude each other")
    try:
        from objectstore_client.devserver.app import access_log
        from objectstore_client.devserver.auth import AuthKey
        from objectstore_client.devserver.features import Features
        from objectstore_client.devserver.policies import Policies
        from objectstore_client.devserver.server import DevServer
        from objectstore_client.devserver.storage import StorageError
    except MissingExtraError as error:
        raise click.ClickException(str(error)) from None

    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    if verbose:
        access_log.setLevel(logging.INFO)
    try:
        keys = [AuthKey.parse(text) for text in auth_keys]
        policies = None if policy is None else Policies.load(policy)
    except (InvalidArgumentError, MissingSigningError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror or error}") from None
    # Blocked before any thread exists, so that the signals wait for `sigwait` below.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    features = Features(
        resumable=not no_resumable, granularity=resumable_granularity, old=old_server
    )
    try:
        server = DevServer(
            host=host,
            port=port,
            data_dir=data,
            auth_keys=keys,
            policies=policies,
            features=features,
        )
        server.start()
    except OSError as error:
        raise click.ClickException(_why_not_listening(host, port, error)) from None
    except StorageError as error:
        raise click.ClickException(str(error)) from None
    address = urlsplit(server.url).hostname or ""
    if not keys and not ipaddress.ip_address(address).is_loopback:
        click.echo(
            f"warning: {address} is not a loopback address, and there is no authentication: "
            "whoever reaches it can read and change everything",
            err=True,
        )
    click.echo(f"listening on {server.url}")
    signal.sigwait(_STOP_SIGNALS)
    # Requests in progress get some seconds; who does not want to wait sends the signal again.
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
    server.stop()


def _why_not_listening(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} of {host} is in use already; stop what listens there, or choose another "
            "one with --port (0 picks a free one)"
        )
    return f"can't listen on port {port} of {host}: {error.strerror or error}"


if __name__ == "__main__":
    main(prog_name="objectstore")
