"""A server of the first version, for tests of what clients have to tolerate (protocol 17).

It knows neither resumable uploads nor PATCH, ignores the query of what became those uploads, and
shows objects in other words. It never expires an object, nor renews it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote_to_bytes

from objectstore_client.devserver import metadata, routing
from objectstore_client.devserver.app import App
from objectstore_client.devserver.exchange import Exchange
from objectstore_client.devserver.records import Address, Record
from objectstore_client.devserver.replies import Headers, Refusal, empty, json_error
from objectstore_client.devserver.routing import Operation, Route
from objectstore_client.devserver.service import Service
from objectstore_client.expiration import Manual, TimeToLive

_HUMAN_UNITS = (
    # Microseconds, name, plural.
    (31_557_600_000_000, "year", "years"),
    (2_630_016_000_000, "month", "months"),
    (86_400_000_000, "day", "days"),
    (3_600_000_000, "h", "h"),
    (60_000_000, "m", "m"),
    (1_000_000, "s", "s"),
    (1_000, "ms", "ms"),
    (1, "us", "us"),
)
_LITERAL = re.compile(rb"(x-sn-origin|x-sn-filename|x-snme-.*)", re.DOTALL)


class OldService(Service):
    """Objects that do not expire, and that must exist to be deleted."""

    def delete(self, address: Address) -> None:
        if self._storage.load(address) is None:
            raise Refusal(json_error(500, "internal error", ["no such file"]))
        super().delete(address)

    def _access(self, address: Address, record: Record, now: datetime) -> None:
        """Leave it alone."""


class OldApp(App):
    """Serves objects as the first servers did."""

    service_class = OldService
    head_status = 204

    def resolve(
        self, route: Route, exchange: Exchange
    ) -> tuple[Operation, Address, Mapping[str, str]]:
        if route.operation is Operation.PATCH_OBJECT:
            raise Refusal(empty(405, [(b"allow", b"GET, HEAD, PUT, DELETE")]))
        query = routing.parse_query(exchange.raw_query)
        return route.operation, route.address(any_usecase=True), query

    def read_record(self, headers: Headers, now: datetime) -> Record:
        # Escaped once more, the values come out of the decoding as they are.
        literal = [
            (name, value.replace(b"%", b"%25") if _LITERAL.fullmatch(name) else value)
            for name, value in headers
        ]
        record = metadata.read_record(literal, now)
        if record.expires is None or isinstance(record.policy, Manual):
            return replace(record, created=now)
        return replace(record, created=now, expires=now + record.policy.duration)

    def describe(self, record: Record) -> Headers:
        described: Headers = []
        for name, value in metadata.describe(record):
            match name:
                case b"x-sn-size":
                    continue
                case b"x-sn-time-created":
                    value = _old_time(record.created)
                case b"x-sn-time-expires":
                    value = _old_time(record.expires or record.created)
                case b"x-sn-expiration" if not isinstance(record.policy, Manual):
                    prefix = "ttl" if isinstance(record.policy, TimeToLive) else "tti"
                    value = f"{prefix}:{human_duration(record.policy.duration)}".encode()
                case _ if _LITERAL.fullmatch(name):
                    value = unquote_to_bytes(value)
            described.append((name, value))
        return described

    def whole_length(self, record: Record) -> Headers:
        return []


def human_duration(duration: timedelta) -> str:
    """Write a duration as `1month 13h 26m 24s`."""
    left = duration // timedelta(microseconds=1)
    terms = []
    for size, singular, plural in _HUMAN_UNITS:
        count, left = divmod(left, size)
        if count:
            terms.append(f"{count}{singular if count == 1 else plural}")
    return " ".join(terms) or "0s"


def _old_time(instant: datetime) -> bytes:
    instant = instant.astimezone(UTC).replace(tzinfo=None)
    return f"{instant.isoformat(timespec='microseconds')}Z".encode()
