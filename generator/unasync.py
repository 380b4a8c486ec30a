"""The second half: async source → sync twin, for the shell of the client and for its tests.

The text is rewritten as a whole, comments and strings included, so that the docstrings of a twin
show sync usage. A rule that matches nothing fails, and so does an async word that is left over.
What has no mirror (locks, sleeping, threads) belongs into a module with both sides written by
hand, under names that the rules turn into each other.
"""

import io
import re
import tokenize
from collections import Counter
from pathlib import Path, PurePosixPath

from .formatting import format_as
from .trees import Tree

SOURCES = ("objectstore_client/_async", "tests/shell/_async")
"""Folders with sources. The twin of each stands beside it and is called `_sync`."""

RULES = {
    # Statements.
    r"\basync (?=(?:def|for|with)\b)": "",
    r"\(await ([\w.]+\([^()]*\))\)(?=\.)": r"\1",  # f(x).y needs no parentheses
    r"\bawait ": "",
    # Protocols of the language.
    r"\b__a(enter|exit|iter|next)__\b": r"__\1__",
    # AsyncObjectstore, AsyncIterator, AbstractAsyncContextManager, StopAsyncIteration, …
    r"Async(?=[A-Z])": "",
    r"\basynccontextmanager\b": "contextmanager",
    # run_cpu_async, handle_async_request, …
    r"(?<=[a-z])_async(?=_|\b)": "",
    r"\bAwaitable\[(\w+)\]": r"\1",
    # The package itself.
    r"\b_async\b": "_sync",
    # The generated client: get_object.asyncio and get_object.stream_asyncio.
    r"(?<=[._])asyncio\b": "sync",
    # Methods that exist in both worlds under two names.
    r"\bacl(ose|osing)\b": r"cl\1",
    r"\baiter_raw\b": "iter_raw",
}
"""Regular expression → replacement, applied in this order."""

_LEFTOVER = re.compile(r"async|await|asyncio|.*Async[A-Z].*|.+_async")


class UnasyncError(Exception):
    """Rules and sources don't fit together; the text says where."""


def generate_twins(root: Path) -> dict[str, Tree]:
    """Make the content of each `_sync` folder, by its path below *root*.

    A source folder that does not exist has an empty twin.

    Raises:
        UnasyncError: If a rule is not used, or async words are left over.
    """
    used: Counter[str] = Counter()
    twins = {_twin_path(source): _twin(root, source, used) for source in SOURCES}
    # While the sources are still being written, not all rules can have a use.
    unused = RULES.keys() - used.keys() if all(twins.values()) else set()
    if unused:
        raise UnasyncError(f"rules without a use; remove them: {', '.join(sorted(unused))}")
    return twins


def to_sync(text: str, used: Counter[str]) -> str:
    """Apply all rules to *text*, counting the substitutions of each."""
    for pattern, replacement in RULES.items():
        text, count = re.subn(pattern, replacement, text)
        if count:
            used[pattern] += count
    return text


def _twin(root: Path, source: str, used: Counter[str]) -> Tree:
    twin = PurePosixPath(_twin_path(source))
    tree: Tree = {}
    for path in sorted((root / source).rglob("*.py")):
        name = path.relative_to(root / source).as_posix()
        code = to_sync(path.read_text(encoding="utf-8"), used)
        _refuse_leftovers(f"{source}/{name}", code)
        banner = (
            f"# Generated from {source}/{name}; do not edit. To regenerate: python -m generator"
        )
        tree[PurePosixPath(name)] = format_as(f"{banner}\n{code}", twin / name, root).encode()
    return tree


def _twin_path(source: str) -> str:
    return source.replace("_async", "_sync")


def _refuse_leftovers(name: str, code: str) -> None:
    # Names only: prose may well mention the async side.
    found = [
        f"{name}:{token.start[0]}: {token.string!r} has no rule"
        for token in tokenize.generate_tokens(io.StringIO(code).readline)
        if token.type == tokenize.NAME and _LEFTOVER.fullmatch(token.string)
    ]
    if found:
        raise UnasyncError("\n".join(found))
