"""The repository keeps its own rules: layers, public names, extras, packaging, pins, recipes."""

from __future__ import annotations

import ast
import graphlib
import importlib
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
import types
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VERSION = importlib.import_module("objectstore_client").__version__
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]

CORE = "objectstore_client"
CONVENIENCES = tuple(f"{CORE}.{name}" for name in ("cli", "contrib", "devserver", "testing"))
"""What may stand on top of the client, and what the client must not know."""

THIRD_PARTY = {"attr", "objectstore_api"} | {Requirement(x).name for x in PROJECT["dependencies"]}
"""What the core may import: the packages that `pip install objectstore-client` brings."""

OPTIONAL = {f"{CORE}.signing": "cryptography"}
"""What single modules of the core import where they use it, if an extra is installed."""


# ---- who imports whom ---------------------------------------------------------------------


@dataclass(frozen=True)
class Import:
    """One `import` in a module of ours."""

    module: str
    target: str
    runs_on_import: bool
    """False inside a function and under TYPE_CHECKING."""


def module_files(package: str, folder: Path) -> dict[str, Path]:
    """Return the modules of *package*, which lies in *folder*, by dotted name."""
    found = {}
    for path in sorted((folder / package).rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = module_files(CORE, ROOT)


class ImportCollector(ast.NodeVisitor):
    """Collects the imports of one module, `from package import module` resolved to the module."""

    def __init__(self, module: str, path: Path) -> None:
        self.module = module
        self.package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        self.runs_on_import = True
        self.found: list[Import] = []
        self.visit(ast.parse(path.read_text()))

    def add(self, target: str) -> None:
        self.found.append(Import(self.module, target, self.runs_on_import))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.add(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            parents = self.package.split(".")
            parents = parents[: len(parents) - node.level + 1]
            base = ".".join([*parents, base] if base else parents)
        for alias in node.names:
            full = f"{base}.{alias.name}"
            self.add(full if full in MODULES else base)

    def visit_later(self, nodes: list[ast.stmt]) -> None:
        before, self.runs_on_import = self.runs_on_import, False
        for node in nodes:
            self.visit(node)
        self.runs_on_import = before

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.visit_later(node.body)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_later(node.body)

    def visit_If(self, node: ast.If) -> None:
        if "TYPE_CHECKING" in ast.unparse(node.test):
            self.visit_later(node.body)
            for other in node.orelse:
                self.visit(other)
        else:
            self.generic_visit(node)


IMPORTS = [found for name, path in MODULES.items() for found in ImportCollector(name, path).found]


def within(module: str, *packages: str) -> bool:
    """Say whether *module* is one of *packages* or inside one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def wrong(imports: Iterator[Import]) -> list[str]:
    """Return *imports* in a form that reads well in a failure."""
    return sorted({f"{found.module} imports {found.target}" for found in imports})


def test_import_collector_sees_every_form(tmp_path: Path) -> None:
    """The layer tests rest on seeing relative, lazy and type-only imports for what they are."""
    path = tmp_path / "scope.py"
    path.write_text(
        "import a.b\n"
        "from . import errors\n"
        "from .durations import parse_duration\n"
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from c import D\n"
        "async def lazy():\n    import e\n"
    )
    found = ImportCollector(f"{CORE}.scope", path).found
    assert [(item.target, item.runs_on_import) for item in found] == [
        ("a.b", True),
        (f"{CORE}.errors", True),
        (f"{CORE}.durations", True),
        ("typing", True),
        ("c", False),
        ("e", False),
    ]


def test_modules_import_each_other_without_cycles() -> None:
    """Importing any module of the package first must work, so no two import each other."""
    graph: dict[str, set[str]] = {name: set() for name in MODULES}
    for found in IMPORTS:
        if found.runs_on_import and found.target in MODULES and found.target != found.module:
            graph[found.module].add(found.target)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_core_does_not_know_its_conveniences() -> None:
    """The command line, the server and the adapters use the client, never the other way round."""
    assert not wrong(
        found
        for found in IMPORTS
        if within(found.target, *CONVENIENCES) and not within(found.module, *CONVENIENCES)
    )


def test_conveniences_use_the_public_interface() -> None:
    """What stands on top of the client does without its I/O shell."""
    shell = tuple(f"{CORE}.{name}" for name in ("_async", "_sync", "_runtime", "_lanes"))
    assert not wrong(
        found
        for found in IMPORTS
        if within(found.module, *CONVENIENCES) and within(found.target, *shell)
    )


def test_the_two_worlds_do_not_meet() -> None:
    """The sync client runs without asyncio and without the async client, and the reverse."""
    foreign = {
        f"{CORE}._async": (f"{CORE}._sync", "threading", "concurrent"),
        f"{CORE}._sync": (f"{CORE}._async", "asyncio", "anyio"),
    }
    assert not wrong(
        found
        for found in IMPORTS
        for world, others in foreign.items()
        if within(found.module, world) and within(found.target, *others)
    )


def test_pure_modules_do_not_use_the_shell() -> None:
    """What decides and transforms knows nothing of the I/O; only the package joins them."""
    shell = (f"{CORE}._async", f"{CORE}._sync")
    assert not wrong(
        found
        for found in IMPORTS
        if within(found.target, *shell)
        and found.module != CORE
        and not within(found.module, *shell, *CONVENIENCES)
    )


def test_core_imports_only_what_it_requires() -> None:
    """A plain install brings all that the core imports, except where an extra is needed; an
    application's SDKs are not among it.
    """
    known = THIRD_PARTY | sys.stdlib_module_names | {CORE}
    assert not wrong(
        found
        for found in IMPORTS
        if (package := found.target.partition(".")[0]) not in known
        and not within(found.module, *CONVENIENCES)
        and (found.runs_on_import or OPTIONAL.get(found.module) != package)
    )


def test_httpx_stays_at_the_edge() -> None:
    """One module translates httpx, the engine speaks its types; no other knows that it exists."""
    assert not wrong(
        found
        for found in IMPORTS
        if found.runs_on_import
        and within(found.target, "httpx")
        and not within(found.module, f"{CORE}._httpx", f"{CORE}.engine")
    )


def test_generated_client_stands_alone() -> None:
    """The generated client imports nothing of the handwritten one, nor anything not required."""
    known = THIRD_PARTY | sys.stdlib_module_names
    files = module_files("objectstore_api", ROOT / "generated")
    assert files
    assert not wrong(
        found
        for name, path in files.items()
        for found in ImportCollector(name, path).found
        if found.target.partition(".")[0] not in known
    )


def modules_after(statements: str) -> set[str]:
    """Return the modules in memory after *statements* in a new interpreter."""
    code = f"import json, sys; {statements}; print(json.dumps(list(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    return set(json.loads(run.stdout))


def loaded_by(packages: str) -> set[str]:
    """Return the top-level packages in memory after importing *packages* in a new interpreter."""
    return {name.partition(".")[0] for name in modules_after(f"import {packages}")}


def test_importing_the_package_loads_no_extra() -> None:
    """`import objectstore_client` loads what it requires and nothing optional."""
    # httpx itself loads the packages of its own command line where it finds them.
    required = loaded_by("attr, attrs, httptools, httpx, zstandard")
    ours = loaded_by(CORE) - required - sys.stdlib_module_names
    assert {name for name in ours if not name.startswith("_")} <= {CORE, "objectstore_api"}


def test_importing_the_package_is_light() -> None:
    """What costs most is left until it is needed, and of two worlds there is only the one in use.

    (httpx brings packages of its own command line where it finds them, and these asyncio.)
    """
    bare = modules_after(f"import {CORE}")
    assert not bare & {"asyncio", "httpx", "zstandard", f"{CORE}._async", f"{CORE}._sync"}
    sync = modules_after(f"from {CORE} import Objectstore; Objectstore('http://localhost')")
    assert not sync & {f"{CORE}._async", f"{CORE}.engine.aio"}
    use = f"from {CORE} import AsyncObjectstore; AsyncObjectstore('http://localhost')"
    assert not modules_after(use) & {f"{CORE}._sync", f"{CORE}.engine.blocking"}


# ---- public names ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", [CORE, "objectstore_api"])
def test_public_names_are_listed(name: str) -> None:
    """`__all__` names everything a user can import from the package, and nothing else."""
    package = importlib.import_module(name)
    listed = list(package.__all__)
    assert len(listed) == len(set(listed))
    assert all(hasattr(package, each) for each in listed)  # some are imported by that
    assert set(listed) - {"__version__"} == {
        key
        for key, value in vars(package).items()
        if not key.startswith("_")
        and not isinstance(value, types.ModuleType)
        and getattr(value, "__module__", CORE) != "__future__"
    }


# ---- packaging ------------------------------------------------------------------------------


def test_one_version() -> None:
    """The version has one place; what is installed says the same (`make test` sees to it)."""
    assert PROJECT["dynamic"] == ["version"]
    assert importlib.metadata.version(PROJECT["name"]) == VERSION


def expanded(extra: str) -> set[str]:
    """Return the requirements of *extra*, those of the extras it names included."""
    found: set[str] = set()
    for text in EXTRAS[extra]:
        requirement = Requirement(text)
        if requirement.name == PROJECT["name"]:
            found.update(*(expanded(name) for name in requirement.extras))
        else:
            found.add(text)
    return found


def test_extra_all_brings_every_optional_feature() -> None:
    """`[all]` is every extra except those that only the Makefile uses."""
    features = EXTRAS.keys() - {"all", "demo", "dev"}
    assert expanded("all") == set().union(*(expanded(name) for name in features))
    assert expanded("dev") >= expanded("all") | expanded("demo")


def test_constraints_pin_what_is_required() -> None:
    """Each requirement has an exact pin, within its range, and no line says anything else."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert list(pins) == sorted(pins, key=str.lower)
    versions = {canonicalize_name(name): version for name, version in pins.items()}
    for text in {*PROJECT["dependencies"], *expanded("dev")}:
        requirement = Requirement(text)
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), text


def test_wheel_holds_both_typed_packages(tmp_path: Path) -> None:
    """The wheel is every module of both packages, their `py.typed`, the licence, nothing else."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = tmp_path.glob("*.whl")
    expected = {
        path.relative_to(folder).as_posix()
        for folder, package in ((ROOT, CORE), (ROOT / "generated", "objectstore_api"))
        for path in (folder / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {f"{CORE}/py.typed", "objectstore_api/py.typed"} <= expected
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    info = f"objectstore_client-{VERSION}.dist-info"
    assert {name for name in names if not name.startswith(f"{info}/")} == expected
    assert f"{info}/licenses/LICENSE" in names


# ---- recipes --------------------------------------------------------------------------------


def test_ci_covers_the_supported_pythons() -> None:
    """The matrix of the workflow, the classifiers and `requires-python` agree."""
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    (matrix,) = re.findall(r"^ +python: \[(.*)\]$", workflow, re.MULTILINE)
    prefix = "Programming Language :: Python :: "
    classified = [text.removeprefix(prefix) for text in PROJECT["classifiers"] if prefix in text]
    classified.remove("3 :: Only")
    assert json.loads(f"[{matrix}]") == classified
    assert PROJECT["requires-python"] == f">={classified[0]}"


def test_workflow_pins_its_actions() -> None:
    """A moved tag of somebody else's action must not run here: each is named by commit."""
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    for action in re.findall(r"uses: (.*)", workflow):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", action)


def test_hooks_are_parts_of_make_check() -> None:
    """Every git hook runs one part of `make check`, and together they leave out only the tests."""
    hooks = re.findall(
        r"entry: make --silent (\w+)", (ROOT / ".pre-commit-config.yaml").read_text()
    )
    (parts,) = re.findall(r"^check: (.*?) ##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [*hooks, "test"] == parts.split()


def test_make_help_lists_every_target() -> None:
    """`make` alone shows each target that a developer can name."""
    makefile = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: ((?:.*\\\n)*.*)$", makefile, re.MULTILINE)
    run = subprocess.run(
        ["make", "--no-print-directory"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    shown = re.findall(r"^  ([a-z-]+) +\S", run.stdout, re.MULTILINE)
    assert sorted(shown) == sorted(phony.replace("\\", " ").split())


def test_files_name_no_machine_and_no_package_index() -> None:
    """What is committed works anywhere: no path of a developer's disk, no index to install from."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    machine = "|".join(re.escape(f"{path}/") for path in (ROOT, Path.home()) if path.parts[1:])
    index = r"\bpypi\.\w+|pythonhosted\.\w+|\bnpmjs\.\w+|--(?:extra-)?index-url"
    forbidden = re.compile(rf"(?<![\w.])(?:{machine}|/(?:home|Users)/\w+/)|{index}")
    found = []
    for name in listing.stdout.split("\0"):
        path = ROOT / name
        if path.is_file():
            text = path.read_text(errors="replace")
            found += [f"{name}: {match[0]}" for match in forbidden.finditer(text)]
    assert not found
