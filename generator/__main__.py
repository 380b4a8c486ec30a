"""`python -m generator`: regenerate, or with `--check` tell whether that would change anything."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .codecs import UnsupportedError
from .openapi import GenerationError, generate_client
from .trees import Tree, differences, write_tree
from .unasync import UnasyncError, generate_twins

ROOT = Path(__file__).parent.parent


def generate(root: Path) -> dict[str, Tree]:
    """Make everything that is generated: the content of each folder, by its path below *root*."""
    return {"generated": generate_client(root), **generate_twins(root)}


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m generator",
        description="Regenerate generated/objectstore_api/ and the sync twins.",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; fail if the files are not what would be generated",
    )
    options = parser.parse_args(arguments)
    try:
        trees = generate(root)
    except (GenerationError, UnasyncError, UnsupportedError) as error:
        print(f"generator: {error}", file=sys.stderr)
        return 1
    return check(trees, root) if options.check else write(trees, root)


def check(trees: dict[str, Tree], root: Path) -> int:
    """Compare the folders below *root* with what they should hold; 1 if there is a difference."""
    found = [text for name, tree in trees.items() for text in differences(name, tree, root / name)]
    if not found:
        print(f"{sum(map(len, trees.values()))} generated files are up to date")
        return 0
    print(*found, sep="\n")
    print(
        f"\n{len(found)} generated files differ from their sources. Edit the source (openapi.yaml, "
        "generator/ or an _async folder), never the output; then run: python -m generator"
    )
    return 1


def write(trees: dict[str, Tree], root: Path) -> int:
    """Make the folders below *root* hold what they should."""
    changed = [
        f"{name}/{path}" for name, tree in trees.items() for path in write_tree(root / name, tree)
    ]
    print(*changed, f"{len(changed)} files changed", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
