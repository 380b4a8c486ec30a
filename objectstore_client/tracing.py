"""Trace propagation: the headers of whichever tracing SDK the application runs.

Only SDKs that the application has imported are asked; none is a dependency. What they say may come
from a request that the application serves, so it is not trusted, and never fails an operation.
"""

from __future__ import annotations

import logging
import re
import sys

__all__ = ["trace_headers"]

_logger = logging.getLogger("objectstore_client.tracing")

_NAMES = ("traceparent", "tracestate", "baggage", "sentry-trace")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]{0,8190}[\x21-\x7e])?")


def trace_headers() -> dict[str, str]:
    """Headers that carry the current trace: W3C (`traceparent`, `baggage`, …) and Sentry's.

    If both SDKs have baggage, both lists travel, joined as W3C baggage allows. Anything that is no
    such header, or not fit for one, is left out.
    """
    found: list[tuple[object, object]] = []
    try:
        if propagate := sys.modules.get("opentelemetry.propagate"):
            carrier: dict[str, str] = {}
            propagate.inject(carrier)
            found += carrier.items()
        if sentry := sys.modules.get("sentry_sdk"):
            found += [("sentry-trace", sentry.get_traceparent()), ("baggage", sentry.get_baggage())]
    except Exception:
        _logger.exception("the tracing SDK failed; the operation goes on")
    headers: dict[str, str] = {}
    for name, value in found:
        if not isinstance(name, str) or not isinstance(value, str) or not _VALUE.fullmatch(value):
            continue
        name = name.lower()
        if name == "baggage" and name in headers:
            headers[name] += f",{value}"
        elif name in _NAMES:
            headers[name] = value
    return headers
