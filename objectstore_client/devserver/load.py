"""What the server is doing at the moment, and how much of it it takes on (protocol section 15)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from objectstore_client.devserver.replies import Refusal, empty, json_error


class Load:
    """Counters of one server; used on its event loop only.

    Attributes:
        bytes: Payload bytes that went in and out.
    """

    def __init__(self, *, requests_limit: int = 10_000, tasks_limit: int = 500) -> None:
        self.bytes = 0
        self._requests = 0
        self._in_flight = 0
        self._requests_limit = requests_limit
        self._tasks = 0
        self._tasks_limit = tasks_limit

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count one request, from its head to the end of its answer.

        Raises:
            Refusal: 503 if there are too many at once.
        """
        self._requests += 1
        if self._in_flight >= self._requests_limit:
            raise Refusal(empty(503))
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1

    @contextmanager
    def task(self) -> Iterator[None]:
        """Count one operation on the storage.

        Raises:
            Refusal: 429 if there are too many at once.
        """
        if self._tasks >= self._tasks_limit:
            raise Refusal(json_error(429, "the service is at capacity"))
        self._tasks += 1
        try:
            yield
        finally:
            self._tasks -= 1

    def render(self) -> str:
        """Write the counters in the text format of Prometheus."""
        series = (
            ("bytes_total", "counter", "Payload bytes received and sent.", self.bytes),
            ("requests_total", "counter", "Requests received.", self._requests),
            ("requests_in_flight", "gauge", "Requests being answered.", self._in_flight),
            ("requests_limit", "gauge", "Most requests at once.", self._requests_limit),
            ("tasks_running", "gauge", "Operations on the storage.", self._tasks),
            ("tasks_limit", "gauge", "Most operations at once.", self._tasks_limit),
        )
        return "".join(
            f"# HELP objectstore_{name} {help_text}\n"
            f"# TYPE objectstore_{name} {kind}\n"
            f"objectstore_{name} {value}\n"
            for name, kind, help_text, value in series
        )
