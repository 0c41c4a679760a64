"""What `diagnose` returns: a list of findings that reads well where it is shown."""

import textwrap
from html import escape
from typing import Any, NamedTuple

_WIDTH = 79  # of a terminal, which is 80 columns wide


class Finding(NamedTuple):
    """One thing that went wrong; `str` makes a paragraph of it.

    Attributes
    ----------
    code : str
        Name of the finding in ``FINDINGS``.
    sentence : str
        What was seen.
    evidence : dict
        The numbers and epochs behind the sentence.
    advice : str
        What to try.
    """

    code: str
    sentence: str
    evidence: dict[str, Any]
    advice: str

    def __str__(self) -> str:
        wrap = textwrap.TextWrapper(_WIDTH, subsequent_indent="    ", break_on_hyphens=False)
        wrap.break_long_words = False
        what = wrap.fill(f"{self.code}: {self.sentence}")
        wrap.initial_indent = "    "
        return f"{what}\n{wrap.fill(f'Try: {self.advice}')}"


class Findings(list[Finding]):
    """A list of findings, shown as paragraphs in a terminal and as a table in a notebook.

    Parameters
    ----------
    lacking : list of str
        What was not there to look at, which an empty list says.
    """

    def __init__(self, lacking: list[str]) -> None:
        super().__init__()
        looked_at = f" Not given: {', '.join(lacking)}." if lacking else ""
        self.nothing: str = f"Nothing was found.{looked_at}"

    def __repr__(self) -> str:
        if not self:
            return self.nothing
        return "\n".join(map(str, self))

    __str__ = __repr__

    def _repr_html_(self) -> str:
        if not self:
            return f"<p>{self.nothing}</p>"
        style = ' style="text-align: left; vertical-align: top; white-space: normal"'
        head = "".join(f"<th{style}>{name}</th>" for name in ("finding", "what was seen", "try"))
        rows = [
            f"<tr><td{style}><code>{escape(f.code)}</code></td>"
            f"<td{style}>{escape(f.sentence)}</td><td{style}>{escape(f.advice)}</td></tr>"
            for f in self
        ]
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
