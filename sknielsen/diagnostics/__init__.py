"""What went wrong in a training, in words, and the measurements behind the words."""

# `_findings` holds the findings with their thresholds, `_evidence` what they are made of,
# `_measures` the measurements that are of use by themselves. To add a finding: a function and a
# line in ``FINDINGS``, both in `_findings`. To add a measurement: a function in `_measures`, its
# name in ``__all__`` below, and a line in docs/api.rst.

from sknielsen.diagnostics._findings import FINDINGS, LARGE_RMS, Finding, diagnose
from sknielsen.diagnostics._measures import (
    SATURATED_Z,
    gradient_norms,
    hard_examples,
    weighted_inputs,
)

__all__ = [
    "FINDINGS",
    "LARGE_RMS",
    "SATURATED_Z",
    "Finding",
    "diagnose",
    "gradient_norms",
    "hard_examples",
    "weighted_inputs",
]

# Saved files and reprs show the path that users import a name from, not the file it is in.
for _name in __all__:
    if callable(globals()[_name]):  # the others are a table and numbers
        globals()[_name].__module__ = __name__
