"""Planning: limits of a batch, order per key, how many requests are in flight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from objectstore_client import Delete, Get, Head, Put, Usecase
from objectstore_client.batch.encode import Entry, Preparer
from objectstore_client.batch.operations import Operation
from objectstore_client.batch.plan import (
    MAX_BATCH_BYTES,
    MAX_BATCH_OPERATIONS,
    Planner,
    Tempo,
)

PREPARER = Preparer(Usecase("testing", compression="none"))
KIB, MIB = 1024, 1024 * 1024


def entry(number: int, operation: Operation) -> Entry:
    """An operation that was checked."""
    made = Entry(number, operation)
    PREPARER.prepare(made)
    return made


def planned(*operations: Operation) -> Planner:
    """A planner that was given *operations*."""
    planner = Planner()
    for number, operation in enumerate(operations):
        planner.add(entry(number, operation))
    return planner


def numbers(entries: list[Entry] | None) -> list[int]:
    """Which operations are in a batch."""
    return [each.number for each in entries or []]


def test_a_batch_waits_until_it_is_full() -> None:
    """999 operations go out only if no more are to come; 1000 at once."""
    planner = planned(*(Get(f"{number}") for number in range(MAX_BATCH_OPERATIONS - 1)))
    assert planner.next(flush=False) is None
    planner.add(entry(999, Get("999")))
    planner.add(entry(1000, Get("1000")))
    assert numbers(planner.next(flush=False)) == list(range(1000))
    assert planner.next(flush=False) is None
    assert numbers(planner.next(flush=True)) == [1000]
    assert planner.next(flush=True) is None


def test_a_batch_is_bounded_in_bytes() -> None:
    """Bodies together stay below the limit, with all that is around them."""
    size = 1000 * KIB
    planner = planned(*(Put(bytes(size), id=f"{number}") for number in range(20)))
    batches = []
    while batch := planner.next(flush=True):
        batches.append(batch)
    assert sorted(number for batch in batches for number in numbers(batch)) == list(range(20))
    assert [len(batch) for batch in batches] == [4] * 5
    assert all(sum(each.weight for each in batch) <= MAX_BATCH_BYTES for batch in batches)


def test_what_does_not_fit_goes_alone() -> None:
    """Too large, of unknown size, or to be read only once; it does not hold up the others."""

    def pieces() -> Iterator[bytes]:
        yield b"pieces"

    planner = planned(
        Put(b"small", id="a"),
        Put(bytes(MIB), id="b"),
        Put(bytes(MIB + 1), id="c"),
        Put([b"pieces"], id="d"),
        Put(iter([b"pieces"]), id="e"),
        Put(pieces, id="f"),
    )
    alone = [numbers(planner.next(flush=False)) for _ in range(4)]
    assert alone == [[2], [3], [4], [5]]
    assert planner.next(flush=False) is None
    assert numbers(planner.next(flush=True)) == [0, 1]


def test_operations_on_one_key_wait_for_each_other() -> None:
    """Each begins when the one before has ended; those on other keys do not wait."""
    operations: list[Operation] = [
        Put(b"1", id="a"),
        Put(b"2", id="a"),
        Put(b"3", id="b"),
        Delete("a"),
    ]
    planner = planned(*operations)
    entries = planner.next(flush=True)
    assert numbers(entries) == [0, 2]
    assert planner.next(flush=True) is None
    for each in entries or []:
        planner.done(each)
    following = planner.next(flush=True)
    assert numbers(following) == [1]
    planner.done((following or [])[0])
    assert numbers(planner.next(flush=True)) == [3]


def test_reads_of_one_key_run_together() -> None:
    """They do not disturb each other; a write waits for all of them, and they for a write."""
    operations: list[Operation] = [Get("a"), Head("a"), Put(b"", id="a"), Get("a"), Get("a")]
    planner = planned(*operations)
    reads = planner.next(flush=True) or []
    assert numbers(reads) == [0, 1]
    planner.done(reads[0])
    assert planner.next(flush=True) is None
    planner.done(reads[1])
    write = planner.next(flush=True) or []
    assert numbers(write) == [2]
    planner.done(write[0])
    assert numbers(planner.next(flush=True)) == [3, 4]


def test_puts_without_a_key_never_wait() -> None:
    """Each makes an object of its own."""
    planner = planned(*[Put(b"")] * 5)
    assert numbers(planner.next(flush=True)) == [0, 1, 2, 3, 4]


def test_what_waits_is_bounded() -> None:
    """An endless number of operations on one key is not taken in."""
    for contents, most in ((b"", MAX_BATCH_OPERATIONS), (bytes(MIB), 4)):
        planner = Planner()
        for number in count():
            if not planner.has_room:
                break
            planner.add(entry(number, Put(contents, id="same")))
        assert number <= most + 1


_KEYS = st.sampled_from(["a", "b", "c"])
_OPERATIONS = st.lists(
    st.one_of(
        st.builds(Put, st.just(b"x"), _KEYS),
        st.builds(Put, st.just([b"alone"]), _KEYS),
        st.builds(Put, st.just(b"x"), st.none()),
        st.builds(Get, _KEYS),
        st.builds(Delete, _KEYS),
    ),
    max_size=30,
)


@given(_OPERATIONS, st.randoms(use_true_random=False))
def test_no_plan_lets_operations_on_one_key_race(operations: list[Operation], random) -> None:  # type: ignore[no-untyped-def]
    """Whatever ends first: all run once, in order per key, and a write runs by itself."""
    planner = planned(*operations)
    running: list[Entry] = []
    order: list[Entry] = []
    while True:
        while batch := planner.next(flush=True):
            running += batch
            order += batch
            busy = Counter(each.key for each in running if each.key is not None)
            writing = {each.key for each in running if not each.reads}
            assert all(busy[key] == 1 for key in writing if key is not None)
        if not running:
            break
        planner.done(running.pop(random.randrange(len(running))))
    assert sorted(numbers(order)) == list(range(len(operations)))
    for key in "abc":
        started = [each for each in order if each.key == key]
        writes = [position for position, each in enumerate(started) if not each.reads]
        for position in writes:
            before = {each.number for each in started[:position]}
            assert all(number < started[position].number for number in before)
            assert all(each.number > started[position].number for each in started[position + 1 :])


def test_an_overloaded_server_gets_less() -> None:
    """Half of what was in flight each time, but one; then more again, up to where it was."""
    tempo = Tempo(4)
    assert tempo.allowed == 4
    allowed = []
    for throttled in (True, True, True, *[False] * 20):
        tempo.note(throttled=throttled)
        allowed.append(tempo.allowed)
    assert allowed[:3] == [2, 1, 1]
    assert sorted(allowed[3:]) == allowed[3:]
    assert allowed[-1] == 4
