"""What each use case allows as expiration (protocol section 5.6)."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from objectstore_client.devserver.replies import Refusal, json_error
from objectstore_client.durations import format_duration, parse_duration
from objectstore_client.errors import InvalidArgumentError, shorten
from objectstore_client.expiration import ExpirationPolicy, Manual, format_policy
from objectstore_client.usecase import USECASE_NAME

_KINDS: Final = ("manual", "ttl", "tti")


@dataclass(frozen=True, slots=True)
class UsecasePolicy:
    """What one use case allows.

    Attributes:
        expirations: Some of `manual`, `ttl` and `tti`.
        maximum: The longest time to live or idle, and the furthest that a life can be extended to,
            counted from the request; `None` for any.
    """

    expirations: frozenset[str] = frozenset(_KINDS)
    maximum: timedelta | None = None

    def check(self, policy: ExpirationPolicy) -> None:
        """Check an object that is being created.

        Raises:
            Refusal: 400.
        """
        kind = format_policy(policy).partition(":")[0]
        if kind not in self.expirations:
            raise _violated(f"the use case does not allow {kind}")
        if not isinstance(policy, Manual):
            self._check_duration(policy.duration)

    def check_deadline(self, deadline: datetime, now: datetime) -> None:
        """Check an extension up to *deadline*.

        Raises:
            Refusal: 400.
        """
        self._check_duration(deadline - now)

    def _check_duration(self, duration: timedelta) -> None:
        if self.maximum is not None and duration > self.maximum:
            raise _violated(f"the use case allows at most {format_duration(self.maximum)}")


_UNRESTRICTED = UsecasePolicy()


class Policies:
    """The policies of a server; use cases without one may do everything."""

    def __init__(self, by_usecase: Mapping[str, UsecasePolicy] | None = None) -> None:
        self._by_usecase = dict(by_usecase or {})

    def of(self, usecase: str) -> UsecasePolicy:
        """The policy of *usecase*."""
        return self._by_usecase.get(usecase, _UNRESTRICTED)

    @classmethod
    def load(cls, path: Path) -> Policies:
        """Read a TOML file, or a JSON one if it is called `.json`, of this form:

            [attachments]
            expirations = ["ttl", "tti"]
            maximum = "30d"

        Raises:
            InvalidArgumentError: If it is not of that form.
            OSError: If it can't be read.
        """
        text = path.read_bytes()
        try:
            loads = json.loads if path.suffix == ".json" else tomllib.loads
            document = loads(text.decode())
        except ValueError as error:
            raise InvalidArgumentError(f"policy: {path.name} can't be read: {error}") from None
        if not isinstance(document, dict):
            raise InvalidArgumentError(f"policy: {path.name} must have one table per usecase")
        return cls({name: _read(name, table) for name, table in document.items()})


def _read(name: str, table: Any) -> UsecasePolicy:
    if not USECASE_NAME.fullmatch(name):
        raise InvalidArgumentError(f"policy: {shorten(name)} can't be the name of a usecase")
    try:
        unknown = table.keys() - {"expirations", "maximum"}
        kinds = table.get("expirations", list(_KINDS))
        maximum = parse_duration(table["maximum"]) if "maximum" in table else None
        if unknown or not isinstance(kinds, list) or not kinds or not set(kinds) <= set(_KINDS):
            raise ValueError("known are expirations, a list of manual, ttl and tti, and maximum")
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidArgumentError(f"policy: that of {name} is not valid: {error}") from None
    return UsecasePolicy(frozenset(kinds), maximum)


def _violated(cause: str) -> Refusal:
    return Refusal(json_error(400, "against the policy of the use case", [cause]))
