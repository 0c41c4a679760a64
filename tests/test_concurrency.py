"""Threads, forks, searches and event loops around one classifier.

Whoever predicts or trains beside whom: results are those of one thread, bit for bit, and BLAS has
as many threads afterwards as before.
"""

import asyncio
import copy
import json
import os
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context

import numpy as np
import pytest
from helpers import assert_same_model, weights_of
from joblib import parallel_config
from processes import NIGHTLY, PATIENCE, Fork, blas_counts, blas_libraries
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from stages import STAGES, disturbed, network

from sknielsen import ImageAugmenter

pytestmark = pytest.mark.net

N_FORKS = 500 if NIGHTLY else 60
N_FITS = 3000 if NIGHTLY else 300

METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")


def forks(test):
    """Mark a test that forks while threads are running, of which Python 3.12 and newer warn."""
    warning = "ignore:This process .* is multi-threaded, use of fork:DeprecationWarning"
    needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    return needs_fork(pytest.mark.filterwarnings(warning)(test))


@pytest.fixture(autouse=True)
def blas_counts_stay():
    """Force two BLAS threads, and see that there are two again after the test."""
    with blas_libraries().limit(limits=2):
        before = blas_counts()
        yield before
        assert blas_counts() == before


@pytest.fixture
def often():
    """Let threads take turns as often as Python can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture
def fitted(digits):
    X, y = digits
    return network().fit(X[:100], y[:100])


@contextmanager
def without_pause(call, n_threads=1):
    """Let threads repeat a call until the block is left; what it raises is raised then."""
    running, stop = threading.Barrier(n_threads + 1), threading.Event()

    def repeat():
        call()
        running.wait(PATIENCE)
        while not stop.is_set():
            call()

    with ThreadPoolExecutor(n_threads) as pool:
        futures = [pool.submit(repeat) for _ in range(n_threads)]
        try:
            running.wait(PATIENCE)
            yield
        finally:
            stop.set()
    for future in futures:
        future.result()


def assert_probabilities(probabilities):
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_the_network_of_these_tests_is_trained_with_one_blas_thread(digits):
    seen = []
    disturbed("cost", lambda: seen.append(set(blas_counts()))).fit(*digits)
    _, _, *in_training = seen  # before training `value` and `delta` of the cost are tried
    assert in_training and set().union(*in_training) == {1}


# --- threads ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_units", [8, 500, 10_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_that_predict_get_what_one_thread_gets(n_units, dtype, digits, often):
    X, y = digits[0][:100].astype(dtype), digits[1][:100]
    clf = network(hidden_layer_sizes=(n_units,), max_iter=1).fit(X, y)
    expected = [getattr(clf, method)(X) for method in METHODS]
    together = threading.Barrier(8)

    def predict():
        together.wait(PATIENCE)
        return [getattr(clf, method)(X) for method in METHODS]

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(predict) for _ in range(8)]
    for future in futures:
        for one, other in zip(future.result(), expected, strict=True):
            np.testing.assert_array_equal(one, other)


TRAININGS = {
    "plain": {},
    "tiny": {"hidden_layer_sizes": (8,)},
    "early stopping, momentum, dropout": {
        "early_stopping": True,
        "momentum": 0.5,
        "dropout": 0.2,
    },
    "fresh distortions": {"augment": ImageAugmenter((8, 8), rotation=10, keep_in_frame=False)},
    "Ctrl-C keeps the model": {"on_interrupt": "keep"},
}


@pytest.mark.parametrize("parameters", TRAININGS.values(), ids=TRAININGS)
def test_threads_that_fit_clones_get_what_fits_in_turn_get(parameters, digits, often):
    original = network(**parameters)

    def fit(seed):
        clf = clone(original).set_params(random_state=seed)
        return clf.fit(*digits).partial_fit(*digits, X_val=digits[0] + 0.01, y_val=digits[1])

    expected = [fit(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(pool.map(fit, range(4)), expected, strict=True):
            assert_same_model(one, other)


def test_predictions_beside_partial_fit_on_the_same_model_are_finite(digits, often):
    X, y = digits
    clf = network().partial_fit(X[:20], y[:20], np.unique(y))
    expected = copy.deepcopy(clf)
    with without_pause(lambda: assert_probabilities(clf.predict_proba(X[:20])), n_threads=2):
        for _ in range(N_FITS):
            clf.partial_fit(X[:20], y[:20])
    for _ in range(N_FITS):
        expected.partial_fit(X[:20], y[:20])
    assert_same_model(clf, expected)


def test_predictions_beside_a_partial_fit_that_fails_are_finite(digits, often):
    X, y = digits
    clf = network().fit(X[:100], y[:100])
    expected = clf.predict_proba(X[:20])

    def predict():
        np.testing.assert_array_equal(clf.predict_proba(X[:20]), expected)

    with without_pause(predict, n_threads=2):
        for _ in range(N_FITS):
            with pytest.raises(ValueError, match="not among the classes"):
                clf.partial_fit(X[:20], y[:20] + 100)


class Onlooker:
    """Predict with a classifier, which may be unfitted; remember what came of it."""

    def __init__(self, X):
        self.X, self.outcomes = X, set()

    def predict(self, clf):
        try:
            assert_probabilities(clf.predict_proba(self.X))
            self.outcomes.add("finite")
        except NotFittedError as error:
            assert "is not fitted yet" in str(error)
            self.outcomes.add("not fitted")


@pytest.mark.parametrize("fitted_before", [False, True])
def test_predictions_beside_fits_are_finite_or_say_that_nothing_is_fitted(
    fitted_before, digits, often
):
    X, y = digits[0][:30], digits[1][:30]
    clf, onlooker = network(max_iter=1), Onlooker(X)
    if fitted_before:
        clf.fit(X, y)
    with without_pause(lambda: onlooker.predict(clf)):
        for _ in range(N_FITS):
            if not fitted_before:
                clf = network(max_iter=1)
            clf.fit(X, y)
    assert "finite" in onlooker.outcomes


@pytest.mark.parametrize("fitted_before", [False, True])
@pytest.mark.parametrize("fit", ["fit", "partial_fit"])
@pytest.mark.parametrize("stage", STAGES)
def test_at_each_stage_of_training_another_thread_gets_finite_values_or_not_fitted(
    stage, fit, fitted_before, split
):
    (X, y), validation = split
    onlooker = Onlooker(X)

    def predict_in_another_thread():
        with ThreadPoolExecutor(1) as pool:
            pool.submit(onlooker.predict, clf).result()

    clf = disturbed(stage, predict_in_another_thread)
    if fitted_before:
        clf.fit(X, y, **validation)
        onlooker.outcomes.clear()
    classes = {"classes": np.unique(y)} if fit == "partial_fit" else {}
    getattr(clf, fit)(X, y, **classes, **validation)
    if fitted_before and fit == "partial_fit":
        assert onlooker.outcomes == (set() if stage == "weight_init" else {"finite"})
    else:
        assert onlooker.outcomes


def test_one_model_serves_threads_while_others_are_trained(fitted, digits, often):
    X, y = digits
    expected = fitted.predict_proba(X[:20])
    whole = network(random_state=1).fit(X, y)

    def predict():
        np.testing.assert_array_equal(fitted.predict_proba(X[:20]), expected)

    with without_pause(predict, n_threads=2):
        for _ in range(10):
            assert_same_model(network(random_state=1).fit(X, y), whole)


# --- joblib and asyncio -------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_cross_validation_in_parallel_scores_as_in_turn(backend, digits):
    in_turn = cross_val_score(network(), *digits, cv=4)
    with parallel_config(backend=backend):
        np.testing.assert_array_equal(cross_val_score(network(), *digits, cv=4, n_jobs=2), in_turn)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_search_in_parallel_finds_what_it_finds_in_turn(backend, digits):
    grid = {"eta": [0.1, 0.5], "hidden_layer_sizes": [(8,), (500,)]}
    in_turn = GridSearchCV(network(), grid, cv=2).fit(*digits)
    with parallel_config(backend=backend):
        parallel = GridSearchCV(network(), grid, cv=2, n_jobs=2).fit(*digits)
    for scores in ("mean_test_score", "std_test_score"):
        np.testing.assert_array_equal(parallel.cv_results_[scores], in_turn.cv_results_[scores])
    assert parallel.best_params_ == in_turn.best_params_
    assert_same_model(parallel.best_estimator_, in_turn.best_estimator_)


@pytest.mark.parametrize("way", ["run_in_executor", "to_thread"])
def test_an_event_loop_predicts_and_trains_in_threads(way, fitted, digits):
    X, y = digits
    expected = fitted.predict_proba(X)
    trained = network().fit(X, y)

    async def serve():
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(4) as pool:

            def start(function, *arguments):
                if way == "to_thread":
                    return asyncio.to_thread(function, *arguments)
                return loop.run_in_executor(pool, function, *arguments)

            requests = [start(fitted.predict_proba, X) for _ in range(20)]
            return await asyncio.gather(start(network().fit, X, y), *requests)

    clf, *predictions = asyncio.run(serve())
    assert_same_model(clf, trained)
    for probabilities in predictions:
        np.testing.assert_array_equal(probabilities, expected)


# --- forks --------------------------------------------------------------------------------------


def trains_as(clf, weights, X, y):
    """Train a copy of a classifier on rows; tell whether this gives the weights expected."""
    return bool((weights_of(copy.deepcopy(clf).partial_fit(X, y)) == weights).all())


@forks
@pytest.mark.parametrize(
    ("beside", "n_forks"), [("predict", N_FORKS), ("partial_fit", N_FORKS // 3)]
)
def test_children_forked_beside_a_busy_thread_predict_and_train(
    beside, n_forks, fitted, digits, blas_counts_stay, often
):
    X, y = digits[0][:20], digits[1][:20]
    expected = fitted.predict_proba(X)
    weights = weights_of(copy.deepcopy(fitted).partial_fit(X, y))
    in_training = copy.deepcopy(fitted)
    calls = {
        "predict": lambda: fitted.predict(X),
        "partial_fit": lambda: in_training.partial_fit(X, y),
    }
    counts_at_forks = set()

    def work():
        same_prediction = bool((fitted.predict_proba(X) == expected).all())
        return same_prediction, trains_as(fitted, weights, X, y), blas_counts()

    with without_pause(calls[beside]):
        for _ in range(n_forks):
            counts_at_forks.update(blas_counts())
            with Fork(work) as child:
                assert child.answer() == (True, True, blas_counts_stay)
    assert 1 in counts_at_forks  # else the forks would not come while BLAS is held at one thread


def predict_and_count(clf, X):
    """Predict in a process of a pool; count its BLAS threads."""
    return clf.predict_proba(X), blas_counts()


@forks
def test_pools_forked_beside_predicting_threads_predict(fitted, digits, blas_counts_stay, often):
    parts = [digits[0][start : start + 30] for start in range(0, 300, 30)]
    expected = [fitted.predict_proba(part) for part in parts]
    tasks = [(fitted, part) for part in parts]
    with without_pause(lambda: fitted.predict(parts[0]), n_threads=2):
        for _ in range(N_FORKS // 6):
            with get_context("fork").Pool(4) as pool:
                answers = pool.starmap_async(predict_and_count, tasks).get(PATIENCE)
            for (probabilities, counts), part in zip(answers, expected, strict=True):
                np.testing.assert_array_equal(probabilities, part)
                assert counts == blas_counts_stay


def serve(clf, X, connection):
    """Answer a line that holds the number of a row by its class, in threads; the last is empty."""
    lines = connection.makefile("r")
    lock = threading.Lock()

    def answer(row):
        label = int(clf.predict(X[row : row + 1])[0])
        with lock:
            connection.sendall(f"{json.dumps([row, label])}\n".encode())

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(answer, int(line)) for line in iter(lines.readline, "\n")]:
            future.result()
    return blas_counts()


@forks
def test_workers_forked_by_a_server_that_has_predicted_in_threads_serve_in_threads(
    fitted, digits, blas_counts_stay, often
):
    X = digits[0]
    expected = fitted.predict(X).tolist()
    requests = "".join(f"{row}\n" for row in range(300)).encode() + b"\n"
    with ExitStack() as stack:
        workers = []
        pool = stack.enter_context(ThreadPoolExecutor(4))
        assert list(pool.map(lambda row: fitted.predict(X[[row]])[0], range(300))) == expected
        with without_pause(lambda: pool.submit(fitted.predict, X[:20]).result()):
            for _ in range(8):
                ours, theirs = socket.socketpair()
                ours.settimeout(PATIENCE)
                child = Fork(lambda end=theirs: serve(fitted, X, end))
                workers.append((stack.enter_context(ours), stack.enter_context(child)))
                theirs.close()
        for connection, _ in workers:
            connection.sendall(requests)
        for connection, child in workers:
            with connection.makefile("r") as lines:
                answers = sorted(json.loads(lines.readline()) for _ in range(300))
            assert [label for _, label in answers] == expected
            assert child.answer() == blas_counts_stay


@forks
@pytest.mark.parametrize("stage", STAGES)
def test_a_child_forked_inside_a_fit_predicts_with_another_model_and_the_fit_goes_on(
    stage, fitted, split
):
    rows, validation = split
    expected = fitted.predict_proba(rows[0])
    answers = []

    def fork_once():
        if not answers:
            with Fork(lambda: bool((fitted.predict_proba(rows[0]) == expected).all())) as child:
                answers.append(child.answer())

    clf = disturbed(stage, fork_once).fit(*rows, **validation)
    assert answers == [True]
    assert_same_model(clf, disturbed(stage, lambda: None).fit(*rows, **validation))


@forks
@pytest.mark.parametrize("stage", STAGES[:-1])  # the thread that distorts is not in the child
def test_a_fit_forked_in_the_middle_ends_alike_in_parent_and_child(stage, split, blas_counts_stay):
    rows, validation = split
    whole = weights_of(disturbed(stage, lambda: None).fit(*rows, **validation))
    children = []

    def fork_once():
        if not children:
            children.append(Fork())

    try:
        clf = disturbed(stage, fork_once).fit(*rows, **validation)
        outcome = bool((weights_of(clf) == whole).all()), blas_counts()
    finally:
        if children and children[0].pid == 0:
            children[0].finish(lambda: outcome)
    with children[0] as child:
        assert child.answer() == outcome
    assert outcome == (True, blas_counts_stay)
