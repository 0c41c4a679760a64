"""Early stopping: when training has stalled, and which weights were the best.

To change the rule: `Patience`. What it must know of earlier epochs is a piece of `Best`.
"""

from dataclasses import dataclass, replace

from sknielsen.core.state import Best, State, copies


@dataclass(frozen=True)
class Patience:
    """The rule that ends training.

    Parameters
    ----------
    n_epochs : int
        Epochs in a row without improvement that end training.
    tol : float
        Amount by which a score must exceed the best one to count as an improvement.
    """

    n_epochs: int
    tol: float

    def is_over(self, best: Best) -> bool:
        """Tell whether training has stalled for too long."""
        return best.n_stalled >= self.n_epochs

    def judge(self, state: State, score: float) -> None:
        """Count an epoch that has just been recorded, and keep its weights if they are best."""
        improves = score > state.best.score + self.tol
        n_stalled = 0 if improves else state.best.n_stalled + 1
        remember(state, score, keep_weights=True, n_stalled=n_stalled)


def remember(state: State, score: float, keep_weights: bool, n_stalled: int = 0) -> None:
    """Note the score of the state's weights if it is the highest so far.

    The best is replaced in one assignment, so that Ctrl-C finds either the old one or the new.
    """
    best = replace(state.best, n_stalled=n_stalled)
    if score > best.score:
        weights, biases = (
            (copies(state.weights), copies(state.biases)) if keep_weights else ((), ())
        )
        best = replace(best, score=score, epoch=state.epoch, weights=weights, biases=biases)
    state.best = best


def restore(state: State) -> None:
    """Write the best weights into those of the state. A velocity does not fit them: it goes."""
    best = state.best
    for array, kept in zip([*state.weights, *state.biases], [*best.weights, *best.biases]):
        array[...] = kept
    state.epoch, state.velocity = best.epoch, None
