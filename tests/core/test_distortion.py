"""`MLPSigmoidClassifier(augment=...)`: training on rows distorted anew in each epoch."""

import pickle
import threading
import time

import numpy as np
import pytest
from helpers import assert_same_model, weights_of
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV

from sknielsen import MLPSigmoidClassifier
from sknielsen.augmentation import ImageAugmenter
from sknielsen.core import engine
from sknielsen.core.data import Data
from sknielsen.core.distortion import distorted_ahead
from sknielsen.core.randomness import AUGMENT, generator
from sknielsen.penalties import L2


class Recorder(BaseEstimator):
    """Keep what it is given; add noise that is easily told apart."""

    def __init__(self):
        self.seen, self.threads = [], []

    def distort(self, X, rng):
        self.seen.append(X.copy())
        self.threads.append(threading.current_thread())
        return X + 10 + rng.random(X.shape)


@pytest.fixture(autouse=True)
def several_chunks_an_epoch(monkeypatch, digits):
    monkeypatch.setattr(engine, "CACHED_BYTES", 5 * digits[0][0].nbytes)


@pytest.fixture(params=["float32", "float64"])
def rows(request, digits):
    X, y = digits
    return X.astype(request.param), y


@pytest.fixture
def make(small):
    def make(**parameters):
        augment = ImageAugmenter(
            shift=1, rotation=10, elastic=0.3, elastic_sigma=2, keep_in_frame=False
        )
        return small(**(dict(augment=augment, dropout=0.1, momentum=0.5) | parameters))

    return make


def test_fit_equals_calls_of_partial_fit(make, rows):
    fitted, streamed = make(max_iter=3).fit(*rows), make()
    for _ in range(3):
        streamed.partial_fit(*rows, range(10))
    assert_same_model(fitted, streamed)


def test_warm_starts_and_pickles_continue(make, rows):
    straight = make(max_iter=4).fit(*rows)
    stopped = make(max_iter=2, warm_start=True).fit(*rows)
    again = pickle.loads(pickle.dumps(stopped))
    assert_same_model(straight, stopped.fit(*rows))
    assert_same_model(straight, again.fit(*rows))


def in_turn(chunks, augment, seed, epoch):
    """Distort in the caller's thread, as `distorted_ahead` does in one of its own."""
    for number, (start, x, y, weight) in enumerate(chunks):
        rng = generator(seed, AUGMENT, epoch, number)
        yield start, np.array(augment.distort(x, rng), x.dtype), y, weight


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"dropout": (0.2, 0.1)},
        {"class_weight": "balanced"},
        {"batch_size": None},
        {"early_stopping": True},
    ],
    ids=str,
)
def test_results_do_not_depend_on_the_worker_thread(parameters, monkeypatch, make, rows):
    threaded = make(**parameters).fit(*rows)
    monkeypatch.setattr(engine, "distorted_ahead", in_turn)
    assert_same_model(threaded, make(**parameters).fit(*rows))


def test_a_chunk_stays_as_it_is_while_the_next_is_made(digits):
    X, y = digits

    class Same:  # returns the very rows it was given
        n_calls = 0

        def distort(self, X, rng):
            self.n_calls += 1
            return X

    augment, data = Same(), Data(X, y, 10)
    chunks = data.gathered(data.rows, None, 10, 18, 20 * X[0].nbytes)
    for number, (start, x, targets, _) in enumerate(distorted_ahead(chunks, augment, 0, 0)):
        deadline = time.monotonic() + 30
        while augment.n_calls < min(number + 2, 15):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        np.testing.assert_array_equal(x, X[start : start + 20])
        np.testing.assert_array_equal(targets.argmax(axis=1), y[start : start + 20])
    assert number == 14


def test_sample_weights_reach_the_rows_they_belong_to(make, rows):
    X, y = rows
    weight = (np.arange(len(X)) % 2).astype(float)
    one = make(augment=ImageAugmenter(), dropout=0.0).fit(X, y, sample_weight=weight)
    other = make(augment=None, dropout=0.0).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(weights_of(one), weights_of(other))


def test_an_error_in_training_leaves_no_thread_behind(small, digits):
    class Fails(L2):
        def shrink(self, w, rate):
            raise ValueError("no step")

    before = threading.active_count()
    with pytest.raises(ValueError, match="no step") as caught:
        small(augment=ImageAugmenter(), penalty=Fails(), lmbda=1.0).fit(*digits)
    assert threading.active_count() == before
    assert caught.value.__traceback__ is not None  # which holds on to the frames of the fit


def test_numbers_that_are_not_finite_name_the_augmenter(small, digits):
    class Spoils:
        def distort(self, X, rng):
            return X * np.nan

    with pytest.raises(ValueError) as error:
        small(augment=Spoils()).fit(*digits)
    assert str(error.value) == (
        "`augment.distort` must return finite numbers; got NaN or infinity."
    )


def test_distorted_rows_have_the_dtype_and_the_order_that_the_network_needs():
    """An augmenter may return float64 in any order for rows of float32."""

    class Turns:
        def distort(self, X, rng):
            return np.asfortranarray(X, dtype=np.float64)

    X = np.arange(12, dtype=np.float32).reshape(4, 3)
    chunks = iter([(0, X, np.zeros((4, 1), np.float32), None)])
    ((start, x, _, weight),) = distorted_ahead(chunks, Turns(), 0, 0)
    assert (start, weight) == (0, None)
    np.testing.assert_array_equal(x, X)
    assert x.dtype == np.float32
    assert x.flags.c_contiguous


def test_distortions_run_in_a_thread_of_their_own(small, digits):
    augment = Recorder()
    small(augment=augment, max_iter=1).fit(*digits)
    assert threading.main_thread() not in augment.threads


def test_every_row_is_distorted_once_an_epoch(small, digits):
    X, y = digits
    augment = Recorder()
    small(augment=augment, max_iter=2).fit(X, y)
    assert len(augment.seen) > 2
    seen = np.concatenate(augment.seen)
    assert len(seen) == 2 * len(X)
    for epoch in (seen[: len(X)], seen[len(X) :]):
        np.testing.assert_array_equal(np.sort(epoch, axis=0), np.sort(X, axis=0))


def test_each_epoch_draws_new_distortions(digits):
    X, y = digits
    drawn = []

    class Draws:
        def distort(self, X, rng):
            drawn.append(rng.random())
            return X

    MLPSigmoidClassifier(5, augment=Draws(), max_iter=3, random_state=0).fit(X, y)
    MLPSigmoidClassifier(5, augment=Draws(), max_iter=3, random_state=0).fit(X, y)
    assert len(set(drawn)) == len(drawn) // 2 >= 3
    assert drawn[: len(drawn) // 2] == drawn[len(drawn) // 2 :]


def test_an_augmenter_that_changes_nothing_trains_as_without(small, rows):
    np.testing.assert_allclose(
        weights_of(small(augment=ImageAugmenter()).fit(*rows)),
        weights_of(small().fit(*rows)),
        rtol=1e-12,
    )


def test_no_distorted_row_reaches_validation_or_predict(small, digits):
    X, y = digits
    seen = []

    def scorer(estimator, X, y):
        seen.append(X.copy())
        return estimator.score(X, y)

    augment = Recorder()
    clf = small(augment=augment, early_stopping=True, scoring=scorer, max_iter=2).fit(X, y)
    validation = X[clf.validation_indices_]
    assert all((rows == validation).all() for rows in seen)
    distorted = {row.tobytes() for rows in augment.seen for row in rows}
    assert not distorted & {row.tobytes() for row in validation if (row == X).all(1).sum() == 1}
    n_seen = len(augment.seen)
    clf.predict_proba(X)
    assert len(augment.seen) == n_seen


def test_given_and_monitored_rows_are_left_alone(small, digits):
    X, y = digits
    clf = small(augment=ImageAugmenter(rotation=90), monitor_samples=None, max_iter=2)
    clf.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    assert clf.history_["validation_accuracy"][-1] == clf.score(X[200:], y[200:])
    assert clf.history_["train_accuracy"][-1] == clf.score(X[:200], y[:200])


def test_amounts_are_tunable(small, digits):
    clf = small(augment=ImageAugmenter(elastic_sigma=2, keep_in_frame=False), max_iter=1)
    grid = {"augment__elastic": [0.0, 0.4], "augment__rotation": [0, 5]}
    search = GridSearchCV(clf, grid, cv=2, error_score="raise").fit(*digits)
    assert search.best_estimator_.augment.elastic in (0.0, 0.4)


@pytest.mark.parametrize("augment", [3, "gentle", object(), ImageAugmenter])
def test_an_augmenter_without_distort_is_an_error(augment, small, digits):
    with pytest.raises(
        TypeError, match=r"`augment` must be None or an object with `distort`.*got"
    ):
        small(augment=augment).fit(*digits)


@pytest.mark.parametrize("augment", [ImageAugmenter, ImageAugmenter.gentle])
def test_an_augmenter_that_lacks_its_brackets_is_told_so(augment, small, digits):
    with pytest.raises(TypeError, match=r"ImageAugmenter'>+; did you forget `\(\)`\?$"):
        small(augment=augment).fit(*digits)


def test_sparse_rows_cannot_be_distorted(small, digits):
    X, y = digits
    with pytest.raises(TypeError, match=r"dense rows only; got a sparse X"):
        small(augment=ImageAugmenter(shift=1)).fit(csr_matrix(X), y)


def test_rows_of_another_shape_are_an_error(small, digits):
    class Halver:
        def distort(self, X, rng):
            return X[::2]

    with pytest.raises(ValueError, match=r"rows of the shape it is given, \(20, 64\); got \(10"):
        small(augment=Halver()).fit(*digits)


def test_an_error_of_the_augmenter_reaches_the_caller(small, digits):
    clf = small().fit(*digits)
    before = weights_of(clf)
    with pytest.raises(ValueError, match="rotation"):
        clf.set_params(augment=ImageAugmenter(rotation=-1)).fit(*digits)
    np.testing.assert_array_equal(weights_of(clf), before)
