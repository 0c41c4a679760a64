"""What is said of a training when it has ended."""

from typing import Any

from sklearn.exceptions import ConvergenceWarning

from sknielsen._hooks import Hooks
from sknielsen._inputs import is_dask
from sknielsen._progress import ending_line
from sknielsen._warn import warn
from sknielsen.core.loop import Ending
from sknielsen.diagnostics import convergence_problem, diagnose


def report(hooks: Hooks, ending: Ending) -> None:
    """Warn if a training ended no better than chance; under ``verbose=1`` print why it ended.

    What `diagnose` finds is printed, too. Of a block of a stream nothing is said.

    Parameters
    ----------
    hooks : Hooks
        Of the training, whose inputs are still open.
    ending : str
        What `train` returned.

    Raises
    ------
    KeyboardInterrupt
        At Ctrl-C. Where the training keeps what is finished, it is all there: a warning instead.

    Warns
    -----
    ConvergenceWarning
    """
    if hooks.parameters.streaming:
        return
    try:
        _report(hooks.estimator, hooks, ending)
    except KeyboardInterrupt:
        if not hooks.parameters.keeps_interrupted:
            raise
        hooks.interrupted()


def _report(estimator: Any, hooks: Hooks, ending: Ending) -> None:
    if ending not in ("hook", "interrupt"):
        problem = convergence_problem(estimator, hooks.inputs)
        if problem:
            warn(problem, ConvergenceWarning)
    if hooks.parameters.verbose:
        print(ending_line(ending, hooks.state, hooks.parameters))
        given = hooks.inputs.given
        rows = (None, None) if is_dask(given.X) else (given.X, given.y)
        for finding in diagnose(estimator, *rows):
            print(finding)
