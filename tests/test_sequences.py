"""Random sequences of calls of one classifier, against a slow reference.

Each call is a line of source that is run at once. After a training call the reference predicts
weights, history and attributes; a call that fails must leave everything as it was. The lines of
a sequence that goes wrong are printed as a script that runs by itself and shows what is wrong.
"""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import sequence_prelude
from helpers import BOOK
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from reference import Reference, Rows, eta_of_epoch, margins, penalty_of
from scipy.special import log_expit, log_softmax
from sequence_prelude import agree, same

NIGHTLY = "SKNIELSEN_NIGHTLY" in os.environ
PRELUDE = Path(sequence_prelude.__file__).read_text()
COMPILED_PRELUDE = compile(PRELUDE, "prelude", "exec")

HEADLINE = "# This script shows the failure."

# Many steps of a large eta over single rows multiply rounding errors some thousand times.
TOLERANCE = {np.dtype(np.float32): 1e-3, np.dtype(np.float64): 1e-10}

LABELS = {  # by kind; an integer is the number of labels of a multilabel target
    "numbers": (
        [0, 1],
        [-5, 3, 40],
        [7, 8, 20, 30],
        [False, True],
        [-3.0, 1.0, 2.0],
        list(range(17)),
    ),
    "strings": (["no", "yes"], ["1", "10", "2"], [str(number) for number in range(15)]),
    "multilabel": (2, 3, 4),
}

# Values, as source, of parameters that may change between any two calls; the simplest come first.
# Rates eta * lmbda / n stay below 1, which the l2 penalty asks for.
CHANGES = {
    "eta": ("0.5", "0.1", "1.5"),
    "eta_schedule": (
        "'constant'",
        "[(1, 0.6), (2, 0.2)]",
        "Taper('linear', n_epochs=3)",
        "Taper('exponential', n_epochs=2)",
        "Taper('inverse', n_epochs=4)",
        "Plateau(patience=1, min_factor=1 / 4)",
    ),
    "lmbda": ("0.0", "0.05", "0.3"),
    "penalty": ("'l2'", "'l1'"),
    "momentum": ("0.0", "0.3", "0.8"),
    "batch_size": ("10", "1", "4", "1000", "None"),
    "max_iter": ("1", "2", "3"),
    "early_stopping": ("False", "True"),
    "n_iter_no_change": ("1", "2"),
    "scoring": ("'accuracy'", "'cost'"),
    "n_total": ("None", "200.0"),
    "monitor_samples": ("None", "0", "5"),
    "shuffle": ("True", "False"),
    "warm_start": ("False", "True"),
    "random_state": ("0", "7", "np.random.RandomState(3)"),
}

FIT = "model.fit(X, y, w, X_val=X_val, y_val=y_val, sample_weight_val=w_val)"
PARTIAL_FIT = (
    "model.partial_fit(X, y, classes, w, X_val=X_val, y_val=y_val, sample_weight_val=w_val)"
)
PREDICTIONS = ("decision_function", "predict_log_proba", "predict_proba", "predict")

# What makes a training call fail: the properties of the call that it takes, and the change.
# "known": the classes are fixed before y is seen, by an earlier call or by `classes`.
DATA_FAULTS = (
    ("", "X = spoiled(X, nan)"),
    ("", "X = spoiled(X, inf)"),
    ("", "X = X[:-1]"),
    ("", "y = y[:-1]"),
    ("", "X, y = X[:0], y[:0]"),
    ("continuing", "X = X[:, :-1]"),
    ("continuing", "X = np.ones((len(y), 9))"),
    ("", "w = -np.ones(len(y))"),
    ("", "w = np.ones(len(y)); w[-1] = -0.5"),
    ("", "w = np.ones(len(y)); w[-1] = nan"),
    ("", "w = np.ones(len(y)); w[-1] = inf"),
    ("", "w = np.full(len(y), 1e308)"),
    ("", "w = np.ones(len(y) + 1)"),
    ("weighing", "w = np.zeros(len(y))"),
    ("numbers known", "y = y.astype(str)"),
    ("numbers known", "y = np.where(y == y[0], 99, y)"),
    ("numbers", "y = y + 0.5"),
    ("numbers", "y = np.where(y == y[0], nan, y)"),
    ("strings known", "y = np.searchsorted(np.unique(y), y)"),
    ("strings known", "y = np.where(y == y[0], 'other', y)"),
    ("strings", "y = y.astype(object); y[0] = None"),
    ("strings", "y = y.astype(object); y[0] = 1"),
    ("numerals known", "y = y.astype(int)"),
    ("multilabel", "y = 2 * y"),
    ("multilabel", "y = y + 0.5"),
    ("multilabel continuing", "y = np.hstack([y, y])"),
    ("multilabel continuing", "y = y[:, 0]"),
    ("single continuing", "y = (y[:, None] == np.unique(y)).astype(int)"),
    ("single new", "y = y[y == y[0]]; X = X[: len(y)]; classes = y[:1]"),
    ("single new partial_fit", "classes = None"),
    ("single partial_fit", "classes = np.unique(y)[1:]"),
    ("single partial_fit", "classes = [*np.unique(y), nan]"),
    ("numbers partial_fit", "classes = np.append(np.unique(y).astype(float), nan)"),
    ("numbers partial_fit", "classes = np.unique(y).astype(str)"),
    ("strings partial_fit", "classes = np.arange(len(np.unique(y)))"),
    ("single partial_fit continuing", "classes = np.unique(y)[:-1]"),
    ("numbers partial_fit continuing", "classes = np.append(np.unique(y), 99)"),
    ("strings partial_fit continuing", "classes = np.append(np.unique(y), 'other')"),
    ("validated", "X_val = None"),
    ("validated", "y_val = None"),
    ("validated", "X_val = X_val[:, :-1]"),
    ("validated", "X_val = spoiled(X_val, nan)"),
    ("validated", "y_val = y_val[:-1]"),
    ("validated", "w_val = np.zeros(len(y_val))"),
    ("validated", "w_val = np.ones(len(y_val)); w_val[-1] = -0.5"),
    ("validated numbers", "y_val = y_val.astype(str)"),
    ("validated numbers", "y_val = np.where(y_val == y_val[0], 99, y_val)"),
    ("validated strings", "y_val = np.searchsorted(np.unique(y_val), y_val)"),
    ("validated multilabel", "y_val = np.hstack([y_val, y_val])"),
    ("unvalidated", "w_val = np.ones(len(y))"),
)
PARAMETER_FAULTS = (
    ("", "eta=-1.0"),
    ("", "eta=0.0"),
    ("", "eta=nan"),
    ("", "eta='large'"),
    ("", "lmbda=-0.1"),
    ("", "lmbda=inf"),
    ("", "lmbda=1e300, penalty='l2', eta_schedule='constant'"),
    ("", "momentum=1.0"),
    ("", "momentum=-0.5"),
    ("", "batch_size=0"),
    ("", "batch_size=2.5"),
    ("", "max_iter=0"),
    ("", "dropout=1.0"),
    ("", "dropout=[0.1, 0.1, 0.1, 0.1]"),
    ("", "penalty='l3'"),
    ("", "cost='hinge'"),
    ("", "eta_schedule='falling'"),
    ("", "eta_schedule=[]"),
    ("", "eta_schedule=[(0, 0.5)]"),
    ("", "eta_schedule=[(2, -0.5)]"),
    ("", "eta_schedule=Taper('steep')"),
    ("", "eta_schedule=Taper"),
    ("", "init_scale=-1.0"),
    ("", "weight_init='tiny'"),
    ("", "monitor_samples=-1"),
    ("", "n_total=0.0"),
    ("", "shuffle='yes'"),
    ("", "warm_start='no'"),
    ("", "early_stopping=None"),
    ("", "scoring='nonsense'"),
    ("", "validation_fraction=1.0"),
    ("", "n_iter_no_change=0"),
    ("", "tol=-1.0"),
    ("", "verbose=-1"),
    ("", "hidden_layer_sizes=(0,), dropout=0.0"),
    ("", "hidden_layer_sizes=2.5, dropout=0.0"),
    ("", "class_weight='even'"),
    ("", "class_weight=[1.0, 2.0]"),
    ("", "class_weight={'nobody': 2.0}"),
    ("", "class_weight={99: 2.0}"),
    ("numerals", "class_weight={1: 2.0}"),
    ("single", "class_weight={y[0]: -1.0}"),
    ("single", "class_weight={y[0]: inf}"),
    ("multilabel", "class_weight={0: 2.0}"),
    ("multilabel", "cost='log_likelihood'"),
    ("", "random_state='seed'"),
    ("continuing", "hidden_layer_sizes=(9,), dropout=0.0"),
    ("continuing", "hidden_layer_sizes=(3, 3, 3), dropout=0.0"),
    ("continuing one_output", "cost='log_likelihood'"),
    ("continuing two_outputs", "cost='cross_entropy'"),
    ("partial_fit", "class_weight='balanced'"),
    # The first epoch succeeds, the second one asks for an eta that is none.
    (
        "fit new",
        "eta_schedule=lambda epoch, history, eta, max_iter: -1.0 if epoch > 0 else eta, "
        "max_iter=3, early_stopping=False",
    ),
    (
        "fit continuing",
        "eta_schedule=lambda epoch, history, eta, n=model.n_iter_: -1.0 if epoch > n else eta, "
        "max_iter=3, early_stopping=False",
    ),
    ("partial_fit unvalidated", "early_stopping=True"),
    ("partial_fit unvalidated", "eta_schedule='plateau'"),
)


class Script:
    """Lines of source that are run as they come, and are a program together."""

    def __init__(self):
        self.lines, self.names = [], {"__name__": "script"}
        exec(COMPILED_PRELUDE, self.names)

    def run(self, line):
        self.lines.append(line)
        exec(line, self.names)

    def run_keeping(self, expression, line):
        """Run a line that must not change a value."""
        before = self.value(f"state({expression})")
        self.run(line)
        try:
            assert self.value(f"state({expression})") == before, f"{expression} changed"
        except AssertionError:
            self.lines.insert(-1, f"before = state({expression})")
            self.lines.append(f"assert state({expression}) == before")
            raise

    def value(self, expression):
        return eval(expression, self.names)

    def expect(self, expression, expected, tolerance=None):
        """Compare a value with what it should be; if it is not, the program shows it too."""
        try:
            agree(self.value(expression), expected, tolerance)
        except AssertionError:
            if isinstance(expected, (np.ndarray, np.generic)):
                expected = expected.tolist()
            self.lines.append(f"agree({expression}, {expected!r}, {tolerance})")
            raise

    def program(self):
        return "\n".join([PRELUDE, *self.lines, ""])


def epochs_without_progress(best, scores):
    stalled = 0
    for score in scores:
        stalled = 0 if score > best else stalled + 1
        best = max(score, best)
    return stalled


@dataclass
class Before:
    """What a training call starts from."""

    reference: Reference | None = None
    n_epochs: int = 0
    epoch: int = 0  # the weights are from
    scores: dict = field(default_factory=dict)  # of the best epoch so far


class Sequences(RuleBasedStateMachine):
    """One classifier, the script that makes and uses it, and what its data are like."""

    failing_program = ""  # of the latest sequence that failed

    def __init__(self):
        super().__init__()
        self.script = Script()

    def teardown(self):
        if sys.exc_info()[0] is not None:
            type(self).failing_program = self.script.program()

    # --- what the script holds ----------------------------------------------------------------

    @property
    def model(self):
        return self.script.names["model"]

    @property
    def fitted(self):
        return hasattr(self.model, "coefs_")

    @property
    def multilabel(self):
        return isinstance(self.labels, int)

    @property
    def classes(self):
        return np.arange(self.labels) if self.multilabel else np.unique(self.labels)

    @property
    def n_outputs(self):
        several = self.multilabel or self.exclusive or len(self.classes) > 2
        return len(self.classes) if several else 1

    @property
    def exclusive(self):
        """Whether the outputs are one distribution."""
        return self.model.cost == "log_likelihood"

    @property
    def competing(self):
        """Whether the largest output decides."""
        return not self.multilabel and self.n_outputs > 1

    @property
    def needs_validation(self):
        plateau = self.script.names["Plateau"]
        return self.model.early_stopping or isinstance(self.model.eta_schedule, plateau)

    def continues(self, call):
        return self.fitted and (call == PARTIAL_FIT or self.model.warm_start)

    def targets(self, y):
        Y = y if self.multilabel else y[:, None] == self.classes
        return np.array(Y[:, -self.n_outputs :], float)

    def rows(self, X, y, weight):
        """The rows as the reference takes them: in the precision of the model."""
        X = X.toarray() if hasattr(X, "toarray") else X
        X = X.astype(self.model.coefs_[0].dtype).astype(float)
        weight = np.ones(len(y)) if weight is None else weight
        factor = np.ones(len(y))
        for label, of_class in (self.model.class_weight or {}).items():
            factor[y == label] = of_class
        return Rows(X, self.targets(y), weight, weight * factor)

    # --- drawing ------------------------------------------------------------------------------

    def draw_problem(self, data):
        kind = data.draw(st.sampled_from(sorted(LABELS)))
        self.labels = data.draw(st.sampled_from(LABELS[kind]))
        self.kind = kind
        self.n_features = data.draw(st.integers(2, 4))
        self.dtype = data.draw(st.sampled_from(["float32", "float64"]))

    def draw_architecture(self, data):
        costs = ["cross_entropy", "quadratic"] + ["log_likelihood"] * (not self.multilabel)
        return {
            "hidden_layer_sizes": data.draw(st.lists(st.integers(1, 6), max_size=2).map(tuple)),
            "cost": data.draw(st.sampled_from(costs)),
            "init_scale": data.draw(st.sampled_from([1.0, 0.0, 3.0])),
        }

    def change_parameters(self, data, some=False):
        """Set some or all of the parameters that may change now."""
        changes = CHANGES | self.changes_of_this_model()
        names = sorted(changes)
        if some:
            names = data.draw(
                st.lists(st.sampled_from(names), min_size=1, max_size=6, unique=True)
            )
        values = {name: data.draw(st.sampled_from(changes[name])) for name in names}
        arguments = ", ".join(f"{name}={value}" for name, value in values.items())
        self.script.run(f"model.set_params({arguments})")

    def changes_of_this_model(self):
        n_hidden = len(self.model.hidden_layer_sizes)
        changes = {"dropout": ("0.0", "0.4", repr([0.2] + [0.5] * n_hidden))}
        if self.dtype == "float32":  # rounding decides the sign of weights that l1 has worn down
            changes["penalty"] = ("'l2'",)
        if self.multilabel:
            changes["cost"] = ("'cross_entropy'", "'quadratic'")
        else:
            some = dict(zip(self.classes.tolist(), [2.0, 0.5]))
            changes["class_weight"] = ("None", repr(some))
            if not self.fitted or (self.competing and len(self.classes) > 2):
                changes["cost"] = ("'cross_entropy'", "'quadratic'", "'log_likelihood'")
            elif not self.competing:
                changes["cost"] = ("'cross_entropy'", "'quadratic'")
        return changes

    def draw_rows(self, data, names="X, y", dtype=None):
        n_rows = max(12, 4 * len(self.classes)) + data.draw(st.integers(0, 8))
        form = data.draw(st.sampled_from(["C", "F", "csr"]))
        seed = data.draw(st.integers(0, 9)) + 10 * (names != "X, y")  # no rows in common
        what = f"{seed}, {n_rows}, {self.labels}, {self.n_features}, {dtype or self.dtype!r}"
        self.script.run(f"{names} = make_rows({what}, {form!r})")

    def draw_data(self, data, call, validated=None):
        """Draw all that a training call is given."""
        continuing = self.continues(call)
        anew = [self.dtype] if not continuing else ["float32", "float64"]
        self.draw_rows(data, dtype=data.draw(st.sampled_from(anew)))
        weighted = data.draw(st.booleans())
        if weighted:
            self.script.run(f"w = make_weights({data.draw(st.integers(0, 9))}, len(y))")
        else:
            self.script.run("w = None")
        if validated is None:
            required = self.needs_validation and call == PARTIAL_FIT
            validated = required or data.draw(st.booleans())
        self.script.run("X_val = y_val = w_val = None")
        if validated:
            self.draw_rows(data, "X_val, y_val")
            if data.draw(st.booleans()):
                self.script.run("w_val = make_weights(5, len(y_val))")
        if call == PARTIAL_FIT:
            needed = not continuing and not self.multilabel
            given = needed or data.draw(st.booleans())
            self.script.run(f"classes = {self.classes[::-1].tolist() if given else None}")

    def draw_block(self, data):
        """Cut a block out of the rows drawn."""
        cuts = ["[:]", "[:7]", "[5:]"] + ["[y == y[0]]"] * (not self.multilabel)
        cut = data.draw(st.sampled_from(cuts))
        if cut != "[:]":
            weights = "" if self.script.value("w is None") else f", w{cut}"
            self.script.run(f"X, y{', w' if weights else ''} = X{cut}, y{cut}{weights}")
        if self.model.n_total and data.draw(st.booleans()):
            self.script.run("w = np.zeros(len(y))")

    def recast_labels(self, data):
        """Give labels that are equal to the classes in another type of their kind."""
        other = {"numbers": "float", "strings": "object", "multilabel": "bool"}[self.kind]
        if self.classes.dtype.kind in "bf":
            other = "int"
        if data.draw(st.booleans()):
            self.script.run(f"y = y.astype({other})")

    # --- training and the reference -----------------------------------------------------------

    def train(self, call):
        """Make a training call and compare all that comes of it with the reference."""
        model, script = self.model, self.script
        before = Before()
        if self.continues(call):
            velocity = getattr(model, "velocity_", None)
            before.reference = Reference(model.seed_, model.coefs_, model.intercepts_, velocity)
            before.n_epochs, before.epoch = model.n_iter_, model.epoch_
            if hasattr(model, "best_epoch_"):
                before.scores = {model.best_epoch_: model.best_score_}
        script.run_keeping("[X, y, w, X_val, y_val, w_val]", call)

        if before.reference is None:
            sizes = [self.n_features, *model.hidden_layer_sizes, self.n_outputs]
            before.reference = Reference.new(model.seed_, sizes, model.init_scale)
            script.expect("model.coefs_[0].dtype.name", self.dtype)
        by_epoch = self.replay(call, before, *self.split())
        self.check_attributes(call, by_epoch[model.epoch_])

    def split(self):
        """Rows that the call trained on and rows it validated on, None if there were none."""
        X, y, w, X_val, y_val, w_val = (
            self.script.names[name] for name in ("X", "y", "w", "X_val", "y_val", "w_val")
        )
        splits = self.needs_validation and X_val is None
        self.script.expect("hasattr(model, 'validation_indices_')", splits)
        rows = self.rows(X, y, w)
        if not splits:
            return rows, None if X_val is None else self.rows(X_val, y_val, w_val)
        held_out = self.model.validation_indices_
        kept = np.setdiff1d(np.arange(len(y)), held_out)
        self.script.expect("len(np.unique(model.validation_indices_))", len(held_out))
        if not self.multilabel:
            self.script.expect("np.unique(y[model.validation_indices_])", self.classes)
            self.script.expect("np.unique(np.delete(y, model.validation_indices_))", self.classes)
        return rows.select(kept), rows.select(held_out)

    def replay(self, call, before, rows, validation):
        """Train the reference as the model was, and compare each epoch; return it by epoch."""
        model, expect = self.model, self.script.expect
        stops = model.early_stopping and call == FIT
        scores = model.history_["validation_score"]
        at_start = (-np.inf,)
        if stops and before.epoch:  # the first weights compete with later ones
            at_start = self.score_limits(before.reference, validation)

        reference, by_epoch = before.reference.copy(), {before.epoch: before.reference}
        epoch = before.n_epochs
        for _ in range(model.max_iter if call == FIT else 1):
            scored, max_iter = scores[:epoch], model.max_iter
            eta = eta_of_epoch(model.eta_schedule, epoch, scored, model.eta, max_iter)
            if eta is None and call == FIT:
                break
            eta = model.history_["eta"][epoch - 1] if eta is None else eta
            expect(f"len(model.history_['epoch']) > {epoch}", True)
            expect(f"model.history_['eta'][{epoch}]", eta, 1e-12)
            parameters = model.get_params(deep=False)
            reference.train_epoch(epoch, eta, rows, parameters, in_a_stream=call != FIT)
            epoch += 1
            by_epoch[epoch] = reference.copy()
            self.check_figures(epoch, reference, rows, validation)
            if stops:
                new = scores[before.n_epochs : epoch]
                over = [
                    epochs_without_progress(score, new) >= model.n_iter_no_change
                    for score in at_start
                ]
                if all(over) or (any(over) and model.n_iter_ == epoch):
                    break
        expect("[len(column) for column in model.history_.values()]", [epoch] * 10)
        expect("model.n_iter_", epoch)

        new = {e: scores[e - 1] for e in range(before.n_epochs + 1, epoch + 1) if validation}
        if stops:
            limits = {e: (score, score) for e, score in new.items()}
            self.check_restored(limits | ({before.epoch: at_start} if before.epoch else {}))
        else:
            trained = epoch > before.n_epochs  # a schedule may have ended training before
            expect("model.epoch_", epoch if trained else before.epoch)
            self.check_best(before.scores | new)
        return by_epoch

    def measure(self, reference, rows):
        slack = TOLERANCE[self.model.coefs_[0].dtype]
        return reference.measure(rows, self.model.cost, self.competing, slack)

    def score_limits(self, reference, validation):
        """The lowest and the highest validation score that the reference may have."""
        measured = self.measure(reference, validation)
        slack = TOLERANCE[self.model.coefs_[0].dtype]
        low, high = measured["accuracy"]
        if self.model.scoring == "cost":
            high, low = (-cost for cost in measured["cost"])
        return low - slack, high + slack

    def check_figures(self, epoch, reference, rows, validation):
        """Compare an epoch's record in the history with the reference after that epoch."""
        model, expect = self.model, self.script.expect
        monitored = self.measure(reference, reference.monitored(rows, model.monitor_samples))
        validated = self.measure(reference, validation)
        n = model.n_total or rows.cost_weight.sum()
        penalty = model.lmbda / n * penalty_of(reference.weights, model.penalty)
        figures = {
            "epoch": (epoch, epoch),
            "train_cost": monitored["cost"],
            "train_accuracy": monitored["accuracy"],
            "saturation": monitored["saturation"],
            "penalty": (penalty, penalty),
            "validation_cost": validated["cost"],
            "validation_accuracy": validated["accuracy"],
        }
        history = {name: column[epoch - 1] for name, column in model.history_.items()}
        for name, limits in figures.items():
            actual = history[name]
            expected = limits[0] if np.isnan(actual) else np.clip(actual, *limits)
            tolerance = TOLERANCE[model.coefs_[0].dtype]
            expect(f"model.history_['{name}'][{epoch - 1}]", expected, tolerance)
        by_cost = model.scoring == "cost"
        score = -history["validation_cost"] if by_cost else history["validation_accuracy"]
        expect(f"model.history_['validation_score'][{epoch - 1}]", score)

    def check_restored(self, limits):
        """Early stopping: the weights are from an epoch with the highest score.

        Takes the lowest and the highest score of each epoch.
        """
        expect = self.script.expect
        highest = max(low for low, _ in limits.values())
        expect(f"model.epoch_ in {[e for e in limits if limits[e][1] >= highest]}", True)
        expect("model.best_epoch_ == model.epoch_", True)
        expect("model.best_score_", np.clip(self.model.best_score_, *limits[self.model.epoch_]))

    def check_best(self, scores):
        """Without early stopping: the best epoch so far; of equal ones each may be the best."""
        expect = self.script.expect
        expect("hasattr(model, 'best_score_')", len(scores) > 0)
        if scores:
            highest = max(scores.values())
            expect("model.best_score_", highest)
            expect(f"model.best_epoch_ in {[e for e in scores if scores[e] == highest]}", True)

    def check_attributes(self, call, reference):
        model, expect = self.model, self.script.expect
        tolerance = TOLERANCE[model.coefs_[0].dtype]
        for layer, (w, b) in enumerate(zip(reference.weights, reference.biases)):
            expect(f"model.coefs_[{layer}]", w, tolerance)
            expect(f"model.intercepts_[{layer}]", b, tolerance)
            expect(f"model.coefs_[{layer}].flags.f_contiguous", True)
            expect(f"model.intercepts_[{layer}].dtype == model.coefs_[0].dtype", True)
        if not model.momentum:
            expect("hasattr(model, 'velocity_')", False)
        elif not (call == FIT and model.early_stopping):
            for part, some in enumerate(reference.velocity):
                for layer, v in enumerate(some):
                    expect(f"model.velocity_[{part}][{layer}]", v, tolerance)
        expect("model.eta_", model.history_["eta"][-1])
        expect("model.classes_", self.classes)
        expect("model.classes_.dtype.kind", self.classes.dtype.kind)
        expect("model.multilabel_", self.multilabel)
        expect("model.n_features_in_", self.n_features)
        expect("model.out_activation_", "softmax" if self.exclusive else "sigmoid")

    # --- rules --------------------------------------------------------------------------------

    @initialize(data=st.data())
    def make_a_classifier(self, data):
        self.draw_problem(data)
        parameters = BOOK | self.draw_architecture(data) | dict(validation_fraction=0.3, tol=0.0)
        arguments = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
        self.script.run(f"model = MLPSigmoidClassifier({arguments})")
        self.change_parameters(data)

    @rule(data=st.data())
    def set_parameters(self, data):
        self.change_parameters(data, some=True)

    @rule(data=st.data())
    def fit(self, data):
        self.draw_data(data, FIT)
        self.train(FIT)

    @precondition(lambda self: self.fitted)
    @rule(data=st.data())
    def fit_warm(self, data):
        self.script.run("model.set_params(warm_start=True)")
        self.draw_data(data, FIT)
        self.recast_labels(data)
        self.train(FIT)

    @precondition(lambda self: self.fitted)
    @rule(data=st.data())
    def fit_another_problem(self, data):
        self.draw_problem(data)
        parameters = self.draw_architecture(data)
        parameters |= dict(class_weight=None)
        arguments = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
        self.script.run(f"model.set_params({arguments})")
        self.change_parameters(data)
        self.script.run("model.set_params(warm_start=False)")
        self.draw_data(data, FIT)
        self.train(FIT)

    @rule(data=st.data(), n_calls=st.integers(1, 2))
    def partial_fit(self, data, n_calls):
        continuing = self.fitted
        self.draw_data(data, PARTIAL_FIT)
        self.draw_block(data)
        if continuing:
            self.recast_labels(data)
        for _ in range(n_calls):
            self.train(PARTIAL_FIT)

    @rule(data=st.data(), n_epochs=st.integers(1, 3))
    def fit_and_calls_of_partial_fit(self, data, n_epochs):
        script = self.script
        script.run(f"model.set_params(warm_start=True, early_stopping=False, max_iter={n_epochs})")
        self.draw_data(data, PARTIAL_FIT, validated=self.needs_validation or None)
        script.run("w = None")
        script.run(
            "model.set_params(class_weight=None)"
        )  # of another mean a stream takes as it is
        script.run("twin = copy.deepcopy(model)")
        n_before = self.model.n_iter_ if self.fitted else 0
        self.train(FIT)
        n_trained = self.model.n_iter_ - n_before
        for _ in range(n_trained):
            script.run(PARTIAL_FIT.replace("model", "twin"))
        if n_trained:  # none where the schedule had ended training before
            script.run("same(model, twin)")

    @rule(
        data=st.data(),
        copied=st.sampled_from(["copy.deepcopy(model)", "pickle.loads(pickle.dumps(model))"]),
        swap=st.booleans(),
    )
    def copy(self, data, copied, swap):
        script = self.script
        script.run(f"other = unchanged(model, lambda: {copied})")
        script.run("require_equal(state(model), state(other))")
        self.draw_data(data, PARTIAL_FIT)
        call = PARTIAL_FIT.replace("model", "other")
        script.run(f"unchanged(model, lambda: {call})")
        self.train(PARTIAL_FIT)
        script.run("same(model, other)")
        if swap:
            script.run("model = other")

    @rule(swap=st.booleans())
    def clone(self, swap):
        script = self.script
        script.run("other = unchanged(model, lambda: clone(model))")
        script.run("require_equal(state(model.get_params()), state(other.get_params()))")
        script.expect("[name for name in vars(other) if name.endswith('_')]", [])
        if swap:
            script.run("model = other")

    @rule(data=st.data())
    def predict(self, data):
        self.draw_rows(data, dtype=data.draw(st.sampled_from(["float32", "float64"])))
        if not self.fitted:
            for method in PREDICTIONS:
                self.script.run(f"refused(model, lambda: model.{method}(X))")
            return
        for method in PREDICTIONS:
            self.script.run(f"{method} = unchanged(model, lambda: model.{method}(X))")
        self.check_predictions()

    def check_predictions(self):
        model, script = self.model, self.script
        dtype = model.coefs_[0].dtype
        tolerance = TOLERANCE[dtype]
        rows = self.rows(script.names["X"], script.names["y"], None)
        *_, z = Reference(model.seed_, model.coefs_, model.intercepts_).forward(rows.X)
        if self.competing and len(self.classes) == 2:
            script.expect("decision_function", z[:, 1] - z[:, 0], tolerance)
        else:
            script.expect("decision_function", z if z.shape[1] > 1 else z[:, 0], tolerance)
        if model.out_activation_ == "softmax":  # `cost` may have been changed since
            log_proba = log_softmax(z, axis=1)
        elif self.competing:
            log_proba = log_softmax(log_expit(z), axis=1)
        elif self.multilabel:
            log_proba = log_expit(z)
        else:
            log_proba = np.hstack([log_expit(-z), log_expit(z)])
        script.expect("predict_log_proba", log_proba, tolerance)
        script.expect("predict_proba", np.exp(log_proba), tolerance)
        script.expect("predict_proba.dtype == model.coefs_[0].dtype", True)
        predicted = script.names["predict"]
        surely_wrong = margins(z, self.targets(predicted), self.competing) < -tolerance
        expected = predicted.copy()
        expected[surely_wrong] = self.decided(z)[surely_wrong]
        script.expect("predict", expected)
        kind = "i" if self.multilabel else self.classes.dtype.kind
        script.expect("predict.dtype.kind", kind)
        labels = [0, 1] if self.multilabel else self.classes.tolist()
        script.expect(f"np.isin(predict, {labels}).all()", True)

    def decided(self, z):
        """What rows with these outputs are predicted as."""
        if self.multilabel:
            return (z > 0).astype(int)
        return self.classes[z.argmax(axis=1) if self.competing else (z[:, 0] > 0).astype(int)]

    @rule(data=st.data(), call=st.sampled_from([FIT, PARTIAL_FIT]))
    def failing_training_by_data(self, data, call):
        self.draw_data(data, call)
        fault = self.draw_fault(data, DATA_FAULTS, call)
        self.script.run(fault)
        self.script.run(f"refused(model, lambda: {call})")

    @rule(data=st.data(), call=st.sampled_from([FIT, PARTIAL_FIT]))
    def failing_training_by_parameters(self, data, call):
        self.draw_data(data, call)
        fault = self.draw_fault(data, PARAMETER_FAULTS, call)
        self.script.run("parameters = model.get_params(deep=False)")
        self.script.run(f"model.set_params({fault})")
        self.script.run(f"refused(model, lambda: {call})")
        self.script.run("model.set_params(**parameters)")

    def draw_fault(self, data, faults, call):
        properties = self.properties(call)
        fitting = [change for needs, change in faults if set(needs.split()) <= properties]
        return data.draw(st.sampled_from(fitting))

    def properties(self, call):
        """Words for what faults may depend on."""
        continuing, validated = self.continues(call), self.script.value("X_val is not None")
        partial_fit = call == PARTIAL_FIT
        return {
            self.kind,
            "partial_fit" if partial_fit else "fit",
            "continuing" if continuing else "new",
        } | {
            word
            for word, holds in {
                "single": not self.multilabel,
                "known": continuing or partial_fit,
                "numerals": self.kind == "strings" and self.labels[0].isdigit(),
                "validated": validated,
                "unvalidated": not validated,
                "weighing": not (partial_fit and self.model.n_total),
                "one_output": continuing and self.n_outputs == 1,
                "two_outputs": continuing and self.exclusive and self.n_outputs == 2,
            }.items()
            if holds
        }

    @rule(
        data=st.data(),
        call=st.sampled_from([FIT, PARTIAL_FIT]),
        eta=st.sampled_from(["1e30", "1e300"]),
        scale=st.sampled_from(["1.0", "1e10"]),
    )
    def huge_steps(self, data, call, eta, scale):
        """Training diverges, or comes to something that is not looked at here."""
        self.draw_data(data, call)
        self.script.run(f"X = X * {scale}")
        self.script.run("before = copy.deepcopy(model)")
        self.script.run(f"model.set_params(eta={eta}, eta_schedule='constant')")
        self.script.run(f"succeeds(model, lambda: {call})")
        self.script.run("model = before")

    @precondition(lambda self: self.fitted)
    @rule(
        data=st.data(),
        fault=st.sampled_from(["X[:, :-1]", "spoiled(X, nan)", "spoiled(X, inf)", "X[:0]"]),
        method=st.sampled_from(PREDICTIONS),
    )
    def failing_prediction(self, data, fault, method):
        self.draw_rows(data)
        self.script.run(f"refused(model, lambda: model.{method}({fault}))")


SETTINGS = settings(
    max_examples=5000 if NIGHTLY else 300,
    stateful_step_count=15,
    deadline=None,
    derandomize=not NIGHTLY,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow],  # an example is a dozen trainings
)


def run_sequences(machine, settings):
    """Run random sequences; print the script of one that fails."""
    try:
        run_state_machine_as_test(machine, settings=settings)
    except Exception:  # Hypothesis has run the shortest failing sequence last
        print(f"{HEADLINE}\n{machine.failing_program}")
        raise


@pytest.mark.net
def test_sequences_of_calls_agree_with_the_reference():
    run_sequences(Sequences, SETTINGS)


def test_a_script_ends_with_the_weights_of_its_sequence():
    script = Script()
    script.run("model = MLPSigmoidClassifier((3,), max_iter=2, momentum=0.5, random_state=0)")
    script.run("X, y = make_rows(4, 20, ['a', 'b', 'c'], 3, 'float32', 'csr')")
    script.run("model.fit(X, y, make_weights(1, 20))")
    script.run("refused(model, lambda: model.fit(X, y[:-1]))")
    names = {}
    exec(script.program(), names)
    same(script.names["model"], names["model"])


def test_a_failing_sequence_is_printed_as_a_script_that_fails_in_the_same_way(capsys):
    class Wrong(Sequences):
        def check_attributes(self, *args):
            super().check_attributes(*args)
            self.script.expect("model.n_iter_", -1)

    with pytest.raises(AssertionError, match=r"array\(-1"):
        run_sequences(Wrong, settings(SETTINGS, phases=[Phase.generate]))
    program = capsys.readouterr().out.partition(HEADLINE)[2]
    assert "agree(model.n_iter_, -1, None)" in program
    with pytest.raises(AssertionError, match=r"array\(-1"):
        exec(program, {})
