"""Metrics: what each operation reports, and to whom (protocol section 16.2).

The names and tags are those of the official client, so that dashboards built on it keep working.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

__all__ = ["MetricsBackend", "NoOpMetricsBackend"]

_logger = logging.getLogger("objectstore_client.metrics")


class MetricsBackend(Protocol):
    """What metrics are reported to. Called from whichever thread or task runs the operation.

    A backend that raises never disturbs an operation: the error is logged, once per call.
    """

    def increment(self, name: str, value: float = 1, tags: Mapping[str, str] | None = None) -> None:
        """Add *value* to a counter."""

    def gauge(self, name: str, value: float, tags: Mapping[str, str] | None = None) -> None:
        """Set a gauge."""

    def distribution(
        self,
        name: str,
        value: float,
        tags: Mapping[str, str] | None = None,
        unit: str | None = None,
    ) -> None:
        """Record one value of a distribution; *unit* is `second`, `byte` or `None`."""


class NoOpMetricsBackend:
    """Drops all metrics."""

    def increment(self, name: str, value: float = 1, tags: Mapping[str, str] | None = None) -> None:
        """Do nothing."""

    def gauge(self, name: str, value: float, tags: Mapping[str, str] | None = None) -> None:
        """Do nothing."""

    def distribution(
        self,
        name: str,
        value: float,
        tags: Mapping[str, str] | None = None,
        unit: str | None = None,
    ) -> None:
        """Do nothing."""


@dataclass(slots=True)
class Measurement:
    """Collects the figures of one operation; reported when the operation ends.

    Attributes:
        size: Bytes of the payload before compression, if it was seen like that.
        compressed_size: Bytes of the payload as sent, if it was sent compressed.
        compression: The compression that *compressed_size* is about.
    """

    size: int | None = None
    compressed_size: int | None = None
    compression: str = "none"


@contextmanager
def measure(backend: MetricsBackend, operation: str, usecase: str) -> Iterator[Measurement]:
    """Report latency, and the sizes that the body sets on the measurement, when the body ends.

    Latency is reported on failure as well; sizes only on success.
    """
    measurement = Measurement()
    start = time.perf_counter()
    succeeded = False
    try:
        yield measurement
        succeeded = True
    finally:
        seconds = time.perf_counter() - start
        try:
            _report(backend, f"storage.{operation}", usecase, seconds, measurement, succeeded)
        except Exception:
            _logger.exception("the metrics backend failed; the operation goes on")


def _report(
    backend: MetricsBackend,
    prefix: str,
    usecase: str,
    seconds: float,
    measurement: Measurement,
    succeeded: bool,
) -> None:
    tags = {"usecase": usecase}
    backend.distribution(f"{prefix}.latency", seconds, tags, "second")
    if not succeeded:
        return
    sizes = [("none", measurement.size), (measurement.compression, measurement.compressed_size)]
    for compression, size in sizes:
        if size is None:
            continue
        size_tags = {**tags, "compression": compression}
        backend.distribution(f"{prefix}.size", size, size_tags, "byte")
        if seconds > 0:
            backend.distribution(f"{prefix}.throughput", size / seconds, size_tags)
        if size > 0:
            backend.distribution(f"{prefix}.inverse_throughput", seconds / size, size_tags)
    if measurement.size and measurement.compressed_size:
        ratio = measurement.compressed_size / measurement.size
        ratio_tags = {**tags, "compression": measurement.compression}
        backend.distribution(f"{prefix}.compression_ratio", ratio, ratio_tags)
