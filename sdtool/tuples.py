"""Named tuples that are cheap to define, for what every command loads (docs/decisions/0001).

`typing.NamedTuple` compiles source text for each class. Here a class costs a third of that, an instance
as much as before; to a type checker the two are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:
    from _collections import _tuplegetter  # what collections.namedtuple reads its fields with

    class _Named(type):
        """Makes a class with annotations into a tuple with names."""

        def __new__(mcs, name, bases, space):
            fields = tuple(space.get("__annotations__", ()))
            if bases and not fields:
                raise TypeError(f"{name} has no fields; its module must postpone annotations")
            space |= {
                "__slots__": (),
                "__match_args__": fields,
                "_fields": fields,
                "_field_defaults": {field: space[field] for field in fields if field in space},
                **{field: _tuplegetter(place, None) for place, field in enumerate(fields)},
            }
            return type.__new__(mcs, name, bases or (tuple,), space)

    class NamedTuple(metaclass=_Named):
        """A tuple with names: what `typing.NamedTuple` offers to those who use it."""

        def __new__(cls, *args, **named):  # noqa: D102
            if named or len(args) != len(cls._fields):
                args = cls._filled(args, named)
            return tuple.__new__(cls, args)

        @classmethod
        def _filled(cls, args, named):
            rest = cls._fields[len(args) :]
            if len(named) < len(rest):
                named = {**{f: value for f, value in cls._field_defaults.items() if f in rest}, **named}
            try:
                filled = (*args, *map(named.__getitem__, rest))
            except KeyError:
                filled = ()
            if len(named) != len(rest) or len(filled) != len(cls._fields):
                raise TypeError(f"{cls.__name__} has the fields {', '.join(cls._fields)}")
            return filled

        @classmethod
        def _make(cls, values):
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"{cls.__name__} has {len(cls._fields)} fields, not {len(made)}")
            return made

        def _replace(self, **changed):
            replaced = self._make(map(changed.pop, self._fields, self))
            if changed:
                raise ValueError(f"{type(self).__name__} has no {', '.join(changed)}")
            return replaced

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self):
            return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self._asdict().items())})"

        def __getnewargs__(self):
            return tuple(self)
