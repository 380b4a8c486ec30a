"""The second half of the generator: async sources become sync twins."""

from collections import Counter
from pathlib import Path, PurePosixPath

import pytest

from generator import unasync
from generator.__main__ import ROOT, check, main, write
from generator.unasync import RULES, UnasyncError, generate_twins, to_sync

SOURCE = '''\
"""AsyncStore: `await store.get()`."""

from collections.abc import AsyncIterable, Iterable

from shell._async.zebra import AsyncZebra
from shell.other import run_async


class AsyncStore:
    """Use it so:

        async with AsyncStore() as store:
            async for chunk in (await store.get()).aiter_raw():
                print(chunk)
    """

    async def __aenter__(self) -> "AsyncStore":
        await run_async(self.aclose)  # awaited in async code
        return self

    def source(self) -> Iterable[bytes] | AsyncIterable[bytes]:
        return [b""]
'''

TWIN = '''\
# Generated from shell/_async/store.py; do not edit. To regenerate: python -m generator
"""Store: `store.get()`."""

from collections.abc import Iterable

from shell._sync.zebra import Zebra
from shell.other import run


class Store:
    """Use it so:

    with Store() as store:
        for chunk in store.get().iter_raw():
            print(chunk)
    """

    def __enter__(self) -> "Store":
        run(self.close)  # awaited in async code
        return self

    def source(self) -> Iterable[bytes]:
        return [b""]
'''


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one async package, and only the rules that it needs."""
    (tmp_path / "pyproject.toml").write_text('[tool.ruff.lint]\nselect = ["I", "PYI"]\n')
    (tmp_path / "shell/_async").mkdir(parents=True)
    (tmp_path / "shell/_async/store.py").write_text(SOURCE)
    used: Counter[str] = Counter()
    to_sync(SOURCE, used)
    monkeypatch.setattr(unasync, "SOURCES", ("shell/_async",))
    monkeypatch.setattr(unasync, "RULES", {rule: RULES[rule] for rule in RULES if used[rule]})
    return tmp_path


def test_a_twin_is_rewritten_and_formatted(repository: Path) -> None:
    """Statements, names, docstrings and imports are sync; layout is as if written by hand."""
    twin = generate_twins(repository)["shell/_sync"]
    assert twin == {PurePosixPath("store.py"): TWIN.encode()}


def test_check_finds_changes_gaps_and_orphans(repository: Path) -> None:
    """The twin folder must hold exactly what the sources make."""
    trees = {"shell/_sync": generate_twins(repository)["shell/_sync"]}
    folder = repository / "shell/_sync"
    assert check(trees, repository) == 1
    write(trees, repository)
    assert check(trees, repository) == 0
    (folder / "orphan.py").write_text("")
    assert check(trees, repository) == 1
    write(trees, repository)
    (folder / "store.py").write_text(TWIN + "# edited\n")
    assert check(trees, repository) == 1


def test_an_orphaned_twin_folder_is_noticed(repository: Path) -> None:
    """If the source folder goes, its twin must go as well."""
    write(generate_twins(repository), repository)
    (repository / "shell/_async/store.py").unlink()
    assert check(generate_twins(repository), repository) == 1


def test_a_rule_without_a_use_fails(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules can't rot: one that matches nothing is an error that names it."""
    monkeypatch.setattr(unasync, "RULES", {**unasync.RULES, r"\baread\b": "read"})
    with pytest.raises(UnasyncError, match=r"without a use.*aread"):
        generate_twins(repository)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("import asyncio", "asyncio"),
        ("x = [i async for i in y]\nasync = 1", "async"),
        ("from anyio import AsyncFile_ as MyAsyncFile", "MyAsyncFile"),
    ],
)
def test_leftovers_fail(
    repository: Path, line: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An async name that no rule turned is an error with file, line and name."""
    rules = {rule: new for rule, new in unasync.RULES.items() if not rule.startswith("Async")}
    if name == "MyAsyncFile":
        monkeypatch.setattr(unasync, "RULES", rules)
    (repository / "shell/_async/more.py").write_text(f"{line}\n")
    with pytest.raises(UnasyncError, match=rf"shell/_async/more.py:\d: '{name}' has no rule"):
        generate_twins(repository)


def test_prose_may_speak_of_the_other_world(repository: Path) -> None:
    """Words in comments and docstrings are not leftovers."""
    (repository / "shell/_async/more.py").write_text("# the async client differs; see asyncio\n")
    assert (
        b"# the async client differs"
        in generate_twins(repository)["shell/_sync"][PurePosixPath("more.py")]
    )


@pytest.mark.parametrize(
    ("source", "twin"),
    [
        ("async def f(): await g()", "def f(): g()"),
        ("return (await x).y", "return (x).y"),
        ("AbstractAsyncContextManager", "AbstractContextManager"),
        ("StopAsyncIteration", "StopIteration"),
        ("httpx.AsyncHTTPTransport", "httpx.HTTPTransport"),
        ("handle_async_request", "handle_request"),
        ("await run_cpu_async(f)", "run_cpu(f)"),
        ("pkg._async.mod", "pkg._sync.mod"),
        ("'tests/shell/_async/x'", "'tests/shell/_sync/x'"),
        ("__aiter__ __anext__ __aexit__", "__iter__ __next__ __exit__"),
        ("asynchronous awaitable is_async_x", "asynchronous awaitable is_x"),
    ],
)
def test_rules(source: str, twin: str) -> None:
    """The table does to words what it says."""
    assert to_sync(source, Counter()) == twin


def test_errors_end_the_command(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints what is wrong and returns 1, writing nothing."""
    (repository / "openapi.yaml").write_bytes((ROOT / "openapi.yaml").read_bytes())
    (repository / "shell/_async/more.py").write_text("import asyncio\n")
    assert main([], repository) == 1
    assert "'asyncio' has no rule" in capsys.readouterr().err
    assert not (repository / "generated").exists()
