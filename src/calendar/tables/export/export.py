#!/usr/bin/env python3
"""Makes the calendar tables out of exchange_calendars, reads them back and compares.

    export.py export [CODE ...]               write the tables beside this directory
    export.py verify [CODE ...]               read them back; every session must be upstream's to the minute
    export.py diff [--base REV] [CODE ...]    what a fresh export adds, removes and changes, by calendar and year
    export.py names [CODE ...]                how many closures have a name, and which have none

A developer's tool: neither the build nor the binary needs it. README.md here says how a refresh goes.
"""

import argparse
import collections
import dataclasses
import datetime as dt
import difflib
import importlib
import inspect
import os
import pathlib
import re
import subprocess
import sys
import warnings
import zoneinfo

import yaml
from dateutil.easter import easter

# The pinned tzdata package and no other: the machine's own zoneinfo must not matter.
zoneinfo.reset_tzpath(to=())

HERE = pathlib.Path(__file__).resolve().parent
TABLES = HERE.parent
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAY = dt.timedelta(days=1)
SECOND = dt.timedelta(seconds=1)
SECONDS_OF_DAY = 86400
PADDING_YEARS = 1  # XKRX gets the last row of the window that it is built over wrong
WIDTH = 110
UNNAMED = "unnamed"

HEADER = """\
# Made by export/export.py; do not edit. What upstream has wrong goes to export/patches.yaml, names too.
# Derived from exchange_calendars (Apache-2.0); see NOTICE.
"""


# ---------------------------------------------------------------------------------------------------- upstream


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
    from exchange_calendars import calendar_utils

    return dict(sorted(calendar_utils._default_calendar_factories.items()))


def aliases_of(code):
    from exchange_calendars import calendar_utils

    return sorted(alias for alias, of in calendar_utils._default_calendar_aliases.items() if of == code)


def upstream(code, patches):
    import pandas as pd

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


def instant(date, offset, zone):
    wall = dt.datetime.combine(date, dt.time()) + offset
    return wall.replace(tzinfo=zone).astimezone(dt.timezone.utc)


def days(first, last):
    while first <= last:
        yield first
        first += DAY


def as_dates(listed):
    import pandas as pd

    values = listed.values() if isinstance(listed, dict) else [listed] if isinstance(listed, pd.Timestamp) else listed
    return {pd.Timestamp(value).date() for value in values}


# ------------------------------------------------------------------------------------------------------- hours


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


# ------------------------------------------------------------------------------------------------------- names


def tidy(name):
    """What a rule is called without what only its author needs: years in brackets, fancy quotes, blanks."""
    name = name.translate(str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "`": "'"}))
    name = re.sub(r"\s*\((?=[^)]*(\d{4}|present|onwards|[+-]\d days?|next Monday))[^)]*\)", "", name)
    name = re.sub(r"\s+(extra|additional) (Mon|Fri)day$", r" (bridge day)", name)
    name = " ".join(name.split()).replace(": ", ", ")
    return name


class Names:
    """What the closed and the irregular days of one calendar are called, and whether they belong to its rules."""

    def __init__(self, up, patches):
        self.up = up
        self.renames = patches["renames"]["all"] | patches["renames"].get(up.code, {})
        self.given = collections.defaultdict(dict)
        by_hand = [patches["names"].get(up.code, {})]
        for entry in applied(up.code, patches):
            by_hand.append({s: entry[s] for s in ("closed", "closed_ad_hoc", "extra") if s in entry})
            for section in ("early_close", "late_open"):
                by_hand += [{section: named} for named in entry.get(section, {}).values() if isinstance(named, dict)]
        for sections in by_hand:
            for section in sections.keys() - {"source"}:
                for name, dates in sections[section].items():
                    for date in dates:
                        if self.given[section].setdefault(date, name) != name:
                            raise SystemExit(f"patches.yaml: {up.code} {section} names {date} twice")
        self.rules = patches["rules"].get(up.code, [])
        self.regular = self._by_rule([up.calendar.regular_holidays])
        self.ad_hoc = as_dates(up.calendar.adhoc_holidays)
        self.special = {
            "early_close": self._by_rule(calendar for _, calendar in up.calendar.special_closes),
            "late_open": self._by_rule(calendar for _, calendar in up.calendar.special_opens),
        }
        self.used = set()

    def _by_rule(self, calendars):
        """date -> name of the first of upstream's rules that yields it."""
        import pandas as pd

        margin = pd.DateOffset(years=PADDING_YEARS)
        first, last = pd.Timestamp(self.up.first) - margin, pd.Timestamp(self.up.last) + margin
        found = {}
        for calendar in calendars:
            for rule in getattr(calendar, "rules", None) or []:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    dates = rule.dates(first, last)
                for date in dates:
                    found.setdefault(date.date(), rule.name)
        return found

    def _applies(self, rule, date):
        if not rule.get("since", 0) <= date.year <= rule.get("until", 9999):
            return False
        if "list" in rule:
            before, after = rule.get("days", [0, 0])
            listed = self._list(rule["list"])
            if not any(date - DAY * shift in listed for shift in range(before, after + 1)):
                return False
        if "between" in rule:
            (start, end), here = rule["between"], date.strftime("%m-%d")
            if not (start <= here <= end if start <= end else here >= start or here <= end):
                return False
        return "easter" not in rule or date == easter(date.year) + DAY * rule["easter"]

    def _list(self, path, cache={}):
        """Dates of a variable of upstream: `name` of the calendar's module, `class.name`, `module.name`."""
        key = (self.up.code, path)
        if key not in cache:
            module, _, name = path.rpartition(".")
            if module == "class":
                holder = type(self.up.calendar)
            elif module:
                holder = importlib.import_module(f"exchange_calendars.{module}")
            else:
                holder = inspect.getmodule(type(self.up.calendar))
            cache[key] = as_dates(getattr(holder, name))
        return cache[key]

    def _named(self, name):
        return self.renames.get(name) or self.renames.get(tidy(name)) or tidy(name)

    def closure(self, date):
        """Section and name of a day on which the exchange is closed though its weekday is not."""
        for section in ("closed", "closed_ad_hoc"):
            if date in self.given[section]:
                self.used.add((section, date))
                return section, self.given[section][date]
        if date in self.regular:
            return "closed", self._named(self.regular[date])
        for rule in self.rules:
            if rule.get("for", "closed") in ("closed", "closed_ad_hoc") and self._applies(rule, date):
                return rule.get("for", "closed"), rule["name"]
        if date not in self.ad_hoc:
            print(f"{self.up.code} {date}: closed, and upstream does not say why", file=sys.stderr)
        return "closed_ad_hoc", UNNAMED

    def other(self, section, date):
        """Name of a day of `early_close`, `late_open` or `extra`."""
        if date in self.given[section]:
            self.used.add((section, date))
            return self.given[section][date]
        if date in self.special.get(section, {}):
            return self._named(self.special[section][date])
        for rule in self.rules:
            if rule.get("for") == section and self._applies(rule, date):
                return rule["name"]
        return UNNAMED

    def check_used(self):
        for section, dates in self.given.items():
            for date, name in dates.items():
                if (section, date) not in self.used:
                    raise SystemExit(f"patches.yaml: {self.up.code} {section} {name!r}: {date} is no such day")


# ------------------------------------------------------------------------------------------------------- table


def table_of(up, patches):
    """The table of one calendar as the mapping that is written: sections of names (or times) of dates."""
    names = Names(up, patches)
    regimes = regimes_of(up)
    sections = {
        section: collections.defaultdict(list)
        for section in ("closed", "closed_ad_hoc", "early_close", "late_open", "session", "extra")
    }
    for date in days(up.first, up.last):
        regime, row = regime_on(regimes, date), up.rows.get(date)
        if date.weekday() in regime.week and row is None:
            section, name = names.closure(date)
            sections[section][name].append(date)
        if row is None:
            continue
        if date.weekday() not in regime.week:
            sections["extra"][names.other("extra", date)].append(date)
        base = usual(regime, date.weekday())
        if base is None or row == base:
            if base is None:
                sections["session"][stretches(row)].append(date)
        elif row.close < base.close and row == base.moved(close=row.close):
            sections["early_close"][clock(row.close), names.other("early_close", date)].append(date)
        elif row.open > base.open and row == base.moved(open=row.open):
            sections["late_open"][clock(row.open), names.other("late_open", date)].append(date)
        else:
            sections["session"][stretches(row)].append(date)
    names.check_used()
    return regimes, sections


def clock(moment):
    day, rest = divmod(moment, SECONDS_OF_DAY)
    text = f"{rest // 3600:02}:{rest % 3600 // 60:02}"
    text += f":{rest % 60:02}" if rest % 60 else ""
    return f"{day:+}d {text}" if day else text


def stretches(row):
    if row.pause is None:
        return f"{clock(row.open)}-{clock(row.close)}"
    return f"{clock(row.open)}-{clock(row.pause[0])} {clock(row.pause[1])}-{clock(row.close)}"


def weekdays(numbers):
    """`mon-fri`, `sun-thu`, `sat`, `mon,wed`: runs of three and more become ranges, and a range may wrap."""
    numbers = set(numbers)
    if len(numbers) == 7:
        return "mon-sun"
    runs = []
    for day in sorted(numbers):
        if (day - 1) % 7 not in numbers:
            run = [day]
            while (run[-1] + 1) % 7 in numbers:
                run.append((run[-1] + 1) % 7)
            runs.append(run)
    parts = []
    for run in runs:
        parts += [f"{WEEK[run[0]]}-{WEEK[run[-1]]}"] if len(run) > 2 else [WEEK[day] for day in run]
    text = ",".join(parts)
    return f'"{text}"' if "," in text else text


def hours_line(regime, first, group, hours):
    parts = [] if regime.start == first else [f"from: {regime.start}"]
    parts += [f"days: {weekdays(group)}", f"open: {clock(hours.open)}", f"close: {clock(hours.close)}"]
    if hours.pause:
        parts.append(f"break: [{clock(hours.pause[0])}, {clock(hours.pause[1])}]")
    return "  - {" + ", ".join(parts) + "}"


def key(name):
    """A name as a YAML key, in quotes only where a bare one would be read as something else."""
    plain = re.fullmatch(r"[^\W\d_][^:#\\\"]*", name) and not name.endswith(" ")
    plain = plain and name.lower() not in {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
    return name if plain else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def dates_lines(indent, name, dates):
    """`name: [dates]`, folded at WIDTH."""
    line, lines = f"{' ' * indent}{name}: [", []
    for index, date in enumerate(dates):
        item = f"{date}{',' if index + 1 < len(dates) else ']'}"
        if len(line) + 1 + len(item) > WIDTH and not line.endswith("["):
            lines.append(line.rstrip())
            line = " " * (indent + 2)
        line += item + " "
    return lines + [line.rstrip()]


def by_first_date(section):
    return sorted(section.items(), key=lambda item: (item[1][0], str(item[0])))


def render(up, patches, source):
    """The text of one table."""
    regimes, sections = table_of(up, patches)
    out = [
        f"code: {up.code}",
        f"name: {key(patches['titles'][up.code])}",
        *([f"aliases: [{', '.join(aliases_of(up.code))}]"] if aliases_of(up.code) else []),
        f"timezone: {up.calendar.tz.key}",
        f"from: {up.first}",
        f"to: {up.last}",
    ]
    announced = patches["announced_to"]
    announced = announced["except"].get(up.code, {"to": announced["default"]})["to"]
    out += [] if announced is None else [f"announced_to: {min(announced, up.last)}"]
    out += [f"source: {source}", "hours:"]
    for regime in regimes:
        groups = collections.defaultdict(list)
        for weekday, hours in sorted(regime.week.items()):
            groups[hours].append(weekday)
        out += [hours_line(regime, up.first, group, hours) for hours, group in groups.items()]
    for section in ("closed", "closed_ad_hoc"):
        out += [f"{section}:"] if sections[section] else []
        for name, dates in by_first_date(sections[section]):
            out += dates_lines(2, key(name), dates)
    for section in ("early_close", "late_open"):
        out += [f"{section}:"] if sections[section] else []
        times = collections.defaultdict(dict)
        for (time, name), dates in by_first_date(sections[section]):
            times[time][name] = dates
        for time, named in times.items():
            if list(named) == [UNNAMED]:
                out += dates_lines(2, time, named[UNNAMED])
                continue
            out.append(f"  {time}:")
            for name, dates in named.items():
                out += dates_lines(4, key(name), dates)
    for section in ("session", "extra"):
        out += [f"{section}:"] if sections[section] else []
        for name, dates in by_first_date(sections[section]):
            out += dates_lines(2, name if section == "session" else key(name), dates)
    return HEADER + "\n".join(out) + "\n"


def path_of(code):
    return TABLES / f"{code.replace('/', '-')}.yaml"


def versions():
    import exchange_calendars
    import tzdata

    return f"exchange_calendars {exchange_calendars.__version__}, tzdata {tzdata.IANA_VERSION}"


def fresh(code, patches):
    """The text of a table, made now. Its day of export is kept where nothing else is new."""
    up = upstream(code, patches)
    path = path_of(code)
    old = path.read_text() if path.exists() else ""
    said = re.search(r"^source: .*, exported (\S+)$", old, re.M)
    if said:
        text = render(up, patches, f"{versions()}, exported {said[1]}")
        if text == old:
            return up, text
    return up, render(up, patches, f"{versions()}, exported {dt.date.today()}")


# ------------------------------------------------------------- reading back: by the grammar alone


class Strict(yaml.BaseLoader):
    """Every scalar is a string, and a key that stands twice is an error."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(k, deep=True) for k, _ in node.value]
        twice = [k for k, n in collections.Counter(keys).items() if n > 1]
        if twice:
            raise ValueError(f"{node.start_mark}: {twice} stand twice")
        return super().construct_mapping(node, deep)


KEYS = {
    "code", "name", "aliases", "timezone", "from", "to", "announced_to", "source", "hours",
    "closed", "closed_ad_hoc", "early_close", "late_open", "session", "extra",
}  # fmt: skip


def read_time(text):
    found = re.fullmatch(r"(?:([+-]\d)d )?(\d\d):(\d\d)(?::(\d\d))?", text)
    if not found:
        raise ValueError(f"{text!r} is no time")
    day, hour, minute, second = (int(part or 0) for part in found.groups())
    return dt.timedelta(days=day, hours=hour, minutes=minute, seconds=second)


def read_days(text):
    named = set()
    for part in text.split(","):
        start, _, end = part.strip().partition("-")
        at = WEEK.index(start)
        named.add(at)
        while end and WEEK[at] != end:
            at = (at + 1) % 7
            named.add(at)
    return named


def read_stretches(text):
    pairs = re.findall(r"((?:[+-]\dd )?\d\d:\d\d(?::\d\d)?)-((?:[+-]\dd )?\d\d:\d\d(?::\d\d)?)", text)
    if " ".join("-".join(pair) for pair in pairs) != text or not 1 <= len(pairs) <= 2:
        raise ValueError(f"{text!r} are no hours")
    ends = [read_time(end) for pair in pairs for end in pair]
    return ends[0], ends[-1], tuple(ends[1:3]) if len(ends) == 4 else None


def expand(text):
    """All sessions of a table: date -> (open, break start, break end, close) in UTC."""
    table = yaml.load(text, Loader=Strict)
    unknown = set(table) - KEYS
    if unknown:
        raise ValueError(f"unknown keys {unknown}")
    zone = zoneinfo.ZoneInfo(table["timezone"])
    first, last = dt.date.fromisoformat(table["from"]), dt.date.fromisoformat(table["to"])

    groups = []
    for entry in table["hours"]:
        start = dt.date.fromisoformat(entry.get("from", table["from"]))
        if not groups or groups[-1][0] != start:
            assert not groups or groups[-1][0] < start, f"hours from {start} are out of order"
            groups.append((start, {}))
        pause = tuple(read_time(t) for t in entry["break"]) if "break" in entry else None
        for weekday in read_days(entry["days"]):
            assert weekday not in groups[-1][1], f"{WEEK[weekday]} from {start} has two hours"
            groups[-1][1][weekday] = (read_time(entry["open"]), read_time(entry["close"]), pause)

    def of(date):
        return [week for start, week in groups if start <= date][-1]

    taken = {}

    def every(value, section):
        for item in value if isinstance(value, list) else [i for inner in value.values() for i in inner]:
            date = dt.date.fromisoformat(item)
            assert first <= date <= last, f"{section}: {date} is out of range"
            what = "closed" if section.startswith("closed") else "hours" if section != "extra" else section
            assert (what, date) not in taken, f"{section}: {date} stands in {taken.get((what, date))} too"
            taken[what, date] = section
            yield date

    def in_order(dates):
        assert dates == sorted(dates), f"{dates} are not in order"
        return dates

    sessions = {date: of(date)[date.weekday()] for date in days(first, last) if date.weekday() in of(date)}
    for section in ("closed", "closed_ad_hoc"):
        for name, listed in table.get(section, {}).items():
            assert name == name.strip() and "\n" not in name and ": " not in name, f"{name!r}"
            for date in every(in_order(listed), section):
                assert date in sessions, f"{section}: {date} is closed anyway"
                del sessions[date]
    for name, listed in table.get("extra", {}).items():
        for date in every(in_order(listed), "extra"):
            week = of(date)
            assert date.weekday() not in week, f"extra: {date} is a day of the week's hours"
            before = [day for day in range(date.weekday()) if day in week]
            sessions[date] = week[before[-1]] if before else None
    for section in ("early_close", "late_open"):
        for time, listed in table.get(section, {}).items():
            for date in every(listed, section):
                opens, closes, pause = sessions[date]
                moved = read_time(time)
                if section == "early_close":
                    assert opens < moved < closes, f"early_close {time} on {date}"
                    closes = moved
                else:
                    assert opens < moved < closes, f"late_open {time} on {date}"
                    opens = moved
                if pause and not (opens < pause[0] and pause[1] < closes):
                    pause = None
                sessions[date] = (opens, closes, pause)
    for hours, listed in table.get("session", {}).items():
        for date in every(listed, "session"):
            assert date in sessions, f"session: {date} is closed"
            sessions[date] = read_stretches(hours)

    result = {}
    for date, hours in sorted(sessions.items()):
        opens, closes, pause = hours
        starts, ends = pause or (None, None)
        row = [opens, starts, ends, closes]
        given = [offset for offset in row if offset is not None]
        assert given == sorted(set(given)), f"{date}: {row}"
        result[date] = tuple(None if offset is None else instant(date, offset, zone) for offset in row)
    return result


# ---------------------------------------------------------------------------------------------------- commands


def export(codes, patches):
    for code in codes:
        _, text = fresh(code, patches)
        path_of(code).write_text(text)
    sizes = [path_of(code).stat().st_size for code in codes]
    print(f"{len(codes)} tables, {sum(sizes):,} bytes")


def verify(codes, patches):
    total, wrong, stale = 0, 0, 0
    for code in codes:
        up, text = fresh(code, patches)
        committed = path_of(code).read_text()
        if committed != text:
            stale += 1
            print(f"{code}: is not what an export writes now")
        ours = expand(committed)
        different = [date for date in sorted(ours.keys() | up.instants.keys()) if ours.get(date) != up.instants.get(date)]
        for date in different[:5]:
            print(f"{code} {date}: table {ours.get(date)}, upstream {up.instants.get(date)}")
        total += len(ours)
        wrong += len(different)
    print(f"{len(codes)} calendars, {total:,} sessions, {wrong} differ from upstream, {stale} tables are stale")
    return wrong or stale


def diff(codes, patches, base):
    for code in codes:
        there = subprocess.run(
            ["git", "-C", TABLES, "show", f"{base}:./{path_of(code).name}"], capture_output=True, text=True
        )
        if there.returncode:
            print(f"{code}: not in {base}")
            continue
        _, text = fresh(code, patches)
        old, new = expand(there.stdout), expand(text)
        years = collections.defaultdict(lambda: collections.defaultdict(list))
        for date in sorted(old.keys() | new.keys()):
            if old.get(date) != new.get(date):
                kind = "added" if date not in old else "removed" if date not in new else "changed"
                years[date.year][kind].append(date)
        for year, kinds in years.items():
            for kind, dates in sorted(kinds.items()):
                print(f"{code} {year} {kind} {len(dates)}: {' '.join(date.strftime('%m-%d') for date in dates)}")
        changes = [line for line in difflib.ndiff(there.stdout.splitlines(), text.splitlines()) if line[0] in "+-"]
        if changes and not years:
            print(f"{code}: the same sessions, {len(changes)} lines of text")


def names(codes, patches):
    known = count = 0
    for code in codes:
        _, sections = table_of(upstream(code, patches), patches)
        missing = sections["closed"].get(UNNAMED, []) + sections["closed_ad_hoc"].get(UNNAMED, [])
        here = sum(len(dates) for s in ("closed", "closed_ad_hoc") for dates in sections[s].values())
        known, count = known + here - len(missing), count + here
        early = [str(d) for s in ("early_close", "late_open", "extra") for k, ds in sections[s].items()
                 if UNNAMED in (k if isinstance(k, tuple) else (k,)) for d in ds]  # fmt: skip
        if missing or early:
            print(f"{code}: {len(missing)} of {here}: {' '.join(map(str, missing))}; hours: {' '.join(early)}")
    print(f"{known:,} of {count:,} closures have a name")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["export", "verify", "diff", "names"])
    parser.add_argument("--base", default="HEAD")
    parser.add_argument("codes", nargs="*", metavar="CODE")
    args = parser.parse_args()
    patches = yaml.safe_load((HERE / "patches.yaml").read_text())
    codes = args.codes or list(factories())
    extra = [args.base] if args.command == "diff" else []
    return globals()[args.command](codes, patches, *extra)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
