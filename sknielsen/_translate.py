"""Parameters of scikit-learn's MLPClassifier, translated into those of `MLPSigmoidClassifier`.

``SAME`` lists the parameters that mean the same in both; a function each translates the steps,
the penalty and early stopping. What takes effect there and has no counterpart here is a line of
``NO_COUNTERPART``, which a warning shows.
"""

from collections.abc import Callable, Iterator, Mapping
from math import ceil
from typing import Any, NamedTuple

from sknielsen._warn import warn
from sknielsen.schedules import Plateau, Taper

SAME = ("hidden_layer_sizes", "shuffle", "random_state", "warm_start")

_LARGEST_AUTO = 200  # rows of a mini-batch under their batch_size="auto"


class Missing(NamedTuple):
    """A parameter, when it takes effect there without a counterpart here, and what to do."""

    name: str
    matters: Callable[[Any], bool]
    advice: str


def translated(parameters: Mapping[str, Any], n_samples: int | None = None) -> dict[str, Any]:
    """Translate the parameters of an MLPClassifier.

    Parameters
    ----------
    parameters : dict
        By their names there; those left out have their defaults there.
    n_samples : int, default=None
        Number of rows that will be given to `fit`, which the penalty depends on.

    Returns
    -------
    dict
        By their names here. What is left out keeps its default here.

    Raises
    ------
    TypeError
        If it is not a dict of MLPClassifier's parameters.
    ValueError
        If MLPClassifier would not accept a value.

    Warns
    -----
    UserWarning
        If some have no counterpart, or another effect: their names, and what to do.
    """
    from sklearn.neural_network import MLPClassifier  # which takes long to import

    _check_names(parameters, MLPClassifier().get_params())
    mlp = MLPClassifier(**parameters)
    mlp._validate_params()
    ours = {name: getattr(mlp, name) for name in SAME} | {"verbose": int(mlp.verbose)}
    ours |= _stopping(mlp) | _steps(mlp) | _penalty(mlp, n_samples)
    if missing := list(_missing(mlp, "lmbda" in ours)):
        lines = "\n  ".join(missing)
        warn(
            f"Parameters of MLPClassifier without a counterpart, or of another effect:\n  {lines}"
        )
    return ours


def _check_names(parameters: Any, known: Mapping[str, Any]) -> None:
    """Raise TypeError where a pipeline's parameters come, or the estimator itself."""
    if not isinstance(parameters, Mapping):
        came = type(parameters).__name__
    elif unknown := [name for name in parameters if name not in known]:
        came = f"{unknown[0]!r}, which it does not have"
    else:
        return
    raise TypeError(
        "`parameters` must be get_params() of an MLPClassifier, in a pipeline or a search that of "
        f"its step; got {came}."
    )


def _steps(mlp: Any) -> dict[str, Any]:
    """Translate the steps; of Adam's and L-BFGS's, defaults there are defaults here."""
    changed = _changed(mlp)
    if mlp.solver == "lbfgs":
        return {}
    if mlp.solver == "adam":
        return {name: getattr(mlp, name) for name in {"batch_size", "max_iter"} & changed}
    return {
        "eta": mlp.learning_rate_init,
        "eta_schedule": _schedule(mlp),
        "momentum": mlp.momentum,
        "batch_size": _LARGEST_AUTO if mlp.batch_size == "auto" else mlp.batch_size,
        "max_iter": mlp.max_iter,
    }


def _schedule(mlp: Any) -> Any:
    """Translate the schedule."""
    if mlp.learning_rate == "invscaling":
        return Taper("inverse")
    if mlp.learning_rate == "adaptive":  # divides by 5 until the learning rate is 1e-6
        return Plateau(0.2, _patience(mlp), min(1.0, 1e-6 / mlp.learning_rate_init))
    return mlp.learning_rate


def _penalty(mlp: Any, n_samples: int | None) -> dict[str, Any]:
    """Translate the penalty, whose gradient is alpha / batch * w there, lmbda / n * w here.

    L-BFGS takes all n rows as one batch.
    """
    if mlp.solver == "lbfgs" or mlp.alpha == 0:
        return {"lmbda": mlp.alpha}
    if n_samples is None:
        return {}
    n = n_samples - (ceil(mlp.validation_fraction * n_samples) if _stops(mlp) else 0)
    batch = min(_LARGEST_AUTO if mlp.batch_size == "auto" else mlp.batch_size, n)
    return {"lmbda": mlp.alpha * n / batch}


def _stopping(mlp: Any) -> dict[str, Any]:
    """Translate early stopping, which looks at the accuracy there."""
    if not _stops(mlp):
        return {}
    return {
        "early_stopping": True,
        "validation_fraction": mlp.validation_fraction,
        # Where a plateau lowers the learning rate, it does not end the training.
        "n_iter_no_change": mlp.max_iter if _is_adaptive(mlp) else _patience(mlp),
        "tol": mlp.tol,
        "scoring": "accuracy",
    }


def _stops(mlp: Any) -> bool:
    return bool(mlp.early_stopping and mlp.solver != "lbfgs")


def _patience(mlp: Any) -> int:
    return int(min(mlp.n_iter_no_change, mlp.max_iter))


def _changed(mlp: Any) -> set[str]:
    """Name the parameters that do not have their defaults; not of those that mean the same."""
    defaults = type(mlp)().get_params()
    names = defaults.keys() - set(SAME)  # hidden_layer_sizes may be an array
    return {name for name in names if getattr(mlp, name) != defaults[name]}


def _missing(mlp: Any, has_penalty: bool) -> Iterator[str]:
    """Name what takes effect there and has no counterpart here, with advice."""
    for name, matters, advice in NO_COUNTERPART:
        if matters(mlp):
            yield f"{name}={getattr(mlp, name)!r}: {advice}"
    if "alpha" in _changed(mlp) and not has_penalty:
        yield f"alpha={mlp.alpha!r}: its lmbda depends on the rows; give `n_samples`"


def _of(solver: str, name: str) -> Callable[[Any], bool]:
    """Make the condition that a parameter of one solver is changed and used."""
    return lambda mlp: mlp.solver == solver and name in _changed(mlp)


def _is_scaled(mlp: Any) -> bool:
    return bool(mlp.solver == "sgd" and mlp.learning_rate == "invscaling")


def _is_adaptive(mlp: Any) -> bool:
    return bool(mlp.solver == "sgd" and mlp.learning_rate == "adaptive")


_TRAINS_ALL = "only early stopping uses it; all epochs are trained"

NO_COUNTERPART = [
    Missing("activation", lambda mlp: mlp.activation != "logistic", "all neurons are sigmoid"),
    Missing(
        "solver",
        lambda mlp: mlp.solver != "sgd",
        "training is by gradient descent, with the eta of this class",
    ),
    Missing(
        "learning_rate_init", _of("adam", "learning_rate_init"), "Adam's; see find_eta for an eta"
    ),
    Missing("beta_1", _of("adam", "beta_1"), "Adam's; there is `momentum`"),
    Missing("beta_2", _of("adam", "beta_2"), "Adam's"),
    Missing("epsilon", _of("adam", "epsilon"), "Adam's"),
    Missing("max_iter", _of("lbfgs", "max_iter"), "iterations of L-BFGS; here epochs"),
    Missing("max_fun", _of("lbfgs", "max_fun"), "L-BFGS's"),
    Missing(
        "learning_rate",
        _is_scaled,
        "Taper('inverse') stands in, and falls less far",
    ),
    Missing("power_t", lambda mlp: _is_scaled(mlp) and "power_t" in _changed(mlp), "see Taper"),
    Missing(
        "learning_rate",
        _is_adaptive,
        "Plateau stands in; it needs validation rows",
    ),
    Missing(
        "nesterovs_momentum",
        lambda mlp: mlp.solver == "sgd" and mlp.momentum > 0 and mlp.nesterovs_momentum,
        "momentum is the plain one",
    ),
    Missing(
        "early_stopping",
        lambda mlp: mlp.solver == "adam" and _stops(mlp),
        "may end before eta has fallen: try False, max_iter=40",
    ),
    Missing("tol", lambda mlp: not _stops(mlp) and "tol" in _changed(mlp), _TRAINS_ALL),
    Missing(
        "n_iter_no_change",
        lambda mlp: (
            not (_stops(mlp) or mlp.solver == "lbfgs" or _is_adaptive(mlp))
            and "n_iter_no_change" in _changed(mlp)
        ),
        _TRAINS_ALL,
    ),
]
