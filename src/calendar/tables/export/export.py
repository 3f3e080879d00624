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
import datetime as dt
import pathlib
import re
import subprocess
import sys
import zoneinfo

import yaml

# The pinned tzdata package and no other, before anything loads a zone: the machine's own zoneinfo must not matter.
zoneinfo.reset_tzpath(to=())

import exchange_calendars
import tzdata

from names import UNNAMED
from reader import expand
from table import render, table_of
from upstream import factories, upstream

HERE = pathlib.Path(__file__).resolve().parent
TABLES = HERE.parent


def path_of(code):
    return TABLES / f"{code.replace('/', '-')}.yaml"


def versions():
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
        theirs = up.instants
        different = [date for date in sorted(ours.keys() | theirs.keys()) if ours.get(date) != theirs.get(date)]
        for date in different[:5]:
            print(f"{code} {date}: table {ours.get(date)}, upstream {theirs.get(date)}")
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
                shown = " ".join(date.strftime("%m-%d") for date in dates[:15]) + (" ..." if len(dates) > 15 else "")
                print(f"{code} {year} {kind} {len(dates)}: {shown}")
        if text != there.stdout and not years:
            print(f"{code}: the same sessions in other words")


def names(codes, patches):
    known = count = 0
    for code in codes:
        _, sections = table_of(upstream(code, patches), patches)
        missing = [date for s in ("closed", "closed_ad_hoc") for date in sections[s].get(UNNAMED, [])]
        here = sum(len(dates) for s in ("closed", "closed_ad_hoc") for dates in sections[s].values())
        known, count = known + here - len(missing), count + here
        for section in ("early_close", "late_open", "extra"):
            for name, dates in sections[section].items():
                missing += dates if UNNAMED in (name, name[-1]) else []
        if missing:
            print(f"{code}: {' '.join(map(str, missing))}")
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
