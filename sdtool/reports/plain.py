"""Named tuples as plain JSON and back, also when the program has learned fields since they were written."""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
_UNIONS = (Union, types.UnionType)


def plain(value: Any) -> Any:
    """Return a value of named tuples, tuples, mappings, dates and plain values as JSON holds it."""
    if hasattr(value, "_fields"):
        return {name: plain(part) for name, part in zip(value._fields, value, strict=True)}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value


def restored(kind: type[T], data: Mapping[str, Any]) -> T:
    """Return the named tuple `kind` that `plain` wrote as `data`.

    A field that was not written has its default, or else is empty; one that the class no longer has is left.
    """
    fields: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        if name in data:
            fields[name] = _value(hint, data[name])
        elif name not in getattr(kind, "_field_defaults", {}):
            fields[name] = _empty(hint)
    return kind(**fields)


def _value(hint: Any, data: Any) -> Any:
    origin, parts = get_origin(hint), get_args(hint)
    if data is None:
        return None
    if origin in _UNIONS:
        return _value(next(part for part in parts if part is not type(None)), data)
    if origin is tuple and parts[-1] is ...:
        return tuple(_value(parts[0], part) for part in data)
    if origin is tuple:
        return tuple(_value(part, one) for part, one in zip(parts, data, strict=True))
    if isinstance(data, Mapping) and hasattr(hint, "_fields"):
        return restored(hint, data)
    if isinstance(data, Mapping) and parts:
        return {key: _value(parts[1], one) for key, one in data.items()}
    return date.fromisoformat(data) if hint is date else data


def _empty(hint: Any) -> Any:
    origin = get_origin(hint)
    if origin in _UNIONS:
        return None
    kind = origin or hint
    if kind in (tuple, bool, int, float, str):
        return kind()
    return {} if isinstance(kind, type) and issubclass(kind, Mapping) else None
