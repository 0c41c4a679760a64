"""What went wrong in a training, in words, and the measurements behind the words."""

# `_findings` holds the findings with their thresholds, `_evidence` the figures that they read,
# `_measures` the measurements that are useful by themselves, `_inside` what finds the network in a
# pipeline or a search. To add a finding: a function and a line in ``FINDINGS``, both in
# `_findings`. To add a measurement: a function in `_measures`, its name in ``__all__`` below, and
# a line in docs/api.rst.

from sknielsen._plain import LARGE_RMS
from sknielsen.diagnostics._chance import convergence_problem
from sknielsen.diagnostics._eta import EtaSuggestion, find_eta
from sknielsen.diagnostics._finding import Finding, Findings
from sknielsen.diagnostics._findings import FINDINGS, diagnose
from sknielsen.diagnostics._inside import network_inside
from sknielsen.diagnostics._measures import (
    SATURATED_Z,
    gradient_norms,
    hard_examples,
    weighted_inputs,
)
from sknielsen.diagnostics._summary import Summary, summary

__all__ = [
    "FINDINGS",
    "LARGE_RMS",
    "SATURATED_Z",
    "EtaSuggestion",
    "Finding",
    "Findings",
    "Summary",
    "convergence_problem",
    "diagnose",
    "find_eta",
    "gradient_norms",
    "hard_examples",
    "network_inside",
    "summary",
    "weighted_inputs",
]

# Pickles and reprs show the path that users import a name from, not the file that defines it.
for _name in __all__:
    if callable(globals()[_name]):  # the others are a table and numbers
        globals()[_name].__module__ = __name__
