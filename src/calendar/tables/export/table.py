"""Turns a calendar into the text of its table."""

import collections
import re

from names import UNNAMED, Names
from reader import WEEK, days
from upstream import SECONDS_OF_DAY, aliases_of, regime_on, regimes_of, usual

WIDTH = 110

HEADER = """\
# Made by export/export.py; do not edit. What upstream has wrong goes to export/patches.yaml, names too.
# Derived from exchange_calendars (Apache-2.0); see NOTICE.
"""


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
    plain = re.fullmatch(r"[^\W_][^:#\\\"]*[^:#\\\"\s]", name) and re.search(r"[^\W\d_]", name)
    plain = plain and name.lower() not in {"null", "true", "false", "yes", "no", "on", "off"}
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
