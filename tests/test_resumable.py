"""How resumable uploads go on, without a server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectstore_client import InvalidResponseError
from objectstore_client.resumable import (
    Chunk,
    Gone,
    Query,
    ResumableUpload,
    is_declined,
    supports_resumable,
)


def test_chunks_follow_what_the_server_says() -> None:
    """Not what was sent."""
    upload = ResumableUpload(100, None, chunk_size=40)
    assert upload.step() == Chunk(0, 40)
    upload.stands_at(30)
    assert upload.step() == Chunk(30, 40)
    upload.stands_at(70)
    assert upload.step() == Chunk(70, 30)


@pytest.mark.parametrize(
    ("granularity", "chunk_size", "size"),
    [(None, 40, 40), (0, 40, 40), (1, 40, 40), (16, 40, 32), (64, 40, 64), (40, 40, 40)],
)
def test_chunks_are_multiples_of_the_granularity(
    granularity: int | None, chunk_size: int, size: int
) -> None:
    """At least one of it, or they would make no progress."""
    upload = ResumableUpload(1000, granularity, chunk_size=chunk_size)
    assert upload.step() == Chunk(0, size)


def test_a_failure_is_followed_by_a_question() -> None:
    """For a part of the chunk may have been kept."""
    upload = ResumableUpload(100, None, chunk_size=40)
    upload.step()
    upload.failed()
    assert upload.step() == Query()
    assert upload.failures == 1
    upload.stands_at(25)
    assert upload.failures == 0
    assert upload.step() == Chunk(25, 40)


def test_standing_still_counts_as_failure() -> None:
    """Also when the server answers politely."""
    upload = ResumableUpload(100, None, chunk_size=40)
    upload.stands_at(0)
    for count in (1, 2, 3):
        upload.step()
        upload.stands_at(0)
        assert upload.failures == count


@pytest.mark.parametrize("offset", [None, -1, 101])
def test_a_server_must_say_what_it_can_have(offset: int | None) -> None:
    """Nothing, or more than there is, breaks the protocol."""
    upload = ResumableUpload(100, None)
    with pytest.raises(InvalidResponseError):
        upload.stands_at(offset)


def test_what_a_vanished_session_means() -> None:
    """Before the last chunk was sent the object can't be there, afterwards it can."""
    upload = ResumableUpload(100, None, chunk_size=60)
    upload.step()
    assert upload.gone() is Gone.START_OVER
    upload.stands_at(60)
    assert upload.gone() is Gone.START_OVER
    upload.step()
    upload.failed()
    assert upload.step() == Query()
    assert upload.gone() is Gone.LOOK
    upload.stands_at(60)
    assert upload.gone() is Gone.START_OVER, "the server says that it lacks some"


def test_what_another_process_began_may_be_complete() -> None:
    """So it begins with a question, and a vanished session makes it look."""
    upload = ResumableUpload(100, None, begun=True)
    assert upload.step() == Query()
    assert upload.gone() is Gone.LOOK


@given(
    length=st.integers(1, 10_000),
    granularity=st.integers(0, 300),
    chunk_size=st.integers(1, 2_000),
    losses=st.lists(st.integers(0, 2_000), max_size=50),
)
def test_every_upload_ends(
    length: int, granularity: int, chunk_size: int, losses: list[int]
) -> None:
    """Whatever is lost, against a server that keeps whole multiples of its granularity."""
    upload = ResumableUpload(length, granularity, chunk_size=chunk_size)
    kept = 0
    for _ in range(length + 2 * len(losses) + 2):
        step = upload.step()
        if isinstance(step, Query):
            upload.stands_at(kept)
            continue
        assert step.offset == kept
        assert 0 < step.size <= length - kept
        lost = losses.pop() if losses else 0
        kept += max(step.size - lost, 0)
        if kept == length:
            return
        if granularity:
            kept -= kept % granularity
        upload.failed() if lost else upload.stands_at(kept)
    pytest.fail("no end")


@pytest.mark.parametrize(
    ("status", "answer"),
    [(400, True), (204, False), (403, False), (500, False), (404, False), (429, None), (503, None)],
)
def test_what_an_answer_to_the_probe_means(status: int, answer: bool | None) -> None:
    """400 of those that know the parameter; overload says nothing."""
    assert supports_resumable(status) is answer


def test_which_refusals_mean_to_put_plainly() -> None:
    """501, and 409 of the draft."""
    assert [is_declined(status) for status in (501, 409, 400, 403, None)] == [
        True,
        True,
        False,
        False,
        False,
    ]
