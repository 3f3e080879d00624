"""A calendar of exchange_calendars: its sessions on the wall clock and in UTC, its hours by regime, its corrections."""

import collections
import dataclasses
import datetime as dt
import warnings

import pandas as pd
from exchange_calendars import calendar_utils

from reader import DAY, days, instant, read_stretches, read_time

SECOND = dt.timedelta(seconds=1)
SECONDS_OF_DAY = 86400
PADDING_YEARS = 1  # XKRX gets the last row of the window that it is built over wrong


@dataclasses.dataclass(frozen=True)
class Hours:
    """Wall-clock hours of one session, in seconds after the local midnight that its label begins with."""

    open: int
    close: int
    pause: tuple[int, int] | None = None

    def moved(self, open=None, close=None):
        """These hours with another open or close. A break that no longer lies inside is dropped."""
        start = self.open if open is None else open
        end = self.close if close is None else close
        pause = self.pause if self.pause and start < self.pause[0] and self.pause[1] < end else None
        return Hours(start, end, pause)


@dataclasses.dataclass
class Upstream:
    """One calendar of exchange_calendars, built with a margin and cut to the range of the table."""

    code: str
    calendar: object
    first: dt.date
    last: dt.date
    rows: dict  # date -> Hours, as wall clock
    instants: dict  # date -> (open, break start, break end, close) in UTC
    starts: set = dataclasses.field(default_factory=set)  # where corrections begin other hours


def factories():
    return dict(sorted(calendar_utils._default_calendar_factories.items()))


def aliases_of(code):
    return sorted(alias for alias, of in calendar_utils._default_calendar_aliases.items() if of == code)


def upstream(code, patches):
    """Builds a calendar with a margin on each side, cuts it to the range of the table, applies its corrections."""
    factory = factories()[code]
    least, most = factory.bound_min(), factory.bound_max()
    first, last = (pd.Timestamp(patches["range"][end]) for end in ("from", "to"))
    margin = pd.DateOffset(years=PADDING_YEARS)

    def inside(date):
        date = date if least is None else max(date, least)
        return date if most is None else min(date, most)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        calendar = factory(start=inside(first - margin), end=inside(last + margin))
    first, last = inside(first), inside(last)
    schedule = calendar.schedule.loc[first:last]

    midnights = schedule.index.tz_localize(None)
    wall, instants = {}, {}
    for column in ("open", "break_start", "break_end", "close"):
        local = schedule[column].dt.tz_convert(calendar.tz).dt.tz_localize(None)
        wall[column] = [None if pd.isna(x) else round((x - m).total_seconds()) for x, m in zip(local, midnights)]
        instants[column] = [None if pd.isna(x) else x.to_pydatetime() for x in schedule[column]]
    dates = [label.date() for label in schedule.index]
    rows = {
        date: Hours(o, c, None if b is None else (b, e))
        for date, o, b, e, c in zip(dates, wall["open"], wall["break_start"], wall["break_end"], wall["close"])
    }
    by_date = dict(zip(dates, zip(*(instants[c] for c in ("open", "break_start", "break_end", "close")))))
    up = Upstream(code, calendar, first.date(), last.date(), rows, by_date)
    for entry in applied(code, patches):
        correct(up, entry)
    return up


def applied(code, patches):
    return [entry for entry in patches["corrections"] if entry["code"] == code and entry["apply"]]


def correct(up, entry):
    """Makes one correction of patches.yaml, in the hours and in the instants."""
    regimes, before = regimes_of(up), dict(up.rows)
    for section in ("closed", "closed_ad_hoc"):
        for date in flat(entry.get(section, {})):
            del up.rows[date]
    for date in entry.get("reopen", []) + flat(entry.get("extra", {})):
        if date in up.rows:
            raise SystemExit(f"patches.yaml: {up.code} has a session on {date} now")
        up.rows[date] = usual(regime_on(regimes, date), date.weekday())
    for time, dates in entry.get("early_close", {}).items():
        for date in flat(dates):
            up.rows[date] = up.rows[date].moved(close=read_time(time) // SECOND)
    for time, dates in entry.get("late_open", {}).items():
        for date in flat(dates):
            up.rows[date] = up.rows[date].moved(open=read_time(time) // SECOND)
    for hours, dates in entry.get("session", {}).items():
        opens, closes, pause = read_stretches(hours)
        for date in dates:
            up.rows[date] = Hours(opens // SECOND, closes // SECOND, pause and tuple(p // SECOND for p in pause))
    for change in entry.get("breaks", []):
        start, end = change.get("from", up.first), change.get("to", up.last)
        up.starts |= {start, end + DAY}
        pause = tuple(read_time(time) // SECOND for time in change["break"])
        for date, row in up.rows.items():
            if start <= date <= end and row.pause:
                up.rows[date] = dataclasses.replace(row, pause=pause)
    if up.rows == before:
        raise SystemExit(f"patches.yaml: {up.code}, {entry['what']!r}: there is nothing to apply")
    up.rows = dict(sorted(up.rows.items()))
    for date in before.keys() - up.rows.keys():
        del up.instants[date]
    for date, row in up.rows.items():
        if row != before.get(date):
            ends = (row.open, *(row.pause or (None, None)), row.close)
            up.instants[date] = tuple(None if e is None else instant(date, SECOND * e, up.calendar.tz) for e in ends)


def flat(value):
    """All dates of a list, or of a mapping of names to lists."""
    return value if isinstance(value, list) else [date for dates in value.values() for date in dates]


def as_dates(listed):
    values = listed.values() if isinstance(listed, dict) else [listed] if isinstance(listed, pd.Timestamp) else listed
    return {pd.Timestamp(value).date() for value in values}


@dataclasses.dataclass
class Regime:
    """The hours of each weekday from a date on. Weekdays that are not in it are closed."""

    start: dt.date
    week: dict  # weekday 0..6 -> Hours


def seconds(time, offset=0):
    return offset * SECONDS_OF_DAY + time.hour * 3600 + time.minute * 60 + time.second


def regimes_of(up):
    """Upstream's own regimes; a weekday on which most sessions have other hours has those (Sundays of Tel Aviv)."""
    calendar = up.calendar
    long_masks = []
    for start, end, mask in getattr(calendar, "special_weekmasks", []):
        start = up.first if start is None else start.date()
        if (end.date() - start).days > 31:
            long_masks.append((start, end.date(), mask))

    columns = (calendar.open_times, calendar.close_times, calendar.break_start_times, calendar.break_end_times)
    starts = {up.first} | up.starts
    for column in columns:
        starts |= {date.date() for date, _ in column or () if date is not None}
    for start, end, _ in long_masks:
        starts |= {start, end + DAY}
    starts = sorted(start for start in starts if up.first <= start <= up.last)

    def at(column, date):
        times = [time for start, time in column or ((None, None),) if start is None or start.date() <= date]
        return times[-1]

    regimes = []
    for index, start in enumerate(starts):
        end = starts[index + 1] - DAY if index + 1 < len(starts) else up.last
        mask = next((mask for a, b, mask in long_masks if a <= start <= b), calendar.weekmask)
        pause = (at(calendar.break_start_times, start), at(calendar.break_end_times, start))
        named = Hours(
            seconds(at(calendar.open_times, start), calendar.open_offset),
            seconds(at(calendar.close_times, start), calendar.close_offset),
            None if pause[0] is None else (seconds(pause[0]), seconds(pause[1])),
        )
        if not any(start <= date <= end for date in up.rows):
            continue
        week = {}
        for weekday in (day for day in range(7) if mask[day] == "1"):
            kept = [up.rows[d] for d in days(start, end) if d.weekday() == weekday and d in up.rows]
            common, count = collections.Counter(kept).most_common(1)[0] if kept else (named, 0)
            week[weekday] = common if len(kept) >= 10 and 2 * count > len(kept) else named
        if not regimes or regimes[-1].week != week:
            regimes.append(Regime(start, week))
    return regimes


def regime_on(regimes, date):
    return [regime for regime in regimes if regime.start <= date][-1]


def usual(regime, weekday):
    """The hours of a weekday; of one that is not named, those of the nearest named one before it in the week."""
    while weekday >= 0:
        if weekday in regime.week:
            return regime.week[weekday]
        weekday -= 1
    return None
