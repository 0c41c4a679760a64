"""Check that the version is the same wherever it stands, and that the changelog tells of it.

    python .ci/check_version.py            # on every change
    python .ci/check_version.py --release  # before a release: it must have a date

The newest section of CHANGELOG.md is that of the version of the package, "## 1.2.3 (unreleased)"
or "## 1.2.3 (2030-12-31)"; older sections are of lower versions and have dates. CITATION.cff has
the same version, and the date if there is one. ``tests/data`` holds models of this version.
"""

import re
import sys
import tomllib
from datetime import date
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parent.parent


def find(pattern, text):
    """Return the one group of the first match on a line of its own, or None."""
    match = re.search(rf"^{pattern}$", text, re.MULTILINE)
    return match and match[1]


def number(version):
    """Return a version as integers, to be compared."""
    return tuple(map(int, version.split(".")))


def is_date(text):
    """Tell whether this is a day as ISO 8601 writes it."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def problems(root=ROOT, release=False):
    """Yield a sentence for all that does not fit together."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    source = root / project["tool"]["hatch"]["version"]["path"]
    version = find(r'__version__ = "(\d+\.\d+\.\d+)"', source.read_text(encoding="utf-8"))
    if version is None:
        yield f"{source.name} holds no version of three numbers."
        return

    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", changelog, re.MULTILINE)
    sections = [re.fullmatch(r"(\d+\.\d+\.\d+) \((.+)\)", heading) for heading in headings]
    if not sections or None in sections:
        yield "A section of CHANGELOG.md has a heading other than '## 1.2.3 (unreleased or date)'."
        return
    versions, dates = zip(*(section.groups() for section in sections))
    if versions[0] != version:
        yield f"CHANGELOG.md begins with {versions[0]}; the package is {version}."
    if any(number(newer) <= number(older) for newer, older in pairwise(versions)):
        yield "The versions in CHANGELOG.md do not fall."
    for name, day in zip(versions, dates):
        may_lack = name == versions[0] and day == "unreleased" and not release
        if not (is_date(day) or may_lack):
            yield f"CHANGELOG.md has no date of {name}: {day!r}."

    citation = (root / "CITATION.cff").read_text(encoding="utf-8")
    if (cited := find(r'version: "?([\d.]+)"?', citation)) != version:
        yield f"CITATION.cff has version {cited}; the package is {version}."
    released = find(r'date-released: "?([\d-]+)"?', citation)
    if released != (dates[0] if is_date(dates[0]) else None):
        yield f"CITATION.cff has date-released {released}; CHANGELOG.md has {dates[0]}."

    if not (root / "tests" / "data" / version / "expected.json").exists():
        yield f"There are no saved models of {version}; run `python tests/data/save.py`."


if __name__ == "__main__":
    found = list(problems(release="--release" in sys.argv[1:]))
    sys.exit("\n".join(found) or None)
