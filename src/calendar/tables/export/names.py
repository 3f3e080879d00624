"""What closed and irregular days are called, and whether a closure belongs to the exchange's rules."""

import collections
import importlib
import inspect
import re
import sys
import warnings

import pandas as pd
from dateutil.easter import easter

from reader import DAY
from upstream import PADDING_YEARS, applied, as_dates

UNNAMED = "unnamed"


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
        for date in [date for entry in applied(up.code, patches) for date in entry.get("reopen", [])]:
            for section in ("closed", "closed_ad_hoc"):
                self.given[section].pop(date, None)
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
