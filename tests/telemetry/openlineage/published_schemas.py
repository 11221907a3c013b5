"""OpenLineage's schema as its own client carries it, printed as JSON Schema: {the URL that events name: schema}.

The client's classes are generated from the published schema, one a definition: their fields, types and which must be there are the
schema's. Unlike the schema, a standard facet may here have no field that its definition does not name: a slip of the pen is no extension.
"""

import enum
import importlib
import json
import pkgutil
import types
import typing

import attr
from openlineage.client import generated

MODULES = [importlib.import_module(f"{generated.__name__}.{m.name}") for m in pkgutil.iter_modules(generated.__path__)]
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


FORMATS = {"runId": "uuid", "eventTime": "date-time", "_producer": "uri", "_schemaURL": "uri", "producer": "uri", "schemaURL": "uri"}
# The client fills these in, so it has defaults for what the schema requires.
ALWAYS = {"_producer", "_schemaURL", "producer", "schemaURL", "eventType"}
# Maps of facets: any key, each at least a facet; what it is, its own schema says.
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
                    "properties": {"_producer": {"type": "string", "format": "uri"}, "_schemaURL": {"type": "string", "format": "uri"}},
                },
            }
        else:
            properties[name] = {**of_type(t, defs), **({"format": FORMATS[name]} if name in FORMATS else {})}
        if field.default is attr.NOTHING or name in ALWAYS:
            required.append(name)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


schemas = {}
for module in MODULES:
    for cls in vars(module).values():
        if isinstance(cls, type) and cls.__module__ == module.__name__ and attr.has(cls) and hasattr(cls, "_get_schema"):
            defs = {}
            schemas[cls._get_schema()] = {**of_class(cls, defs), "$defs": defs}
print(json.dumps(schemas))
