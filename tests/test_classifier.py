import copy
import pickle
import tracemalloc
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers import ShiftedCost, assert_same_model, weights_of
from scipy.sparse import csc_matrix, csr_array, csr_matrix
from scipy.special import expit, softmax
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV

from sknielsen import MLPSigmoidClassifier
from sknielsen._parameters import Parameters
from sknielsen.costs import COSTS, CrossEntropy
from sknielsen.schedules import Plateau, Taper


def fitted_bytes(classifier):
    """All that a fit has left in a classifier, as bytes."""
    fitted = {name: value for name, value in vars(classifier).items() if name.endswith("_")}
    return pickle.dumps(fitted)


# --- parameters ----------------------------------------------------------------------------------


NUMBERS = {
    "eta": 0.5,
    "lmbda": 0.5,
    "dropout": 0.5,
    "momentum": 0.5,
    "init_scale": 0.5,
    "validation_fraction": 0.5,
    "tol": 0.5,
    "n_total": 64.5,
}
INTEGERS = {
    "hidden_layer_sizes": 7,
    "batch_size": 7,
    "max_iter": 3,
    "n_iter_no_change": 3,
    "monitor_samples": 50,
    "random_state": 5,
    "verbose": 0,
}
FLAGS = dict.fromkeys(("early_stopping", "shuffle", "warm_start", "verbose"), False)


@pytest.mark.parametrize(
    ("name", "value", "plain"),
    [
        *[
            (n, kind(v), v)
            for n, v in NUMBERS.items()
            for kind in (np.float32, np.array, Fraction)
        ],
        *[(n, kind(v), v) for n, v in INTEGERS.items() for kind in (np.int8, np.uint64, np.array)],
        *[(n, kind(v), v) for n, v in FLAGS.items() for kind in (np.bool_, np.array)],
    ],
    ids=str,
)
def test_numbers_of_any_kind_train_as_pythons_own(name, value, plain, small, digits):
    other = {"lmbda": 1.0} | ({"early_stopping": True} if name != "early_stopping" else {})
    clf = small(**(other | {name: value})).fit(*digits)
    assert_same_model(clf, small(**(other | {name: plain})).fit(*digits))
    checked = getattr(Parameters.of(clf), name)
    assert type(checked) in (int, float, bool, tuple) or name == "random_state"


def test_every_parameter_is_tunable_by_a_grid_search(small, digits):
    grid = {
        "hidden_layer_sizes": [(), (5, 4)],
        "cost": ["log_likelihood", CrossEntropy()],
        "eta_schedule": [[(2, 0.5), (1, 0.1)], Plateau(patience=2)],
    }
    search = GridSearchCV(small(), grid, cv=2, error_score="raise").fit(*digits)
    assert search.best_estimator_.n_iter_ >= 1


def test_parameters_of_a_schedule_object_are_tunable(small, digits):
    clf = small(eta_schedule=Taper())
    search = GridSearchCV(clf, {"eta_schedule__n_epochs": [3, 30]}, cv=2, error_score="raise")
    assert search.fit(*digits).best_params_["eta_schedule__n_epochs"] in (3, 30)


# --- labels and outputs --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels", [[3, 7], ["no", "yes"], [False, True], [-1, 1], [0.0, 2.0]], ids=str
)
def test_binary_labels_of_any_kind(labels, small, binary):
    X, y = binary
    clf = small(max_iter=10).fit(X, np.array(labels)[y])
    np.testing.assert_array_equal(clf.classes_, labels)
    assert clf.score(X, np.array(labels)[y]) > 0.95
    assert clf.decision_function(X).shape == (len(X),)
    assert clf.predict_proba(X).shape == (len(X), 2)


@pytest.mark.parametrize("dtype", [object, str, "string[python]"])
def test_string_labels(dtype, small, digits):
    X, y = digits
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "7", "8", "nine"])
    y = pd.Series(names[y]).astype(dtype)
    clf = small().fit(X, y)
    assert list(clf.classes_) == sorted(names)
    assert set(clf.predict(X)) <= set(names)


@pytest.mark.parametrize("cost", sorted(COSTS))
def test_binary_outputs_agree_with_each_other(cost, small, binary):
    X, y = binary
    clf = small(cost=cost, max_iter=20).fit(X, y)
    z, p = clf.decision_function(X), clf.predict_proba(X)
    np.testing.assert_allclose(p[:, 1], expit(z))
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(clf.predict(X), (z > 0).astype(int))
    assert clf.coefs_[-1].shape[1] == (2 if cost == "log_likelihood" else 1)


@pytest.mark.parametrize("cost", sorted(COSTS))
def test_multiclass_probabilities_are_the_outputs_normalised(cost, small, digits):
    X, y = digits
    clf = small(cost=cost).fit(X, y)
    z = clf.decision_function(X)
    a = softmax(z, axis=1) if cost == "log_likelihood" else expit(z)
    p = clf.predict_proba(X)
    np.testing.assert_allclose(p, a / a.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(np.log(p), clf.predict_log_proba(X))
    np.testing.assert_array_equal(clf.predict(X), clf.classes_[z.argmax(axis=1)])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probabilities_sum_to_one_where_every_output_underflows(dtype, small, digits):
    X, y = digits
    clf = small().fit(X.astype(dtype), y)
    clf.intercepts_[-1] -= 5000
    p, log_p = clf.predict_proba(X[:9]), clf.predict_log_proba(X[:9])
    assert p.dtype == dtype
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert np.isfinite(log_p).all()
    clf.intercepts_[-1][3] += 10_000
    assert np.isfinite(clf.predict_log_proba(X[:9])).all()


def test_binary_log_probabilities_are_finite_where_the_output_saturates(small, binary):
    clf = small().fit(*binary)
    clf.intercepts_[-1] += 5000
    assert np.isfinite(clf.predict_log_proba(binary[0])).all()


@pytest.mark.parametrize("cost", ["cross_entropy", "quadratic"])
@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
def test_multilabel_outputs_stand_each_for_itself(container, cost, small, multilabel):
    X, Y = multilabel
    clf = small(cost=cost, max_iter=30).fit(X, container(Y))
    z = clf.decision_function(X)
    np.testing.assert_allclose(clf.predict_proba(X), expit(z))
    np.testing.assert_allclose(clf.predict_log_proba(X), np.log(expit(z)))
    np.testing.assert_array_equal(clf.predict(X), z > 0)
    assert clf.score(X, Y) == np.mean((clf.predict(X) == Y).all(axis=1))
    assert clf.history_["train_accuracy"][-1] == clf.score(X, Y)


def test_multilabel_partial_fit_needs_no_classes(small, multilabel):
    X, Y = multilabel
    one, other = small(max_iter=2).fit(X, Y), small()
    other.partial_fit(X, Y).partial_fit(X, Y)
    assert_same_model(one, other)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"cost": "log_likelihood"}, "'log_likelihood' makes the outputs one distribution"),
        ({"class_weight": "balanced"}, "`class_weight` must be None for multilabel y"),
        ({"class_weight": {0: 2.0}}, "`class_weight` must be None for multilabel y"),
    ],
)
def test_what_multilabel_targets_cannot_have(parameters, message, small, multilabel):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(*multilabel)


def test_a_column_of_labels_is_raveled_with_a_warning(small, digits):
    X, y = digits
    with pytest.warns(DataConversionWarning):
        column = small().fit(X, y[:, None])
    assert_same_model(column, small().fit(X, y))


# --- input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "trained_in"),
    [
        ("float32", "float32"),
        ("float64", "float64"),
        ("float16", "float32"),
        ("uint8", "float32"),
        ("int16", "float32"),
        ("int32", "float64"),
        ("int64", "float64"),
        ("bool", "float32"),
        ("object", "float64"),
        ("longdouble", "float64"),
    ],
)
def test_the_first_fit_fixes_the_dtype(dtype, trained_in, small, digits):
    X, y = digits
    clf = small(warm_start=True).fit((X > 0.5).astype(dtype), y)
    assert {array.dtype for array in clf.coefs_ + clf.intercepts_} == {np.dtype(trained_in)}
    assert clf.decision_function(X).dtype == trained_in
    for later in ("float32", "float64"):
        clf.fit(X.astype(later), y).partial_fit(X.astype(later), y)
        assert clf.coefs_[0].dtype == trained_in


@pytest.mark.parametrize(
    "container",
    [csr_matrix, csc_matrix, csr_array, pd.DataFrame, pl.DataFrame, np.asfortranarray],
)
def test_containers_of_rows_train_the_same_network(container, small, digits):
    X, y = digits
    names = [f"pixel {i}" for i in range(64)]
    options = {"columns": names} if container is pd.DataFrame else {}
    options = {"schema": names} if container is pl.DataFrame else options
    rows, rows_val = container(X[50:], **options), container(X[:50], **options)
    one, other = small(lmbda=0.1, max_iter=2), small(lmbda=0.1, max_iter=2)
    one.fit(X[50:], y[50:], X_val=X[:50], y_val=y[:50])
    other.fit(rows, y[50:], X_val=rows_val, y_val=y[:50])
    assert_same_model(one, other)
    np.testing.assert_array_equal(one.predict(X[50:]), other.predict(rows))


def test_names_of_features_are_kept_and_checked(small, digits):
    X, y = digits
    frame = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    clf = small().fit(frame, y)
    assert clf.feature_names_in_[3] == "pixel 3"
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame.rename(columns={"pixel 3": "other"}))
    with pytest.raises(ValueError, match=r"validation data.*feature names"):
        clf.fit(frame, y, X_val=frame.rename(columns={"pixel 3": "other"}), y_val=y)


def test_a_scorer_under_early_stopping_does_not_miss_the_names_of_features(small, digits):
    X, y = digits
    frame = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    clf = small(early_stopping=True, scoring="f1_macro", max_iter=2).fit(frame, y)
    assert 0 < clf.best_score_ <= 1


def test_the_order_of_rows_is_kept_without_shuffling_and_read_only_rows_train(small, digits):
    X, y = digits
    frozen = X.copy()
    frozen.setflags(write=False)
    assert_same_model(
        small(dropout=(0.1, 0.1)).fit(frozen, y), small(dropout=(0.1, 0.1)).fit(X, y)
    )
    np.testing.assert_array_equal(frozen, digits[0])


def with_value(X, value):
    X = X.copy()
    X[7, 5] = value
    return X


BAD_INPUT = [
    (lambda X, y: (with_value(X, np.nan), y, {}), "NaN"),
    (lambda X, y: (with_value(X, np.inf), y, {}), "infinity"),
    (lambda X, y: (X[:0], y[:0], {}), "0 sample"),
    (lambda X, y: (X, y[:-1], {}), "inconsistent numbers of samples"),
    (lambda X, y: (X, np.zeros(len(X), int), {}), r"two classes are needed; got 1 class: \[0\]"),
    (lambda X, y: (X, X[:, 2], {}), "Unknown label type"),
    (lambda X, y: (X, np.c_[y, y], {}), "indicator matrix of zeros and ones|Unknown label type"),
    (lambda X, y: (X, y, {"sample_weight": -np.ones(len(X))}), "negative weights; got -1"),
    (
        lambda X, y: (X, y, {"sample_weight": np.zeros(len(X))}),
        "weights of all training rows",
    ),
    (lambda X, y: (X, y, {"sample_weight": np.ones(3)}), r"shape \(300,\); got \(3,\)"),
    (lambda X, y: (X, y, {"sample_weight": np.full(len(X), np.nan)}), "NaN"),
    (lambda X, y: (X, y, {"X_val": X}), "`y_val` is missing"),
    (lambda X, y: (X, y, {"y_val": y}), "`X_val` is missing"),
    (lambda X, y: (X, y, {"sample_weight_val": np.ones(3)}), "`X_val` is missing"),
    (lambda X, y: (X, y, {"X_val": X[:, :-1], "y_val": y}), "validation data: X has 63 features"),
    (lambda X, y: (X, y, {"X_val": X[:9], "y_val": y[:8]}), "validation data.*inconsistent"),
    (lambda X, y: (X, y, {"X_val": X, "y_val": y + 1}), r"y holds \[10\], not among the classes"),
    (lambda X, y: (X, y, {"X_val": X, "y_val": np.eye(10)[y]}), "one label a row"),
]


@pytest.mark.parametrize(("spoil", "message"), BAD_INPUT, ids=[m for _, m in BAD_INPUT])
def test_bad_input_is_an_error_and_changes_nothing_in_a_fitted_model(
    spoil, message, small, digits
):
    X, y = digits
    clf = small().fit(X[:, :32], y)
    X_bad, y_bad, options = spoil(X, y)
    before = fitted_bytes(clf)
    with pytest.raises(ValueError, match=message):
        clf.fit(X_bad, y_bad, **options)
    assert fitted_bytes(clf) == before
    assert clf.predict(X[:, :32]).shape == y.shape


def test_predicting_other_features_or_unfitted_is_an_error(small, digits):
    X, y = digits
    with pytest.raises(NotFittedError):
        small().predict(X)
    with pytest.raises(ValueError, match="63 features"):
        small().fit(X, y).predict(X[:, :-1])


def test_a_batch_larger_than_the_data_is_clipped_with_a_warning(small, digits):
    X, y = digits
    with pytest.warns(UserWarning, match="`batch_size` is 1000, but there are 300"):
        clipped = small(batch_size=1000).fit(X, y)
    assert_same_model(clipped, small(batch_size=None).fit(X, y))


@pytest.mark.parametrize("sizes", [[64, 12, 10], [64, 12, 8, 10]])
def test_sizes_that_name_inputs_and_outputs_as_in_the_book_warn(sizes, small, digits):
    with pytest.warns(UserWarning, match="begins with the 64 features") as caught:
        small(hidden_layer_sizes=sizes, max_iter=1).fit(*digits)
    assert str(caught[0].message).endswith(f"For {sizes} set it to {sizes[1:-1]}.")


def test_the_books_two_outputs_of_two_classes_warn(small, digits):
    X, y = digits
    with pytest.warns(UserWarning, match="ends with the 2 outputs"):
        small(hidden_layer_sizes=[64, 8, 2], max_iter=1).fit(X, y > 4)


@pytest.mark.parametrize("sizes", [[64, 10], [64, 12, 8], [12, 8, 10], [8]])
def test_other_sizes_do_not_warn(sizes, small, digits):
    small(hidden_layer_sizes=sizes, max_iter=1).fit(*digits)  # warnings are errors


def test_layers_as_wide_as_the_rows_do_not_warn(small, digits):
    X, y = digits
    small(hidden_layer_sizes=(10, 10, 10), max_iter=1).fit(X[:, 20:30], y)


def test_a_stream_does_not_warn_of_blocks_smaller_than_a_mini_batch(small, digits):
    X, y = digits
    streamed, known = small(batch_size=50), small(batch_size=5)
    for start in range(0, 40, 5):
        block = X[start : start + 5], y[start : start + 5]
        streamed.partial_fit(*block, classes=np.arange(10))
        known.partial_fit(*block, classes=np.arange(10))
    assert_same_model(streamed, known)


def test_a_stream_warns_of_unusual_weights_once(small, digits):
    clf = small(lmbda=1.0)
    weight = np.full(300, 100.0)
    with pytest.warns(
        UserWarning, match="The weights of the 300 training rows sum to n"
    ) as caught:
        for _ in range(3):
            clf.partial_fit(*digits, np.arange(10), weight)
    assert len(caught) == 1


@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
def test_large_inputs_draw_one_warning_that_says_what_to_do(container, small, digits):
    X, y = digits
    with pytest.warns(UserWarning, match="root mean square.*dividing pixels by 255") as caught:
        clf = small(eta=1e-6).partial_fit(container(255 * X), y, np.unique(y))
        clf.partial_fit(container(255 * X), y)
    assert len(caught) == 1


# --- weights -------------------------------------------------------------------------------------


def test_integer_weights_equal_repeated_rows_in_a_full_batch(small, digits):
    X, y = digits
    weight = np.arange(len(X)) % 3
    parameters = dict(batch_size=None, shuffle=False, lmbda=1.0)
    weighted = small(**parameters).fit(X, y, sample_weight=weight)
    repeated = small(**parameters).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_allclose(weights_of(weighted), weights_of(repeated), rtol=1e-9)


def test_the_scale_of_the_weights_does_not_matter_without_penalty(small, digits):
    X, y = digits
    weight = np.random.default_rng(0).random(len(X))
    one = small().fit(X, y, sample_weight=weight)
    other = small().fit(X, y, sample_weight=8 * weight)
    np.testing.assert_allclose(weights_of(one), weights_of(other), rtol=1e-9)


def test_class_weights_are_sample_weights_by_class(small, digits):
    X, y = digits
    factors = np.ones(10)
    factors[[2, 5]] = 0.5, 4.0
    by_class = small(class_weight={2: 0.5, 5: 4.0}).fit(X, y)
    by_sample = small().fit(X, y, sample_weight=factors[y])
    np.testing.assert_allclose(weights_of(by_class), weights_of(by_sample), rtol=1e-12)


def test_balanced_weights_give_every_class_the_same_total(small, digits):
    X, y = digits
    counts = np.bincount(y)
    balanced = small(class_weight="balanced").fit(X, y)
    given = small(class_weight=dict(enumerate(len(y) / (10 * counts)))).fit(X, y)
    np.testing.assert_allclose(weights_of(balanced), weights_of(given), rtol=1e-12)


def test_balanced_weights_count_the_weights_of_the_samples(small, digits):
    X, y = digits
    weight = np.random.default_rng(0).random(len(X))
    totals = np.bincount(y, weights=weight)
    balanced = small(class_weight="balanced").fit(X, y, weight)
    by_hand = dict(enumerate(weight.sum() / (10 * totals)))
    given = small(class_weight=by_hand).fit(X, y, weight)
    np.testing.assert_allclose(weights_of(balanced), weights_of(given), rtol=1e-9)


def test_balanced_weights_count_the_training_rows_after_a_split(small, digits):
    X, y = digits
    rows = np.r_[:120, np.flatnonzero(y == 3)]  # classes of different sizes
    X, y = X[rows], y[rows]
    parameters = dict(early_stopping=True, scoring=lambda clf, X, y: 0.0, max_iter=1)
    balanced = small(class_weight="balanced", **parameters).fit(X, y)
    counts = np.bincount(np.delete(y, balanced.validation_indices_))
    by_hand = dict(enumerate(counts.sum() / (10 * counts)))
    given = small(class_weight=by_hand, **parameters).fit(X, y)
    np.testing.assert_allclose(weights_of(balanced), weights_of(given), rtol=1e-9)


def test_the_penalty_is_divided_by_the_sum_of_the_weights(small, digits):
    X, y = digits
    weight = np.full(len(X), 0.25)
    clf = small(lmbda=2.0).fit(X, y, weight)
    squares = sum((w**2).sum() for w in clf.coefs_)
    np.testing.assert_allclose(clf.history_["penalty"][-1], 2.0 / (2 * 75) * squares)


def test_class_weights_take_string_labels(small, binary):
    X, y = binary
    names = np.array(["no", "yes"])[y]
    few = small(class_weight={"no": 1000.0, "yes": 1e-3}, max_iter=30).fit(X, names)
    assert (few.predict(X) == "no").all()


# --- partial_fit and warm starts -----------------------------------------------------------------


def test_the_first_partial_fit_needs_the_classes(small, digits):
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        small().partial_fit(*digits)


def test_partial_fit_takes_blocks_that_lack_classes(small, digits):
    X, y = digits
    clf = small()
    for start in range(0, 300, 20):
        clf.partial_fit(X[start : start + 20], y[start : start + 20], range(10))
    assert clf.n_iter_ == 15
    np.testing.assert_array_equal(clf.classes_, np.arange(10))


def test_partial_fit_takes_weights_after_the_classes_as_sgd_classifier_does(small, digits):
    X, y = digits
    weight = np.where(np.arange(len(X)) % 2, 0.5, 1.5)  # of mean one
    positional = small().partial_fit(X, y, np.unique(y), weight)
    assert_same_model(positional, small(max_iter=1).fit(X, y, sample_weight=weight))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(y=lambda y: y + 1), r"y holds \[10\], not among the classes"),
        (dict(classes=lambda y: np.arange(11)), r"keeps its classes.*got \[0, 1.*10\]"),
        (dict(X=lambda X: X[:, 1:]), "63 features"),
        (dict(y=lambda y: np.eye(10, dtype=int)[y]), "keeps its classes.*got multilabel"),
    ],
)
def test_partial_fit_refuses_what_does_not_fit_the_model(change, message, small, digits):
    X, y = digits
    clf = small().partial_fit(X, y, np.unique(y))
    before = fitted_bytes(clf)
    X, y = change.get("X", lambda X: X)(X), change.get("y", lambda y: y)(y)
    classes = change["classes"](y) if "classes" in change else None
    with pytest.raises(ValueError, match=message):
        clf.partial_fit(X, y, classes)
    assert fitted_bytes(clf) == before


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"early_stopping": True}, "set early_stopping=False, since partial_fit never stops"),
        ({"eta_schedule": "plateau"}, "splits off no validation rows.*`X_val` and `y_val`"),
        ({"class_weight": "balanced"}, "class_weight='balanced' is not possible"),
    ],
)
def test_partial_fit_refuses_what_needs_the_whole_data(parameters, message, small, digits):
    with pytest.raises(ValueError, match=message):
        small(**parameters).partial_fit(*digits, range(10))


def test_a_block_whose_rows_all_weigh_nothing_only_shrinks_the_weights(small, digits):
    X, y = digits
    clf = small(class_weight={0: 0.0}, lmbda=2.0, n_total=300, batch_size=10)
    clf.partial_fit(X, y, np.unique(y))
    coefs, intercepts = clf.coefs_, clf.intercepts_
    clf.partial_fit(X[y == 0][:20], y[y == 0][:20])
    for after, before in zip(clf.coefs_, coefs):
        np.testing.assert_allclose(after, (1 - 0.5 * 2.0 / 300) ** 2 * before, rtol=1e-14)
    for after, before in zip(clf.intercepts_, intercepts):
        np.testing.assert_array_equal(after, before)
    assert np.isnan(clf.history_["train_cost"][-1])


def test_a_block_whose_rows_all_weigh_nothing_needs_n_total(small, digits):
    X, y = digits
    clf = small(class_weight={0: 0.0}).partial_fit(X, y, np.unique(y))
    before = fitted_bytes(clf)
    with pytest.raises(ValueError, match=r"all training rows are zero.*`n_total`"):
        clf.partial_fit(X[y == 0], y[y == 0])
    assert fitted_bytes(clf) == before


def test_partial_fit_under_early_stopping_neither_stops_nor_restores(small, digits):
    X, y = digits
    parameters = dict(early_stopping=True, n_iter_no_change=1, eta=3.0)
    clf, plain = small(**parameters), small(eta=3.0, max_iter=8).fit(X[50:], y[50:])
    for _ in range(8):
        clf.partial_fit(X[50:], y[50:], range(10), X_val=X[:50], y_val=y[:50])
    np.testing.assert_array_equal(weights_of(clf), weights_of(plain))
    assert clf.epoch_ == 8
    assert clf.best_score_ == max(clf.history_["validation_score"])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"hidden_layer_sizes": (9,)},
            r"keeps its layers, \[64, 8, 1\].*now ask for \[64, 9, 1\]",
        ),
        ({"cost": "log_likelihood"}, r"keeps its layers.*now ask for \[64, 8, 2\]"),
    ],
)
def test_a_continued_fit_refuses_other_layers_or_outputs(parameters, message, small, binary):
    clf = small(warm_start=True).fit(*binary)
    with pytest.raises(ValueError, match=message):
        clf.set_params(**parameters).fit(*binary)


def test_a_continued_fit_refuses_other_classes(small, digits):
    X, y = digits
    clf = small(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="keeps its classes"):
        clf.fit(X[y < 9], y[y < 9])


def test_other_changed_parameters_take_effect_in_a_continued_fit(small, digits):
    X, y = digits
    clf = small(warm_start=True, max_iter=1, momentum=0.5).fit(X, y)
    assert hasattr(clf, "velocity_")
    clf.set_params(eta=0.1, lmbda=1.0, batch_size=30, momentum=0.0, dropout=0.2).fit(X, y)
    assert clf.history_["eta"] == [0.5, 0.1]
    assert clf.history_["penalty"][0] == 0 < clf.history_["penalty"][1]
    assert not hasattr(clf, "velocity_")


def test_a_cold_fit_forgets_the_fit_before(small, digits):
    X, y = digits
    clf = small(early_stopping=True).fit(X, y)
    clf.set_params(early_stopping=False).fit(X[y < 3][:, :32], y[y < 3])
    fresh = small().fit(X[y < 3][:, :32], y[y < 3])
    assert_same_model(clf, fresh)
    assert vars(clf).keys() == vars(fresh).keys()


def test_a_model_that_continues_does_not_change_its_pickled_or_shared_arrays(small, digits):
    X, y = digits
    clf = small(warm_start=True).fit(X, y)
    kept = clf.coefs_, [w.copy() for w in clf.coefs_], clf.history_, clf.n_iter_
    clf.fit(X, y)
    assert all((w == old).all() for w, old in zip(kept[0], kept[1]))
    assert len(kept[2]["epoch"]) == kept[3]


def test_read_only_weights_continue(small, digits):
    X, y = digits
    clf = small().fit(X, y)
    for array in clf.coefs_ + clf.intercepts_:
        array.setflags(write=False)
    before = weights_of(clf)
    clf.predict_proba(X)
    clf.partial_fit(X, y)
    assert (weights_of(clf) != before).any()


NUMPY_NUMBERS = {
    "eta": {"eta": 0.25},
    "schedule": {"eta_schedule": [(1, 0.25), (2, 0.1)]},
    "l1": {"lmbda": 0.3, "penalty": "l1"},
    "l2": {"lmbda": 0.3, "momentum": 0.4},
    "init_scale": {"init_scale": 0.7},
    "n_total": {"lmbda": 0.3, "n_total": 700.0, "momentum": 0.4},
    "dropout": {"dropout": [0.1, 0.3]},
}


def as_numpy(value):
    if isinstance(value, (list, tuple)):
        return [as_numpy(v) for v in value]
    return np.float64(value) if isinstance(value, float) else value


@pytest.mark.parametrize("name", NUMPY_NUMBERS)
def test_results_in_float32_do_not_depend_on_the_kind_of_the_numbers(name, small, digits):
    X, y = digits
    X = X.astype(np.float32)
    parameters = NUMPY_NUMBERS[name]
    numpy = {key: as_numpy(value) for key, value in parameters.items()}
    assert_same_model(small(**parameters).fit(X, y), small(**numpy).fit(X, y))


@pytest.mark.parametrize("name", NUMPY_NUMBERS)
def test_history_and_eta_hold_built_in_numbers(name, small, digits):
    X, y = digits
    numpy = {key: as_numpy(value) for key, value in NUMPY_NUMBERS[name].items()}
    X = X.astype(np.float32)
    clf = small(**numpy).fit(X[50:], y[50:], X_val=X[:50], y_val=y[:50])
    assert type(clf.eta_) is float
    kinds = {column: set(map(type, values)) for column, values in clf.history_.items()}
    assert kinds == {column: {float} for column in kinds} | {"epoch": {int}}


def test_fitted_attributes_are_numpy_and_built_in_types(small, digits):
    clf = small(early_stopping=True, momentum=0.5).fit(*digits)

    def check(value):
        if isinstance(value, (list, tuple)):
            return all(map(check, value))
        if isinstance(value, dict):
            return check(list(value)) and check(list(value.values()))
        return type(value) in (int, float, str, bool) or isinstance(value, np.ndarray)

    fitted = {name: value for name, value in vars(clf).items() if name.endswith("_")}
    assert [name for name, value in fitted.items() if not check(value)] == []


def test_clone_and_repr(small):
    clf = small(eta_schedule=Taper("inverse", n_epochs=7))
    assert repr(clone(clf)) == repr(clf)
    assert "n_epochs=7" in repr(clf)


def test_predictions_follow_the_fit_and_not_parameters_changed_since(small, digits):
    X, y = digits
    for labels in (y, y == 1):
        clf = small().fit(X, labels)
        p, predicted = clf.predict_proba(X), clf.predict(X)
        clf.set_params(cost="log_likelihood", hidden_layer_sizes=(3, 3))
        np.testing.assert_array_equal(clf.predict_proba(X), p)
        np.testing.assert_array_equal(clf.predict(X), predicted)


def test_a_batch_size_set_since_does_not_matter_to_predictions(small, digits):
    X, y = digits
    clf = small().fit(X, y)
    p = clf.predict_proba(X)
    np.testing.assert_array_equal(clf.set_params(batch_size="auto").predict_proba(X), p)


def test_weights_in_c_order_predict_alike(small, digits):
    X, y = digits
    clf = small().fit(X, y)
    p = clf.predict_proba(X)
    clf.coefs_ = [np.ascontiguousarray(w) for w in clf.coefs_]
    np.testing.assert_array_equal(clf.predict_proba(X), p)


@pytest.mark.parametrize("hidden", [(), (8,)])
@pytest.mark.parametrize(
    ("cost", "kind"),
    [
        *[(cost, kind) for cost in sorted(COSTS) for kind in ("binary", "multiclass")],
        ("cross_entropy", "multilabel"),
        ("quadratic", "multilabel"),
    ],
)
def test_log_probabilities_of_the_largest_inputs_are_finite(
    cost, kind, hidden, small, digits, multilabel
):
    X, y = multilabel if kind == "multilabel" else digits
    y = y % 2 if kind == "binary" else y
    clf = small(cost=cost, hidden_layer_sizes=hidden, weight_init="large", eta=1e-3)
    clf.fit(X.astype(np.float32), y)
    for value in (3e38, -3e38):
        log_p = clf.predict_log_proba(np.full_like(X, value, np.float32))
        assert log_p.dtype == np.float64  # since z overflows float32
        assert np.isfinite(log_p).all()


def test_a_split_too_small_for_the_classes_names_validation_fraction(small, digits):
    X, y = digits
    with pytest.raises(
        ValueError, match=r"`validation_fraction`=0.1 splits 50 rows into 45 and 5"
    ):
        small(early_stopping=True).fit(X[:50], y[:50])


@pytest.mark.parametrize(
    "parameters", [{"batch_size": 0}, {"n_total": 0}, {"monitor_samples": -1}]
)
def test_messages_say_where_none_is_accepted(parameters, small, digits):
    with pytest.raises(ValueError, match="or None; got"):
        small(**parameters).fit(*digits)


def test_warnings_point_to_the_line_of_the_user(small, digits):
    X, y = digits
    with pytest.warns(UserWarning) as caught:
        small(batch_size=1000, eta=1e-6).fit(255 * X, y)
    assert [warning.filename for warning in caught] == [__file__, __file__]


def test_a_subclass_may_fix_parameters(digits):
    class Narrow(MLPSigmoidClassifier):
        def __init__(self, max_iter=3):
            super().__init__((8,), max_iter=max_iter, random_state=0)

    plain = MLPSigmoidClassifier((8,), max_iter=2, random_state=0).fit(*digits)
    assert_same_model(Narrow(max_iter=2).fit(*digits), plain)


# --- nothing is repaired in silence --------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
@pytest.mark.parametrize("layer", [0, 1])
def test_a_model_that_is_not_finite_predicts_nothing(layer, name, value, small, digits):
    X, y = digits
    clf = small().fit(X, y)
    getattr(clf, name)[layer].flat[0] = value
    for method in (clf.predict, clf.predict_proba, clf.predict_log_proba, clf.decision_function):
        with pytest.raises(ValueError, match=f"The model is not finite: `{name}` holds NaN"):
            method(X)


def test_weighted_inputs_that_overflow_float32_are_computed_in_float64(small, digits):
    X, y = digits
    for hidden in ((), (8,)):
        clf = small(hidden_layer_sizes=hidden).fit(X.astype(np.float32), y)
        huge = X.astype(np.float32) * np.float32(2.0**127)
        exact = small(hidden_layer_sizes=hidden).fit(X[:100], y[:100])
        exact.coefs_ = [w.astype(np.float64) for w in clf.coefs_]
        exact.intercepts_ = [b.astype(np.float64) for b in clf.intercepts_]
        np.testing.assert_array_equal(clf.predict(huge), exact.predict(huge.astype(np.float64)))
        assert np.isfinite(clf.predict_log_proba(huge)).all()


def test_weighted_inputs_that_overflow_float64_are_an_error(small, digits):
    X, y = digits
    clf = small().fit(X, y)
    with pytest.raises(ValueError, match=r"X is too large for this model\. Weighted inputs of"):
        clf.predict(X * 1e308)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_that_are_assumed_to_be_finite_are_told_to_be_not(value, small, digits):
    X, y = digits
    clf, X = small().fit(X, y), X[:3].copy()
    X[1, 20] = value
    with config_context(assume_finite=True):
        for rows in (X, csr_matrix(X)):
            with pytest.raises(ValueError, match=r"holds NaN or infinity\.$"):
                clf.predict(rows)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("factor", [2.0**-1060, 2.0**-700, 2.0**700, 2.0**1010])
def test_only_the_proportions_of_weights_count_in_the_cost(factor, dtype, small, digits):
    X, y = digits[0].astype(dtype), digits[1]
    weight = np.random.default_rng(0).integers(0, 4, len(y)).astype(float)
    expected = small().fit(X, y, weight)
    clf = small().fit(X, y, weight * factor)
    assert_same_model(clf, expected)


@pytest.mark.parametrize("name", ["sample_weight", "sample_weight_val"])
def test_weights_without_a_finite_sum_are_named(name, small, digits):
    X, y = digits
    weights = {name: np.full(len(y), 1e308)}
    with pytest.raises(ValueError, match=rf"rows, `{name}`, must have a finite sum"):
        small().fit(X, y, X_val=X + 0.01, y_val=y, **weights)
    with pytest.raises(ValueError, match="times `class_weight`, must have a finite sum"):
        small(class_weight={0: 1e308}).fit(X, y)


class Unbounded(CrossEntropy):
    """Gives one output an error so large that the sum over a mini-batch is infinite."""

    def delta(self, a, y, out):
        super().delta(a, y, out)
        out[:, 0] = 1e308


def test_infinite_biases_are_divergence(small, digits):
    X, y = np.full_like(digits[0], 1e-200), digits[1]  # which leave the weights finite
    with pytest.raises(ValueError, match="Training diverged in epoch 1"):
        small(hidden_layer_sizes=(), monitor_samples=0, cost=Unbounded()).fit(X, y)


def test_a_fit_that_fails_leaves_a_random_state_where_it_was(small, digits):
    X, y = digits
    state = np.random.RandomState(0)
    before = state.get_state(legacy=False)["state"]["key"].copy(), state.get_state(legacy=False)
    for parameters, rows in (
        ({}, X[:, :0]),
        ({"eta": 1e300}, X),
        ({"n_total": 1e-9, "lmbda": 1.0}, X),
    ):
        with pytest.raises(ValueError):
            small(random_state=state, **parameters).fit(rows, y)
        assert state.get_state(legacy=False)["state"]["pos"] == before[1]["state"]["pos"]
        np.testing.assert_array_equal(state.get_state(legacy=False)["state"]["key"], before[0])
    assert small(random_state=state).fit(X, y).seed_ != small(random_state=state).fit(X, y).seed_


class Column(list):
    """A column of the history that must be neither copied nor looked through."""

    def __iter__(self):
        raise AssertionError("the whole history was read")

    __len__ = list.__len__


@pytest.mark.parametrize("with_validation", [False, True])
def test_a_call_of_partial_fit_takes_no_longer_after_many_others(with_validation, small, digits):
    X, y = digits
    validation = dict(X_val=X[:50] + 0.01, y_val=y[:50]) if with_validation else {}
    clf = small().partial_fit(X, y, np.unique(y), **validation)
    clf.history_ = {name: Column(column) for name, column in clf.history_.items()}
    columns = dict(clf.history_)
    clf.partial_fit(X, y, **validation)
    assert all(clf.history_[name] is column for name, column in columns.items())
    assert len(clf.history_["epoch"]) == clf.n_iter_ == 2
    with pytest.raises(ValueError):
        clf.set_params(eta=1e300).partial_fit(X, y, **validation)
    assert {len(column) for column in clf.history_.values()} == {2}


def test_a_shallow_copy_has_a_history_of_its_own(small, digits):
    clf = small().partial_fit(*digits, np.unique(digits[1]))
    copy.copy(clf).partial_fit(*digits)
    assert len(clf.history_["epoch"]) == clf.n_iter_ == 1


@pytest.mark.parametrize(
    "X",
    [
        np.array([["2020-01-01"], ["2021-01-01"]], "M8[D]"),
        np.array([[1], [2]], "m8[s]"),
        pd.DataFrame({"a": [1.0, 2.0], "day": pd.to_datetime(["2020-01-01", "2021-01-01"])}),
    ],
)
def test_dates_are_refused(X, small):
    clf = small(batch_size=2).fit(np.zeros((2, X.shape[1])), [0, 1])
    with pytest.raises(TypeError, match=r"X must hold numbers; got (datetime64|timedelta64)"):
        clf.predict(X)
    with pytest.raises(TypeError, match=r"X must hold numbers; got (datetime64|timedelta64)"):
        small().fit(X, [0, 1])


@pytest.mark.parametrize("parameters", [{"init_scale": 1e39}, {"init_scale": 1e300}])
def test_initial_weights_that_overflow_are_an_error(parameters, small, digits):
    X, y = digits
    with pytest.raises(ValueError, match="Initial weights and biases must be finite in float32"):
        small(**parameters).fit(X.astype(np.float32), y)


@pytest.mark.skipif(
    np.finfo(np.longdouble).max == np.finfo(np.float64).max, reason="longdouble is float64 here"
)
def test_numbers_too_large_for_float64_are_refused(small, digits):
    X = digits[0].astype(np.longdouble)
    X[0, 0] = np.longdouble(10) ** 400
    with pytest.raises(ValueError, match="X contains infinity"):
        small().fit(X, digits[1])


def test_training_and_prediction_work_where_numpy_raises_its_warnings(small, digits, capsys):
    X, y = digits
    expected = small(eta=3.0).fit(X, y)
    with np.errstate(all="raise"):
        clf = small(eta=3.0, verbose=1).fit(X, y)
        p = clf.predict_proba(X * 1e5)
    assert_same_model(clf, expected)
    np.testing.assert_array_equal(p, expected.predict_proba(X * 1e5))


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_are_copied_once_at_most(order, small):
    X = np.asarray(np.random.default_rng(0).random((20_000, 50)), order=order)
    y = np.arange(len(X)) % 3
    clf = small(max_iter=1, monitor_samples=0, batch_size=100)
    tracemalloc.start()
    clf.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    copies = 0 if order == "C" else 1
    assert copies * X.nbytes <= peak < (copies + 0.4) * X.nbytes


def test_huge_weights_are_balanced_by_their_proportions(small, digits):
    X, y = digits[0], (digits[1] > 0).astype(int)
    weight = np.where(y == 0, 3.0, 1.0)
    expected = small(class_weight="balanced").fit(X, y, weight)
    clf = small(class_weight="balanced").fit(X, y, weight * 2.0**1010)
    assert_same_model(clf, expected)


class Doubled:
    """A cost whose outputs are no probabilities."""

    def activation(self, z):
        z *= np.inf
        return z

    def value(self, z, y):
        return np.zeros(len(z))

    def delta(self, a, y, out):
        out[...] = 0


def test_outputs_without_a_logarithm_are_an_error(small, digits):
    clf = small(cost=Doubled()).fit(*digits)
    with pytest.raises(ValueError, match="gives no logarithm that is finite"):
        clf.predict_proba(digits[0])


def test_what_another_thread_sees_of_a_fit_is_whole(small, digits):
    """A fit replaces all that an estimator has learned at once; here a schedule looks on."""
    X, y = digits
    seen = []

    def schedule(epoch, history, eta, max_iter):
        seen.append(clf.predict(X).shape)
        return eta

    class Rows(np.ndarray):
        """Rows that predict when they are validated."""

        def __array_finalize__(self, other):
            if hasattr(clf, "coefs_"):
                seen.append(clf.predict(X).shape)

    clf = small(eta_schedule=schedule)
    clf.fit(X.view(Rows), y)
    n_first = len(seen)
    clf.fit(X.view(Rows), y)
    assert len(seen) > n_first + 3
    assert set(seen) == {y.shape}


def test_predictions_beside_a_fit_with_other_classes_are_of_one_model(small, digits):
    """Another fit comes while the outputs are computed, as another thread might make it come."""
    X, y = digits
    clf = small().fit(X, y)
    expected = clf.predict(X), clf.predict_proba(X), clf.decision_function(X)

    class Refits:
        def __init__(self):
            self.coefs = clf.coefs_[0]

        def __array__(self, dtype=None, copy=None):
            clf.fit(X, y > 4)
            return np.array(self.coefs, dtype)

    for method, result in zip((clf.predict, clf.predict_proba, clf.decision_function), expected):
        clf.fit(X, y)
        clf.coefs_[0] = Refits()
        clf.coefs_[0].dtype = X.dtype
        np.testing.assert_array_equal(method(X), result)


@pytest.mark.parametrize("again", ["fit", "partial_fit"])
def test_an_estimator_is_not_trained_while_it_is_trained(again, small, digits):
    def schedule(epoch, history, eta, max_iter):
        getattr(clf, again)(*digits)

    clf = small(eta_schedule=schedule)
    with pytest.raises(RuntimeError, match="This MLPSigmoidClassifier is being trained"):
        clf.fit(*digits)
    assert not hasattr(clf, "n_iter_")


def test_a_copy_made_in_training_continues_from_the_epoch_it_was_made_in(small, digits):
    copies = []

    def schedule(epoch, history, eta, max_iter):
        copies.append(pickle.dumps(clf.__getstate__() | {"eta_schedule": "constant"}))
        return eta

    clf = small(eta_schedule=schedule)
    clf.fit(*digits)
    copied = small()
    copied.__setstate__(pickle.loads(copies[2]))
    assert copied.n_iter_ == copied.epoch_ == 2
    with pytest.raises(ValueError, match="features"):
        copied.partial_fit(digits[0][:, :2], digits[1])
    assert_same_model(copied.partial_fit(*digits), clf)


@pytest.mark.parametrize("convert", [lambda X: X.astype(str), lambda X: np.ma.masked_equal(X, 0)])
def test_strings_and_masked_entries_are_no_numbers(convert, small, digits):
    X, y = digits
    clf = small().fit(X, y)
    for call in (
        lambda: clf.predict(convert(X)),
        lambda: clf.partial_fit(convert(X), y),
        lambda: clf.partial_fit(X, y, sample_weight=convert(X[:, 20])),
        lambda: clf.partial_fit(X, y, X_val=convert(X), y_val=y),
    ):
        with pytest.raises((TypeError, ValueError), match=r"must hold numbers|no masked entries"):
            call()


class Equal(MLPSigmoidClassifier):
    """A classifier that equals all with the same parameters, and so has no hash."""

    def __eq__(self, other):
        return self.get_params() == other.get_params()

    __hash__ = None


@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss"])
def test_a_subclass_may_be_without_a_hash(scoring, small, digits):
    plain = small(early_stopping=True, scoring=scoring)
    assert_same_model(Equal(**plain.get_params()).fit(*digits), plain.fit(*digits))


def test_weights_that_are_replaced_by_those_of_another_dtype_are_trained_in_it(small, digits):
    X, y = digits
    clf = small(momentum=0.5).fit(X.astype(np.float32), y)
    clf.coefs_ = [w.astype(np.float64) for w in clf.coefs_]
    clf.partial_fit(X, y)
    arrays = [*clf.coefs_, *clf.intercepts_, *clf.velocity_[0], *clf.velocity_[1]]
    assert {array.dtype for array in arrays} == {np.dtype(np.float64)}


def near_one_half(rng, n_in, n_out):
    return 0.1 * rng.standard_normal((n_in, n_out)), np.full(n_out, 0.5)


@pytest.mark.parametrize("kind", ["digits", "binary", "multilabel"])
def test_predictions_agree_with_probabilities_under_any_activation(kind, small, request):
    X, y = request.getfixturevalue(kind)
    clf = small(cost=ShiftedCost(1), max_iter=1, eta=0.001, weight_init=near_one_half)
    clf.fit(X[20:], y[20:], X_val=X[:20], y_val=y[:20])
    p = clf.predict_proba(X)
    likely = (p > 0.5).astype(int) if kind == "multilabel" else clf.classes_[p.argmax(axis=1)]
    predicted = clf.predict(X)
    np.testing.assert_array_equal(predicted, likely)
    assert clf.history_["train_accuracy"][-1] == pytest.approx(clf.score(X[20:], y[20:]))
    assert clf.history_["validation_accuracy"][-1] == pytest.approx(clf.score(X[:20], y[:20]))
    if kind != "digits":  # or else z > 0 would do
        z = clf.decision_function(X).reshape(predicted.shape)
        assert ((z > 0) != (predicted > 0)).any()


# --- weights that somebody has set --------------------------------------------------------------


def recast(arrays, dtype, order="C"):
    return [np.array(array, dtype, order=order) for array in arrays]


@pytest.mark.parametrize("trained", [np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("names", [["coefs_"], ["intercepts_"], ["coefs_", "intercepts_"]])
def test_weights_of_another_dtype_or_order_are_cast(names, dtype, trained, small, digits):
    X, y = digits
    clf = small(momentum=0.5).fit(X.astype(trained), y)
    for name in names:
        setattr(clf, name, recast(getattr(clf, name), dtype))
    exact = copy.deepcopy(clf)
    for name in ("coefs_", "intercepts_"):
        setattr(exact, name, recast(getattr(exact, name), np.float64, "F"))
    np.testing.assert_allclose(clf.predict_proba(X), exact.predict_proba(X), rtol=1e-2, atol=1e-4)
    clf.partial_fit(X, y)
    kinds = {a.dtype for a in clf.coefs_ + clf.intercepts_ + clf.velocity_[0] + clf.velocity_[1]}
    assert len(kinds) == 1 and kinds < {np.dtype(np.float32), np.dtype(np.float64)}


def test_weights_set_as_lists_are_taken(small, digits):
    clf = small().fit(*digits)
    expected = clf.predict(digits[0])
    clf.coefs_ = tuple(w.tolist() for w in clf.coefs_)
    np.testing.assert_array_equal(clf.predict(digits[0]), expected)
    clf.partial_fit(*digits)


@pytest.mark.parametrize(
    ("name", "layer", "shape", "message"),
    [
        ("coefs_", 0, (63, 8), r"`coefs_\[0\]` must have shape \(64, n_units\).*; got \(63, 8\)"),
        ("coefs_", 0, (64,), r"`coefs_\[0\]` must have shape \(64, n_units\).*; got \(64,\)"),
        ("coefs_", 1, (7, 10), r"`coefs_\[1\]` .* units of the layer before; got \(7, 10\)"),
        ("coefs_", 1, (8, 9), r"`intercepts_\[1\]` must have shape \(9,\).*; got \(10,\)"),
        ("intercepts_", 0, (8, 1), r"`intercepts_\[0\]` must have shape \(8,\).*; got \(8, 1\)"),
    ],
)
def test_weights_that_do_not_fit_are_named(name, layer, shape, message, small, digits):
    clf = small().fit(*digits)
    getattr(clf, name)[layer] = np.zeros(shape)
    for method in (
        lambda X, y: clf.predict(X),
        clf.partial_fit,
        clf.set_params(warm_start=True).fit,
    ):
        with pytest.raises(ValueError, match=message):
            method(*digits)


def test_layers_that_are_not_the_classifiers_are_named(small, digits):
    clf = small(momentum=0.5).fit(*digits)
    whole = copy.deepcopy(clf)
    clf.coefs_ = clf.coefs_[:1]
    with pytest.raises(ValueError, match="must hold an array for each layer; got 1 and 2"):
        clf.predict(digits[0])
    clf.intercepts_ = clf.intercepts_[:1]
    with pytest.raises(ValueError, match="a column for each of the 10 classes; got 8"):
        clf.predict(digits[0])
    clf = copy.deepcopy(whole)
    clf.coefs_[0] = clf.coefs_[0].astype(complex)
    with pytest.raises(TypeError, match=r"`coefs_\[0\]` must hold real numbers; got complex"):
        clf.predict(digits[0])
    whole.velocity_[1][0] = np.zeros(3)
    with pytest.raises(ValueError, match="`velocity_` must hold arrays of the shapes of `coefs_`"):
        whole.partial_fit(*digits)


# --- predictions of arrays that need no conversion -----------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("hidden", [(), (8,)])
@pytest.mark.parametrize("value, message", [(np.nan, "NaN"), (np.inf, "infinity")])
def test_rows_that_are_not_finite_are_refused(value, message, hidden, dtype, small, digits):
    X, y = digits[0].astype(dtype), digits[1]
    clf = small(hidden_layer_sizes=hidden).fit(X, y)
    clf.coefs_[0][5] = 0.0  # a weight of zero hides it not
    for n_rows in (1, len(X)):
        rows = X[:n_rows].copy()
        rows[-1, 5] = value
        with pytest.raises(ValueError, match=f"Input X .*{message}"):
            clf.predict(rows)
        with pytest.raises(ValueError, match="Input X contains"):
            clf.predict_proba(rows)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_container_of_the_same_rows_is_predicted_alike(dtype, small, digits):
    X, y = digits[0].astype(dtype), digits[1]
    clf = small().fit(X, y)
    expected = clf.predict_proba(X)
    read_only = X.copy()
    read_only.flags.writeable = False
    for rows in (np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2], read_only, csr_array(X)):
        np.testing.assert_array_equal(clf.predict_proba(rows), expected)
    np.testing.assert_array_equal(clf.predict_proba(X.tolist()), expected)


@pytest.mark.parametrize("shape", [(0, 64), (64,), (2, 63), (2, 2, 64)])
def test_arrays_that_are_no_rows_are_refused(shape, small, digits):
    clf = small().fit(*digits)
    with pytest.raises(ValueError, match=r"0 sample|2D array|63 features|dim 3"):
        clf.predict(np.zeros(shape))


def test_names_of_features_are_asked_for_where_the_model_knows_them(small, digits):
    X, y = digits
    clf = small().fit(pd.DataFrame(X).rename(columns=str), y)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        clf.predict(X)


@pytest.mark.parametrize("copied", [False, True])
def test_predictions_do_not_depend_on_how_many_rows_are_taken_at_once(
    copied, small, digits, monkeypatch
):
    X, y = digits
    clf = small().fit(X, y)
    rows = csr_array(X) if copied else X
    whole = clf.decision_function(rows)
    monkeypatch.setattr("sknielsen._prediction._HELD_BYTES", 7 * 8 * (18 + 64 * copied))
    np.testing.assert_allclose(clf.decision_function(rows), whole, rtol=1e-12)
