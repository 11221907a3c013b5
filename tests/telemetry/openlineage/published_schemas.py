"""Prints OpenLineage's published schema as JSON Schema, from the classes of its own client.

One line a definition: {"url": the URL that events name, "schema": …}. The client's classes are
generated from the published schema, so they have its fields, types and required fields. One rule
is stricter here: a standard facet has no fields beyond those of its definition, so that a
misspelled field is found.

After an upgrade of the client, from the root of the repository:
.venv-openlineage/bin/python tests/telemetry/openlineage/published_schemas.py \\
    > tests/telemetry/openlineage/published-schemas.jsonl
"""

import enum
import importlib
import json
import pkgutil
import types
import typing

import attr
from openlineage.client import generated

MODULES = [
    importlib.import_module(f"{generated.__name__}.{module.name}")
    for module in pkgutil.iter_modules(generated.__path__)
]
SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}


def fail(message):
    raise SystemExit(message)


def of_type(t, defs):
    origin = typing.get_origin(t)
    args = typing.get_args(t)
    if t is type(None):
        return {"type": "null"}
    if t is typing.Any:
        return {}
    if t in SCALARS:
        return {"type": SCALARS[t]}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [of_type(a, defs) for a in args]}
    if origin is typing.Literal:
        return {"enum": list(args)}
    if origin is list:
        return {"type": "array", "items": of_type(args[0], defs)}
    if origin is dict:
        return {"type": "object", "additionalProperties": of_type(args[1], defs)}
    if isinstance(t, type) and issubclass(t, enum.Enum):
        return {"enum": [member.value for member in t]}
    if attr.has(t):
        name = f"{t.__module__.rsplit('.', 1)[1]}.{t.__name__}"
        if name not in defs:
            defs[name] = None
            defs[name] = of_class(t, defs)
        return {"$ref": f"#/$defs/{name}"}
    fail(f"no JSON Schema is known for {t!r}")


def optional(t):
    args = typing.get_args(t)
    rest = [a for a in args if a is not type(None)]
    return rest[0] if len(rest) == 1 and len(args) == 2 else t


FORMATS = {
    "runId": "uuid",
    "eventTime": "date-time",
    "_producer": "uri",
    "_schemaURL": "uri",
    "producer": "uri",
    "schemaURL": "uri",
}
# Required by the schema, though optional in the client, which has default values for them.
ALWAYS = {"_producer", "_schemaURL", "producer", "schemaURL", "eventType"}
# Maps of facets: any key, and the two fields of every facet. Each facet has a schema of its own.
FACETS = {"facets", "inputFacets", "outputFacets"}


def of_class(cls, defs):
    hints = typing.get_type_hints(cls)
    properties, required = {}, []
    for field in attr.fields(cls):
        name = field.name
        t = optional(hints[name])
        if name in FACETS:
            properties[name] = {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "required": ["_producer", "_schemaURL"],
                    "properties": {
                        "_producer": {"type": "string", "format": "uri"},
                        "_schemaURL": {"type": "string", "format": "uri"},
                    },
                },
            }
        else:
            format = {"format": FORMATS[name]} if name in FORMATS else {}
            properties[name] = {**of_type(t, defs), **format}
        if field.default is attr.NOTHING or name in ALWAYS:
            required.append(name)
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def is_published(cls, module):
    own = isinstance(cls, type) and cls.__module__ == module.__name__
    return own and attr.has(cls) and hasattr(cls, "_get_schema")


for module in MODULES:
    for cls in vars(module).values():
        if is_published(cls, module):
            defs = {}
            schema = {**of_class(cls, defs), "$defs": defs}
            print(json.dumps({"url": cls._get_schema(), "schema": schema}))
