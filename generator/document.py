"""The contract itself, for what openapi-python-client doesn't pass on to templates.

That is: descriptions of parameters, and response headers behind a `$ref`.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen
from ruamel.yaml import YAML

Node = Mapping[str, Any]


@frozen(eq=False)
class Document:
    """The contract as parsed YAML.

    Attributes:
        root: The whole document.
        digest: Beginning of the SHA-256 of the file.
    """

    root: dict[str, Any]
    digest: str

    @classmethod
    def load(cls, path: Path) -> "Document":
        """Read the contract."""
        data = path.read_bytes()
        return cls(YAML(typ="safe").load(data), hashlib.sha256(data).hexdigest()[:16])

    def parameter_description(self, path: str, method: str, location: str, name: str) -> str:
        """Description of a parameter of an operation; empty if it has none."""
        item = self.root["paths"][path]
        for node in [*item[method].get("parameters", []), *item.get("parameters", [])]:
            parameter = self._resolve(node)
            if (parameter["in"], parameter["name"]) == (location, name):
                return str(parameter.get("description", ""))
        raise KeyError(f"{method} {path} has no {location} parameter {name}")

    def body_description(self, path: str, method: str) -> str:
        """Description of the request body of an operation; empty if it has none."""
        node = self._resolve(self.root["paths"][path][method]["requestBody"])
        return str(node.get("description", ""))

    def response_headers(self, path: str, method: str, status: int) -> Iterator[tuple[str, Node]]:
        """Headers of an answer, by name, with the schema resolved."""
        response = self._resolve(self.root["paths"][path][method]["responses"][str(status)])
        for name, node in response.get("headers", {}).items():
            header = self._resolve(node)
            yield name, {**header, "schema": self._resolve(header["schema"])}

    def _resolve(self, node: Node) -> Node:
        while "$ref" in node:
            target: Node = self.root
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node
