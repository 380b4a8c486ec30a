"""The first half of the generator: the contract becomes the low-level client."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import openapi_python_client
import pytest

from generator.__main__ import ROOT, check, write
from generator.codecs import UnsupportedError
from generator.openapi import GenerationError, generate_client
from generator.trees import Tree

# Ours in `generator/templates` and `generator/runtime` stand in for these.
UPSTREAM_TEMPLATES = {
    "api_init.py.jinja": "f3b0290732b219be73b204cc3a44170eab0b64299a485a093306c6cc20d064cc",
    "endpoint_init.py.jinja": "c1837a037fdbbd85b5dc1d49f58bd80a672fe4496cfaaf84d3b91927027b56da",
    "endpoint_macros.py.jinja": "58edb8b4913db6ed4863c633fb39365364494398c8156c77151c6676f1b28fee",
    "endpoint_module.py.jinja": "c1b2628053eb4875ba59566baa5ae907666f9cbfafa308d93f970a4404b7cd52",
    "helpers.jinja": "4e6ada7b7a8806e739faa7b1f330c1db2b924180a3003df0a4e048edcb549f02",
    "literal_enum.py.jinja": "04f2eb9334dd543ab7fa91a1fe3a73e7d5f2cf50e09d864429ddb58e506c8b68",
    "model.py.jinja": "fd1c79680d51c06cfbb89809ad123750ba9add98b688036c04cabbf1f8ba40a0",
    "models_init.py.jinja": "4f64a3d6e1b15a561be5573c1b7702eb928c0e4fa6b67107d20e57a74c44d51a",
    "client.py.jinja": "4eac65762f21014a7fbf59e730f1be6d28c9c85ddc1c40b458b6ff5f67a64c9e",
    "errors.py.jinja": "b6ba7ea79aa7d7f24b47119985d1ed20268d3da0ab70309ee138088a106b6af9",
    "package_init.py.jinja": "ac15907e32dc39bd9b83ea6f2002fb87514f2182b97f88231b5a9c47321f6210",
    "types.py.jinja": "93df9d75883a4eafac77dd21bc6907f3ef612e3f7841e08656618dcf6c4ce494",
}

MINIMAL = """
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /ping:
    get:
      operationId: ping
      tags: [internal]
      summary: Ping
      parameters: [PARAMETERS]
      responses:
        "200": RESPONSE
        default: {description: d}
components:
  schemas:
    Error: {title: Error, type: object, properties: {detail: {type: string}}}
"""


@pytest.fixture(scope="module")
def client_tree() -> Tree:
    """The generated client, made once."""
    return generate_client(ROOT)


@pytest.fixture
def checkout(tmp_path: Path, client_tree: Tree) -> Iterator[Path]:
    """A folder in which the generated client is up to date."""
    assert write({"generated": client_tree}, tmp_path) == 0
    yield tmp_path


def minimal(tmp_path: Path, response: str = "{description: d}", parameters: str = "") -> Path:
    """A folder with a contract of one operation."""
    text = MINIMAL.replace("RESPONSE", response).replace("PARAMETERS", parameters)
    (tmp_path / "openapi.yaml").write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", UPSTREAM_TEMPLATES)
def test_upstream_templates_are_the_ones_we_know(name: str) -> None:
    """An upgrade of openapi-python-client shows which of the replaced templates changed."""
    path = Path(openapi_python_client.__file__).parent / "templates" / name
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest == UPSTREAM_TEMPLATES[name], (
        f"{name} of openapi-python-client changed. Compare it with the release before, see "
        f"whether generator/templates or generator/runtime should follow, then pin {digest}"
    )


def test_an_up_to_date_tree_passes(
    checkout: Path, client_tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    """With nothing to complain about the check says so and returns 0."""
    assert check({"generated": client_tree}, checkout) == 0
    assert "up to date" in capsys.readouterr().out


def test_a_changed_file_is_shown_as_a_short_diff(
    checkout: Path, client_tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    """An edited file fails the check, which shows where and what to do."""
    path = checkout / "generated/objectstore_api/paths.py"
    path.write_text(path.read_text().replace("must not be empty", "may be empty") + "# cut\n" * 50)
    assert check({"generated": client_tree}, checkout) == 1
    output = capsys.readouterr().out
    assert "changed: generated/objectstore_api/paths.py" in output
    assert '-        raise InvalidArgument("key", "may be empty")' in output
    assert "more lines" in output
    assert output.count("\n") < 30
    assert "python -m generator" in output


def test_a_file_cut_short_at_the_end_is_noticed(checkout: Path, client_tree: Tree) -> None:
    """Files are compared whole: losing the last line is a difference."""
    path = checkout / "generated/objectstore_api/paths.py"
    path.write_bytes(path.read_bytes()[:-1])
    assert check({"generated": client_tree}, checkout) == 1


@pytest.mark.parametrize(
    "name", ["objectstore_api/py.typed", "objectstore_api/api/batch/batch_objects.py"]
)
def test_a_missing_file_is_noticed(
    checkout: Path, client_tree: Tree, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A generated file that is not there fails the check."""
    (checkout / "generated" / name).unlink()
    assert check({"generated": client_tree}, checkout) == 1
    assert f"missing: generated/{name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name", ["objectstore_api/api/objects/gone.py", "objectstore_api/README.md", "leftover.py"]
)
def test_an_orphan_is_noticed_and_removed(
    checkout: Path, client_tree: Tree, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file nothing generates fails the check, anywhere in the folder; regenerating removes it."""
    orphan = checkout / "generated" / name
    orphan.write_text("")
    assert check({"generated": client_tree}, checkout) == 1
    assert f"orphan: generated/{name}" in capsys.readouterr().out
    write({"generated": client_tree}, checkout)
    assert not orphan.exists()
    assert check({"generated": client_tree}, checkout) == 0


def test_folders_of_orphans_go_too(checkout: Path, client_tree: Tree) -> None:
    """A tag that left the contract leaves no empty package behind."""
    folder = checkout / "generated/objectstore_api/api/gone"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "old.py").write_text("")
    (folder / "__pycache__/old.pyc").write_text("")
    write({"generated": client_tree}, checkout)
    assert not folder.exists()


def test_the_command_is_deterministic_and_leaves_no_litter(
    tmp_path: Path, client_tree: Tree
) -> None:
    """Another process with another hash seed makes the same bytes, and no cache folders."""
    (tmp_path / "openapi.yaml").write_bytes((ROOT / "openapi.yaml").read_bytes())
    code = (
        "import sys; from pathlib import Path; from generator.__main__ import main;"
        "sys.exit(main([], Path(sys.argv[1])))"
    )
    subprocess.run(
        [sys.executable, "-B", "-c", code, str(tmp_path)],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "1234"},
        stdout=subprocess.PIPE,
    )
    assert check({"generated": client_tree}, tmp_path) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"openapi.yaml", "generated"}


def test_banners_name_contract_and_tool(client_tree: Tree) -> None:
    """Every module says that it is generated, from which contract, by which tool, and how."""
    digest = hashlib.sha256((ROOT / "openapi.yaml").read_bytes()).hexdigest()[:16]
    modules = {path: code for path, code in client_tree.items() if path.suffix == ".py"}
    assert {path for path in client_tree if path not in modules} == {
        PurePosixPath("objectstore_api/py.typed")
    }
    for path, code in modules.items():
        first, second = code.decode().splitlines()[:2]
        assert "do not edit" in first, path
        assert "python -m generator" in first, path
        assert digest in second, path
        assert re.search(r"openapi-python-client \d+\.\d+\.\d+$", second), path


def test_nothing_untyped_is_public(client_tree: Tree) -> None:
    """No `Any`, and none of the sentinels of openapi-python-client, is in the generated client."""
    for path, code in client_tree.items():
        assert not re.search(rb"\b(?:Any|UNSET|Unset|AuthenticatedClient)\b", code), path


def test_each_operation_of_the_contract_has_a_module(client_tree: Tree) -> None:
    """The names are those of the contract, one package per tag."""
    text = (ROOT / "openapi.yaml").read_text()
    operations = set(re.findall(r"operationId: (\w+)", text))
    modules = {p.stem for p in client_tree if "api" in p.parts and p.stem != "__init__"}
    assert modules == operations


def test_a_contract_of_one_operation(tmp_path: Path) -> None:
    """The least there can be is generated, so that nothing hangs on the present contract."""
    tree = generate_client(minimal(tmp_path))
    assert b'path="/ping"' in tree[PurePosixPath("objectstore_api/api/internal/ping.py")]


@pytest.mark.parametrize(
    ("parameters", "response", "message"),
    [
        (
            "{name: x-when, in: header, schema: {type: string, format: date-time}}",
            "{description: d}",
            "datetime",
        ),
        (
            "",
            "{description: d}\n        '400': "
            "{description: d, content: {image/png: {schema: {type: string}}}}",
            "image/png",
        ),
    ],
)
def test_what_the_tool_leaves_out_is_an_error(
    tmp_path: Path, parameters: str, response: str, message: str
) -> None:
    """openapi-python-client warns and goes on when it can't do something; we don't."""
    with pytest.raises(GenerationError, match=message):
        generate_client(minimal(tmp_path, response, parameters))


@pytest.mark.parametrize(
    ("parameters", "response", "message"),
    [
        ("{name: x-on, in: header, schema: {type: boolean}}", "{description: d}", "type bool"),
        (
            "",
            "{description: d, content: {application/json: {schema: {type: string, format: uuid}}}}",
            "UuidProperty",
        ),
        (
            "",
            "{description: d, headers: {x-list: {schema: {type: array}}}}",
            "response header x-list",
        ),
    ],
)
def test_what_our_templates_have_no_code_for_is_an_error(
    tmp_path: Path, parameters: str, response: str, message: str
) -> None:
    """A contract that outgrows our templates stops the generator with the name of the thing."""
    with pytest.raises(UnsupportedError, match=message):
        generate_client(minimal(tmp_path, response, parameters))
