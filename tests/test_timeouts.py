"""Time-outs: everything that callers may pass."""

from __future__ import annotations

import math
from datetime import timedelta

import httpx
import pytest
import urllib3

from objectstore_client.errors import InvalidArgumentError
from objectstore_client.timeouts import DEFAULT_TIMEOUT, Timeout, TimeoutLike, read_timeout


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, DEFAULT_TIMEOUT),
        (2, Timeout(connect=2, read=2, write=2, pool=2)),
        (0.5, Timeout(connect=0.5, read=0.5, write=0.5, pool=0.5)),
        (timedelta(seconds=3), Timeout(connect=3, read=3, write=3, pool=3)),
        (Timeout(read=None), Timeout(connect=5, read=None, write=30, pool=10)),
        (httpx.Timeout(4, read=9), Timeout(connect=4, read=9, write=4, pool=4)),
        (httpx.Timeout(None), Timeout(connect=None, read=None, write=None, pool=None)),
        (urllib3.Timeout(connect=0.5, read=0.7), Timeout(connect=0.5, read=0.7)),
        (urllib3.Timeout(total=3), Timeout(connect=3, read=3)),
        (urllib3.Timeout(connect=1, total=3), Timeout(connect=1, read=3)),
        (urllib3.Timeout(), Timeout(connect=None, read=None)),
    ],
)
def test_accepted_forms(value: TimeoutLike | None, expected: Timeout) -> None:
    """Phases a value does not speak of come from the defaults."""
    assert read_timeout(value) == expected


def test_the_default_can_be_another() -> None:
    """Per call, what is not said comes from the client."""
    default = Timeout(write=7)
    assert read_timeout(None, default) is default
    assert read_timeout(urllib3.Timeout(connect=1, read=1), default).write == 7


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, timedelta(0), "5", True, object()])
def test_refused_forms(value: object) -> None:
    """The error names the argument, the value and the rule."""
    with pytest.raises(InvalidArgumentError, match=r"timeout.* must be"):
        read_timeout(value)  # type: ignore[arg-type]


def test_refused_phases() -> None:
    """Each phase is checked, and named."""
    with pytest.raises(InvalidArgumentError, match=r"timeout.write: must be more than 0"):
        Timeout(write=0)
    with pytest.raises(InvalidArgumentError, match=r"timeout.read: must be seconds"):
        Timeout(read="1")  # type: ignore[arg-type]
