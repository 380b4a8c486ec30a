"""Scopes, usecases and expiration policies: what is accepted, how it travels."""

from __future__ import annotations

import copy
import pickle
import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectstore_client.errors import InvalidArgumentError
from objectstore_client.expiration import (
    ExpirationPolicy,
    Manual,
    TimeToIdle,
    TimeToLive,
    format_policy,
    parse_policy,
)
from objectstore_client.scope import Scope, SentryScope
from objectstore_client.usecase import Usecase

WORDS = st.text("ABYZabyz0189_-()$!+'", min_size=1, max_size=20)


def test_the_order_of_scopes_counts() -> None:
    """`a=1;b=2` and `b=2;a=1` are different namespaces."""
    assert Scope(a=1, b=2).path == "a=1;b=2"
    assert Scope(b=2, a=1).path == "b=2;a=1"
    assert Scope(a=1, b=2) != Scope(b=2, a=1)


def test_the_empty_scope_is_an_underscore() -> None:
    """No scopes travel as `_`."""
    assert Scope().path == str(Scope()) == "_"
    assert Scope().items == ()


def test_sentry_scope_uses_the_conventional_names() -> None:
    """organization and project become `org` and `project`."""
    assert SentryScope(organization=42, project=1337) == Scope(org=42, project=1337)
    assert SentryScope(organization="42") == Scope(org="42")


def test_scopes_are_values() -> None:
    """Immutable, hashable, picklable, copyable, with a repr that makes the same scope."""
    scope = Scope(organization=42, app_slug="email_app")
    assert {scope: 1}[Scope.parse("organization=42;app_slug=email_app")] == 1
    assert pickle.loads(pickle.dumps(scope)) == copy.deepcopy(scope) == scope
    assert eval(repr(scope)) == scope
    with pytest.raises(AttributeError, match="immutable"):
        scope.path = "x"
    sentry = SentryScope(organization=1, project=2)
    assert pickle.loads(pickle.dumps(sentry)) == sentry


@pytest.mark.parametrize(
    "value", ["", "a.b", "a b", "a/b", "a;b", "a=b", "a%b", "é", "a\n", "\x00", 1.5, None, b"a"]
)
def test_bad_scope_values_are_refused(value: object) -> None:
    """The error names the value and the rule."""
    with pytest.raises(InvalidArgumentError, match="scope: the value") as caught:
        Scope(org=value)  # type: ignore[arg-type]
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("path", ["", "a", "a=", "=1", "org=1;", ";org=1", "a=1;;b=2", "_;a=1"])
def test_bad_scope_paths_are_refused(path: str) -> None:
    """Empty pieces, names and values, and a missing `=`."""
    with pytest.raises(InvalidArgumentError, match="scope:"):
        Scope.parse(path)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=5))
def test_scope_round_trip(items: list[tuple[str, str]]) -> None:
    """Whatever is made of allowed characters survives, duplicates included."""
    path = ";".join(f"{name}={value}" for name, value in items)
    assert Scope.parse(path).items == tuple(items)
    assert Scope.parse(path).path == path


@given(st.text(max_size=30))
def test_any_scope_text_is_accepted_by_the_grammar_or_refused(text: str) -> None:
    """Parsing agrees with the grammar of section 3.3."""
    word = r"[A-Za-z0-9_\-()$!+']+"
    valid = text == "_" or re.fullmatch(rf"{word}={word}(;{word}={word})*", text)
    if valid:
        assert Scope.parse(text).path == text
    else:
        with pytest.raises(InvalidArgumentError):
            Scope.parse(text)


@pytest.mark.parametrize("name", ["abc", "A-b_9", "x" * 64])
def test_good_usecase_names(name: str) -> None:
    """3 to 64 of letters, digits, underscore and hyphen."""
    assert Usecase(name).name == name


@pytest.mark.parametrize("name", ["", "ab", "x" * 65, "a.bc", "a/bc", "ábc", "abc\n", None, 123])
def test_bad_usecase_names(name: object) -> None:
    """The error names the rule."""
    with pytest.raises(InvalidArgumentError, match=r"usecase: the name .* must be 3 to 64"):
        Usecase(name)  # type: ignore[arg-type]


def test_bad_usecase_defaults() -> None:
    """Unknown compressions and things that are no policy are refused at construction."""
    with pytest.raises(InvalidArgumentError, match="compression: must be 'zstd', 'none' or 'auto'"):
        Usecase("abc", compression="gzip")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="compression"):
        Usecase("abc", compression=["zstd"])  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="expiration_policy"):
        Usecase("abc", expiration_policy=timedelta(days=1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("policy", "wire"),
    [
        (Manual(), "manual"),
        (TimeToLive(timedelta(days=7)), "ttl:7d"),
        (TimeToIdle(timedelta(hours=36)), "tti:1d 12h"),
        (TimeToLive(timedelta(0)), "ttl:0s"),
    ],
)
def test_policies_travel(policy: ExpirationPolicy, wire: str) -> None:
    """Each policy has one wire form and comes back from it."""
    assert format_policy(policy) == wire
    assert parse_policy(wire) == policy


@pytest.mark.parametrize("text", ["", "ttl", "ttl:", "TTL:7d", "ttx:7d", "manual:", "ttl: -1s"])
def test_bad_policies_are_refused(text: str) -> None:
    """Unknown prefixes and bad durations are a ValueError."""
    with pytest.raises(ValueError, match=r"policy|duration"):
        parse_policy(text)


@pytest.mark.parametrize("kind", [TimeToLive, TimeToIdle])
def test_bad_durations_are_refused(kind: type[TimeToLive | TimeToIdle]) -> None:
    """Negative durations and bare numbers are refused where they are given."""
    with pytest.raises(InvalidArgumentError, match="must not be negative"):
        kind(timedelta(seconds=-1))
    with pytest.raises(InvalidArgumentError, match="must be a timedelta"):
        kind(30)  # type: ignore[arg-type]
