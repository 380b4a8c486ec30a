"""What the templates show: each operation, model and literal type, ready to be written down.

All decisions are made here, in Python; the templates in `templates/` only lay out.
"""

import re
import textwrap
from collections.abc import Iterable, Iterator

from attrs import frozen
from openapi_python_client.parser.bodies import BodyType
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import LiteralEnumProperty, ModelProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.schema.untrusted_string import UntrustedString
from openapi_python_client.strings import PythonIdentifier, pascal_case, safe_for_docstring

from .codecs import Codec, UnsupportedError, choices_name, codec, without_null
from .document import Document, Node

_WIDTH = 92
_OBJECT_PATH = re.compile(r"(?P<head>/.*/)\{usecase\}/\{scopes\}/(?P<key>\{key\})?").fullmatch
_STARTS_BLOCK = re.compile(r"\s*(?:(?:[-*]|\d+\.)\s+|\|)").match

_PATH_DOCS = {
    "usecase": "Name of the use case, literal.",
    "scopes": "Scopes in wire form, `name=value` pairs joined by `;`, or `_`.",
    "key": "Key of the object, literal; its slashes stay slashes.",
}
_TEXT = "headers.get({})"


@frozen
class Argument:
    """A keyword argument of the builders and callers of an operation."""

    name: str
    type: str
    required: bool
    description: str

    @property
    def declaration(self) -> str:
        """The argument as it stands in a signature."""
        return f"{self.name}: {self.type}" + ("" if self.required else " | None = None")


@frozen
class Pair:
    """A wire name and the expression for its value."""

    name: str
    expression: str


@frozen
class HeaderField:
    """A typed header of an answer; `reading` is the expression that takes it from `headers`."""

    name: str
    attribute: str
    type: str
    reading: str
    description: str


@frozen
class Success:
    """A success status, the type of its body and the expression for a reader of it."""

    status: int
    type: str
    reader: str


@frozen
class Field:
    """A member of a model."""

    name: str
    attribute: str
    code: Codec
    required: bool
    description: str

    @property
    def declaration(self) -> str:
        """The attribute as it stands in the class."""
        if self.required:
            return f"{self.attribute}: {self.code.type}"
        return f"{self.attribute}: {self.code.type} | None = None"


class OperationView:
    """One operation, for `endpoint_module.py.jinja`."""

    def __init__(self, endpoint: Endpoint, document: Document) -> None:
        self._endpoint = endpoint
        self._document = document
        self._path = endpoint.path.get_untrusted_value()
        self.id = str(endpoint.name)
        self.method = endpoint.method.upper()
        self.headers_class = f"{pascal_case(self.id)}Headers"
        self.summary = _prose(endpoint.summary)
        self.description = _prose(endpoint.description)
        self.query = [Pair(_wire(prop), _python(prop)) for prop in endpoint.query_parameters]
        self.headers = [
            Pair(_wire(prop).lower(), _python(prop)) for prop in endpoint.header_parameters
        ]
        self._models: set[tuple[str, str]] = set()
        self.body_kind = self._read_body()
        self.arguments = self._read_arguments()
        self.successes, self.errors = self._read_responses()
        self.body_type = " | ".join(dict.fromkeys(success.type for success in self.successes))
        self.is_streamed = any(success.type == "bytes" for success in self.successes)
        self.response_headers = list(self._read_response_headers())
        self._read_path()

    @property
    def path_docs(self) -> dict[str, str]:
        """Descriptions of the positional arguments."""
        return {name: _PATH_DOCS[name] for name in self.path_arguments}

    @property
    def argument_docs(self) -> list[tuple[str, str]]:
        """Descriptions of the keyword arguments."""
        return [(argument.name, argument.description) for argument in self.arguments]

    @property
    def types(self) -> str:
        """The type parameters all generics of this operation share."""
        return f"{self.body_type}, {self.headers_class}"

    @property
    def models(self) -> list[tuple[str, str]]:
        """Names to import from modules of `models`."""
        return sorted(self._models)

    def docstring(self, text: str, arguments: Iterable[tuple[str, str]], raises: str) -> str:
        """A Google-style docstring: *text*, then arguments and errors."""
        lines = [text, "", "Args:"]
        for name, description in arguments:
            lines.append(textwrap.indent(entry(name, description), "    "))
        return "\n".join([*lines, "", "Raises:", textwrap.indent(raises, "    ")])

    def _read_arguments(self) -> list[Argument]:
        """The keyword arguments, required ones first."""
        found = [*self._body_arguments, *self._parameters()]
        extra = "More headers, in any case; they replace those above."
        found.append(Argument("extra_headers", "Mapping[str, str]", False, extra))
        return sorted(found, key=lambda argument: not argument.required)

    def _parameters(self) -> Iterator[Argument]:
        endpoint = self._endpoint
        for location, properties in (
            ("query", endpoint.query_parameters),
            ("header", endpoint.header_parameters),
        ):
            for prop in properties:
                description = self._document.parameter_description(
                    self._path, endpoint.method, location, _wire(prop)
                )
                name = str(prop.python_name)
                type_ = self._use(codec(prop)).type
                if type_ not in {"str", "int"} and not isinstance(prop, LiteralEnumProperty):
                    raise UnsupportedError(f"{self.id}: a {location} parameter of type {type_}")
                yield Argument(name, type_, prop.required, safe_for_docstring(description))

    def _read_path(self) -> None:
        match = _OBJECT_PATH(self._path)
        if match is None:
            if "{" in self._path:
                raise UnsupportedError(
                    f"path {self._path}: not of the form …/{{usecase}}/{{scopes}}/…"
                )
            self.path_arguments: list[str] = []
            self.path_expression = repr(self._path)
            return
        key = ["key"] if match["key"] else []
        self.path_arguments = ["usecase", "scopes", *key]
        tail = "{encode_key(key)}" if key else ""
        self.path_expression = f'f"{match["head"]}{{prefix}}/{tail}"'

    def _read_body(self) -> str:
        """Which of the ways the template knows to make `content`; also fills the arguments."""
        self._body_arguments: list[Argument] = []
        if not self._endpoint.bodies:
            return "none"
        if len(self._endpoint.bodies) > 1:
            raise UnsupportedError(f"{self.id}: request bodies of several types")
        body = self._endpoint.bodies[0]
        required = body.prop.required
        description = safe_for_docstring(
            self._document.body_description(self._path, self._endpoint.method)
        )
        if body.body_type == BodyType.JSON:
            if not required:
                raise UnsupportedError(f"{self.id}: a JSON body that may be left out")
            code = self._use(codec(body.prop))
            self.json_expression = code.encode.format("body")
            self._body_arguments.append(
                Argument("body", code.type, required, description or "The JSON body.")
            )
            self.headers.append(Pair("content-type", '"application/json"'))
            return "json"
        if body.body_type != BodyType.CONTENT:
            raise UnsupportedError(f"{self.id}: a request body of type {body.body_type}")
        media_type = body.content_type.get_untrusted_value()
        self._body_arguments += [
            Argument("body", "RequestContent", required, description or "The bytes to send."),
            Argument(
                "content_type",
                "str",
                # A boundary is needed to read a multipart body, and only the caller knows it.
                media_type.startswith("multipart/"),
                f"Media type of the body, such as `{media_type}; boundary=…`."
                if media_type.startswith("multipart/")
                else "Media type of the body.",
            ),
            Argument(
                "content_length",
                "int",
                False,
                "Length of the body in bytes, if *body* is iterable and it is known. Of a file "
                "that many bytes are sent.",
            ),
        ]
        self.headers.append(Pair("content-type", "content_type"))
        return "content"

    def _read_responses(self) -> tuple[list[Success], list[int]]:
        successes: list[Success] = []
        errors: set[int] = set()
        for response in self._endpoint.responses.patterns:
            first, last = response.status_code.range or (0, 0)
            if first >= 400:
                errors.update(range(first, last + 1))
            elif first != last or not 200 <= first < 300:
                raise UnsupportedError(f"{self.id}: response {response.status_code.pattern}")
            else:
                successes.append(self._success(first, response.source["attribute"], response.prop))
        if not successes:
            raise UnsupportedError(f"{self.id}: no success response")
        return successes, sorted(errors)

    def _success(self, status: int, source: str, prop: PropertyProtocol) -> Success:
        match source:
            case "None":
                return Success(status, "None", "no_body")
            case "response.text":
                return Success(status, "str", "text_body")
            case "response.content":
                return Success(status, "bytes", "bytes_body")
            case _:
                code = self._use(codec(prop))
                return Success(status, code.type, f"json_body({code.decode})")

    def _read_response_headers(self) -> Iterator[HeaderField]:
        # OpenAPI wants `Content-Type` left out of `headers`, but every answer may have it.
        reading = _TEXT.format('"content-type"')
        yield HeaderField("content-type", "content_type", "str", reading, "Media type of the body.")
        seen = {"content-type"}
        for success in self.successes:
            for name, header in self._document.response_headers(
                self._path, self._endpoint.method, success.status
            ):
                if name.lower() not in seen:
                    seen.add(name.lower())
                    yield _header_field(name, header)

    def _use(self, code: Codec) -> Codec:
        self._models |= code.models
        return code


class ModelView:
    """One JSON object, for `model.py.jinja`."""

    def __init__(self, model: ModelProperty) -> None:
        self.name = str(model.class_info.name)
        self.description = _prose(model.description) or f"JSON object `{self.name}`."
        properties = [*(model.required_properties or []), *(model.optional_properties or [])]
        self.fields = [
            Field(
                _wire(prop),
                str(prop.python_name),
                # An optional member that is null counts as absent, so its type needn't say so.
                codec(prop if prop.required else without_null(prop)),
                prop.required,
                _doc(prop),
            )
            for prop in properties
        ]

    @property
    def models(self) -> list[tuple[str, str]]:
        """Names to import from the modules beside this one."""
        return sorted(set().union(*(member.code.models for member in self.fields)))


class LiteralView:
    """One type with a few fixed values, for `literal_enum.py.jinja`."""

    def __init__(self, enum: LiteralEnumProperty) -> None:
        self.name = str(enum.class_info.name)
        self.choices_name = choices_name(self.name)
        # The parser keeps them in a set.
        self.values = ", ".join(repr(value) for value in sorted(enum.values, key=str))
        self.description = _doc(enum)


def entry(name: str, description: str) -> str:
    """One line of an `Args:` or `Attributes:` section, wrapped."""
    text = f"{name}: {_first_paragraph(description)}"
    return "\n".join(_wrap(text, _WIDTH - 4, "    "))


def encoded(member: Field) -> str:
    """The expression that makes JSON out of an attribute of `self`."""
    return member.code.encode.format(f"self.{member.attribute}")


def _header_field(name: str, header: Node) -> HeaderField:
    schema = header["schema"]
    match schema.get("type"), schema.get("format"):
        case "integer", _:
            type_, reading = "int", "integer(headers, {})"
        case "string", "date-time":
            type_, reading = "datetime", "timestamp(headers, {})"
        case "string", _:
            type_, reading = "str", _TEXT
        case kind:
            raise UnsupportedError(f"response header {name} of type {kind}")
    attribute = str(PythonIdentifier(name, "field_"))
    description = _first_paragraph(safe_for_docstring(header.get("description", "")))
    name = name.lower()
    return HeaderField(name, attribute, type_, reading.format(f'"{name}"'), description)


def _wire(prop: PropertyProtocol) -> str:
    return prop.name.get_untrusted_value()


def _python(prop: PropertyProtocol) -> str:
    return str(prop.python_name)


def _doc(prop: PropertyProtocol) -> str:
    return _first_paragraph(_prose(prop.description))


def _first_paragraph(text: str) -> str:
    return " ".join(text.strip().split("\n\n")[0].split())


def _prose(text: UntrustedString | None) -> str:
    """Text of the contract for a docstring: wrapped anew, but for tables."""
    blocks: list[str] = []
    for line in safe_for_docstring(text or "").strip().splitlines():
        if line.strip() and blocks and blocks[-1] and not _STARTS_BLOCK(line):
            blocks[-1] += f" {line.strip()}"
        else:
            blocks.append(line.rstrip())
    return "\n".join(map(_wrapped, blocks))


def _wrapped(block: str) -> str:
    if block.startswith("|"):  # a row of a table
        return block
    bullet = _STARTS_BLOCK(block)
    indent = " " * (bullet.end() if bullet else 0)
    return "\n".join(_wrap(block, _WIDTH, indent))


def _wrap(text: str, width: int, indent: str) -> list[str]:
    # Header names and URLs must stay searchable.
    return textwrap.wrap(
        text, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )
