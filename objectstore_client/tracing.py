"""Trace propagation: the headers of whichever tracing SDK the application runs.

Only SDKs that the application has imported are asked; none is a dependency.
"""

from __future__ import annotations

import sys

__all__ = ["trace_headers"]


def trace_headers() -> dict[str, str]:
    """Headers that carry the current trace: W3C (`traceparent`, `baggage`) and Sentry's.

    If both SDKs have baggage, both lists travel, joined as W3C baggage allows.
    """
    headers: dict[str, str] = {}
    if propagate := sys.modules.get("opentelemetry.propagate"):
        propagate.inject(headers)
    if sentry := sys.modules.get("sentry_sdk"):
        if trace := sentry.get_traceparent():
            headers["sentry-trace"] = trace
        if baggage := sentry.get_baggage():
            headers["baggage"] = ",".join(filter(None, [headers.get("baggage"), baggage]))
    return headers
