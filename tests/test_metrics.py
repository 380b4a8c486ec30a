"""Metrics and trace headers: names and tags that dashboards rely on."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from types import SimpleNamespace

import pytest

from objectstore_client.metrics import Measurement, MetricsBackend, NoOpMetricsBackend, report
from objectstore_client.tracing import trace_headers


class Recorder(NoOpMetricsBackend):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str], str | None]] = []
        self.values: dict[tuple[str, str | None], float] = {}

    def distribution(
        self,
        name: str,
        value: float,
        tags: Mapping[str, str] | None = None,
        unit: str | None = None,
    ) -> None:
        """Keep it."""
        tags = dict(tags or {})
        self.seen.append((name, tags, unit))
        self.values[name, tags.get("compression")] = value


class Broken(NoOpMetricsBackend):
    """Fails always."""

    def distribution(
        self,
        name: str,
        value: float,
        tags: Mapping[str, str] | None = None,
        unit: str | None = None,
    ) -> None:
        """Fail."""
        raise RuntimeError("backend down")


def test_a_compressed_put_reports_the_whole_family() -> None:
    """Names, units and tags of section 16.2."""
    recorder = Recorder()
    report(recorder, "put", "attachments", 0.5, Measurement(100, 25, "zstd"))
    plain = {"usecase": "attachments"}
    none, zstd = {**plain, "compression": "none"}, {**plain, "compression": "zstd"}
    assert recorder.seen == [
        ("storage.put.latency", plain, "second"),
        ("storage.put.size", none, "byte"),
        ("storage.put.throughput", none, None),
        ("storage.put.inverse_throughput", none, None),
        ("storage.put.size", zstd, "byte"),
        ("storage.put.throughput", zstd, None),
        ("storage.put.inverse_throughput", zstd, None),
        ("storage.put.compression_ratio", zstd, None),
    ]
    assert recorder.values["storage.put.compression_ratio", "zstd"] == 0.25
    assert recorder.values["storage.put.size", "none"] == 100
    assert recorder.values["storage.put.throughput", "zstd"] == 50
    assert recorder.values["storage.put.inverse_throughput", "none"] == 0.005


def test_a_failure_reports_latency_only() -> None:
    """Sizes of what was not stored would lie."""
    recorder = Recorder()
    report(recorder, "put", "attachments", 0.5, None)
    assert [name for name, _, _ in recorder.seen] == ["storage.put.latency"]


def test_an_empty_put_divides_by_nothing() -> None:
    """Zero bytes have a size and no ratio."""
    recorder = Recorder()
    report(recorder, "put", "attachments", 0.5, Measurement(0))
    names = [name for name, _, _ in recorder.seen]
    assert names == ["storage.put.latency", "storage.put.size", "storage.put.throughput"]


def test_a_broken_backend_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    """The put succeeded; a failing backend must not make the caller believe otherwise."""
    backend: MetricsBackend = Broken()
    with caplog.at_level(logging.ERROR, "objectstore_client.metrics"):
        report(backend, "put", "attachments", 0.5, Measurement())
    assert "the metrics backend failed" in caplog.text
    assert "backend down" in caplog.text


def test_no_sdk_no_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is imported to find out."""
    monkeypatch.delitem(sys.modules, "sentry_sdk", raising=False)
    monkeypatch.delitem(sys.modules, "opentelemetry.propagate", raising=False)
    assert trace_headers() == {}
    assert "sentry_sdk" not in sys.modules


def test_both_sdks(monkeypatch: pytest.MonkeyPatch) -> None:
    """W3C and Sentry headers side by side, baggage joined.

    The SDKs are stood in for: neither is a dependency, and all that is used are these three calls.
    """

    def inject(carrier: dict[str, str]) -> None:
        carrier.update(traceparent="00-ab-cd-01", baggage="a=1")

    otel = SimpleNamespace(inject=inject)
    sentry = SimpleNamespace(get_traceparent=lambda: "ab-cd-1", get_baggage=lambda: "sentry-b=2")
    monkeypatch.setitem(sys.modules, "opentelemetry.propagate", otel)
    monkeypatch.setitem(sys.modules, "sentry_sdk", sentry)
    assert trace_headers() == {
        "traceparent": "00-ab-cd-01",
        "sentry-trace": "ab-cd-1",
        "baggage": "a=1,sentry-b=2",
    }


def test_traces_are_not_trusted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What an SDK passes on may come from anybody: nothing of it reaches other headers."""

    def inject(carrier: dict[str, object]) -> None:
        carrier.update(
            {
                "Host": "evil",
                "x-snme-a": "b",
                "Baggage": "a=1",
                "baggage": "b=2",
                "traceparent": None,
            }
        )

    sentry = SimpleNamespace(get_traceparent=lambda: "é", get_baggage=lambda: "a=1\r\nx: y")
    monkeypatch.setitem(sys.modules, "opentelemetry.propagate", SimpleNamespace(inject=inject))
    monkeypatch.setitem(sys.modules, "sentry_sdk", sentry)
    assert trace_headers() == {"baggage": "a=1,b=2"}

    def fail() -> str:
        raise RuntimeError("no current span")

    sentry.get_traceparent = fail
    with caplog.at_level(logging.ERROR, "objectstore_client.tracing"):
        assert trace_headers() == {"baggage": "a=1,b=2"}
    assert "the tracing SDK failed" in caplog.text
