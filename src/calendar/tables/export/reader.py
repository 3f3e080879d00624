"""Reads a table by its grammar alone and expands it to sessions: the witness that `verify` and `diff` call."""

import collections
import datetime as dt
import re
import zoneinfo

import yaml

WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAY = dt.timedelta(days=1)


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


def days(first, last):
    while first <= last:
        yield first
        first += DAY


def instant(date, offset, zone):
    wall = dt.datetime.combine(date, dt.time()) + offset
    return wall.replace(tzinfo=zone).astimezone(dt.timezone.utc)


def expand(text):
    """All sessions of a table: date -> (open, break start, break end, close) in UTC."""
    table = yaml.load(text, Loader=Strict)
    unknown = set(table) - KEYS
    if unknown:
        raise ValueError(f"unknown keys {unknown}")
    zone = zoneinfo.ZoneInfo(table["timezone"])
    first, last = dt.date.fromisoformat(table["from"]), dt.date.fromisoformat(table["to"])
    assert first <= dt.date.fromisoformat(table.get("announced_to", table["to"])) <= last

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
        for name, listed in value.items() if isinstance(value, dict) else [("unnamed", value)]:
            assert name == name.strip() and "\n" not in name and ": " not in name, f"{section}: {name!r} is no name"
            assert listed == sorted(listed), f"{section}: the dates of {name} are not in order"
        for item in value if isinstance(value, list) else [item for listed in value.values() for item in listed]:
            date = dt.date.fromisoformat(item)
            assert first <= date <= last, f"{section}: {date} is out of range"
            what = "closed" if section.startswith("closed") else "hours" if section != "extra" else section
            assert (what, date) not in taken, f"{section}: {date} stands in {taken.get((what, date))} too"
            taken[what, date] = section
            yield date

    sessions = {date: of(date)[date.weekday()] for date in days(first, last) if date.weekday() in of(date)}
    for section in ("closed", "closed_ad_hoc"):
        for name, listed in table.get(section, {}).items():
            for date in every({name: listed}, section):
                assert date in sessions, f"{section}: {date} is closed anyway"
                del sessions[date]
    for name, listed in table.get("extra", {}).items():
        for date in every({name: listed}, "extra"):
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
