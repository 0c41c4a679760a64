"""Extreme rows, labels, weights and parameters: a right answer, or an error in one sentence.

Every test runs twice: as it is, and where NumPy raises an error at every overflow, underflow,
invalid operation and division by zero. Pytest turns warnings into errors.
"""

import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from helpers import assert_same_model, weights_of
from scipy.sparse import csr_array

from sknielsen import MLPSigmoidClassifier

pytestmark = [
    pytest.mark.net,
    # Advice that is not about arithmetic.
    pytest.mark.filterwarnings("ignore:The root mean square of X is:UserWarning"),
    pytest.mark.filterwarnings("ignore:Training ended with a cost"),
    pytest.mark.filterwarnings("ignore:`batch_size` is:UserWarning"),
    pytest.mark.filterwarnings("ignore:The weights of the .* training rows sum to:UserWarning"),
    pytest.mark.filterwarnings("ignore:The number of unique classes is:UserWarning"),
]

RNG = np.random.default_rng(0)
Y = np.arange(40) % 3
X = np.round(RNG.random((40, 4)), 3)
X[:, 0] = Y / 2
MAX32, MAX64 = float(np.finfo(np.float32).max), float(np.finfo(np.float64).max)
TINY32, TINY64 = 2.0**-149, 5e-324  # the smallest numbers above zero
BELOW_ONE = float(np.nextafter(1.0, 0.0))
HUGE_INTEGER = 10**400  # above all floats

COSTS = ["cross_entropy", "quadratic", "log_likelihood"]


@pytest.fixture(autouse=True, params=["default", "raise"])
def numpy_errors(request):
    """Let NumPy treat floating-point errors as it does by default, or raise all of them."""
    with np.errstate(**({} if request.param == "default" else {"all": "raise"})):
        yield request.param


def test_numpy_raises_its_errors_in_these_tests(numpy_errors):
    if numpy_errors == "default":
        assert np.float64(1e-300) * np.float64(1e-300) == 0
    else:
        with pytest.raises(FloatingPointError):
            np.float64(1e-300) * np.float64(1e-300)


def make(**parameters):
    """Make a quick classifier; keyword arguments change it."""
    book = dict(eta_schedule="constant", lmbda=0.0)
    defaults = dict(book, hidden_layer_sizes=(4,), max_iter=2, batch_size=8, random_state=0)
    return MLPSigmoidClassifier(**(defaults | parameters))


# --- right answers and errors -----------------------------------------------------------------


def attempt(mentions, call, *args, **options):
    """Return what a call returns; None if it raises an error that mentions what is wrong."""
    try:
        return call(*args, **options)
    except (ValueError, TypeError) as error:
        assert len(str(error)) >= 20
        assert re.search(mentions, str(error)), str(error)
        return None


def train(classifier, X, y, mentions, method="fit", **data):
    """Train; return the classifier, or None if it refused and is as it was."""
    before = {name: id(value) for name, value in vars(classifier).items()}
    if method == "partial_fit" and not hasattr(classifier, "coefs_"):
        data["classes"] = np.unique(y)
    trained = attempt(mentions, getattr(classifier, method), X, y, **data)
    if trained is None:
        assert {name: id(value) for name, value in vars(classifier).items()} == before
    else:
        assert_finite(classifier, monitored=classifier.monitor_samples != 0)
    return trained


def refuse(classifier, X, y, mentions, method="fit", **data):
    """Assert that training is refused."""
    assert train(classifier, X, y, mentions, method, **data) is None


def assert_finite(classifier, monitored=True):
    velocity = [v for some in getattr(classifier, "velocity_", []) for v in some]
    arrays = [*classifier.coefs_, *classifier.intercepts_, *velocity]
    assert all(np.isfinite(array).all() for array in arrays)
    for column in ("eta", "penalty", "duration", *(["train_cost"] if monitored else [])):
        assert np.isfinite(classifier.history_[column]).all()


def assert_sound_predictions(classifier, X):
    """Assert that all predictions for the rows are possible and agree."""
    labels, probabilities = classifier.predict(X), classifier.predict_proba(X)
    logarithms, z = classifier.predict_log_proba(X), classifier.decision_function(X)
    assert all(np.isfinite(values).all() for values in (probabilities, logarithms, z))
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    codes = np.searchsorted(classifier.classes_, labels)
    np.testing.assert_array_equal(classifier.classes_[codes], labels)
    chosen = probabilities[np.arange(len(labels)), codes]
    np.testing.assert_array_equal(chosen, probabilities.max(axis=1))


def predict_or_refuse(classifier, X):
    """Check the predictions for rows that may be too large; tell whether there are any."""
    if attempt(r"\bX\b", classifier.predict, X) is None:
        for method in ("predict_proba", "predict_log_proba", "decision_function"):
            assert attempt(r"\bX\b", getattr(classifier, method), X) is None
        return False
    assert_sound_predictions(classifier, X)
    return True


FIGURES = "train_cost", "train_accuracy", "validation_cost", "validation_accuracy"


def assert_equal_to_rounding(one, other, columns=FIGURES):
    rtol = 1e-4 if weights_of(one).dtype == np.float32 else 1e-9
    np.testing.assert_allclose(weights_of(one), weights_of(other), rtol=rtol, atol=rtol / 100)
    for column in columns:
        np.testing.assert_allclose(one.history_[column], other.history_[column], rtol=rtol)


# --- rows -------------------------------------------------------------------------------------

SCALES = [
    *((np.float64, s) for s in (TINY64, 1e-300, 1e-150, 1e30, 1e100, 1e150, 1e200, 1e300, MAX64)),
    *((np.float32, s) for s in (TINY32, 1e-38, 1e-20, 1e10, 1e20, 1e30, 1e38, MAX32)),
]
SMALL_SCALES = [(dtype, scale) for dtype, scale in SCALES if scale < 1e-18]


def scaled(dtype, scale):
    """Multiply the rows, which are at most one, by a number."""
    with np.errstate(all="ignore"):
        return (X * scale).astype(dtype)


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize(("dtype", "scale"), SCALES)
def test_rows_of_any_scale_train_or_are_refused(dtype, scale, cost):
    rows = scaled(dtype, scale)
    for method in ("fit", "partial_fit"):
        classifier = train(make(cost=cost), rows, Y, r"\bX\b|`?eta", method)
        if classifier is not None:
            predict_or_refuse(classifier, rows)


@pytest.mark.parametrize(
    "parameters",
    [
        dict(momentum=0.9),
        dict(dropout=0.5),
        dict(dropout=(0.5, 0.0)),
        dict(lmbda=0.1),
        dict(lmbda=0.1, penalty="l1"),
        dict(early_stopping=True, validation_fraction=0.2),
        dict(early_stopping=True, validation_fraction=0.2, scoring="neg_log_loss"),
        dict(hidden_layer_sizes=()),
        dict(hidden_layer_sizes=(3, 3)),
        dict(verbose=1),
        dict(class_weight="balanced"),
    ],
    ids=str,
)
@pytest.mark.parametrize(("dtype", "scale"), SCALES)
def test_rows_of_any_scale_train_or_are_refused_by_any_network(dtype, scale, parameters):
    rows = scaled(dtype, scale)
    classifier = train(make(**parameters), rows, Y, r"\bX\b|`?eta")
    if classifier is not None:
        predict_or_refuse(classifier, rows)


@pytest.mark.parametrize(("dtype", "scale"), SMALL_SCALES)
def test_rows_too_small_to_matter_train_like_zeros(dtype, scale):
    zeros = make().fit(np.zeros_like(X, dtype), Y)
    tiny = make().fit(scaled(dtype, scale), Y)
    assert_equal_to_rounding(tiny, zeros)
    assert_sound_predictions(tiny, scaled(dtype, scale))


ODD_ROWS = {
    "zeros": np.zeros((40, 4)),
    "negative zeros": -np.zeros((40, 4)),
    "constant features": np.ones((40, 4)) * [0.0, 1.0, -1.0, 0.5],
    "one constant feature": np.ones((40, 1)),
    "one feature": X[:, :1],
    "features of all scales": X * [1e-300, 1.0, TINY64, 1e-45],
    "noise upon a million": X + 1e6,
    "a single one": np.eye(40, 4),
    "400 features": np.tile(X, 100),
}


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("kind", ODD_ROWS)
def test_odd_rows_train(kind, cost):
    rows = ODD_ROWS[kind]
    for dtype in (np.float64, np.float32):
        with np.errstate(all="ignore"):
            rows = rows.astype(dtype)
        assert_sound_predictions(make(cost=cost).fit(rows, Y), rows)


def integers(dtype, top):
    return np.round(X * top).astype(dtype)


def of_objects(make_number):
    return np.array([[make_number(value) for value in row] for row in X.tolist()], object)


KINDS_OF_ROWS = {  # rows of a kind, and the floats that they stand for
    **{
        dtype: (integers(dtype, 7), integers(dtype, 7).astype(np.float32))
        for dtype in ("int8", "uint8", "int16", "uint16")
    },
    **{
        dtype: (integers(dtype, 7), integers(dtype, 7).astype(np.float64))
        for dtype in ("int32", "uint32", "int64", "uint64")
    },
    "bool": (X > 0.5, (X > 0.5).astype(np.float32)),
    "float16": (X.astype(np.float16), X.astype(np.float16).astype(np.float32)),
    "longdouble": (X.astype(np.longdouble), X),
    "big-endian": (X.astype(">f8"), X),
    "fractions": (of_objects(Fraction), X),
    "decimals": (of_objects(Decimal), X),
    "objects": (X.astype(object), X),
    "lists": (X.tolist(), X),
    "denormal longdouble": (X.astype(np.longdouble) * np.longdouble(2) ** -1100, 0 * X),
    "largest integers of 8 bits": (integers("int8", 127), integers("int8", 127).astype("f4")),
    "largest integers of 16 bits": (integers("uint16", 65535), integers("uint16", 65535) * 1.0),
}


@pytest.mark.parametrize("kind", KINDS_OF_ROWS)
def test_rows_of_any_kind_train_like_the_floats_they_stand_for(kind):
    rows, floats = KINDS_OF_ROWS[kind]
    classifier, expected = make().fit(rows, Y), make().fit(floats, Y)
    assert_equal_to_rounding(classifier, expected)
    np.testing.assert_array_equal(classifier.predict(rows), expected.predict(floats))
    assert_sound_predictions(classifier, rows)


@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64"])
def test_the_largest_integers_train_or_are_refused(dtype):
    limits = np.iinfo(dtype)
    rows = np.array([limits.min, limits.max], dtype)[(X > 0.5).astype(int)]
    classifier = train(make(), rows, Y, r"\bX\b|`?eta")
    if classifier is not None:
        predict_or_refuse(classifier, rows)


def with_one(value, dtype=object):
    rows = X.astype(dtype)
    rows[3, 2] = value
    return rows


NO_ROWS = {
    "datetime64": (X * 1000).astype("M8[s]"),
    "timedelta64": (X * 1000).astype("m8[s]"),
    "complex64": X.astype(np.complex64),
    "complex128": X + 1j,
    "objects with a complex number": with_one(1j),
    "objects with a date": with_one(np.datetime64("2020-01-01")),
    "objects with nothing": with_one(None),
    "objects with a text": with_one("a"),
    "objects with a list": with_one([1]),
    "objects with a huge integer": with_one(HUGE_INTEGER),
    "objects with a huge fraction": with_one(Fraction(HUGE_INTEGER)),
    "objects with a huge decimal": with_one(Decimal("1e400")),
    "strings": np.full((40, 4), "a"),
    "bytes": np.full((40, 4), b"a"),
    "records": np.zeros((40, 4), "f4,f4"),
    "NaN": with_one(np.nan, float),
    "infinity": with_one(np.inf, float),
    "float16 infinity": with_one(-np.inf, np.float16),
    "longdouble beyond float64": with_one(np.longdouble("1e4000"), np.longdouble),
    "no rows": X[:0],
    "no features": X[:, :0],
    "a vector": X[:, 0],
    "a cube": X[:, :, None],
    "a number": 1.0,
}


@pytest.mark.parametrize("kind", NO_ROWS)
def test_rows_that_are_no_finite_numbers_are_refused(kind):
    if kind.startswith("longdouble") and np.finfo(np.longdouble).max == MAX64:
        pytest.skip("longdouble is float64 here")
    rows = NO_ROWS[kind]
    n_rows = len(rows) if np.ndim(rows) else 40
    mentions = r"\bX\b|sample|feature|2D array|dim|omplex|float|convert|dtype|array element"
    for method in ("fit", "partial_fit"):
        refuse(make(), rows, Y[:n_rows], mentions, method)
    classifier = make().fit(X, Y)
    refuse(classifier, rows, Y[:n_rows], mentions, "partial_fit")
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        assert attempt(mentions, getattr(classifier, method), rows) is None
    refuse(make(), X, Y, mentions, X_val=rows, y_val=Y[:n_rows])


# --- labels and numbers of rows ---------------------------------------------------------------

LABELS = {
    **{dtype: Y.astype(dtype) for dtype in ("int8", "uint8", "int16", "uint16", "int32", "u4")},
    "int64": np.array([-(2**63), 0, 2**63 - 1])[Y],
    "uint64": np.array([0, 2**63, 2**64 - 1], np.uint64)[Y],
    "float16": np.array([-65504, 0, 65504], np.float16)[Y],
    "float32": np.array([-1, 0, 2**24], np.float32)[Y],
    "float64": np.array([-(2.0**52), -0.0, 2.0**52])[Y],
    "longdouble": Y.astype(np.longdouble),
    "booleans": Y > 0,
    "long strings": np.array(["a" * 1000, "b" * 1000, "b" * 1001])[Y],
    "strings of blanks": np.array(["", " ", "  "])[Y],
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_kind_train_like_small_integers(kind):
    labels = LABELS[kind]
    classes, codes = np.unique(labels, return_inverse=True)
    classifier, expected = make().fit(X, labels), make().fit(X, codes)
    assert_same_model(classifier, expected)
    np.testing.assert_array_equal(classifier.predict(X), classes[expected.predict(X)])
    assert_sound_predictions(classifier, X)
    stream = make(max_iter=2)
    for _ in range(2):
        stream.partial_fit(X, labels, classes=classes)
    np.testing.assert_array_equal(weights_of(stream), weights_of(expected))


NO_LABELS = {
    "complex": Y + 1j,
    "NaN": np.where(Y == 1, np.nan, Y),
    "infinity": np.where(Y == 1, np.inf, Y),
    "float16 NaN": np.where(Y == 1, np.nan, Y).astype(np.float16),
    "halves": Y / 2,
    "tiny numbers": Y * TINY64,
    "nothing": np.array([None] * 40),
    "a nothing": np.array([None, 1, 2], object)[Y],
    "numbers and strings": np.array([1, "1", 2], object)[Y],
    "a huge integer": np.array([HUGE_INTEGER, 1, 2], object)[Y],
    "a huge longdouble": np.array([np.longdouble("1e4000"), 1, 2], np.longdouble)[Y],
    "too few": Y[:39],
    "none": Y[:0],
    "one class": 0 * Y,
    "a number": 1,
    "a cube": np.zeros((40, 2, 2), int),
    "an indicator of twos": np.full((40, 2), 2),
    "an indicator of halves": np.full((40, 2), 0.5),
    "no columns": np.zeros((40, 0), int),
}


@pytest.mark.parametrize("kind", NO_LABELS)
def test_labels_that_name_no_classes_are_refused(kind):
    if "longdouble" in kind and np.finfo(np.longdouble).max == MAX64:
        pytest.skip("longdouble is float64 here")
    labels = NO_LABELS[kind]
    mentions = r"\by\b|[Cc]lass|label|sample|target|dimension|omplex"
    refuse(make(), X, labels, mentions)
    if kind != "one class":  # validation rows, and a block, may lack some of the classes
        refuse(make(), X, Y, mentions, X_val=X + 0.001, y_val=labels)
        refuse(make().fit(X, Y), X, labels, mentions, "partial_fit")


@pytest.mark.parametrize("dtype", ["M8[Y]", "M8[ns]", "m8[s]"])
def test_labels_that_are_dates_train_or_are_refused(dtype):
    labels = Y.astype(dtype)
    classifier = train(make(), X, labels, r"\by\b|label")
    if classifier is not None:
        assert_same_model(classifier, make().fit(X, Y))
        assert_sound_predictions(classifier, X)
    refuse(make().fit(X, Y), X, labels, r"\by\b|label", "partial_fit")


def test_labels_of_huge_floats_train_or_are_refused():
    for huge in (1e300, MAX64, 2.0**63):
        labels = np.array([-huge, 0.0, huge])[Y]
        classifier = train(make(), X, labels, r"\by\b|label")
        if classifier is not None:
            assert_same_model(classifier, make().fit(X, Y))


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_one_row_of_each_class_trains(n_classes, cost):
    labels = np.arange(n_classes)
    classifier = make(cost=cost).fit(X[:n_classes], labels)
    assert_sound_predictions(classifier, X)


def test_one_row_alone_has_no_two_classes():
    refuse(make(), X[:1], Y[:1], "class")
    classifier = make().partial_fit(X[:1], Y[:1], classes=[0, 1, 2])
    assert_sound_predictions(classifier, X)


def test_one_row_of_a_class_cannot_be_split():
    labels = np.array([0] * 39 + [1])
    refuse(make(early_stopping=True), X, labels, "class")


def test_five_thousand_classes_train():
    labels = np.arange(5000) * 3 - 7000
    rows = (np.arange(10_000) % 71 / 71).reshape(5000, 2).astype(np.float32)
    classifier = make(
        hidden_layer_sizes=(2,), max_iter=1, batch_size=500, monitor_samples=50, lmbda=1e-3
    )
    classifier.fit(rows, labels)
    assert_finite(classifier)
    assert_sound_predictions(classifier, rows[:20])
    assert len(classifier.classes_) == 5000


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("n_labels", [2, 50])
def test_labels_that_all_rows_or_none_have_train(n_labels, value):
    indicator = np.full((40, n_labels), value)
    classifier = make(max_iter=50).fit(X, indicator)
    assert_finite(classifier)
    np.testing.assert_array_equal(classifier.predict(X), indicator)
    assert np.isfinite(classifier.predict_log_proba(X)).all()


# --- sample weights ---------------------------------------------------------------------------

HALF = (np.arange(40) % 2).astype(float)
RAMP = np.linspace(0.25, 4, 40)
WEIGHTS = {  # weights, and moderate ones that mean the same to fit
    "ones": (np.ones(40), None),
    "all 1e-300": (np.full(40, 1e-300), None),
    "all 1e300": (np.full(40, 1e300), None),
    "the smallest": (np.full(40, TINY64), None),
    "the largest of a finite sum": (np.full(40, MAX64 / 64), None),
    "all 2**100": (np.full(40, 2.0**100), None),
    "all 2**-1000": (np.full(40, 2.0**-1000), None),
    "the smallest of float32": (np.full(40, TINY32, np.float32), None),
    "the largest of float32": (np.full(40, MAX32, np.float32), None),
    "the smallest of float16": (np.full(40, 2.0**-24, np.float16), None),
    "the largest of float16": (np.full(40, 65504, np.float16), None),
    "the largest of int8": (np.full(40, 127, np.int8), None),
    "the largest of uint64": (np.full(40, 2**64 - 1, np.uint64), None),
    "longdouble": (np.full(40, np.longdouble(3)), None),
    "booleans": (HALF == 1, HALF),
    "fractions": (np.array([Fraction(1, 3)] * 40), None),
    "1e-300 and 1": (np.where(HALF, 1.0, 1e-300), HALF),
    "the smallest and 1": (np.where(HALF, 1.0, TINY64), HALF),
    "1e-300 and 1e300": (np.where(HALF, 1e300, 1e-300), HALF),
    "a ramp times 1e-300": (RAMP * 1e-300, RAMP),
    "a ramp times 1e300": (RAMP * 1e300, RAMP),
    "a ramp times 2**100": (RAMP * 2.0**100, RAMP),
    "a ramp times 2**-1000": (RAMP * 2.0**-1000, RAMP),
}
NETWORKS = [
    dict(),
    dict(cost="log_likelihood", momentum=0.5),
    dict(class_weight="balanced"),
    dict(batch_size=None, cost="quadratic"),
    dict(batch_size=1, monitor_samples=7),
]


@pytest.mark.parametrize(
    ("dtype", "parameters"),
    [(np.float32, {}), *((np.float64, parameters) for parameters in NETWORKS)],
    ids=str,
)
@pytest.mark.parametrize("kind", WEIGHTS)
def test_weights_of_any_scale_train_like_moderate_ones(kind, dtype, parameters):
    weight, moderate = WEIGHTS[kind]
    rows = X.astype(dtype)
    expected = make(**parameters).fit(rows, Y, sample_weight=moderate)
    if parameters.get("monitor_samples") and "and 1" in kind:
        parameters = parameters | dict(monitor_samples=10_000)  # other rows would be monitored
        expected = make(**parameters).fit(rows, Y, sample_weight=moderate)
    classifier = make(**parameters).fit(rows, Y, sample_weight=weight)
    assert_finite(classifier)
    assert_equal_to_rounding(classifier, expected)


@pytest.mark.parametrize("kind", WEIGHTS)
def test_validation_weights_of_any_scale_measure_like_moderate_ones(kind):
    weight, moderate = WEIGHTS[kind]
    rows = X + 0.001
    data = dict(X_val=rows, y_val=Y[::-1])
    expected = make().fit(X, Y, **data, sample_weight_val=moderate)
    classifier = make().fit(X, Y, **data, sample_weight_val=weight)
    assert_equal_to_rounding(classifier, expected)


@pytest.mark.parametrize("kind", WEIGHTS)
def test_weights_of_any_scale_train_in_a_stream_or_are_refused(kind):
    weight = WEIGHTS[kind][0]
    classifier = train(
        make(), X, Y, r"`?sample_weight|`?eta|weights", "partial_fit", sample_weight=weight
    )
    if classifier is not None:
        assert_sound_predictions(classifier, X)


@pytest.mark.parametrize("kind", WEIGHTS)
def test_weights_of_any_scale_train_with_a_penalty_or_are_refused(kind):
    weight = WEIGHTS[kind][0]
    for penalty in ("l1", "l2"):
        classifier = train(
            make(lmbda=0.1, penalty=penalty),
            X,
            Y,
            r"`?sample_weight|`?eta|`?lmbda",
            sample_weight=weight,
        )
        if classifier is not None:
            assert_sound_predictions(classifier, X)


NO_WEIGHTS = {
    "the largest": np.full(40, MAX64),
    "a sum that overflows": np.full(40, 1e307),
    "zeros": np.zeros(40),
    "a negative one": np.where(Y == 1, -TINY64, 1),
    "NaN": np.where(Y == 1, np.nan, 1),
    "infinity": np.where(Y == 1, np.inf, 1),
    "all infinity": np.full(40, np.inf),
    "float16 infinity": np.full(40, np.inf, np.float16),
    "a huge longdouble": np.full(40, np.longdouble("1e4000")),
    "huge integers": np.array([HUGE_INTEGER] * 40, object),
    "complex": np.full(40, 1 + 1j),
    "datetime64": np.full(40, 1).astype("M8[s]"),
    "timedelta64": np.full(40, 1).astype("m8[s]"),
    "texts": np.full(40, "a"),
    "nothing": np.array([None] * 40),
    "too few": np.ones(39),
    "a column": np.ones((40, 1)),
}


@pytest.mark.parametrize("kind", NO_WEIGHTS)
def test_weights_that_are_no_weights_are_refused(kind):
    weight = NO_WEIGHTS[kind]
    mentions = r"weight|omplex|float|convert|string"
    for method in ("fit", "partial_fit"):
        refuse(make(), X, Y, mentions, method, sample_weight=weight)
    rows = X + 0.001
    refuse(make(), X, Y, mentions, X_val=rows, y_val=Y, sample_weight_val=weight)


CLASS_WEIGHTS = {  # class weights, and moderate ones that mean the same to fit
    "all 1e-300": ({0: 1e-300, 1: 1e-300, 2: 1e-300}, None),
    "all 1e300": ({0: 1e300, 1: 1e300, 2: 1e300}, None),
    "the smallest": ({0: TINY64, 1: TINY64, 2: TINY64}, None),
    "one 1e-300": ({0: 1e-300}, {0: 0}),
    "the others 1e-300": ({0: 1, 1: 1e-300, 2: 1e-300}, {0: 1, 1: 0, 2: 0}),
    "one 1e300": ({0: 1e300}, {0: 1, 1: 0, 2: 0}),
    "small integers": (dict.fromkeys(range(3), np.int8(127)), None),
    "float16": (dict.fromkeys(range(3), np.float16(65504)), None),
    "fractions": (dict.fromkeys(range(3), Fraction(1, 3)), None),
    "integers of many digits": (dict.fromkeys(range(3), 10**300), None),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", CLASS_WEIGHTS)
def test_class_weights_of_any_scale_train_like_moderate_ones(kind, dtype):
    given, moderate = CLASS_WEIGHTS[kind]
    rows = X.astype(dtype)
    classifier = make(class_weight=given).fit(rows, Y)
    expected = make(class_weight=moderate).fit(rows, Y)
    assert_equal_to_rounding(classifier, expected, columns=["train_cost"])  # not of equal rows


@pytest.mark.parametrize(
    "factor", [MAX64, 1e307, np.inf, np.nan, -TINY64, HUGE_INTEGER, Decimal(1), "1", None, 1j]
)
def test_class_weights_that_are_no_weights_are_refused(factor):
    given = {0: factor, 1: factor, 2: factor}
    refuse(make(class_weight=given), X, Y, "class_weight")


@pytest.mark.parametrize(("by_class", "by_row"), [(1e200, 1e200), (1e-200, 1e-200), (0, 1)])
def test_products_of_weights_that_are_no_weights_are_refused(by_class, by_row):
    given, weight = dict.fromkeys(range(3), by_class), np.full(40, by_row)
    refuse(make(class_weight=given), X, Y, "weight", sample_weight=weight)


@pytest.mark.parametrize(("by_class", "by_row"), [(1e200, 1e-200), (1e-300, 1e300), (2, 0.5)])
def test_products_of_weights_that_are_moderate_train_like_ones(by_class, by_row):
    given, weight = dict.fromkeys(range(3), by_class), np.full(40, by_row)
    classifier = make(class_weight=given).fit(X, Y, sample_weight=weight)
    assert_equal_to_rounding(classifier, make().fit(X, Y))


# --- parameters -------------------------------------------------------------------------------

WHOLE = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
BROKEN = ["float16", "float32", "float64", "longdouble"]
COUNTS = {  # products of these overflow eight bits
    "hidden_layer_sizes": (100, {}),
    "batch_size": (100, {}),
    "max_iter": (3, {}),
    "n_iter_no_change": (1, dict(early_stopping=True, max_iter=5)),
    "monitor_samples": (100, {}),
    "random_state": (100, {}),
    "verbose": (0, {}),
}
NUMBERS = {
    "eta": (0.5, {}),
    "lmbda": (0.25, {}),
    "momentum": (0.5, {}),
    "dropout": (0.5, {}),
    "init_scale": (2.0, {}),
    "validation_fraction": (0.25, dict(early_stopping=True)),
    "tol": (0.125, dict(early_stopping=True, n_iter_no_change=1)),
    "n_total": (128.0, dict(lmbda=0.5)),
}
MANY_X, MANY_Y = np.tile(X, (8, 1)), np.tile(Y, 8)  # more rows than eight bits count


def assert_trains_alike(one, other):
    assert_same_model(make(**one).fit(MANY_X, MANY_Y), make(**other).fit(MANY_X, MANY_Y))


@pytest.mark.parametrize("dtype", WHOLE)
@pytest.mark.parametrize("name", COUNTS)
def test_numpy_integers_act_as_python_integers(name, dtype):
    value, others = COUNTS[name]
    of_numpy = np.array([value], dtype)[0]
    assert_trains_alike({**others, name: of_numpy}, {**others, name: value})


@pytest.mark.parametrize("dtype", BROKEN)
@pytest.mark.parametrize("name", NUMBERS)
def test_numpy_floats_act_as_python_floats(name, dtype):
    value, others = NUMBERS[name]
    of_numpy = np.array([value], dtype)[0]
    assert_trains_alike({**others, name: of_numpy}, {**others, name: value})


@pytest.mark.parametrize("name", NUMBERS)
def test_fractions_act_as_the_floats_they_are(name):
    value, others = NUMBERS[name]
    assert_trains_alike({**others, name: Fraction(value)}, {**others, name: value})


@pytest.mark.parametrize("dtype", WHOLE)
@pytest.mark.parametrize("name", ["eta", "lmbda", "init_scale", "n_total"])
def test_whole_numbers_act_as_floats(name, dtype):
    others = NUMBERS[name][1]
    of_numpy = np.array([1], dtype)[0]
    assert_trains_alike({**others, name: of_numpy}, {**others, name: 1.0})
    assert_trains_alike({**others, name: 1}, {**others, name: 1.0})


SEQUENCES = {
    "layers of int8": (
        dict(hidden_layer_sizes=np.array([100, 50], np.int8)),
        dict(hidden_layer_sizes=(100, 50)),
    ),
    "layers of both": (
        dict(hidden_layer_sizes=[np.uint8(100), 3]),
        dict(hidden_layer_sizes=(100, 3)),
    ),
    "dropout of float16": (
        dict(dropout=np.array([0.25, 0.5], np.float16)),
        dict(dropout=(0.25, 0.5)),
    ),
    "dropout of fractions": (
        dict(dropout=[Fraction(1, 4), Fraction(1, 2)]),
        dict(dropout=(0.25, 0.5)),
    ),
    "a schedule of NumPy numbers": (
        dict(eta_schedule=[(np.int8(1), np.float16(0.5)), (np.uint8(1), np.float32(0.25))]),
        dict(eta_schedule=[(1, 0.5), (1, 0.25)]),
    ),
    "a schedule of fractions": (
        dict(eta_schedule=[(1, Fraction(1, 2)), (1, 1)]),
        dict(eta_schedule=[(1, 0.5), (1, 1.0)]),
    ),
    "a schedule of many epochs": (
        dict(eta_schedule=[(HUGE_INTEGER, 0.25)]),
        dict(eta_schedule=[(2, 0.25)]),
    ),
}


@pytest.mark.parametrize("kind", SEQUENCES)
def test_sequences_of_numpy_numbers_act_as_python_numbers(kind):
    assert_trains_alike(*SEQUENCES[kind])


LONG = np.longdouble
TINY_FRACTION = Fraction(1, HUGE_INTEGER)  # no float but zero is so small
HUGE_LONG, TINY_LONG = LONG("1e4000"), LONG("1e-4000")  # infinity and zero as floats
EXTREME_NUMBERS = [TINY64, 1e-300, 1e-30, 1e30, 1e39, 1e150, 1e300, MAX64]
EXTREME_NUMBERS += [TINY_FRACTION, TINY_LONG, LONG(MAX64), np.float32(MAX32), np.float16(65504)]
EXTREME_NUMBERS += [10**300, Fraction(10) ** 300, np.uint64(2**64 - 1), np.int8(127)]
EXTREME_SHARES = [TINY64, 1e-300, BELOW_ONE, np.nextafter(np.float32(1), np.float32(0))]
EXTREME_SHARES += [np.float16(0.9995), 1 - Fraction(1, HUGE_INTEGER), TINY_FRACTION, TINY_LONG]
EXTREME_PARAMETERS = [
    *(("eta", value) for value in EXTREME_NUMBERS),
    *(("lmbda", value) for value in EXTREME_NUMBERS),
    *(("init_scale", value) for value in EXTREME_NUMBERS),
    *(("n_total", value) for value in EXTREME_NUMBERS),
    *(("tol", value) for value in EXTREME_NUMBERS),
    *(("momentum", value) for value in EXTREME_SHARES),
    *(("dropout", value) for value in EXTREME_SHARES),
    *(("validation_fraction", value) for value in EXTREME_SHARES),
    ("hidden_layer_sizes", 1),
    ("hidden_layer_sizes", (1,) * 20),
    ("hidden_layer_sizes", HUGE_INTEGER),
    ("hidden_layer_sizes", (4, 2**70)),
    ("batch_size", 1),
    ("batch_size", 2**70),
    ("batch_size", HUGE_INTEGER),
    ("monitor_samples", 0),
    ("monitor_samples", 1),
    ("monitor_samples", HUGE_INTEGER),
    ("n_iter_no_change", HUGE_INTEGER),
    ("verbose", HUGE_INTEGER),
    ("verbose", np.uint8(255)),
    ("random_state", 2**32 - 1),
    ("random_state", np.uint64(5)),
    ("eta_schedule", [(1, TINY64), (1, MAX64)]),
    ("eta_schedule", [(1, TINY_FRACTION)]),
    ("eta_schedule", [(1, TINY_LONG)]),
]
USED_WITH = {  # so that the parameter matters
    "n_total": dict(lmbda=0.5),
    "tol": dict(early_stopping=True, validation_fraction=0.2, n_iter_no_change=1),
    "validation_fraction": dict(early_stopping=True),
    "n_iter_no_change": dict(early_stopping=True, validation_fraction=0.2),
}
DEPENDENT = {  # what else may be named by the error
    "eta": "eta",
    "lmbda": "lmbda|eta",
    "n_total": "lmbda|n_total|eta",
    "init_scale": "init_scale|eta",
    "momentum": "momentum|eta",
    "dropout": "dropout|eta",
    "eta_schedule": "eta",
    "random_state": "random_state|[Ss]eed|RandomState",  # by scikit-learn
}


def shown(value):
    return repr(value)[:25]


def train_extremely(name, value, dtype, **parameters):
    """Train with an extreme parameter; if that succeeds, predictions must be sound."""
    classifier = make(**USED_WITH.get(name, {}), **parameters, **{name: value})
    rows = X.astype(dtype)
    if train(classifier, rows, Y, DEPENDENT.get(name, name)) is not None:
        assert_sound_predictions(classifier, rows)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("name", "value"), EXTREME_PARAMETERS, ids=shown)
def test_extreme_parameters_train_or_are_refused(name, value, dtype):
    train_extremely(name, value, dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("value", EXTREME_NUMBERS, ids=shown)
def test_extreme_parameters_of_any_network_train_or_are_refused(value, dtype):
    for cost in COSTS:
        train_extremely("eta", value, dtype, cost=cost, momentum=0.9)
        train_extremely("init_scale", value, dtype, cost=cost, hidden_layer_sizes=())
        train_extremely("init_scale", value, dtype, cost=cost, weight_init="large", lmbda=1e-3)
        train_extremely("lmbda", value, dtype, cost=cost, penalty="l1")
        train_extremely("lmbda", value, dtype, cost=cost, momentum=0.9)
        train_extremely("eta", value, dtype, cost=cost, lmbda=0.1)
        train_extremely("eta", value, dtype, cost=cost, dropout=BELOW_ONE)
        train_extremely("eta", value, dtype, cost=cost, eta_schedule="taper")


@pytest.mark.parametrize("name", ["eta", "init_scale", "lmbda"])
@pytest.mark.parametrize("value", [TINY64, 1e-300, 1e39, 1e300])
def test_extreme_parameters_print_their_epochs(name, value, capsys):
    train_extremely(name, value, np.float32, verbose=1)
    train_extremely(name, value, np.float64, verbose=1)
    assert "Warning" not in capsys.readouterr().err


@pytest.mark.parametrize("value", [TINY64, 1e-300])
@pytest.mark.parametrize("name", ["lmbda", "momentum", "dropout", "tol"])
def test_parameters_too_small_to_matter_act_as_zero(name, value):
    others = USED_WITH.get(name, {})
    one = make(**others, **{name: value}).fit(X, Y)
    assert_equal_to_rounding(one, make(**others, **{name: 0.0}).fit(X, Y))


@pytest.mark.parametrize("eta", [TINY64, 1e-300])
def test_an_eta_too_small_to_matter_leaves_the_initial_weights(eta):
    classifier, other = make(eta=eta).fit(X, Y), make(eta=1e-30, max_iter=1).fit(X, Y)
    np.testing.assert_array_equal(weights_of(classifier), weights_of(other))


def test_a_training_of_any_length_is_ended_by_early_stopping():
    parameters = dict(early_stopping=True, validation_fraction=0.2, n_iter_no_change=1, tol=1e300)
    for schedule in ("constant", "taper", "plateau"):
        classifier = make(**parameters, eta_schedule=schedule, max_iter=HUGE_INTEGER).fit(X, Y)
        other = make(**parameters, eta_schedule="constant", max_iter=9).fit(X, Y)
        assert classifier.n_iter_ == other.n_iter_ < 9


NO_PARAMETERS = [
    *(
        (name, value)
        for name in ("eta", "lmbda", "momentum", "init_scale", "validation_fraction", "tol")
        for value in (np.nan, np.inf, -1, -TINY64, HUGE_INTEGER, Fraction(HUGE_INTEGER))
    ),
    *(
        (name, value)
        for name in ("eta", "lmbda", "momentum", "init_scale", "dropout", "tol", "n_total")
        for value in (
            Decimal("0.5"),
            "0.5",
            0.5j,
            True,
            np.bool_(True),
            np.datetime64("2020"),
            np.timedelta64(1, "s"),
            [[0.5]],
            -HUGE_INTEGER,
            HUGE_LONG,
            np.float16(np.inf),
            np.float32(np.nan),
        )
    ),
    *(("n_total", value) for value in (0, np.nan, np.inf, -1, HUGE_INTEGER)),
    *(("dropout", value) for value in (1, 1.0, np.nan, -TINY64, HUGE_INTEGER, [0.5], [0.5, 1.0])),
    *(("momentum", value) for value in (1, np.float16(0.9999), Fraction(1))),
    *(("validation_fraction", value) for value in (0, 1, 1.0, TINY_FRACTION)),
    *(
        (name, value)
        for name in ("hidden_layer_sizes", "batch_size", "max_iter", "n_iter_no_change")
        for value in (
            0,
            -1,
            np.int8(-128),
            1.0,
            np.float32(1),
            Fraction(1),
            Decimal(1),
            True,
            np.bool_(True),
            np.nan,
            "1",
            -HUGE_INTEGER,
            np.timedelta64(1),
        )
    ),
    *(("monitor_samples", value) for value in (-1, 1.0, True, np.int8(-1), Fraction(1), "1")),
    *(("verbose", value) for value in (-1, 1.0, "1", np.int8(-1), None)),
    *(("random_state", value) for value in (-1, 2**32, HUGE_INTEGER, 1.5, "1", np.int8(-1))),
    ("hidden_layer_sizes", [4, 0]),
    ("hidden_layer_sizes", np.array([4.0])),
    ("hidden_layer_sizes", np.array([[4]])),
    ("hidden_layer_sizes", None),
    ("eta_schedule", [(1, np.inf)]),
    ("eta_schedule", [(1, HUGE_INTEGER)]),
    ("eta_schedule", [(1, Decimal(1))]),
    ("eta_schedule", [(0, 0.5)]),
    ("eta_schedule", [(1.0, 0.5)]),
    ("eta_schedule", [(np.int8(-1), 0.5)]),
]


@pytest.mark.parametrize(("name", "value"), NO_PARAMETERS, ids=shown)
def test_parameters_that_cannot_be_are_refused(name, value):
    mentions = DEPENDENT.get(name, name)
    classifier = make(**USED_WITH.get(name, {}), **{name: value})
    refuse(classifier, X, Y, mentions)


# --- predictions ------------------------------------------------------------------------------


def reference(classifier, rows):
    """Compute the output layer's z in float64 by the book's equations."""
    a = rows.astype(np.float64)
    with np.errstate(all="ignore"):
        for weights, biases in zip(classifier.coefs_, classifier.intercepts_):
            z = a @ weights.astype(np.float64) + biases
            a = 1 / (1 + np.exp(-z))
    return z


def assert_right(classifier, rows):
    """Assert that labels are those of float64 arithmetic, wherever the first two differ."""
    z = reference(classifier, rows)
    assert np.isfinite(z).all()
    if z.shape[1] == 1:
        codes, margin = (z[:, 0] > 0).astype(int), np.abs(z[:, 0])
    else:
        first_two = np.sort(z, axis=1)[:, -2:]
        codes, margin = z.argmax(axis=1), first_two[:, 1] - first_two[:, 0]
    clear = margin > 1e-4 * np.abs(z).max(axis=1)
    assert clear.any()
    labels = classifier.predict(rows)
    np.testing.assert_array_equal(labels[clear], classifier.classes_[codes[clear]])
    assert_sound_predictions(classifier, rows)


def signs(scale, dtype):
    """Make rows of all signs whose largest numbers are of a size."""
    return (RNG.uniform(-1, 1, (30, 4)) * scale).astype(dtype)


MODELS = {
    "several classes": (dict(), Y),
    "two classes": (dict(), Y > 0),
    "softmax": (dict(cost="log_likelihood"), Y),
    "softmax of two classes": (dict(cost="log_likelihood"), Y > 0),
    "no hidden layer": (dict(hidden_layer_sizes=()), Y),
    "softmax without hidden layer": (dict(hidden_layer_sizes=(), cost="log_likelihood"), Y > 0),
}


@pytest.fixture(params=MODELS)
def model(request):
    """Make a classifier that is fitted to rows of a dtype."""
    parameters, labels = MODELS[request.param]
    return lambda dtype: make(**parameters).fit(X.astype(dtype), labels)


@pytest.mark.parametrize(
    ("dtype", "scale"),
    [(np.float32, s) for s in (TINY32, 1e-38, 1e10, 1e30, 1e37, 1e38, 3e38)]
    + [(np.float64, s) for s in (TINY64, 1e-300, 1e100, 1e300)],
)
def test_predictions_for_extreme_rows_are_those_of_float64(dtype, scale, model):
    classifier = model(dtype)
    with np.errstate(all="ignore"):
        rows = signs(scale, dtype)
    assert_right(classifier, rows)
    with np.errstate(all="ignore"):
        sparse = csr_array(rows)
    np.testing.assert_array_equal(classifier.predict(sparse), classifier.predict(rows))
    accuracy = classifier.score(rows, classifier.classes_[np.arange(30) % 2])
    assert 0 <= accuracy <= 1


def test_one_extreme_row_changes_no_label_of_the_others(model):
    classifier, rows = model(np.float32), X.astype(np.float32)
    both = np.vstack([rows, signs(3e38, np.float32)])
    labels, probabilities = classifier.predict(both), classifier.predict_proba(both)
    np.testing.assert_array_equal(labels[:40], classifier.predict(rows))
    np.testing.assert_allclose(probabilities[:40], classifier.predict_proba(rows), rtol=1e-4)


def test_rows_beyond_float64_are_refused(model):
    classifier = model(np.float64)
    for weights in classifier.coefs_:
        weights *= 8
    rows = np.full((2, 4), MAX64)
    rows[1] *= -1
    assert not predict_or_refuse(classifier, rows)


def test_rows_beyond_float32_are_right_or_refused(model):
    classifier = model(np.float32)
    for scale in (1e39, 1e200):
        rows = signs(scale, np.float64)
        if predict_or_refuse(classifier, rows):
            assert_right(classifier, rows)


@pytest.mark.parametrize(
    ("dtype", "value"), [(np.float32, 1e30), (np.float32, MAX32 / 8), (np.float64, 1e300)]
)
def test_models_of_huge_weights_predict_rightly(dtype, value, model):
    for change in ("weights", "biases", "both", "the first weights", "tiny weights"):
        classifier = model(dtype)
        if change in ("weights", "both"):
            for weights in classifier.coefs_:
                weights *= dtype(value / 100)
        if change in ("biases", "both"):
            for biases in classifier.intercepts_:
                biases *= dtype(value / 100)
        if change == "the first weights":
            classifier.coefs_[0] *= dtype(value / 100)
        if change == "tiny weights":
            for weights in classifier.coefs_:
                with np.errstate(all="ignore"):
                    weights /= dtype(value)
        assert_right(classifier, X.astype(dtype))


PREDICTORS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


def assert_refuses_to_predict(classifier, rows, labels, mentions):
    for method in PREDICTORS:
        assert attempt(mentions, getattr(classifier, method), rows) is None
    assert attempt(mentions, classifier.score, rows, labels) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_models_that_are_not_finite_are_refused(dtype, name, value, model):
    n_layers = len(model(dtype).coefs_)
    for layer in range(n_layers):
        classifier = model(dtype)
        array = getattr(classifier, name)[layer]
        array[(-1,) * array.ndim] = value
        labels = classifier.classes_[np.arange(40) % 2]
        zeros = np.zeros((40, 4), dtype)
        for rows in (X.astype(dtype), zeros, csr_array(zeros)):
            assert_refuses_to_predict(classifier, rows, labels, name)
        refuse(classifier, X.astype(dtype), labels, f"{name}|eta", "partial_fit")
