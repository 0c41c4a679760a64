"""Early stopping: when training has stalled, and which weights were the best.

To change the rule: `Patience`. What it must know of earlier epochs is a piece of `Best`.
"""

from dataclasses import dataclass, replace

from sknielsen.core.contracts import Record
from sknielsen.core.state import Best, State, copies


@dataclass(frozen=True)
class Patience:
    """The rule that ends training.

    The count of epochs without progress starts anew when the score exceeds, by more than `tol`,
    the score at its last start: a slow but steady rise goes on.

    Parameters
    ----------
    n_epochs : int
        Epochs without progress that end training.
    tol : float
        Amount by which a score must rise.
    """

    n_epochs: int
    tol: float

    def is_over(self, best: Best) -> bool:
        """Tell whether training has stalled for too long."""
        return best.n_stalled >= self.n_epochs

    def judge(self, state: State, record: Record) -> None:
        """Count the epoch that has just been recorded, and keep its weights if they are best."""
        best, score = state.best, record["validation_score"]
        if score > best.bar + self.tol:  # False of NaN
            best = replace(best, bar=score, n_stalled=0)
        else:
            best = replace(best, n_stalled=best.n_stalled + 1)
        remember(state, record, keep_weights=True, best=best)


def remember(state: State, record: Record, keep_weights: bool, best: Best | None = None) -> None:
    """Note the score of the state's weights if it is the highest so far.

    Of equal scores the one with the lower validation cost counts as higher. The best is replaced
    in one assignment, so that Ctrl-C finds either the old one or the new.

    Parameters
    ----------
    state : State
    record : dict of float
        With the validation score and the validation cost of the weights.
    keep_weights : bool
        Whether to copy the weights.
    best : Best, default=None
        The best so far; None takes that of the state.
    """
    best = best or state.best
    score, cost = record["validation_score"], record["validation_cost"]
    if score > best.score or (score == best.score and cost < best.cost):
        weights, biases = (
            (copies(state.weights), copies(state.biases)) if keep_weights else ((), ())
        )
        best = replace(
            best, score=score, epoch=state.epoch, cost=cost, weights=weights, biases=biases
        )
    state.best = best


def restore(state: State) -> None:
    """Write the best weights into those of the state. A velocity does not fit them: it goes.

    Without a score there is no best: the weights stay.
    """
    best = state.best
    if not best.weights:
        return
    for array, kept in zip([*state.weights, *state.biases], [*best.weights, *best.biases]):
        array[...] = kept
    state.epoch, state.velocity = best.epoch, None
