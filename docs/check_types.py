"""Check the types of the code that pages show, with pyright.

    python docs/check_types.py [PAGE ...]

Without arguments it checks `PAGES`. The doctests, code blocks and plots of a page are joined into
one module, in which each line of code has the number that it has on the page, so that pyright's
messages name the page's own lines. Needs the package pyright, and a Node.js, which
``pip install "pyright[nodejs]"`` brings. Exits with 1 if there is an error.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

TOP = Path(__file__).parent.parent
PAGES = ["README.md", "docs/index.rst", "docs/tutorial.rst", "docs/guide/types.rst"]

# What a page may do and a module should not: show the value of an expression.
SETTINGS = {"typeCheckingMode": "standard", "reportUnusedExpression": False}

DIRECTIVE = re.compile(r"( *)\.\. (code-block:: python|plot::)\s*")
FENCE = re.compile(r"```python\s*")


def module(text):
    """Make a module of a page: its Python code, each line of it where it stands on the page."""
    lines = text.splitlines()
    code = [""] * len(lines)
    for number, line in enumerate(lines):
        prompt = re.match(r" *(>>>|\.\.\.)( |$)(.*)", line)
        if prompt:
            code[number] = prompt[3]
        elif directive := DIRECTIVE.fullmatch(line):
            _copy(lines, code, number + 1, indented(lines, number + 1, len(directive[1])))
        elif FENCE.fullmatch(line):
            _copy(lines, code, number + 1, lines.index("```", number))
    return "\n".join(code) + "\n"


def indented(lines, start, depth):
    """Return where the lines end that are blank, or indented by more than `depth`."""
    for number in range(start, len(lines)):
        line = lines[number]
        if line.strip() and len(line) - len(line.lstrip()) <= depth:
            return number
    return len(lines)


def _copy(lines, code, start, stop):
    """Copy a block without its indentation; options, up to a blank line, are no code."""
    block = textwrap.dedent("\n".join(lines[start:stop])).split("\n")
    in_options = re.match(r":[\w-]+:", block[0]) is not None
    for number, line in enumerate(block, start):
        in_options = in_options and line.strip() != ""
        code[number] = "" if in_options else line


def check(pages):
    """Run pyright on pages; return its messages, by page and line, and the lines of code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        of_module, n_lines = {}, 0
        for number, page in enumerate(pages):
            path = folder / f"page_{number}.py"
            path.write_text(module((TOP / page).read_text(encoding="utf-8")), encoding="utf-8")
            n_lines += sum(map(bool, path.read_text(encoding="utf-8").split("\n")))
            of_module[path.resolve()] = page
        (folder / "pyrightconfig.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
        command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
        run = subprocess.run(
            [*command, "--outputjson", "-p", str(folder)], capture_output=True, text=True
        )
        if not run.stdout.startswith("{"):
            raise SystemExit(f"pyright did not run: {run.stdout}{run.stderr}")
        messages = [
            f"{of_module[Path(d['file']).resolve()]}:{d['range']['start']['line'] + 1}: "
            f"{d['message']} ({d.get('rule', d['severity'])})"
            for d in json.loads(run.stdout)["generalDiagnostics"]
            if d["severity"] == "error"
        ]
    return messages, n_lines


def main():
    """Check pages; exit with 1 if there is an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", default=PAGES, help="relative to the repository")
    messages, n_lines = check(parser.parse_args().pages)
    for message in messages:
        print(message)
    print(f"{n_lines} lines of code: {len(messages) or 'no'} type errors")
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
