"""Ruff, with nothing left to chance: no configuration found by accident, no cache left behind."""

import subprocess
import sys
from pathlib import Path, PurePosixPath

# The generated client takes these and no others, whatever the defaults of a later ruff.
_ISOLATED = ("--isolated", "--no-cache", "--quiet")
_LAYOUT = tuple(
    part
    for setting in (
        "line-length=100",
        "target-version='py311'",
        # Templates end every list with a comma; that is no wish for one item per line.
        "lint.isort.split-on-trailing-comma=false",
        "format.skip-magic-trailing-comma=true",
    )
    for part in ("--config", setting)
)
_FIXES = ("--fix-only", "--select", "F401,F811,I")


def format_folder(folder: Path) -> None:
    """Sort imports, drop unused ones and format all files, with pinned rules only."""
    _ruff("check", *_ISOLATED, *_LAYOUT, *_FIXES, ".", cwd=folder)
    _ruff("format", *_ISOLATED, *_LAYOUT, ".", cwd=folder)


def format_as(code: str, path: PurePosixPath, root: Path) -> str:
    """Fix and format *code* by the repository's configuration, as if it stood at *path*."""
    name = ("--stdin-filename", str(path), "--no-cache", "--quiet")
    fixed = _ruff("check", "--fix-only", *name, "-", cwd=root, stdin=code)
    return _ruff("format", *name, "-", cwd=root, stdin=fixed)


def _ruff(*arguments: str, cwd: Path, stdin: str | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    if done.returncode:
        raise RuntimeError(f"ruff {arguments[0]} failed: {done.stderr or done.stdout}")
    return done.stdout
