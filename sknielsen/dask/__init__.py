"""Training on rows that lie on the workers of a Dask cluster; needs the extra ``dask``."""

# `_estimator` holds the classifier, `_inputs` its rows by reference, `_engines` what trains on
# them, `_tasks` what the workers do, and `_cluster` the calls of Dask.

from sknielsen.dask._estimator import DaskMLPSigmoidClassifier

__all__ = ["DaskMLPSigmoidClassifier"]

# Saved files and reprs show the path that users import the class from, not the file it is in.
DaskMLPSigmoidClassifier.__module__ = __name__
