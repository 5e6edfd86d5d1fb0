"""Which tickets a report counts: those of a period, narrowed by what the reader asked for."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from sdtool.reports.period import Period

# cancelled, merged and test tickets count nowhere but under their own name
COUNTED = "ticket.state not in ('cancelled', 'merged') and ticket.test = 0"
NO_FILTER: Mapping[str, Any] = MappingProxyType({})  # of the fields of `Scope`
MARK = "/* scope */"  # where a statement that goes on after its conditions takes those of a scope
# a declared major incident, or what was linked to one; a declaration that was taken back makes none
_MAJOR = """(
        exists (select 1 from major where major.id = ticket.id and major.revoked_at is null)
        or exists (
            select 1 from link join major on major.id = link.other and major.revoked_at is null
            where link.ticket = ticket.id and link.kind in ('duplicate-of', 'caused-by', 'part-of')
        )
    )"""
_MAJORS = {None: "", True: f" and {_MAJOR}", False: f" and not {_MAJOR}"}


class Scope(NamedTuple):
    """A period and its filters; an empty one lets everything pass.

    `majors`: None for all tickets, True for only those of major incidents (declared, or linked to a declared
    one as its duplicate, part or consequence), False for all but those. `services` only tells of
    which services the categories are; services without any have no tickets.
    """

    period: Period
    categories: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    target_groups: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    priorities: tuple[int, ...] = ()
    majors: bool | None = None
    services: tuple[str, ...] = ()

    @property
    def filters(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return what was chosen, for the reader: kind and keys; categories as the services they are of."""
        found = {
            "service": self.services,
            "category": () if self.services else self.categories,
            "group": self.groups,
            "target_group": self.target_groups,
            "type": self.types,
            "priority": tuple(map(str, self.priorities)),
            "majors": () if self.majors is None else ("only" if self.majors else "none",),
        }
        return tuple((kind, chosen) for kind, chosen in found.items() if chosen)

    @property
    def whole(self) -> bool:
        """Tell whether no filter is set: what is no ticket (calls, articles) counts only then."""
        return self.majors is None and not self.services and not any(chosen for _, chosen in self._chosen())

    @property
    def where(self) -> str:
        """Return the filters as SQL, to be added to conditions on a table called `ticket`; "" without any.

        It is made of constants and of the names of its parameters, never of what somebody typed.
        """
        found = [
            f" and ticket.{column} in ({', '.join(f':{column}_{place}' for place in range(len(chosen)))})"
            for column, chosen in self._chosen()
            if chosen
        ]
        if self.services and not self.categories:
            found.append(" and 1 = 0")
        return "".join(found) + _MAJORS[self.majors]

    @property
    def values(self) -> dict[str, Any]:
        """Return the parameters of `where`."""
        return {
            f"{column}_{place}": value
            for column, chosen in self._chosen()
            for place, value in enumerate(chosen)
        }

    @property
    def bounds(self) -> dict[str, Any]:
        """Return the parameters of `where`, with the `start` and `end` of the period."""
        return {"start": self.period.start, "end": self.period.end, **self.values}

    def narrowed(self, sql: str) -> str:
        """Return a statement with the filters in the place of its `MARK`."""
        return sql.replace(MARK, self.where)

    def _chosen(self) -> tuple[tuple[str, tuple[Any, ...]], ...]:
        return (
            ("category", self.categories),
            ("group_key", self.groups),
            ("target_group", self.target_groups),
            ("type", self.types),
            ("priority", self.priorities),
        )
