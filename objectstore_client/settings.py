"""What an `Objectstore` is configured with, as its clients need it."""

from __future__ import annotations

import inspect
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from objectstore_client._httpx import translated_errors
from objectstore_client._version import __version__
from objectstore_client.errors import ObjectstoreError
from objectstore_client.metrics import Measurement, MetricsBackend, measure
from objectstore_client.scope import Scope
from objectstore_client.timeouts import Timeout
from objectstore_client.usecase import Usecase

__all__ = ["USER_AGENT", "Place", "Settings", "refuse_unknown"]


USER_AGENT = f"objectstore-client/{__version__} python/{platform.python_version()}"


def refuse_unknown(kind: type, unknown: Mapping[str, object]) -> None:
    """Refuse keyword arguments that *kind* does not know, listing those that it does."""
    if unknown:
        parameters = inspect.signature(kind).parameters.values()
        known = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
        raise TypeError(
            f"{kind.__name__}() got unknown arguments: {', '.join(sorted(unknown))}; "
            f"it knows: base_url, {', '.join(sorted(known))}"
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for all clients of one `Objectstore`."""

    timeout: Timeout
    metrics_backend: MetricsBackend
    propagate_traces: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where an operation happens; errors are told, so that their readers know."""

    operation: str
    usecase: Usecase
    scope: Scope
    key: str | None

    @contextmanager
    def locating(self) -> Iterator[None]:
        """Raise only errors of this package, with this place on them."""
        try:
            with translated_errors():
                yield
        except ObjectstoreError as error:
            error.locate(
                operation=self.operation,
                usecase=self.usecase.name,
                scope=self.scope.path,
                key=self.key,
            )
            raise

    @contextmanager
    def measuring(self, backend: MetricsBackend) -> Iterator[Measurement]:
        """`locating`, and report to *backend* when it ends."""
        with measure(backend, self.operation, self.usecase.name) as measurement, self.locating():
            yield measurement
