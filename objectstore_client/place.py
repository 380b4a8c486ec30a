"""Where an operation happens: told to errors and metrics, so that their readers know."""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import TracebackType

from objectstore_client._httpx import own_error
from objectstore_client.errors import ObjectstoreError
from objectstore_client.metrics import Measurement, MetricsBackend, report
from objectstore_client.scope import Scope
from objectstore_client.sources import SourceError
from objectstore_client.usecase import Usecase

__all__ = ["Measuring", "Place"]


@dataclass(slots=True)
class Place:
    """One operation on one object."""

    operation: str
    usecase: Usecase
    scope: Scope
    key: str | None

    def located(self, error: BaseException) -> BaseException:
        """The error to raise for *error*: one of this package with this place on it, if it is one
        of ours or of the layers below; else itself.
        """
        error = error.failure if isinstance(error, SourceError) else own_error(error)
        if isinstance(error, ObjectstoreError):
            error.locate(
                operation=self.operation,
                usecase=self.usecase.name,
                scope=self.scope.path,
                key=self.key,
            )
        return error


class Measuring:
    """Runs one operation: errors leave it located, metrics are reported at its end.

    A class, not a generator: it surrounds every call, and costs a third like this.
    """

    __slots__ = ("_backend", "_measurement", "_place", "_start")

    def __init__(self, place: Place, backend: MetricsBackend) -> None:
        self._place = place
        self._backend = backend

    def __enter__(self) -> Measurement:
        self._measurement = Measurement()
        self._start = time.perf_counter()
        return self._measurement

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        seconds = time.perf_counter() - self._start
        place = self._place
        report(
            self._backend,
            place.operation,
            place.usecase.name,
            seconds,
            self._measurement if error is None else None,
        )
        if error is not None:
            located = place.located(error)
            if isinstance(error, SourceError):
                raise located from located.__cause__
            if located is not error:
                raise located from error
