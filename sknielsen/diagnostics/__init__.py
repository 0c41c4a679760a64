"""What went wrong in a training, in words, and the measurements behind the words."""

# `_findings` holds the findings with their thresholds, `_evidence` the figures that they read,
# `_measures` the measurements that are useful by themselves. To add a finding: a function and a
# line in ``FINDINGS``, both in `_findings`. To add a measurement: a function in `_measures`, its
# name in ``__all__`` below, and a line in docs/api.rst.

from sknielsen._inputs import LARGE_RMS
from sknielsen.diagnostics._findings import FINDINGS, Finding, diagnose
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

# Pickles and reprs show the path that users import a name from, not the file that defines it.
for _name in __all__:
    if callable(globals()[_name]):  # the others are a table and numbers
        globals()[_name].__module__ = __name__
