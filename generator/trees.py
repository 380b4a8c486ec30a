"""Folders of generated files, as values: path below the folder → content."""

import difflib
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

Tree = dict[PurePosixPath, bytes]

_DIFF_LINES = 12


def read_tree(folder: Path) -> Tree:
    """Read all files below *folder*, but for what Python and the linters leave there."""
    return {
        PurePosixPath(path.relative_to(folder).as_posix()): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _is_litter(path.relative_to(folder))
    }


def write_tree(folder: Path, tree: Tree) -> list[PurePosixPath]:
    """Make *folder* hold exactly *tree*; return what was written or removed."""
    present = read_tree(folder) if folder.is_dir() else {}
    changed = [path for path, content in tree.items() if present.get(path) != content]
    orphans = [path for path in present if path not in tree]
    for path in changed:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(tree[path])
    for path in orphans:
        (folder / path).unlink()
        _remove_empty_parents(folder, folder / path)
    return changed + orphans


def differences(name: str, expected: Tree, folder: Path) -> Iterator[str]:
    """Say what is wrong with *folder*, called *name*: one text for each file that differs."""
    present = read_tree(folder) if folder.is_dir() else {}
    for path in sorted(expected.keys() | present.keys()):
        if path not in present:
            yield f"missing: {name}/{path}"
        elif path not in expected:
            yield f"orphan: {name}/{path} (nothing generates it)"
        elif present[path] != expected[path]:
            diff = _short_diff(present[path], expected[path])
            yield f"changed: {name}/{path}\n{diff}"


def _short_diff(present: bytes, expected: bytes) -> str:
    lines = list(
        difflib.unified_diff(
            present.decode(errors="replace").splitlines(),
            expected.decode(errors="replace").splitlines(),
            "committed",
            "generated",
            lineterm="",
            n=1,
        )
    )
    more = len(lines) - _DIFF_LINES
    shown = [*lines[:_DIFF_LINES], *([f"… {more} more lines"] if more > 0 else [])]
    return "\n".join(f"    {line}" for line in shown)


def _is_litter(path: Path) -> bool:
    return "__pycache__" in path.parts or any(
        part.endswith("_cache") and part.startswith(".") for part in path.parts
    )


def _remove_empty_parents(folder: Path, path: Path) -> None:
    for parent in path.parents:
        if parent == folder:
            return
        if any(child.name != "__pycache__" for child in parent.iterdir()):
            return
        shutil.rmtree(parent)
