"""The server against the contract: a schema-driven run of `openapi.yaml`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis

from objectstore_client.devserver import DevServer
from tests.devserver.schema_exclusions import EXCLUSIONS
from tests.devserver.wire import ask

SPEC = Path(__file__).parents[2] / "openapi.yaml"
SEED = 1
EXAMPLES_PER_OPERATION = 50
EXPIRING = {"usecase": "schema", "scopes": "_", "key": "expiring"}
"""An object with a deadline: PATCH would hardly ever meet one by chance."""

_SUCCESS_AND_REFUSAL = ("2xx", "3xx", "4xx")
_SUCCESS = ("2xx", "3xx", "401", "403", "404", "409", "429", "5xx")
_EXPECTED = {
    "not_a_server_error": _SUCCESS_AND_REFUSAL,
    "positive_data_acceptance": _SUCCESS,
}
"""What the checks accept by themselves, which has to be repeated to add to it."""


@pytest.fixture(scope="module")
def operations() -> dict[str, tuple[str, str]]:
    """Method and path of each operation, by `operationId`."""
    paths = schemathesis.openapi.from_path(SPEC).raw_schema["paths"]
    return {
        operation["operationId"]: (method.upper(), path)
        for path, item in paths.items()
        for method, operation in item.items()
        if isinstance(operation, dict)
    }


@pytest.fixture(scope="module")
def server() -> Iterator[DevServer]:
    """A server of its own, with its own clock."""
    with DevServer() as server:
        target = "/v1/objects/{usecase}/{scopes}/{key}".format_map(EXPIRING)
        headers = [("x-sn-expiration", "ttl:1d")]
        assert ask(server.url, "PUT", target, headers, b"x").status == 200
        yield server


def _configuration() -> str:
    """Write the exclusions as a configuration of schemathesis."""
    lines = [f"seed = {SEED}", "continue-on-failure = true", "checks.enabled = true"]
    lines += ['generation.database = "none"', "cache.enabled = false"]

    def about(operation: str, *settings: str) -> None:
        lines.extend(["[[operations]]", f'include-operation-id = "{operation}"', *settings])

    about("patch_object", f"parameters = {_table({f'path.{k}': v for k, v in EXPIRING.items()})}")
    for exclusion in EXCLUSIONS:
        if exclusion.fixed:
            fixed = {f"header.{name}": value for name, value in exclusion.fixed.items()}
            about(exclusion.operation, f"parameters = {_table(fixed)}")
        elif exclusion.check is None:
            about(exclusion.operation, "enabled = false")
        elif exclusion.accepted:
            statuses = [*_EXPECTED[exclusion.check], *map(str, exclusion.accepted)]
            setting = f"checks.{exclusion.check}.expected-statuses = {json.dumps(statuses)}"
            about(exclusion.operation, setting)
        else:
            about(exclusion.operation, f"checks.{exclusion.check}.enabled = false")
    return "\n".join(lines)


def _table(values: dict[str, str]) -> str:
    pairs = (f"{json.dumps(name)} = {json.dumps(value)}" for name, value in values.items())
    return f"{{{', '.join(pairs)}}}"


def test_the_server_keeps_to_the_contract(server: DevServer, tmp_path: Path) -> None:
    """Statuses, headers, content types, schemas; what is valid is accepted, what is not refused."""
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(_configuration())
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration)),
        *("run", str(SPEC), "--url", server.url, "--max-examples", str(EXAMPLES_PER_OPERATION)),
        *("--no-color", "--warnings", "off"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout


def test_exclusions_name_operations_that_exist(operations: dict[str, tuple[str, str]]) -> None:
    """A reason for what is gone is none."""
    assert {exclusion.operation for exclusion in EXCLUSIONS} <= set(operations)
