"""Run the tests against the wheel in dist/, in a copy of the checkout without the packages.

What passes only because a file lies in the checkout fails here. With the argument `lowest` the
packages that the wheel requires have the oldest version that it allows, `pinned` takes those of
constraints.txt.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
TREE = ROOT / "build" / "wheel-test"
PACKAGES = ("objectstore_client/", "generated/")
ABOUT_SOURCES = ("tests/test_house.py",)
"""Tests that compare the sources with each other: without sources they have no subject."""


def oldest_versions() -> dict[str, str]:
    """Return the lower bound of each package that the wheel requires, extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    features = [extras[name] for name in extras.keys() - {"demo", "dev"}]
    found = {}
    for text in sum(features, project["dependencies"]):
        requirement = Requirement(text)
        for specifier in requirement.specifier:
            if specifier.operator == ">=":
                found[requirement.name] = specifier.version
    return found


def main(versions: str) -> int:
    """Build the tree and its environment, run the tests, return their exit code."""
    replaced = {"pinned": {}, "lowest": oldest_versions()}[versions]
    shutil.rmtree(TREE, ignore_errors=True)
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listing.stdout.split("\0"):
        if (ROOT / name).is_file() and not name.startswith(PACKAGES):
            (TREE / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, TREE / name)

    pins = [line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines()]
    constraints = TREE / "constraints.txt"
    constraints.write_text(
        "".join(f"{pin[0]}=={replaced.get(pin[0], pin[1])}\n" for pin in pins if len(pin) == 2)
    )
    (wheel,) = (ROOT / "dist").glob("*.whl")
    python = TREE / ".venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", TREE / ".venv"], check=True)
    pip: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, "-c", constraints, f"{wheel}[dev]"], check=True)
    ignored = [f"--ignore={path}" for path in ABOUT_SOURCES]
    return subprocess.run([python, "-m", "pytest", *ignored], cwd=TREE, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
