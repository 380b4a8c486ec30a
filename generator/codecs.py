"""How a schema becomes Python: its type, and the expressions that read and write it.

Only what the contract uses is here; anything else stops the generator with a clear word.
"""

from attrs import evolve, frozen
from openapi_python_client.parser.properties import LiteralEnumProperty, ModelProperty
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.datetime import DateTimeProperty
from openapi_python_client.parser.properties.float import FloatProperty
from openapi_python_client.parser.properties.int import IntProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.strings import snake_case


class UnsupportedError(Exception):
    """The contract uses something these templates have no code for yet."""


@frozen
class Codec:
    """Python code for one schema.

    Attributes:
        type: The annotation.
        decode: An expression for a decoder (see `runtime/json_values.py`).
        encode: An expression that makes JSON out of `{0}`.
        models: Modules of `models` it needs, with the names needed from them.
    """

    type: str
    decode: str
    encode: str = "{0}"
    models: frozenset[tuple[str, str]] = frozenset()


_SCALARS: dict[type, Codec] = {
    StringProperty: Codec("str", "json_values.text"),
    IntProperty: Codec("int", "json_values.integer"),
    FloatProperty: Codec("float", "json_values.number"),
    BooleanProperty: Codec("bool", "json_values.boolean"),
}


def codec(prop: PropertyProtocol) -> Codec:
    """The code for a property, not minding whether it is required."""
    match prop:
        case DateTimeProperty():
            name = prop.name.get_untrusted_value()
            return Codec("datetime", "json_values.timestamp", f"format_timestamp({name!r}, {{0}})")
        case LiteralEnumProperty(class_info=info):
            names = {(info.module_name, info.name), (info.module_name, choices_name(info.name))}
            decode = f"json_values.literal({choices_name(info.name)})"
            return Codec(info.name, decode, models=frozenset(names))
        case ModelProperty(class_info=info):
            models = frozenset({(info.module_name, info.name)})
            return Codec(info.name, f"{info.name}.from_dict", "{0}.to_dict()", models)
        case ListProperty(inner_property=inner):
            item = codec(inner)
            encode = f"[{item.encode.format('item')} for item in {{0}}]"
            if item.encode == "{0}":
                encode = "list({0})"
            decode = f"json_values.array({item.decode})"
            return Codec(f"Sequence[{item.type}]", decode, encode, item.models)
        case UnionProperty():
            return _union(prop)
        case _ if type(prop) in _SCALARS:
            return _SCALARS[type(prop)]
        case _:
            raise UnsupportedError(f"{prop.name.get_untrusted_value()}: {type(prop).__name__}")


def choices_name(class_name: str) -> str:
    """Name of the constant with the values of a literal type."""
    return f"{snake_case(class_name)}_choices".upper()


def without_null(prop: PropertyProtocol) -> PropertyProtocol:
    """*prop* without the possibility of null, for where null means the same as absence."""
    if isinstance(prop, UnionProperty):
        choices = _choices(prop)
        return choices[0] if len(choices) == 1 else prop
    return prop


def _choices(prop: UnionProperty) -> list[PropertyProtocol]:
    return [inner for inner in prop.inner_properties if not isinstance(inner, NoneProperty)]


def _union(prop: UnionProperty) -> Codec:
    name = prop.name.get_untrusted_value()
    choices = _choices(prop)
    is_nullable = len(choices) < len(prop.inner_properties)
    if is_nullable and len(choices) == 1:
        only = codec(choices[0])
        if only.encode != "{0}":
            raise UnsupportedError(f"{name}: null or {only.type}")
        return evolve(
            only, type=f"{only.type} | None", decode=f"json_values.nullable({only.decode})"
        )
    if is_nullable or len(choices) != 2 or not all(isinstance(c, ModelProperty) for c in choices):
        raise UnsupportedError(f"{name}: a union of other than two objects, or null and something")
    first, second = map(codec, choices)
    return Codec(
        f"{first.type} | {second.type}",
        f"json_values.either({first.type}, {second.type})",
        "{0}.to_dict()",
        first.models | second.models,
    )
