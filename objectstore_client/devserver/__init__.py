"""A server of the Objectstore contract for development, tests and CI.

It is a real server, only small. `DevServer` runs it inside a process, `objectstore serve` as a
process of its own. Everything but its HTTP part (`protocol`, `server`) works without the packages
of the extra `server`; checking tokens (`AuthKey`) needs the extra `signing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from objectstore_client.devserver.auth import AuthKey
from objectstore_client.devserver.features import Features
from objectstore_client.devserver.missing import MissingExtraError
from objectstore_client.devserver.policies import Policies, UsecasePolicy

if TYPE_CHECKING:
    from objectstore_client.devserver.server import DevServer

__all__ = [
    "AuthKey",
    "DevServer",
    "Features",
    "MissingExtraError",
    "Policies",
    "UsecasePolicy",
]


def __getattr__(name: str) -> object:
    if name == "DevServer":
        from objectstore_client.devserver.server import DevServer

        return DevServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
