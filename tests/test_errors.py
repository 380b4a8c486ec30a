"""The error tree: documented as it is, stable messages, picklable."""

from __future__ import annotations

import pickle
import re

import pytest

from objectstore_client import errors
from objectstore_client.errors import ApiError, ObjectNotFound, ObjectstoreError, api_error, shorten

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, ObjectstoreError)
]


def test_the_docstring_is_the_tree() -> None:
    """Each class stands in the documented tree, below its base."""
    documented: dict[str, str | None] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"^    ([│ ]*)(?:[├└]── )?([A-Z]\w+)", line):
            depth = (match.start(2) - 4) // 4
            path[depth:] = [match[2]]
            documented[match[2]] = path[depth - 1] if depth else None
    actual = {
        kind.__name__: None if kind is ObjectstoreError else kind.__bases__[0].__name__
        for kind in CLASSES
    }
    assert documented == actual


@pytest.mark.parametrize("kind", CLASSES)
def test_errors_can_be_pickled(kind: type[ObjectstoreError]) -> None:
    """A worker's error reaches the parent with all its facts."""
    error = kind("it failed")
    error.locate(operation="put", usecase="attachments", scope="org=17", key="a")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.key) == (kind, "it failed", "a")
    assert copy.__notes__ == error.__notes__


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (405, "UnsupportedError"),
        (409, "ConflictError"),
        (410, "ApiError"),
        (413, "BadRequestError"),
        (418, "ApiError"),
        (422, "BadRequestError"),
        (429, "RateLimitedError"),
        (500, "ServerError"),
        (501, "UnsupportedError"),
        (503, "ServerError"),
        (599, "ServerError"),
    ],
)
def test_the_type_goes_by_the_status(status: int, name: str) -> None:
    """Any status gives an error that carries it."""
    error = api_error(status, absent=True, detail="no", causes=("inner",))
    assert type(error).__name__ == name
    assert (error.status, error.detail, error.causes) == (status, "no", ("inner",))
    assert str(error).startswith(f"the server answered {status}")
    assert error.__notes__ == ["the server says: no: inner"]


def test_404_is_an_absent_object_only_where_one_was_asked_for() -> None:
    """Anywhere else there is no such route, which points to the base URL."""
    assert isinstance(api_error(404, absent=True), ObjectNotFound)
    assert not isinstance(api_error(404, absent=True), KeyError)
    error = api_error(404, absent=False)
    assert type(error) is ApiError
    assert "base URL" in error.__notes__[0]


def test_the_first_location_wins() -> None:
    """An inner operation knows better than an outer one."""
    error = ObjectstoreError("x")
    error.locate(operation="head", usecase="abc", scope="_", key=None)
    error.locate(operation="exists", usecase="abc", scope="_", key="k")
    assert (error.operation, error.key) == ("head", None)
    assert error.__notes__ == ["operation: 'head', usecase: 'abc', scope: '_'"]


def test_long_values_are_cut_in_messages() -> None:
    """A 10 MB key does not make a 10 MB message."""
    assert len(shorten("x" * 10_000_000)) < 260
    assert len(shorten(["x"] * 10_000)) < 260
    assert shorten("abc") == "'abc'"
