"""Opening hours as a clock: how much working time passed, and when a given amount has passed.

Moments are epoch seconds UTC and durations are real elapsed seconds, so the hour that a clock change
takes or gives is never counted wrong. A calendar keeps a table of its opening hours with the open
seconds added up, grown when a question needs it: a short command pays for a month, a report for years.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from math import lcm
from zoneinfo import ZoneInfo

from sdtool.rules.hours import Hours as Hours
from sdtool.rules.hours import clock_time, cut, day_frames, length, regular_days, tidy

_DAY = 86_400
_EPOCH = date(1970, 1, 1).toordinal()
_LAST = date.max.toordinal() - 4
_TEN_YEARS = 3_653 * _DAY
_BACK, _AHEAD = 8, 24  # days round the first question, enough for most commands
_NO_HOURS: Hours = ()


class Calendar:
    """The opening hours of a desk in one time zone; answers in working time.

    A clock time that occurs twice (autumn) means the first one; a clock time that does not exist
    (spring) means the moment of the change.

    Raises:
        ValueError: from any question that finds no opening hours within ten years.
    """

    __slots__ = (
        "_base",
        "_breaks",
        "_closed",
        "_days",
        "_edges",
        "_first_day",
        "_frames",
        "_high",
        "_last_day",
        "_low",
        "_owners",
        "_regular",
        "_special",
        "_totals",
        "_unit",
        "_valid_from",
        "_weeks",
        "zone",
    )

    def __init__(
        self,
        timezone: str,
        weeks: Sequence[tuple[date, Sequence[Hours]]],
        closed: Collection[date] = (),
        special: Mapping[date, Hours] = {},
        breaks: Mapping[date, Hours] = {},
    ) -> None:
        """Take the agreed hours; nothing is computed before the first question.

        Args:
            timezone: IANA name, such as `Europe/Brussels`.
            weeks: versions of the weekly hours, ascending: local date from which one holds (the
                first holds before it too), and the hours of seven days, Monday first.
            closed: local dates without hours.
            special: hours of one date instead of the weekly ones, on a closed date too.
            breaks: ranges taken out of one date.

        Raises:
            ValueError: not seven days, versions out of order, or a range that is empty or too long.
            zoneinfo.ZoneInfoNotFoundError: unknown time zone.
        """
        self.zone = ZoneInfo(timezone)
        self._valid_from = [day.toordinal() for day, _ in weeks]
        if not weeks or sorted(set(self._valid_from)) != self._valid_from:
            raise ValueError("a calendar needs versions of its weekly hours in ascending order")
        if any(len(week) != 7 for _, week in weeks):
            raise ValueError("weekly hours need seven days, Monday first")
        self._weeks = [tuple(tidy(hours) for hours in week) for _, week in weeks]
        self._regular = regular_days(self._weeks)
        frames = day_frames(self._weeks)
        self._unit = lcm(*map(length, frames))  # parts in a working day
        self._frames = [(frame, self._unit // length(frame)) for frame in frames]  # parts in a second
        self._closed = frozenset(closed)
        self._special = {day: tidy(hours) for day, hours in special.items()}
        self._breaks = {day: tidy(hours) for day, hours in breaks.items()}
        self._low = self._high = self._first_day = self._last_day = 0
        self._edges: list[int] = []  # opening, closing, opening, closing ...
        self._base: list[int] = [0]  # open seconds up to `at`: base[i], plus `at` when i is odd
        self._totals: list[int] = []  # open seconds at each closing
        self._owners: list[int] = []  # the day (ordinal) each span belongs to
        self._days: list[int] = []  # working days (ordinals)

    def between(self, start: int, end: int) -> int:
        """Return the open seconds from `start` to `end`; negative when `end` lies before `start`."""
        if not (self._low <= start < self._high and self._low <= end < self._high):
            self._cover(min(start, end), max(start, end))
        edges, base = self._edges, self._base
        i = bisect_right(edges, start)
        j = bisect_right(edges, end)
        return (base[j] + end if j & 1 else base[j]) - (base[i] + start if i & 1 else base[i])

    def add(self, start: int, seconds: int) -> int:
        """Return the earliest moment with `seconds` open seconds since `start`.

        Working time that fills a day exactly ends at closing time. Negative `seconds` go back, to the
        latest moment from which that much lies before `start`; 0 returns `start`, open or not.
        """
        if not seconds:
            return start
        if not self._low <= start < self._high:
            self._cover(start, start)
        i = bisect_right(self._edges, start)
        goal = seconds + (self._base[i] + start if i & 1 else self._base[i])
        span = bisect_left(self._totals, goal) if seconds > 0 else bisect_right(self._totals, goal)
        if span < len(self._totals) and goal >= 0:
            found = goal - self._base[2 * span + 1]
            if found >= self._low:
                return found
        self._grow(start, ahead=seconds > 0)
        return self.add(start, seconds)

    def add_days(self, start: int, days: float) -> int:
        """Return the moment `days` working days after `start`, at the same local clock time.

        A closed `start` first moves to the next opening. The clock time is kept literally, even where
        that day closes earlier; so a start in the second pass of the repeated autumn hour is due before
        one late in the first pass. A part of a day is that part of a regular day (the most common length
        in the weekly hours in force at `start`), in working time. A start after midnight in a night shift
        is due no later than the opening of the next working day would be.

        Raises:
            ValueError: `days` is negative, or nothing opens within ten years.
        """
        whole, part = self.split_days(start, days)
        moment = self.next_open(start)
        if whole:
            moment = self._days_on(moment, whole)
        return self.add(moment, part)

    def split_days(self, start: int, days: float) -> tuple[int, int]:
        """Return `days` as `add_days` takes them: whole working days, and open seconds for the rest."""
        if days < 0:
            raise ValueError("working days to add must be 0 or more")
        whole = int(days)
        if whole == days:
            return whole, 0
        return whole, round((days - whole) * self._regular[self._version(self._ordinal(start))])

    def add_days_without(self, start: int, days: int, pauses: Iterable[tuple[int, int]]) -> int:
        """Return the earliest moment with `days` working days since `start` outside `pauses`.

        It stands on a scale on which every working day is 1, short ones too. A clock time stands at the
        share of the week's frame (the clock times at which any day of the week is open) before it: 15:00
        at the same share on all days, open then or not. So a day on from 15:00 is 15:00.

        Args:
            start: moved to the next opening when closed.
            days: 1 or more.
            pauses: ascending, apart; one that begins after the moment reached by then is left out.
        """
        opening = self.next_open(start)
        goal = self._parts(datetime.fromtimestamp(opening, self.zone)) + days * self._unit
        for first, last in pauses:
            before = self._passed(max(first, opening))
            if before >= goal:
                break
            goal += self._passed(max(last, opening)) - before
        return self._moment(goal)

    def is_open(self, at: int) -> bool:
        """Tell whether the desk is open at `at`; closing time itself is closed."""
        if not self._low <= at < self._high:
            self._cover(at, at)
        return bool(bisect_right(self._edges, at) & 1)

    def next_open(self, at: int) -> int:
        """Return `at` when the desk is open, else the next opening."""
        if not self._low <= at < self._high:
            self._cover(at, at)
        i = bisect_right(self._edges, at)
        if i & 1:
            return at
        if i < len(self._edges):
            return self._edges[i]
        self._grow(at, ahead=True)
        return self.next_open(at)

    def prev_open(self, at: int) -> int:
        """Return the last moment up to `at` that ends working time: `at`, or the last closing."""
        if not self._low <= at < self._high:
            self._cover(at, at)
        i = bisect_left(self._edges, at)
        if i & 1:
            return at
        if i and self._edges[i - 1] >= self._low:
            return self._edges[i - 1]
        self._grow(at, ahead=False)
        return self.prev_open(at)

    def spans(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """List the open spans within `start` to `end`, clipped; days that touch are one span."""
        if end <= start:
            return
        if not (self._low <= start and end < self._high):
            self._cover(start, end)
        edges = self._edges
        i = bisect_right(edges, start) & ~1
        while i < len(edges) and edges[i] < end:
            opening, closing = edges[i], edges[i + 1]
            i += 2
            while i < len(edges) and edges[i] == closing and closing < end:
                closing = edges[i + 1]
                i += 2
            yield max(opening, start), min(closing, end)

    def working_days(self, start: int, end: int) -> int:
        """Count the working days that began since `start`: 0 on the same local date, then 1, 2 ...

        Days without hours add nothing. Negative when `end` lies before `start`.
        """
        if not (self._low <= start < self._high and self._low <= end < self._high):
            self._cover(min(start, end), max(start, end))
        days = self._days
        return bisect_right(days, self._ordinal(end)) - bisect_right(days, self._ordinal(start))

    def _days_on(self, moment: int, whole: int) -> int:
        """Move an open moment `whole` working days on; a night shift counts as the day it began."""
        span = bisect_right(self._edges, moment) >> 1
        day, wall = self._owner(span, moment)
        found = self._later(day, wall, whole)
        if wall < _DAY:
            return found
        # After midnight in a night shift: not later than from the opening of the next working day.
        span = bisect_right(self._owners, day)
        while span >= len(self._owners):
            self._grow(moment, ahead=True)
        return min(found, self._later(*self._owner(span, self._edges[2 * span]), whole))

    def _owner(self, span: int, moment: int) -> tuple[int, int]:
        """Return the day a span belongs to, and the clock time of a moment in it from its midnight."""
        local = datetime.fromtimestamp(moment, self.zone)
        day = self._owners[span]
        return day, _clock(local) + (local.toordinal() - day) * _DAY

    def _later(self, day: int, wall: int, whole: int) -> int:
        goal = bisect_left(self._days, day) + whole
        while goal >= len(self._days):
            self._grow(self._low, ahead=True)
        return self._instant(self._days[goal], wall)

    def _passed(self, at: int) -> int:
        """Return the parts of working days up to `at`; the repeated autumn hour adds nothing again."""
        if not self._low <= at < self._high:
            self._cover(at, at)
        local = datetime.fromtimestamp(at, self.zone)
        if local.fold:
            lately = range(at - _DAY // 4, at)
            first = bisect_left(lately, 1, key=lambda then: datetime.fromtimestamp(then, self.zone).fold)
            local = datetime.fromtimestamp(lately.start + first - 1, self.zone)
        return self._parts(local)

    def _parts(self, local: datetime) -> int:
        """Return the parts of working days up to a clock time, from the first day of the table."""
        day, wall = local.toordinal(), _clock(local)
        frame, worth = self._frames[self._version(day)]
        if wall < frame[0][0]:  # belongs to the night of the day before
            day, wall = day - 1, wall + _DAY
            frame, worth = self._frames[self._version(day)]
        index = bisect_left(self._days, day)
        parts = index * self._unit
        if index < len(self._days) and self._days[index] == day:
            for start, end in frame:
                if start < wall:
                    parts += (min(wall, end) - start) * worth
        return parts

    def _moment(self, parts: int) -> int:
        """Return the first moment up to which so many parts passed (1 or more), in whole seconds."""
        index, rest = divmod(parts - 1, self._unit)
        while index >= len(self._days):
            self._grow(self._low, ahead=True)
        day = self._days[index]
        frame, worth = self._frames[self._version(day)]
        following, _ = self._frames[self._version(day + 1)]
        moment = self._instant(day, clock_time(frame, rest // worth + 1))
        # Where new hours move the frame, the next one ends this one.
        return moment if frame is following else min(moment, self._instant(day + 1, following[0][0]))

    def _version(self, day: int) -> int:
        return max(bisect_right(self._valid_from, day) - 1, 0) if len(self._weeks) > 1 else 0

    def _ordinal(self, at: int) -> int:
        return datetime.fromtimestamp(at, self.zone).toordinal()

    def _offset(self, day: int) -> int:
        """Return the seconds by which local midnight of `day` lies ahead of UTC."""
        return _seconds_ahead(datetime.fromordinal(day).replace(tzinfo=self.zone))

    def _instant(self, day: int, seconds: int) -> int:
        """Turn clock time on a local date into a moment, on days with a clock change too."""
        day, seconds = day + seconds // _DAY, seconds % _DAY
        hour, minute = seconds // 3600, seconds // 60 % 60
        local = datetime.fromordinal(day).replace(
            hour=hour, minute=minute, second=seconds % 60, tzinfo=self.zone
        )
        naive = (day - _EPOCH) * _DAY + seconds
        before = _seconds_ahead(local)
        after = _seconds_ahead(local.replace(fold=1))
        if after <= before:  # exists; when it occurs twice, this is the first
            return naive - before
        skipped = range(naive - after, naive - before)
        return skipped[0] + bisect_left(
            skipped, after, key=lambda at: _seconds_ahead(datetime.fromtimestamp(at, self.zone))
        )

    def _hours(self, day: int) -> Hours:
        """Return the open ranges of one local date after closing days, special hours and breaks."""
        local = date.fromordinal(day)
        hours = self._special.get(local)
        if hours is None:
            if local in self._closed:
                return _NO_HOURS
            hours = self._weeks[self._version(day)][(day - 1) % 7]
        if local in self._breaks:
            hours = cut(hours, self._breaks[local])
        return hours

    def _grow(self, since: int, *, ahead: bool) -> None:
        """Double the table in one direction; give up after ten years without hours."""
        edges = self._edges
        if ahead:
            empty = self._high - max(since, edges[-1] if edges else since)
        else:
            empty = min(since, edges[0] if edges else since) - self._low
        if empty > _TEN_YEARS or (self._last_day >= _LAST if ahead else self._first_day <= 1):
            raise ValueError("the calendar has no opening hours within ten years")
        self._cover(self._low if ahead else self._low - _DAY, self._high if ahead else self._high - 1)

    def _cover(self, first: int, last: int) -> None:
        """Build the table anew so that it holds `first` to `last`, growing by its own size at least.

        Doubling keeps the cost of all rebuilds together below that of twice the final table.
        """
        low, high = self._ordinal(first) - _BACK, self._ordinal(last) + _AHEAD
        if self._last_day:
            size = self._last_day - self._first_day
            low = min(low, self._first_day - size) if first < self._low else self._first_day
            high = max(high, self._last_day + size) if last >= self._high else self._last_day
        self._build(max(low, 1), min(high, _LAST))

    def _build(self, low: int, high: int) -> None:
        edges: list[int] = []
        base, totals, owners, days = [0], [], [], []
        total = closing = 0
        here, tomorrow, later = (self._offset(low + ahead) for ahead in range(3))
        for day in range(low, high):
            hours = self._hours(day)
            if hours:
                days.append(day)
                midnight = (day - _EPOCH) * _DAY - here
                steady = here == tomorrow == later  # no clock change until the next midnight but one
                for opens, closes in hours:
                    start = midnight + opens if steady else self._instant(day, opens)
                    end = midnight + closes if steady else self._instant(day, closes)
                    if edges and start < closing:  # the night shift of the day before runs on
                        start = closing
                    if start < end:
                        edges += (start, end)
                        base.append(total - start)
                        total += end - start
                        base.append(total)
                        totals.append(total)
                        owners.append(day)
                        closing = end
            here, tomorrow, later = tomorrow, later, self._offset(day + 3)
        self._edges, self._base, self._totals, self._owners, self._days = edges, base, totals, owners, days
        self._first_day, self._last_day = low, high
        # A night shift from the day before the table may reach into its first day: not covered.
        self._low, self._high = self._instant(low + 1, 0), self._instant(high, 0)


def _clock(local: datetime) -> int:
    return local.hour * 3600 + local.minute * 60 + local.second


def _seconds_ahead(local: datetime) -> int:
    offset = local.utcoffset()
    assert offset is not None
    return offset.days * _DAY + offset.seconds
