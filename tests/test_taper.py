"""Tapers that follow `max_iter`: warm starts, streams, resumed trainings, halving searches."""

import numpy as np
import pytest
from helpers import assert_same_model
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - it makes the import work
from sklearn.model_selection import HalvingGridSearchCV

from sknielsen.schedules import Taper


def etas(clf):
    return np.round(clf.history_["eta"], 6).tolist()


def test_it_falls_over_the_epochs_of_a_fit(small, digits):
    clf = small(eta=0.8, max_iter=4, eta_schedule="taper").fit(*digits)
    assert etas(clf) == [0.8, 0.6, 0.4, 0.2]


def test_a_warm_fit_is_a_second_descent(small, digits):
    clf = small(eta=0.8, max_iter=4, eta_schedule="taper", warm_start=True).fit(*digits)
    assert etas(clf.fit(*digits)) == 2 * [0.8, 0.6, 0.4, 0.2]


def test_a_stream_begins_anew_and_never_freezes(small, digits):
    fitted = small(max_iter=4, eta_schedule="taper").fit(*digits)
    streamed = small(max_iter=4, eta_schedule="taper")
    for _ in range(4):
        streamed.partial_fit(*digits, classes=range(10))
    assert_same_model(fitted, streamed)
    with pytest.warns(
        UserWarning, match="over the 4 epochs of `max_iter`, and begins anew"
    ) as told:
        for _ in range(6):
            streamed.partial_fit(*digits)
    assert len(told) == 1
    assert (
        streamed.history_["eta"][4:] == streamed.history_["eta"][:4] + fitted.history_["eta"][:2]
    )


def test_with_a_number_it_falls_once_and_stays(small, digits):
    clf = small(eta=0.8, max_iter=4, eta_schedule=Taper(n_epochs=2), warm_start=True)
    assert etas(clf.fit(*digits).fit(*digits)) == [0.8] + 7 * [0.4]


@pytest.mark.parametrize("form", ["linear", "exponential", "inverse"])
def test_every_form_begins_anew(form):
    schedule = Taper(form)
    once = [schedule(epoch, {}, 0.5, 5) for epoch in range(5)]
    assert once[0] == 0.5
    assert once == sorted(once, reverse=True)
    assert [schedule(epoch, {}, 0.5, 5) for epoch in range(5, 15)] == 2 * once


@pytest.mark.parametrize("n_epochs", [0, 2.5, "3", True])
def test_a_wrong_number_of_epochs_is_named(n_epochs):
    with pytest.raises((TypeError, ValueError), match="n_epochs of Taper must be an integer"):
        Taper(n_epochs=n_epochs)(0, {}, 0.5, 30)


def test_a_training_resumed_with_another_max_iter_falls_over_that(small, digits, tmp_path):
    callbacks = pytest.importorskip("sknielsen.callbacks", reason="scikit-learn before 1.9")

    class Ends:
        def setup(self, estimator, context): ...
        def on_fit_task_begin(self, estimator, context): ...
        def teardown(self, estimator, context): ...
        def on_fit_task_end(self, estimator, context):
            return context.task_name == "epoch" and estimator.n_iter_ == 2

    path, given = tmp_path / "checkpoint.npz", {"eta": 0.8, "eta_schedule": "taper"}
    clf = small(max_iter=4, **given).set_callbacks(callbacks.Checkpoint(path), Ends())
    clf.fit(*digits)
    resumed = callbacks.resume(small(max_iter=8, **given), path, *digits)
    assert etas(resumed) == [0.8, 0.6, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    same = callbacks.resume(small(max_iter=4, **given), path, *digits)
    assert_same_model(same, small(max_iter=4, **given).fit(*digits))


def test_in_a_halving_search_over_max_iter_each_candidate_falls_over_its_own(small, digits):
    search = HalvingGridSearchCV(
        small(eta_schedule="taper"),
        {"eta": [0.1, 0.5, 1.0]},
        resource="max_iter",
        min_resources=2,
        max_resources=6,
        factor=3,
        cv=2,
        random_state=0,
    ).fit(*digits)
    best = search.best_estimator_
    assert len(best.history_["eta"]) == best.max_iter
    assert best.eta_ == pytest.approx(best.eta / best.max_iter)
