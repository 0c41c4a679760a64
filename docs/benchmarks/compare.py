"""What the benchmarks share: contestants that take turns, and lines of what was wanted and seen.

A benchmark makes a `Report`, lets its contestants take turns with `alternate`, adds lines with the
`ratio` or the `difference` of their times, and writes the report as JSON. A contestant whose
package is not installed is left out by name (`Report.lacks`). `run.py` collects the lines.
"""

import argparse
import importlib.util
import json
import os
import time
from pathlib import Path
from statistics import median

import numpy as np
from machine import describe


def installed(module):
    """Tell whether a module can be imported."""
    return importlib.util.find_spec(module) is not None


def arguments_of(doc, script, n_rounds):
    """Make the parser of the options that every benchmark has.

    Parameters
    ----------
    doc : str
        The script's docstring, of which the first line is shown.
    script : str
        Its ``__file__``; the JSON has the same stem.
    n_rounds : int
        Rounds that count, unless the user asks for others.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=n_rounds, help="rounds that count")
    parser.add_argument(
        "--output", type=Path, default=Path(script).with_suffix(".json"), help="JSON to write"
    )
    return parser


# --- turns --------------------------------------------------------------------------------------


def alternate(contestants, n_rounds, n_calls=1, pause=0.0):
    """Let functions take turns; return the figures of each round by name. One more round warms up.

    Parameters
    ----------
    contestants : dict of str to callable
        What a function returns counts if it is a dictionary of figures by name; otherwise its
        time does, in seconds a call.
    n_rounds : int
        Rounds that count.
    n_calls : int, default=1
        Calls that are timed together.
    pause : float, default=0.0
        Seconds before each, until the idle threads of the one before stop spinning.
    """
    figures = {}
    for n_round in range(n_rounds + 1):
        for name, function in contestants.items():
            time.sleep(pause)
            start = time.perf_counter()
            for _ in range(n_calls):
                found = function()
            seconds = (time.perf_counter() - start) / n_calls
            if n_round > 0:
                for key, value in (found if isinstance(found, dict) else {name: seconds}).items():
                    figures.setdefault(key, []).append(value)
    return figures


def fastest(times, start):
    """Return the contestant with the smallest median of those whose names begin with `start`."""
    return min((name for name in times if name.startswith(start)), key=lambda n: median(times[n]))


def ratio(times, above, below):
    """Return a ratio of medians, and the quartiles of the ratios of single rounds."""
    quotients = [a / b for a, b in zip(times[above], times[below])]
    return median(times[above]) / median(times[below]), quartiles(quotients)


def difference(times, above, below, unit=1.0):
    """Return a difference of medians, and the quartiles of those of single rounds, in a unit."""
    gaps = [(a - b) / unit for a, b in zip(times[above], times[below])]
    return (median(times[above]) - median(times[below])) / unit, quartiles(gaps)


def quartiles(values):
    """Return the first and the third quartile."""
    return [float(q) for q in np.quantile(values, (0.25, 0.75))]


def spread(values):
    """Return median, quartiles and extremes of the rounds of a contestant."""
    figures = {"median": median(values), "min": min(values), "max": max(values)}
    figures = {name: rounded(value) for name, value in figures.items()}
    return figures | {"quartiles": rounded(quartiles(values)), "rounds": len(values)}


def spreads(times):
    """Return the `spread` of every contestant."""
    return {name: spread(values) for name, values in times.items()}


def rounded(value):
    """Round to four significant digits: a number, or each of a list."""
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return float(f"{value:.4g}")


# --- lines --------------------------------------------------------------------------------------


def kept(seen, wanted):
    """Tell whether a figure is as wanted: ``">= 6.5"``, ``"<= 1.1"``; None asks for nothing."""
    if wanted is None:
        return True
    sign, bound = wanted.split()
    return seen is not None and (seen >= float(bound) if sign == ">=" else seen <= float(bound))


def show(name, line):
    """Say in one row of text what was wanted and seen."""
    seen, wanted, between = line["seen"], line["wanted"], line.get("quartiles")
    text = "not reached" if seen is None else f"{seen:.3g}"
    around = f"{between[0]:.3g} to {between[1]:.3g}" if between else ""
    verdict = "" if wanted is None else "ok" if kept(seen, wanted) else "FALLS SHORT"
    return f"{name:74}{text:>11}  {around:18}{wanted or '':10}{verdict}".rstrip()


class Report:
    """The record of a benchmark: the machine, the lines asked, and who was left out.

    Parameters
    ----------
    *packages : str
        Whose versions are noted where they are installed, besides sknielsen's.
    """

    def __init__(self, *packages):
        self.machine = describe(*packages)
        self.lines = {}
        self.skipped = {}

    def lacks(self, contestant, *modules):
        """Tell whether a contestant's package is missing; if so, say it and record it."""
        missing = [module for module in modules if not installed(module)]
        if missing and contestant not in self.skipped:
            self.skipped[contestant] = f"{', '.join(missing)} is not installed"
            print(f"skipped: {contestant}: {self.skipped[contestant]}", flush=True)
        return bool(missing)

    def line(self, name, seen, between=None, wanted=None):
        """Add a figure, its quartiles, and what was wanted of it; print all three."""
        self.lines[name] = {"seen": None if seen is None else rounded(seen), "wanted": wanted}
        if between:
            self.lines[name]["quartiles"] = rounded(between)
        print(show(name, self.lines[name]), flush=True)

    def write(self, path, **figures):
        """Write the JSON: the machine, who was left out, figures of the benchmark, the lines."""
        self.machine["load_average_at_the_end"] = round(os.getloadavg()[0], 2)
        record = {"machine": self.machine, "skipped": self.skipped, **figures, "lines": self.lines}
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
