"""Metrics: what each operation reports, and to whom (protocol section 16.2).

The names and tags are those of the official client, so that dashboards built on it keep working.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
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


def report(
    backend: MetricsBackend,
    operation: str,
    usecase: str,
    seconds: float,
    measurement: Measurement | None,
) -> None:
    """Report an operation that has ended, whatever the backend does.

    Args:
        backend: Who is told.
        operation: What it was, as the names of the metrics have it.
        usecase: For whom.
        seconds: How long it took.
        measurement: Its sizes; `None` if it failed, for then nothing of them is true.
    """
    if type(backend) is NoOpMetricsBackend:
        return  # what most have: nobody should pay for what nobody sees
    try:
        _report(backend, f"storage.{operation}", {"usecase": usecase}, seconds, measurement)
    except Exception:
        _logger.exception("the metrics backend failed; the operation goes on")


def _report(
    backend: MetricsBackend,
    prefix: str,
    tags: Mapping[str, str],
    seconds: float,
    measurement: Measurement | None,
) -> None:
    backend.distribution(f"{prefix}.latency", seconds, tags, "second")
    if measurement is None:
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
