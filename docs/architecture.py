"""The picture and the table of the page on architecture, made from the package's own imports.

`write` reads the imports of every module and draws the modules as boxes, each above what it
imports; a package is one box, but the core shows its modules. The table beside the picture gives
the first line of each module's docstring. Nothing is listed by hand: a new module, or a new
import, is on the page with the next build.

    python docs/architecture.py FOLDER

writes both files into a folder, to look at them without building the site.
"""

import ast
import itertools
import random
import re
import sys
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "sknielsen"
CORE = "core"
WIDTH, CHARACTER, HEIGHT, GAP, BETWEEN = 500, 7.8, 28, 12, 34  # of the picture, in its own units
THREAD = 4  # the width of an arrow that passes a row of boxes


# --- imports ----------------------------------------------------------------------------------


def modules():
    """Return the path of each module by its name within the package; the package is ``""``."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


@cache
def parsed(path):
    """Parse a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path):
    """Return the modules of the package that a module imports."""
    names = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom):
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    prefix = f"{PACKAGE.name}."
    return {name.removeprefix(prefix) for name in names if name.startswith(prefix)}


def graph(room):
    """Return what each name imports, where `room` tells to which name a module belongs.

    Modules of which `room` returns None are left out.
    """
    found = {}
    for name, path in modules().items():
        here = room(name)
        if here is not None:
            there = {room(other) for other in imported(path)} - {None, here}
            found[here] = found.get(here, set()) | there
    return found


def reachable(imports, name):
    """Return all names that a name imports, also through others."""
    found, new = set(), set(imports[name])
    while new:
        found |= new
        new = set().union(*(imports[other] for other in new)) - found
    return found


def without_shortcuts(imports):
    """Leave out each import that a longer way leads to as well."""
    far = {name: reachable(imports, name) for name in imports}
    return {
        name: {o for o in others if not any(o in far[via] for via in others)}
        for name, others in imports.items()
    }


def depths(imports):
    """Return the row of each name, counted from below: above all that it imports.

    A name that more others import than it imports itself moves up until it is close to them.
    """
    importers = {name: {o for o in imports if name in imports[o]} for name in imports}
    row = {}
    while len(row) < len(imports):
        for name, others in imports.items():
            if name not in row and others <= set(row):
                row[name] = max((row[other] + 1 for other in others), default=0)
    for _ in imports:
        for name, above in importers.items():
            if len(above) > len(imports[name]):
                row[name] = min(row[other] for other in above) - 1
    top = max(row.values())
    loose = [name for name in imports if not importers[name] and not imports[name]]
    return row | dict.fromkeys(loose, top + 1)


# --- layout -----------------------------------------------------------------------------------


@dataclass(eq=False)
class Item:
    """A box, or the place where an arrow passes a row; `x` is its middle."""

    name: str
    row: int
    width: float
    is_box: bool = True
    x: float = 0.0
    below: list["Item"] = field(default_factory=list)
    above: list["Item"] = field(default_factory=list)


def label(name):
    """Return what a box says: of a package, with a stroke behind it."""
    if not name:
        return PACKAGE.name
    return f"{name}/" if (PACKAGE / name).is_dir() else name.rpartition(".")[2]


def items(imports, row):
    """Make the items of all rows, from below, joined by one step of an arrow at a time."""
    boxes = {
        name: Item(name, row[name], CHARACTER * len(label(name)) + 14) for name in sorted(imports)
    }
    rows = [[] for _ in range(max(row.values()) + 1)]
    for box in boxes.values():
        rows[box.row].append(box)
    for name, others in imports.items():
        for other in sorted(others):
            upper = boxes[name]
            for between in range(row[name] - 1, row[other], -1):
                passing = Item(f"{name} {other}", between, THREAD, is_box=False)
                rows[between].append(passing)
                upper = _join(upper, passing)
            _join(upper, boxes[other])
    return rows


def _join(upper, lower):
    upper.below.append(lower)
    lower.above.append(upper)
    return lower


def crossings(upper):
    """Count the arrows that cross between a row and the one below it, in their present order."""
    ends = [(a.x, b.x) for a in upper for b in a.below]
    return sum((a - c) * (b - d) < 0 for (a, b), (c, d) in itertools.combinations(ends, 2))


def order(rows):
    """Sort each row so that few arrows cross: by the mean of its neighbours, then by swaps."""
    for row in rows:
        _number(row)
    best, kept, chance = None, None, random.Random(0)  # the same picture in every build
    for sweep in range(200):
        upwards = sweep % 2 == 0
        if sweep % 8 == 0 and sweep:  # begin anew, elsewhere
            for row in rows:
                chance.shuffle(row)
                _number(row)
        for row in rows if upwards else reversed(rows):
            row.sort(key=lambda item: _mean(item.below if upwards else item.above, item.x))
            _number(row)
        _swap(rows)
        cost = sum(map(crossings, rows)), _length(rows)
        if best is None or cost < best:
            best, kept = cost, [list(row) for row in rows]
    for row, in_order in zip(rows, kept):
        row[:] = in_order
        _number(row)


def _swap(rows):
    """Swap neighbours in a row as long as fewer arrows cross."""
    improves = True
    while improves:
        improves = False
        for number, row in enumerate(rows):
            around = rows[number : number + 2]
            for i in range(len(row) - 1):
                before = sum(map(crossings, around)), _length(rows)
                row[i], row[i + 1] = row[i + 1], row[i]
                _number(row)
                if (sum(map(crossings, around)), _length(rows)) < before:
                    improves = True
                else:
                    row[i], row[i + 1] = row[i + 1], row[i]
                    _number(row)


def _number(row):
    for place, item in enumerate(row):
        item.x = place - len(row) / 2


def _length(rows):
    return round(sum(abs(a.x - b.x) for row in rows for a in row for b in a.below), 6)


def _mean(neighbours, otherwise):
    return sum(n.x for n in neighbours) / len(neighbours) if neighbours else otherwise


def place(rows, width):
    """Give each item its middle: near its neighbours, in the order of the row, and apart."""
    for row in rows:
        used = sum(item.width for item in row) + GAP * (len(row) - 1)
        x = (width - used) / 2
        for item in row:
            item.x = x + item.width / 2
            x += item.width + GAP
    for _ in range(60):
        for row in [*rows, *reversed(rows)]:
            _settle(row, width)


def _settle(row, width):
    """Move a row's items towards the means of their neighbours (isotonic regression)."""
    offset, offsets = 0.0, []
    for i, item in enumerate(row):
        if i:
            offset += (row[i - 1].width + item.width) / 2 + GAP
        offsets.append(offset)
    pools = []  # mean, weight, number of items: neighbours that want to overlap share a mean
    for item, offset in zip(row, offsets):
        around = item.below + item.above
        weight = max(1, len(around)) * (1 if item.is_box else 4)  # arrows that pass run straight
        pools.append((_mean(around, item.x) - offset, weight, 1))
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            (x, w, n), (x2, w2, n2) = pools[-2:]
            pools[-2:] = [((x * w + x2 * w2) / (w + w2), w + w2, n + n2)]
    least = row[0].width / 2 if row else 0
    most = width - row[-1].width / 2 - offsets[-1] if row else 0
    middles = [min(max(x, least), most) for x, _, n in pools for _ in range(n)]
    for item, middle, offset in zip(row, middles, offsets):
        item.x = middle + offset


# --- drawing ----------------------------------------------------------------------------------


def draw_rows(rows, left, top):
    """Draw boxes and the arrows between them; return lines of SVG and the height used."""
    n_rows, lines, boxes = len(rows), [], []

    def y_of(item):
        return top + (n_rows - 1 - item.row) * (HEIGHT + BETWEEN)

    for row in rows:
        for item in row:
            ports = _ports(item.below, item) if item.is_box else [(b, item.x) for b in item.below]
            for lower, x in ports:
                arrives = dict(_ports(lower.above, lower)) if lower.is_box else {item: lower.x}
                start, end = y_of(item) + HEIGHT, y_of(lower)
                tip = end - (6 if lower.is_box else 0)
                x, x2 = left + x, left + arrives[item]
                bend = BETWEEN * 0.55
                path = f"M{x:.1f} {start} C{x:.1f} {start + bend:.1f} {x2:.1f} "
                path += f"{tip - bend:.1f} {x2:.1f} {tip}"
                if not item.is_box:
                    path = f"M{x:.1f} {start - HEIGHT} V{start} {path[path.index('C') :]}"
                marker = ' marker-end="url(#arch-tip)"' if lower.is_box else ""
                lines.append(f'<path class="arch-arrow" d="{path}"{marker}/>')
            if item.is_box:
                boxes += box(item.name, left + item.x, y_of(item), item.width)
    return lines + boxes, n_rows * (HEIGHT + BETWEEN) - BETWEEN


def _ports(neighbours, item):
    """Spread the ends of arrows along a side of a box, in the order in which they come."""
    spread = min(14, (item.width - 20) / max(1, len(neighbours) - 1))
    in_order = sorted(neighbours, key=lambda n: n.x)
    first = item.x - spread * (len(neighbours) - 1) / 2
    return [(n, first + spread * i) for i, n in enumerate(in_order)]


def is_public(name):
    """Tell whether users import a module; those of the core are for the package itself."""
    return not name.startswith((f"{CORE}.", "_"))


def box(name, middle, y, width):
    """Draw a module or a package; those that users import look different."""
    public = " arch-public" if is_public(name) else ""
    return [
        f'<rect class="arch-box{public}" x="{middle - width / 2:.1f}" y="{y}" '
        f'width="{width:.1f}" height="{HEIGHT}" rx="5"/>',
        f'<text class="arch-name" x="{middle:.1f}" y="{y + HEIGHT / 2 + 4.5}">'
        f"{escape(label(name))}</text>",
    ]


def shelf(names, left, y, width):
    """Draw boxes in lines, without arrows; return lines of SVG and the height used."""
    lines, line = [], []
    rows = [line]
    for name in names:
        box_width = CHARACTER * len(label(name)) + 14
        if line and sum(w + GAP for _, w in line) + box_width > width:
            rows.append(line := [])
        line.append((name, box_width))
    for number, line in enumerate(rows):
        x = left + (width - sum(w for _, w in line) - GAP * (len(line) - 1)) / 2
        for name, box_width in line:
            lines += box(name, x + box_width / 2, y + number * (HEIGHT + GAP), box_width)
            x += box_width + GAP
    return lines, len(rows) * (HEIGHT + GAP) - GAP


def frame(title, y, height):
    """Draw the frame around a group of boxes, and its title."""
    return [
        f'<rect class="arch-frame" x="1" y="{y}" width="{WIDTH - 2}" height="{height}" rx="8"/>',
        f'<text class="arch-title" x="12" y="{y + 20}">{escape(title)}</text>',
    ]


STYLE = """
.arch { max-width: 40rem; width: 100%; height: auto; display: block; margin: 0 auto 1.5rem; }
.arch-frame { fill: none; stroke: var(--pst-color-border, #999); }
.arch-box { fill: var(--pst-color-surface, #f3f4f5); stroke: var(--pst-color-border, #999); }
.arch-public { stroke: var(--pst-color-primary, #1f4e79); stroke-width: 2; }
.arch-arrow { fill: none; stroke: var(--pst-color-text-muted, #555); stroke-width: 1.3; }
.arch-tip { fill: var(--pst-color-text-muted, #555); }
.arch-name { font: 13px ui-monospace, monospace; text-anchor: middle; }
.arch-title { font: bold 13px system-ui, sans-serif; }
.arch-name, .arch-title { fill: var(--pst-color-text-base, #222); }
"""


def groups():
    """Sort the modules: what is around the core, the core, and helpers that need no core."""
    imports = graph(lambda name: name.partition(".")[0])
    helpers = sorted(
        name for name in imports if name != CORE and CORE not in reachable(imports, name)
    )
    around = {
        name: others - {CORE, *helpers}
        for name, others in imports.items()
        if name not in (CORE, *helpers)
    }
    core = graph(lambda name: name if name.startswith(f"{CORE}.") else None)
    base = sorted(name for name in core if not core[name])
    core = {name: others - set(base) for name, others in core.items() if name not in base}
    return without_shortcuts(around), without_shortcuts(core), base, helpers


def picture():
    """Draw the package as an SVG, to be put into a page."""
    around, core, base, helpers = groups()
    lines, y = [], 8
    around_rows = laid_out(around, WIDTH - 16)
    drawn, height = draw_rows(around_rows, 8, y)
    lines += drawn
    y += height + 26
    core_rows = laid_out(core, WIDTH - 40)
    drawn, height = draw_rows(core_rows, 20, y + 34)
    shelved, more = shelf(base, 20, y + 34 + height + 26, WIDTH - 40)
    whole = 34 + height + 26 + more + 14
    lines += frame("core/", y, whole) + drawn + shelved
    y += whole + 14
    shelved, height = shelf(helpers, 12, y + 32, WIDTH - 24)
    lines += frame("helpers", y, height + 46) + shelved
    y += height + 48
    head = (
        f'<svg class="arch" viewBox="0 0 {WIDTH} {y}" xmlns="http://www.w3.org/2000/svg" '
        f'role="img" aria-labelledby="arch-alt">\n<title id="arch-alt">{escape(alt())}</title>\n'
        f"<style>{STYLE}</style>\n"
        '<defs><marker id="arch-tip" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="8" '
        'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
        '<path class="arch-tip" d="M0 0.5 L8 4 L0 7.5 Z"/></marker></defs>\n'
    )
    return head + "\n".join(lines) + "\n</svg>\n"


def laid_out(imports, width):
    """Return the rows of a graph, ordered and placed."""
    rows = items(imports, depths(imports))
    order(rows)
    place(rows, width)
    return rows


def alt():
    """Say in words what the picture shows."""
    around, core, base, helpers = groups()
    return (
        f"Modules of {PACKAGE.name}, each above what it imports. From above: "
        f"{by_row(around)}. Below them is the core: {by_row(core)}; "
        f"{', '.join(map(label, base))}. "
        f"Helpers: {', '.join(helpers)}."
    )


def by_row(imports):
    """List the names of a graph from the top row to the lowest."""
    row = depths(imports)
    return "; ".join(
        ", ".join(label(name) for name in sorted(imports) if row[name] == number)
        for number in sorted(set(row.values()), reverse=True)
    )


# --- table ------------------------------------------------------------------------------------


def table():
    """Make a list-table of all modules, from below, with the first lines of their docstrings."""
    around, core, base, helpers = groups()
    paths = modules()
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 26 74", "   :class: words", ""]
    lines += ["   * - Module", "     - What it holds"]
    row, row_of_core = depths(around), depths(core)
    names = base + sorted(core, key=lambda n: (row_of_core[n], n))
    names += helpers + sorted(around, key=lambda n: (row[n], n))
    for name in names:
        docstring = ast.get_docstring(parsed(paths[name])) or ""
        first = re.sub(r"\*(\S[^*]*)\*", r"\1", docstring.partition("\n\n")[0].replace("\n", " "))
        shown = name or PACKAGE.name
        lines += [f"   * - ``{shown}``", f"     - {first}"]
    return "\n".join(lines) + "\n"


def write(folder):
    """Write the picture and the table into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"architecture.svg": picture(), "modules.inc": table()}.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:  # spares a rebuild
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
