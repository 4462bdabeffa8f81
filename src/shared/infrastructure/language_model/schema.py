"""Does a decoded reply match its JSON schema: the part of the language that replies need."""

from collections.abc import Callable
from typing import Any

_STEPS = 20_000
"""Comparisons that one check may take; a schema that refers to itself without end takes more."""

_DEPTH = 100

_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool))
        or (isinstance(value, float) and value.is_integer())
    ),
}

_BOUNDS: dict[str, tuple[type, Callable[[Any, Any], bool], str]] = {
    "minimum": (float, lambda value, bound: value >= bound, "at least"),
    "maximum": (float, lambda value, bound: value <= bound, "at most"),
    "exclusiveMinimum": (float, lambda value, bound: value > bound, "more than"),
    "exclusiveMaximum": (float, lambda value, bound: value < bound, "less than"),
    "minLength": (str, lambda value, bound: len(value) >= bound, "characters: at least"),
    "maxLength": (str, lambda value, bound: len(value) <= bound, "characters: at most"),
    "minItems": (list, lambda value, bound: len(value) >= bound, "items: at least"),
    "maxItems": (list, lambda value, bound: len(value) <= bound, "items: at most"),
}


class Mismatch(Exception):
    """Where a value does not match, and what was expected there."""


class SchemaUnusable(Exception):
    """A schema that can't be followed: it points nowhere, or to itself without end."""


def check(value: Any, schema: Any) -> None:
    """Raise Mismatch for the first place that does not match, or SchemaUnusable."""
    _Check(schema).at(value, schema, "the reply", 0)


def must_be_usable(schema: Any) -> None:
    """Raise SchemaUnusable for what no reply can be checked against, before one is paid for."""
    if not isinstance(schema, dict):
        raise SchemaUnusable("it has to be an object")
    parts: list[tuple[Any, int]] = [(schema, 0)]
    while parts:
        part, depth = parts.pop()
        if depth > _DEPTH:
            raise SchemaUnusable("it is nested too deep")
        if isinstance(part, dict):
            if isinstance(reference := part.get("$ref"), str):
                found(schema, reference)
            parts += [(each, depth + 1) for each in part.values()]
        elif isinstance(part, list):
            parts += [(each, depth + 1) for each in part]


def is_strict(schema: Any) -> bool:
    """Every object names all its properties as required and allows no other, as servers that
    follow a schema to the letter want it."""
    if isinstance(schema, list):
        return all(map(is_strict, schema))
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if schema.get("additionalProperties") is not False or not isinstance(properties, dict):
            return False
        if not isinstance(required, list) or any(name not in required for name in properties):
            return False
    return all(map(is_strict, schema.values()))


class _Check:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._steps = _STEPS

    def at(self, value: Any, schema: Any, place: str, depth: int) -> None:
        self._steps -= 1
        if self._steps < 0 or depth > _DEPTH:
            raise SchemaUnusable("it refers to itself without end")
        if schema is False:
            raise Mismatch(f"{place}: nothing is allowed here")
        if not isinstance(schema, dict):
            return
        depth += 1
        self._type(value, schema, place)
        self._bounds(value, schema, place)
        self._combined(value, schema, place, depth)
        if isinstance(value, dict):
            self._object(value, schema, place, depth)
        elif isinstance(value, list):
            for number, item in enumerate(value):
                self.at(item, schema.get("items"), f"{place}[{number}]", depth)

    def _type(self, value: Any, schema: dict[str, Any], place: str) -> None:
        expected = schema.get("type")
        names = expected if isinstance(expected, list) else [expected]
        known = [name for name in names if isinstance(name, str) and name in _TYPES]
        if known and not any(_TYPES[name](value) for name in known):
            raise Mismatch(f"{place}: expected {' or '.join(known)}, not {_name(value)}")
        allowed = [schema["const"]] if "const" in schema else schema.get("enum")
        if isinstance(allowed, list) and not any(_same(value, each) for each in allowed):
            raise Mismatch(f"{place}: expected one of {str(allowed)[:500]}")

    def _bounds(self, value: Any, schema: dict[str, Any], place: str) -> None:
        for keyword, (kind, holds, words) in _BOUNDS.items():
            bound = schema.get(keyword)
            kinds = (int, float) if kind is float else kind
            if not isinstance(bound, int | float) or not isinstance(value, kinds):
                continue
            if not isinstance(value, bool) and not holds(value, bound):
                raise Mismatch(f"{place}: expected {words} {bound}")

    def _object(
        self, value: dict[str, Any], schema: dict[str, Any], place: str, depth: int
    ) -> None:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        required = schema.get("required")
        for name in required if isinstance(required, list) else ():
            if name not in value:
                raise Mismatch(f"{place}: {name} is missing")
        others = schema.get("additionalProperties", True)
        for name, each in value.items():
            if name not in properties and others is False:
                known = ", ".join(properties)[:500]
                raise Mismatch(f"{place}: {name[:100]} is unknown; known are {known}")
            self.at(each, properties.get(name, others), f"{place}.{name[:100]}", depth)

    def _combined(self, value: Any, schema: dict[str, Any], place: str, depth: int) -> None:
        if isinstance(reference := schema.get("$ref"), str):
            self.at(value, found(self._root, reference), place, depth)
        for part in _schemas(schema, "allOf"):
            self.at(value, part, place, depth)
        for keyword in ("anyOf", "oneOf"):
            if not (options := _schemas(schema, keyword)):
                continue
            wrong: list[str] = []
            for option in options:
                try:
                    self.at(value, option, place, depth)
                except Mismatch as mismatch:
                    wrong.append(str(mismatch))
            if len(wrong) == len(options):
                raise Mismatch("; or ".join(dict.fromkeys(wrong)))
            if keyword == "oneOf" and len(options) - len(wrong) > 1:
                raise Mismatch(f"{place}: matches more than one form, of which one is allowed")


def found(root: Any, reference: str) -> Any:
    """What a $ref refers to. Raise SchemaUnusable."""
    if reference != "#" and not reference.startswith("#/"):
        raise SchemaUnusable("$ref: only what is within the schema can be referred to")
    for part in reference.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(root, dict) or name not in root:
            raise SchemaUnusable(f"$ref: there is nothing at {reference[:200]}")
        root = root[name]
    return root


def _schemas(schema: dict[str, Any], keyword: str) -> list[Any]:
    given = schema.get(keyword)
    return given if isinstance(given, list) else []


def _same(value: Any, other: Any) -> bool:
    """1 and true are two things in JSON."""
    return bool(value == other) and isinstance(value, bool) == isinstance(other, bool)


def _name(value: Any) -> str:
    return next(name for name, is_it in _TYPES.items() if is_it(value))
