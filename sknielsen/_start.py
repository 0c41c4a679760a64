"""The state and the engine that training begins with, and what must hold before it does."""

from dataclasses import replace
from typing import Any

from sknielsen._inputs import Given, Inputs
from sknielsen._parameters import Parameters
from sknielsen._resolve import random_state_of, shown
from sknielsen._warn import warn
from sknielsen.core.engine import Descent, LocalEngine
from sknielsen.core.network import Network, zeros_like
from sknielsen.core.state import Best, State, initial_weights
from sknielsen.costs import check_cost
from sknielsen.schedules import Taper, needs_validation


def require_no_whole(parameters: Parameters, given: Given) -> None:
    """Raise ValueError if a parameter needs the whole data, of which a stream has a block."""
    if not parameters.streaming:
        return
    if parameters.needs_validation and given.X_val is None:
        cure = "pass `X_val` and `y_val`"
        if parameters.early_stopping and not needs_validation(parameters.eta_schedule):
            cure = "set early_stopping=False, since partial_fit never stops early"
        raise ValueError(
            "partial_fit splits off no validation rows, which early stopping and the "
            f"plateau schedule need: {cure}, or use fit."
        )
    if parameters.class_weight == "balanced":
        raise ValueError(
            "class_weight='balanced' is not possible with partial_fit, which cannot "
            "count the classes of rows to come: pass a dict of weights."
        )


def clip_batch_size(batch_size: int | None, n_rows: int, streaming: bool) -> int:
    """Return the rows of a mini-batch: no more than there are.

    `fit` warns where they are fewer than asked for. In a stream small blocks are ordinary, and
    so is the rest that ends it.
    """
    if batch_size is None:
        return n_rows
    if batch_size > n_rows and not streaming:
        warn(
            f"`batch_size` is {shown(batch_size)}, but there are {n_rows} training rows; a "
            "mini-batch takes them all."
        )
    return min(batch_size, n_rows)


def seed_of(parameters: Parameters, start: State | None) -> int:
    """Return the seed of the training that is continued, or draw a new one."""
    if start is not None:
        return start.seed
    return int(random_state_of(parameters.random_state).randint(2**31 - 1))


_UNUSUAL = 10  # times that the mean weight is off one where it does not count repetitions
# What lmbda="auto" stands for: 1, which docs/benchmarks/tables.py chose with the other defaults,
# and of few rows less, so that lmbda / n is at most 0.01: weights last at least 100 / eta steps.
_LMBDA, _LARGEST_RATIO = 1.0, 0.01


def penalty_strength(parameters: Parameters, inputs: Inputs, start: State | None) -> float:
    """Return the lmbda of a training, which may be left to this function.

    A stream is not penalised then, unless `n_total` tells how many rows it has: a block cannot.
    Weights that are far from one on average count no repetitions, so that n is not their sum but
    the number of rows.

    Warns
    -----
    UserWarning
        If a lmbda that was given is divided by such weights; in a stream, only by those of its
        first block.
    """
    lmbda, n, n_rows = parameters.lmbda, inputs.train.total_weight, len(inputs.train)
    known = parameters.n_total is not None
    unusual = not (known or n_rows / _UNUSUAL <= n <= n_rows * _UNUSUAL)
    if lmbda == "auto":
        if start is not None and start.n_epochs > start.first_epoch:
            return start.lmbda  # of the training that is resumed, whatever version began it
        if parameters.streaming and not known:
            return 0.0
        whole = parameters.n_total or n
        return min(_LMBDA * (n / n_rows if unusual else 1.0), _LARGEST_RATIO * whole)
    is_new = start is None or not parameters.streaming
    if unusual and is_new and lmbda > 0:
        warn(
            f"The weights of the {n_rows} training rows sum to n = {n:.6g}, {n / n_rows:.3g} on "
            f"average, so that the penalty lmbda / n with lmbda = {lmbda:.6g} is "
            f"{n_rows / n:.3g} times what it is for weights of one. Divide the weights by their "
            "mean, or set `n_total` to the number of rows."
        )
    return lmbda


def first_state(parameters: Parameters, seed: int, start: State | None, inputs: Inputs) -> State:
    """Make the state that training begins with, which shares no weights with another."""
    _require_weight(parameters, inputs)
    check_cost(parameters.cost, inputs.n_outputs, inputs.dtype)
    sizes = [inputs.n_features, *parameters.hidden_layer_sizes, inputs.n_outputs]
    learned: dict[str, Any] = {
        "classes": inputs.labels.classes,
        "multilabel": inputs.labels.multilabel,
        "n_features": inputs.n_features,
        "feature_names": inputs.feature_names,
        "held_out": inputs.held_out,
        "lmbda": penalty_strength(parameters, inputs, start),
    }
    if start is None:
        _look_at_sizes(sizes)
        init, scale = parameters.weight_init, parameters.init_scale
        weights, biases = initial_weights(seed, sizes, inputs.dtype, init, scale)
        state = State(seed, weights, biases, **learned)
    else:
        if start.layer_sizes != sizes:
            raise ValueError(
                f"A continued fit keeps its layers, {start.layer_sizes} units with inputs and "
                f"outputs; `hidden_layer_sizes` and `cost` now ask for {sizes}."
            )
        _look_at_taper(parameters, start)
        if parameters.streaming:  # which appends to the history, so that no call copies it
            state = replace(replace(start, history={}).copy(), history=start.history, **learned)
        else:
            state = replace(start.copy(), **learned)
        if parameters.patience and state.n_epochs == state.first_epoch:
            state.best = Best(epoch=state.epoch)  # scores of earlier trainings do not count
    if not parameters.momentum:
        state.velocity = None
    elif state.velocity is None:
        state.velocity = zeros_like((state.weights, state.biases))
    return state


def _look_at_sizes(sizes: list[int]) -> None:
    """Warn if the hidden layers begin with the inputs and end with the outputs, as in the book."""
    n_features, *hidden, n_outputs = sizes
    ends = {1, 2} if n_outputs == 1 else {n_outputs}  # the book has two outputs for two classes
    book = len(hidden) > 2 and hidden[0] == n_features and hidden[-1] in ends
    if book and n_features not in ends:  # layers of one size mean nothing
        warn(
            f"`hidden_layer_sizes` begins with the {n_features} features and ends with the "
            f"{hidden[-1]} outputs, which it does not list: the layers are {sizes}. For {hidden} "
            f"set it to {hidden[1:-1]}."
        )


def _look_at_taper(parameters: Parameters, start: State) -> None:
    """Warn if a call of `partial_fit` begins a second taper: more calls came than were planned."""
    schedule, planned = parameters.eta_schedule, parameters.max_iter
    follows = isinstance(schedule, Taper) and schedule.n_epochs is None
    if parameters.streaming and follows and start.n_epochs == planned > 1:
        warn(
            f"eta has fallen over the {planned} epochs of `max_iter`, and begins anew at "
            f"{parameters.eta:.3g}. Set `max_iter` to the number of calls that you plan, or "
            'eta_schedule="constant" with a smaller eta.'
        )


def local_engine(parameters: Parameters, inputs: Inputs, state: State) -> LocalEngine:
    """Make the engine that trains the state's weights in this process."""
    train = inputs.train
    batch_size = clip_batch_size(parameters.batch_size, len(train), parameters.streaming)
    descent = Descent.of(parameters, state, batch_size, train.total_weight)
    network = Network(
        state.weights, state.biases, parameters.cost, parameters.keep, state.velocity
    )
    return LocalEngine(network, train, descent, inputs.monitor, inputs.validation)


def _require_weight(parameters: Parameters, inputs: Inputs) -> None:
    """Raise ValueError if all weights of training or validation rows are zero."""
    in_a_stream = parameters.streaming and parameters.n_total is not None
    if not inputs.train.total_weight > 0 and not in_a_stream:
        advice = " In a block of a stream they may be, if `n_total` gives the size of all."
        raise ValueError(
            f"The weights of all training rows are zero.{advice if parameters.streaming else ''}"
        )
    if inputs.validation is not None and not inputs.validation.total_weight > 0:
        raise ValueError("The weights of all validation rows are zero.")
