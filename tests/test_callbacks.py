import contextlib
import functools
import gc
import json
import os
import pickle
import re
import shutil
import signal
import warnings
import zipfile
from multiprocessing import get_context

import numpy as np
import pandas as pd
import pytest
from helpers import assert_same_model, weights_of
from scipy.sparse import coo_matrix, csr_array
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")

import interrupted_training
from sklearn.callback import ProgressBar, ScoringMonitor

from sknielsen import ImageAugmenter, __version__, _checkpoint
from sknielsen.callbacks import Checkpoint, EarlyStopping, ValidationMonitor, resume
from sknielsen.schedules import Plateau


class Recorder:
    """Record the names of the hooks called and what they were given; stop after some epochs."""

    def __init__(self, stop_after=None, fail_in=None):
        self.stop_after, self.fail_in = stop_after, fail_in
        self.calls, self.X, self.y, self.metadata, self.fitted = [], [], [], [], []

    def call(self, name, context=None):
        self.calls.append(name if context is None else f"{name} {context.task_name}")
        if self.calls[-1] == self.fail_in:
            raise RuntimeError("a failing callback")

    def setup(self, estimator, context):
        self.call("setup")

    def on_fit_task_begin(self, estimator, context):
        self.call("begin", context)

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.call("end", context)
        if context.task_name == "epoch":
            for record, value in zip(
                (self.X, self.y, self.metadata, self.fitted), (X, y, metadata, fitted_estimator)
            ):
                record.append(value)
        return len(self.X) == self.stop_after

    def teardown(self, estimator, context):
        self.call("teardown")


class Pickler(Recorder):
    """Pickle the estimator, and the fitted copy of it, after each epoch."""

    def __init__(self):
        super().__init__()
        self.saved = []

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name == "epoch":
            self.fitted.append(pickle.dumps(fitted_estimator))
            self.saved.append(pickle.dumps(estimator))


class Keep:
    """Copy a checkpoint after each epoch."""

    def __init__(self, path):
        self.path, self.copies = path, []

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            self.copies.append(f"{self.path}.{len(self.copies) + 1}")
            shutil.copy(self.path, self.copies[-1])

    def teardown(self, estimator, context):
        pass


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoint.npz"


@pytest.fixture
def parts(digits):
    X, y = digits
    return (X[:200], y[:200]), {"X_val": X[200:], "y_val": y[200:]}


# --- scikit-learn's callbacks -----------------------------------------------------------------


def test_hooks_are_called_for_the_fit_and_for_each_epoch(small, digits):
    recorder = Recorder()
    small(max_iter=2).set_callbacks(recorder).fit(*digits)
    epoch = ["begin epoch", "end epoch"]
    assert recorder.calls == ["setup", "begin fit", *epoch, *epoch, "end fit", "teardown"]


def test_hooks_are_called_for_the_epoch_of_a_partial_fit(small, digits):
    recorder, (X, y) = Recorder(stop_after=1), digits
    clf = small().partial_fit(X, y, classes=range(10)).set_callbacks(recorder)
    clf.partial_fit(X, y)
    ends = ["end epoch", "end partial_fit", "teardown"]
    assert recorder.calls == ["setup", "begin partial_fit", "begin epoch", *ends]
    assert clf.n_iter_ == 2


def test_hooks_are_called_for_the_epochs_a_warm_start_adds(small, digits):
    clf = small(max_iter=2, warm_start=True).fit(*digits)
    recorder = Recorder()
    clf.set_callbacks(recorder).fit(*digits)
    assert recorder.calls.count("end epoch") == 2
    assert [fitted.n_iter_ for fitted in recorder.fitted] == [3, 4]


@pytest.mark.parametrize("parameters", [{}, {"early_stopping": True, "momentum": 0.5}])
def test_callbacks_that_look_on_change_nothing(parameters, small, digits):
    watched = small(**parameters).set_callbacks(Recorder(), ScoringMonitor(scoring="accuracy"))
    assert_same_model(watched.fit(*digits), small(**parameters).fit(*digits))
    assert set(vars(watched)) - set(vars(small(**parameters).fit(*digits))) == {"_skl_callbacks"}


def test_the_fitted_estimator_of_an_epoch_is_a_copy_as_if_training_had_stopped(small, digits):
    recorder, (X, y) = Recorder(), digits
    frame = pd.DataFrame(X).rename(columns=str)  # names of features must not be missed either
    data = dict(X=frame[:200], y=y[:200], X_val=frame[200:], y_val=y[200:])
    parameters = dict(momentum=0.5, warm_start=True)
    first = small(max_iter=2, **parameters).fit(**data)
    pickle.loads(pickle.dumps(first)).set_params(max_iter=3).set_callbacks(recorder).fit(**data)
    assert len(recorder.fitted) == 3
    for n_epochs, fitted in enumerate(recorder.fitted, start=1):
        stopped = pickle.loads(pickle.dumps(first)).set_params(max_iter=n_epochs).fit(**data)
        assert_same_model(fitted, stopped)
        names, expected = ({n for n in vars(clf) if n.endswith("_")} for clf in (fitted, stopped))
        assert names == expected
        for name in ("best_score_", "best_epoch_", "epoch_"):
            assert getattr(fitted, name) == getattr(stopped, name)
        np.testing.assert_array_equal(fitted.predict_proba(frame), stopped.predict_proba(frame))
        assert_same_model(fitted.set_callbacks().partial_fit(**data), stopped.partial_fit(**data))


def test_hooks_see_the_training_rows_without_those_split_off(small, digits):
    recorder, (X, y) = Recorder(), digits
    weight = np.linspace(1, 2, len(y))
    clf = small(early_stopping=True, max_iter=1).set_callbacks(recorder)
    clf.fit(X, y, sample_weight=weight)
    rows = np.setdiff1d(np.arange(len(y)), clf.validation_indices_)
    order = np.argsort(recorder.metadata[0]["sample_weight"])  # weights tell the rows
    np.testing.assert_array_equal(recorder.X[0][order], X[rows])
    np.testing.assert_array_equal(recorder.y[0][order], y[rows])
    np.testing.assert_array_equal(recorder.metadata[0]["sample_weight"][order], weight[rows])


def test_hooks_see_the_very_data_given_when_none_are_split_off(small, digits):
    recorder, (X, y) = Recorder(), digits
    small(max_iter=1).set_callbacks(recorder).fit(X, y)
    assert recorder.X[0] is X
    assert recorder.metadata == [None]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_callback_ends_each_training_of_a_search(n_jobs, small, digits):
    stopper = EarlyStopping(time_limit=1e-9)
    pipeline = Pipeline([("s", MinMaxScaler()), ("clf", small().set_callbacks(stopper))])
    grid = {"clf__eta": [0.1, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs, error_score="raise").fit(*digits)
    pipeline = Pipeline([("s", MinMaxScaler()), ("clf", small(max_iter=1))])
    expected = GridSearchCV(pipeline, grid, cv=2).fit(*digits)
    assert search.best_estimator_[-1].n_iter_ == 1
    scores = [s.cv_results_["mean_test_score"] for s in (search, expected)]
    np.testing.assert_allclose(*scores)


def test_every_callback_is_asked_where_several_would_end_training(small, digits, path):
    stoppers = Recorder(stop_after=2), EarlyStopping(time_limit=1e9), Recorder(stop_after=2)
    clf = small(max_iter=9).set_callbacks(*stoppers, Checkpoint(path)).fit(*digits)
    assert [stoppers[0].calls, clf.n_iter_] == [stoppers[2].calls, 2]
    with np.load(path) as archive:
        assert json.loads(archive["checkpoint.json"])["n_epochs"] == 2


def test_ctrl_c_ends_training_and_callbacks_are_told(small, digits):
    class Interrupts(Recorder):
        def on_fit_task_begin(self, estimator, context):
            super().on_fit_task_begin(estimator, context)
            if self.calls.count("begin epoch") == 3:
                raise KeyboardInterrupt

    recorder = Interrupts()
    with pytest.warns(UserWarning, match="interrupted after epoch 2"):
        clf = small(max_iter=9, on_interrupt="keep").set_callbacks(recorder).fit(*digits)
    assert_same_model(clf, small(max_iter=2).fit(*digits))
    assert recorder.calls[-2:] == ["end fit", "teardown"]


def test_a_callback_ends_training(small, digits):
    clf = small(max_iter=9).set_callbacks(Recorder(stop_after=2)).fit(*digits)
    assert_same_model(clf, small(max_iter=2).fit(*digits))


def test_the_best_weights_are_restored_when_a_callback_ends_training(small, parts):
    training, validation = parts
    recorder = Recorder(stop_after=8)
    clf = small(early_stopping=True, eta=3.0, max_iter=20).set_callbacks(recorder)
    clf.fit(*training, **validation)
    assert clf.n_iter_ == 8
    assert clf.best_epoch_ == clf.epoch_ < 8
    np.testing.assert_array_equal(weights_of(clf), weights_of(recorder.fitted[clf.epoch_ - 1]))


@pytest.mark.parametrize("hook", ["setup", "begin fit", "begin epoch", "end epoch", "end fit"])
def test_a_failing_callback_leaves_the_model_as_it_was_and_is_torn_down(hook, small, digits):
    clf = small(max_iter=2).fit(*digits)
    before = dict(vars(clf))
    recorder = Recorder(fail_in=hook)
    with pytest.raises(RuntimeError, match="a failing callback"):
        clf.set_callbacks(recorder).fit(*digits)
    assert recorder.calls[-1] == "teardown"
    clf.set_callbacks()
    assert list(vars(clf)) == list(before)
    assert all(vars(clf)[name] is before[name] for name in before)


def test_invalid_data_reach_no_callback(small, digits):
    recorder = Recorder()
    with pytest.raises(ValueError, match="NaN"):
        small().set_callbacks(recorder).fit(digits[0] * np.nan, digits[1])
    assert recorder.calls == []


def test_clones_keep_callbacks_and_pickles_too(small, digits):
    monitor = ScoringMonitor(scoring="accuracy")
    clf = small(max_iter=1).set_callbacks(monitor)
    assert clone(clf)._skl_callbacks == [monitor]
    clf.fit(*digits)
    restored = pickle.loads(pickle.dumps(clf))
    assert_same_model(restored, clf)
    restored.fit(*digits)
    assert len(restored._skl_callbacks[0].get_logs(select="all")) == 2


def test_an_estimator_can_be_pickled_by_a_hook(small, digits):
    clf = small(max_iter=2).set_callbacks(Pickler()).fit(*digits)
    [pickler] = clf._skl_callbacks
    saved = pickle.loads(pickler.saved[0])
    assert_same_model(pickle.loads(pickler.fitted[0]), small(max_iter=1).fit(*digits))
    np.testing.assert_array_equal(weights_of(saved), weights_of(small(max_iter=1).fit(*digits)))
    assert not hasattr(saved, "_training")
    assert_same_model(saved.set_callbacks().fit(*digits), small(max_iter=2).fit(*digits))


def test_scoring_monitor_scores_each_epoch_and_the_fit(small, digits):
    monitor = ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    clf = small(max_iter=3).set_callbacks(monitor).fit(*digits)
    fit, *epochs = monitor.get_logs().data
    assert [row["task_name"] for row in epochs] == ["epoch"] * 3
    assert [row["accuracy"] for row in epochs] == clf.history_["train_accuracy"]
    assert fit["accuracy"] == clf.score(*digits)


def test_scoring_monitor_works_in_a_pipeline(small, digits):
    monitor = ScoringMonitor(scoring="accuracy")
    pipeline = Pipeline([("s", MinMaxScaler()), ("clf", small().set_callbacks(monitor))])
    pipeline.fit(*digits)
    scores = [row["accuracy"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert scores == pipeline[-1].history_["train_accuracy"]


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("monitor_class", [ScoringMonitor, ValidationMonitor])
def test_monitors_work_in_a_search(monitor_class, n_jobs, small, digits):
    monitor = monitor_class(scoring="accuracy")
    clf = small(max_iter=2, early_stopping=True).set_callbacks(monitor)
    pipeline = Pipeline([("s", MinMaxScaler()), ("clf", clf)])
    grid = {"clf__eta": [0.1, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs, error_score="raise").fit(*digits)
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(epochs) == (2 * 2 + 1) * 2  # candidates, folds and the refit, of two epochs
    name = "train_accuracy" if monitor_class is ScoringMonitor else "validation_accuracy"
    refit = [row["accuracy"] for row in epochs if row["task_id_path"][1] == 1]
    assert refit == search.best_estimator_[-1].history_[name]


def test_progress_bar_shows_the_epochs(small, digits, capsys):
    small().set_callbacks(ProgressBar()).fit(*digits)
    shown = capsys.readouterr().out
    assert "MLPSigmoidClassifier - fit" in shown
    assert "100%" in shown


def test_progress_bar_shows_a_pipeline(small, digits, capsys):
    pipeline = Pipeline([("s", StandardScaler()), ("clf", small())])
    pipeline.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(*digits)
    shown = capsys.readouterr().out
    assert "fit-final-estimator | MLPSigmoidClassifier - fit" in shown
    assert not hasattr(pipeline[-1], "_skl_callbacks")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress_bar_shows_a_search(n_jobs, small, digits, capsys):
    search = GridSearchCV(small(), {"eta": [0.1, 1.0]}, cv=2, n_jobs=n_jobs, error_score="raise")
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(*digits)
    shown = capsys.readouterr().out
    assert shown.count("candidate-split-evaluation | MLPSigmoidClassifier - fit") >= 4
    assert "refit-with-best-params | MLPSigmoidClassifier - fit" in shown


# --- ValidationMonitor ------------------------------------------------------------------------


def scores_of(monitor):
    return [row["accuracy"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]


def test_validation_monitor_scores_the_validation_rows_given(small, parts):
    (X, y), validation = parts
    monitor = ValidationMonitor()
    weight = np.linspace(0, 1, 100)
    clf = small().set_callbacks(monitor).fit(X, y, **validation, sample_weight_val=weight)
    np.testing.assert_allclose(scores_of(monitor), clf.history_["validation_accuracy"])


def test_validation_monitor_scores_the_rows_split_off(small, digits):
    X, y = digits
    monitor = ValidationMonitor()
    clf = small(early_stopping=True, eta=5.0).set_callbacks(monitor)
    clf.fit(pd.DataFrame(X).rename(columns=str), y.astype(str))
    assert scores_of(monitor) == clf.history_["validation_accuracy"]
    assert monitor.get_logs().data[0]["accuracy"] == clf.best_score_


def test_validation_monitor_scores_rows_split_off_a_coo_matrix(small, digits):
    monitor = ValidationMonitor()
    clf = small(early_stopping=True).set_callbacks(monitor).fit(coo_matrix(digits[0]), digits[1])
    assert scores_of(monitor) == clf.history_["validation_accuracy"]


def test_validation_monitor_sees_the_rows_a_pipeline_scaled(small, parts):
    (X, y), validation = parts
    monitor = ValidationMonitor()
    steps = [("s", MinMaxScaler()), ("clf", small().set_callbacks(monitor))]
    with config_context(enable_metadata_routing=True):
        pipeline = Pipeline(steps, transform_input=["X_val"]).fit(X, y, **validation)
    assert scores_of(monitor) == pipeline[-1].history_["validation_accuracy"]


@pytest.mark.parametrize("callback", [ValidationMonitor(), EarlyStopping(score=0.9)])
def test_callbacks_that_need_validation_data_ask_for_them(callback, small, digits):
    with pytest.raises(ValueError, match="needs validation data: pass `X_val` and `y_val`"):
        small().set_callbacks(callback).fit(*digits)


def test_callbacks_ask_for_the_classifier(digits, path):
    for callback in (ValidationMonitor(), EarlyStopping(time_limit=1), Checkpoint(path)):
        with pytest.raises(
            TypeError,
            match=r"works on an MLPSigmoidClassifier.*LogisticRegression. Set it on",
        ):
            LogisticRegression().set_callbacks(callback).fit(*digits)


# --- EarlyStopping ----------------------------------------------------------------------------


def test_training_ends_when_the_score_is_reached(small, parts):
    training, validation = parts
    full = small(max_iter=8).fit(*training, **validation).history_["validation_score"]
    clf = small(max_iter=8).set_callbacks(EarlyStopping(score=full[3]))
    clf.fit(*training, **validation)
    n_epochs = next(n for n, score in enumerate(full, start=1) if score >= full[3])
    assert clf.history_["validation_score"] == full[:n_epochs]


def test_training_ends_when_the_time_is_over(small, digits):
    clf = small(max_iter=50).set_callbacks(EarlyStopping(time_limit=1e-9)).fit(*digits)
    assert clf.n_iter_ == 1
    clf = small(max_iter=5).set_callbacks(EarlyStopping(time_limit=1e9)).fit(*digits)
    assert clf.n_iter_ == 5


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({}, ValueError, "needs `time_limit`, `score` or both"),
        ({"time_limit": 0}, ValueError, r"`time_limit` must be a number in \(0, inf\) or None"),
        ({"score": "0.9"}, TypeError, r"`score` must be a number in \(-inf, inf\) or None"),
    ],
)
def test_early_stopping_refuses(arguments, error, match):
    with pytest.raises(error, match=match):
        EarlyStopping(**arguments)


# --- Checkpoint and resume --------------------------------------------------------------------

FULL = dict(
    momentum=0.5,
    dropout=0.2,
    early_stopping=True,
    n_iter_no_change=5,
    eta_schedule=Plateau(patience=2),
    max_iter=12,
)


def test_training_resumes_from_the_checkpoint_of_any_epoch(small, digits, path):
    keep = Keep(path)
    whole = small(**FULL).set_callbacks(Checkpoint(path), keep).fit(*digits)
    assert len(keep.copies) == whole.n_iter_ >= whole.epoch_ > 1
    assert len(set(whole.history_["eta"])) > 1  # the schedule had its say
    for copy in keep.copies:
        resumed = resume(small(**FULL), copy, *digits)
        assert_same_model(resumed, whole)
        assert resumed.best_score_ == whole.best_score_
        assert resumed.epoch_ == whole.epoch_
        assert set(vars(resumed)) == set(vars(whole)) - {"_skl_callbacks"}


def as_text(X, y):
    return X, np.array([f"digit {label}" for label in y])


CASES = {
    "plain": ({}, lambda X, y: (X, y)),
    "momentum": ({"momentum": 0.9}, lambda X, y: (X, y)),
    "float32": ({"batch_size": None}, lambda X, y: (X.astype(np.float32), y)),
    "sparse": ({"lmbda": 0.1, "penalty": "l1"}, lambda X, y: (csr_array(X), y)),
    "names": ({}, lambda X, y: (pd.DataFrame(X).rename(columns=str), y)),
    "text": ({}, as_text),
    "objects": ({"early_stopping": True}, lambda X, y: (X, as_text(X, y)[1].astype(object))),
    "multilabel": ({}, lambda X, y: (X, (y[:, None] == np.arange(10)).astype(int))),
    "binary": ({"class_weight": "balanced"}, lambda X, y: (X, y > 4)),
    "softmax": ({"cost": "log_likelihood", "class_weight": {0: 2.0}}, lambda X, y: (X, y)),
    "augment": ({"augment": ImageAugmenter(shift=1, keep_in_frame=False)}, lambda X, y: (X, y)),
    "scorer": ({"early_stopping": True, "scoring": "f1_macro"}, lambda X, y: (X, y)),
}


@pytest.mark.parametrize("case", CASES)
def test_any_kind_of_training_resumes(case, small, digits, path):
    parameters, change = CASES[case]
    data = change(*digits)
    whole = small(max_iter=5, **parameters).fit(*data)
    small(max_iter=3, **parameters).set_callbacks(Checkpoint(path)).fit(*data)
    resumed = resume(small(max_iter=5, **parameters), path, *data)
    assert_same_model(resumed, whole)
    np.testing.assert_array_equal(resumed.classes_, whole.classes_)
    assert resumed.classes_.dtype == whole.classes_.dtype
    np.testing.assert_array_equal(resumed.predict(data[0]), whole.predict(data[0]))
    assert set(vars(resumed)) == set(vars(whole))


def test_training_with_weights_and_validation_data_resumes(small, parts, path):
    training, validation = parts
    weights = {
        "sample_weight": np.linspace(0, 1, 200),
        "sample_weight_val": np.linspace(0, 1, 100),
    }
    options = {**validation, **weights}
    whole = small(max_iter=4).fit(*training, **options)
    small(max_iter=2).set_callbacks(Checkpoint(path)).fit(*training, **options)
    assert_same_model(resume(small(max_iter=4), path, *training, **options), whole)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_warm_start_resumes(early_stopping, small, digits, path):
    parameters = dict(max_iter=4, warm_start=True, early_stopping=early_stopping, momentum=0.5)
    first = small(**parameters).fit(*digits)
    for every in (1, 3):
        keep = Keep(path)
        whole = pickle.loads(pickle.dumps(first))
        whole.set_callbacks(Checkpoint(path, every=every), keep).fit(*digits)
        assert whole.n_iter_ == 8
        for copy in keep.copies:
            assert_same_model(resume(small(**parameters), copy, *digits), whole)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("n_before", [0, 3])
def test_training_resumes_from_before_its_first_epoch(
    n_before, early_stopping, small, digits, path
):
    parameters = dict(warm_start=True, early_stopping=early_stopping, momentum=0.5)
    clf = small(max_iter=n_before or 1, **parameters)
    if n_before:
        clf.set_callbacks(Checkpoint(path)).fit(*digits)
    whole = pickle.loads(pickle.dumps(clf)).set_callbacks().set_params(max_iter=4).fit(*digits)

    class Dies(Recorder):
        def on_fit_task_begin(self, estimator, context):
            if context.task_name == "epoch":
                raise RuntimeError("killed")

    stopper = EarlyStopping(score=0.0) if early_stopping else EarlyStopping(time_limit=1e-9)
    with pytest.raises(RuntimeError, match="killed"):
        clf.set_params(max_iter=4).set_callbacks(Checkpoint(path, every=9), Dies()).fit(*digits)
    resumed = resume(small(max_iter=4, **parameters), path, *digits)
    assert_same_model(resumed, whole)
    assert resumed.n_iter_ == n_before + 4
    once = resume(small(max_iter=4, **parameters).set_callbacks(stopper), path, *digits)
    assert once.n_iter_ == n_before + 1  # the score of an earlier training does not count


def test_a_resumed_training_writes_checkpoints_and_resumes_again(small, digits, path):
    whole = small(max_iter=6).fit(*digits)
    small(max_iter=2).set_callbacks(Checkpoint(path)).fit(*digits)
    resume(small(max_iter=4).set_callbacks(Checkpoint(path)), path, *digits)
    assert_same_model(resume(small(max_iter=6), path, *digits), whole)


def test_an_epoch_is_not_trained_after_early_stopping_has_ended_training(small, digits, path):
    stopper = EarlyStopping(score=0.3)
    clf = small(max_iter=9, early_stopping=True).set_callbacks(Checkpoint(path), stopper)
    clf.fit(*digits)
    assert 1 < clf.n_iter_ < 9
    again = small(max_iter=9, early_stopping=True).set_callbacks(stopper)
    assert_same_model(resume(again, path, *digits), clf)


def test_a_checkpoint_is_written_every_so_many_epochs(small, digits, path):
    keep = Keep(path)
    small(max_iter=5).set_callbacks(Checkpoint(path, every=2), keep).fit(*digits)
    written = []
    for copy in keep.copies:
        with zipfile.ZipFile(copy) as archive:
            written.append(json.loads(archive.read("checkpoint.json"))["n_epochs"])
    assert written == [0, 2, 2, 4, 5]  # and after the last one


def test_a_checkpoint_holds_json_and_plain_arrays(small, digits, path):
    clf = small(**FULL | {"max_iter": 4}).set_callbacks(Checkpoint(path)).fit(*digits)
    with np.load(path, allow_pickle=False) as archive:
        state = json.loads(archive["checkpoint.json"])
        arrays = {name: archive[name] for name in archive.files if name != "checkpoint.json"}
    assert (state["n_epochs"], state["seed"]) == (4, clf.seed_)
    assert state["best"]["score"] == clf.best_score_
    assert state["parameters"]["eta_schedule"][0] == "sknielsen.schedules.Plateau"
    np.testing.assert_array_equal(arrays["best_coefs_0"], clf.coefs_[0])
    np.testing.assert_array_equal(arrays["validation_indices"], clf.validation_indices_)
    np.testing.assert_array_equal(arrays["classes"], clf.classes_)
    assert arrays["history_train_cost"].tolist() == clf.history_["train_cost"]
    for name in ("coefs_1", "intercepts_0", "velocity_coefs_0", "velocity_intercepts_1"):
        assert name in arrays
    assert os.listdir(path.parent) == [path.name]


def test_ctrl_c_in_the_look_for_what_was_left_leaves_no_folder_open(tmp_path, monkeypatch):
    pressed = []

    def press(*_):
        pressed.append(True)
        raise KeyboardInterrupt

    for name in "ab":
        (tmp_path / name).touch()
    monkeypatch.setattr(_checkpoint.re, "fullmatch", press)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with contextlib.suppress(KeyboardInterrupt):
            _checkpoint.clear_temporary(str(tmp_path / "run"))
        gc.collect()
    assert pressed
    assert [str(warning.message) for warning in caught] == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(
    step, small, digits, path, monkeypatch
):
    small(max_iter=2).set_callbacks(Checkpoint(path)).fit(*digits)
    content = path.read_bytes()

    def fail(*arguments):
        raise OSError("no space left")

    monkeypatch.setattr(os, step, fail)
    clf = small(max_iter=3).set_callbacks(Checkpoint(path))
    with pytest.raises(OSError, match="no space left"):
        clf.fit(*digits)
    assert path.read_bytes() == content
    assert os.listdir(path.parent) == [path.name]
    assert not hasattr(clf, "coefs_")


@pytest.mark.parametrize("unwritable", ["missing/checkpoint.npz", "."])
def test_a_path_that_cannot_be_written_is_noticed_before_training(
    unwritable, small, digits, tmp_path
):
    recorder = Recorder()
    clf = small().set_callbacks(recorder, Checkpoint(tmp_path / unwritable, every=9))
    with pytest.raises(OSError, match=r"There is no folder|directory"):
        clf.fit(*digits)
    assert recorder.calls == ["setup", "begin fit", "teardown"]


def test_what_a_kill_leaves_is_cleared_away(small, digits, path):
    left = path.with_name(path.name + ".123-456.tmp")
    others = [path.with_name(name) for name in (path.name + ".notes.tmp", "a.npz.1-2.tmp")]
    for file in [left, *others]:
        file.touch()
        os.utime(file, (0, 0))
    others.append(path.with_name(path.name + ".123-457.tmp"))  # may be in use
    others[-1].touch()
    small().set_callbacks(Checkpoint(path)).fit(*digits)
    assert set(path.parent.iterdir()) == {path, *others}


def test_a_damaged_checkpoint_is_refused(small, digits, path):
    small().set_callbacks(Checkpoint(path)).fit(*digits)
    content, n_refused = path.read_bytes(), 0
    for position in range(0, len(content), len(content) // 300):
        damaged = bytearray(content)
        damaged[position] ^= 4
        path.write_bytes(damaged)
        try:
            resume(small(), path, *digits)  # some bytes do not matter
        except ValueError as error:
            assert re.search("is damaged: |is not a checkpoint: ", str(error))
            n_refused += 1
    assert n_refused > 250
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="is not a checkpoint"):
        resume(small(), path, *digits)


def test_sets_and_large_arrays_among_parameters_are_known_again(small, digits, path):
    def schedule(names, table):
        fixed = Fixed(0.5)
        fixed.names, fixed.table = names, table
        return fixed

    names, table = {"a", "b", "c"}, np.arange(2000.0)
    small(eta_schedule=schedule(names, table)).set_callbacks(Checkpoint(path)).fit(*digits)
    with np.load(path) as archive:
        assert len(archive["checkpoint.json"]) < 10_000
    resume(small(eta_schedule=schedule(set("cba"), table.copy())), path, *digits)
    for other in (schedule({"a"}, table), schedule(names, table + 1)):
        with pytest.raises(ValueError, match="other parameters: eta_schedule="):
            resume(small(eta_schedule=other), path, *digits)


def test_a_link_stays_a_link(small, digits, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "link.npz"
    link.symlink_to(tmp_path / "elsewhere" / "file.npz")
    small().set_callbacks(Checkpoint(os.fsencode(link))).fit(*digits)
    assert link.is_symlink()
    assert resume(small(), link, *digits).n_iter_ == small().max_iter


def test_checkpoint_refuses_a_partial_fit_and_a_search(small, digits, path):
    clf = small().set_callbacks(Checkpoint(path))
    with pytest.raises(ValueError, match=r"Checkpoint works with fit.*set_callbacks\(\)"):
        clf.partial_fit(*digits, classes=range(10))
    search = GridSearchCV(clf, {"eta": [0.1, 1.0]}, cv=2, error_score="raise")
    with pytest.raises(ValueError, match="one file for one training, but GridSearchCV"):
        search.fit(*digits)
    with pytest.raises(ValueError, match="`every` must be an integer"):
        Checkpoint(path, every=0)


def test_checkpoint_works_in_a_pipeline_and_its_classifier_resumes(small, digits, path):
    whole = Pipeline([("s", MinMaxScaler()), ("clf", small(max_iter=4))]).fit(*digits)
    clf = small(max_iter=2).set_callbacks(Checkpoint(path))
    pipeline = Pipeline([("s", MinMaxScaler()), ("clf", clf)]).fit(*digits)
    resumed = resume(small(max_iter=4), path, pipeline[:-1].transform(digits[0]), digits[1])
    assert_same_model(resumed, whole[-1])


@pytest.fixture
def checkpoint(small, digits, path):
    small(max_iter=2, eta=0.5).set_callbacks(Checkpoint(path)).fit(*digits)
    return path


def test_other_parameters_are_refused(small, digits, checkpoint):
    clf = small(max_iter=1).fit(*digits)
    before = dict(vars(clf))
    message = "other parameters: dropout=0.0 in the checkpoint, 0.5 now; eta=0.5 in the checkpoint"
    with pytest.raises(ValueError, match=message):
        resume(clf.set_params(eta=0.25, dropout=0.5), checkpoint, *digits)
    with pytest.raises(ValueError, match="eta_schedule='constant' in the checkpoint"):
        resume(clf.set_params(eta=0.5, dropout=0.0, eta_schedule=Plateau()), checkpoint, *digits)
    assert vars(clf).keys() == before.keys()
    assert clf.coefs_ is before["coefs_"]


class Fixed:
    """A schedule that is no scikit-learn object."""

    def __init__(self, eta):
        self.eta = eta

    def __call__(self, epoch, history, eta, max_iter):
        return self.eta


class Counting(Fixed):
    """Counts its calls, which changes nothing, and holds itself."""

    def __init__(self, eta):
        super().__init__(eta)
        self.calls, self.myself = 0, self

    def __call__(self, epoch, history, eta, max_iter):
        self.calls += 1
        return self.eta


def constant(epoch, history, eta, max_iter, factor):
    return factor * eta


def test_an_object_that_changes_in_training_is_known_again(small, digits, path):
    clf = small(eta_schedule=Counting(0.5)).set_callbacks(Checkpoint(path)).fit(*digits)
    assert clf.eta_schedule.calls == 3
    assert resume(small(eta_schedule=Counting(0.5)), path, *digits).n_iter_ == 3


@pytest.mark.parametrize(
    "make",
    [Fixed, lambda eta: Fixed(eta).__call__, lambda eta: functools.partial(constant, factor=eta)],
)
def test_objects_of_other_attributes_are_told_apart(make, small, digits, path):
    small(eta_schedule=make(0.5)).set_callbacks(Checkpoint(path)).fit(*digits)
    assert resume(small(eta_schedule=make(0.5)), path, *digits).n_iter_ == 3
    with pytest.raises(ValueError, match="other parameters: eta_schedule="):
        resume(small(eta_schedule=make(0.1)), path, *digits)


def test_a_parameter_that_an_older_checkpoint_lacks_had_its_default(small, digits, path):
    small(max_iter=1).set_callbacks(Checkpoint(path)).fit(*digits)
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files if name != "checkpoint.json"}
        state = json.loads(archive["checkpoint.json"])
    del state["parameters"]["momentum"]
    np.savez(path, **arrays)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("checkpoint.json", json.dumps(state))
    with pytest.raises(ValueError, match=r"other parameters: momentum=0\.0 in the checkpoint"):
        resume(small(momentum=0.5), path, *digits)
    assert resume(small(), path, *digits).n_iter_ == 3


def test_a_resumed_training_keeps_what_auto_stood_for_when_it_began(small, digits, path):
    def with_lmbda(lmbda):
        small(max_iter=1, lmbda="auto").set_callbacks(Checkpoint(path)).fit(*digits)
        with np.load(path) as archive:
            arrays = {name: archive[name] for name in archive.files if name != "checkpoint.json"}
            state = json.loads(archive["checkpoint.json"]) | {"lmbda": lmbda}
        np.savez(path, **arrays)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("checkpoint.json", json.dumps(state))

    with_lmbda(2.0)  # as if another version had begun it
    resumed = resume(small(lmbda="auto"), path, *digits)
    assert resumed.lmbda_ == 2.0
    one = small(max_iter=1, lmbda="auto").fit(*digits)
    one.set_params(lmbda=2.0, warm_start=True, max_iter=2)
    assert_same_model(resumed, one.fit(*digits))
    with_lmbda(-1.0)
    with pytest.raises(ValueError, match="damaged"):
        resume(small(lmbda="auto"), path, *digits)


def test_a_number_that_an_older_checkpoint_lacks_had_its_default(small, digits, path):
    def without_lmbda(version):
        small(max_iter=1).set_callbacks(Checkpoint(path)).fit(*digits)
        with np.load(path) as archive:
            arrays = {name: archive[name] for name in archive.files if name != "checkpoint.json"}
            state = json.loads(archive["checkpoint.json"]) | {"sknielsen": version}
        del state["lmbda"]
        np.savez(path, **arrays)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("checkpoint.json", json.dumps(state))

    without_lmbda("0.0.1")
    assert_same_model(resume(small(), path, *digits), small().fit(*digits))
    without_lmbda(__version__)
    with pytest.raises(ValueError, match=r"damaged.*other keys"):
        resume(small(), path, *digits)


def test_resume_prints_from_which_epoch_it_goes_on_and_a_head(small, digits, path, capsys):
    small(max_iter=2).set_callbacks(Checkpoint(path)).fit(*digits)
    resume(small(max_iter=3, verbose=1), path, *digits)
    said, _, titles, row, *_ = capsys.readouterr().out.splitlines()
    assert said == "Resumed after epoch 2."
    assert (titles.split()[0], row.split()[0]) == ("epoch", "3")


def test_resume_prints_what_fit_prints(small, digits, path, capsys):
    parameters = dict(eta=1e-5, max_iter=6, verbose=1)
    small(**parameters).fit(*digits)
    findings = capsys.readouterr().out.splitlines()[8:]
    assert findings
    small(**parameters | {"max_iter": 2}).set_callbacks(Checkpoint(path)).fit(*digits)
    capsys.readouterr()
    resume(small(**parameters), path, *digits)
    assert capsys.readouterr().out.splitlines()[-len(findings) :] == findings


def test_named_functions_and_objects_are_told_apart(small, digits, path):
    parameters = dict(
        augment=ImageAugmenter(shift=1, keep_in_frame=False), weight_init=init_with_zeros
    )
    small(**parameters).set_callbacks(Checkpoint(path)).fit(*digits)
    assert resume(small(**parameters), path, *digits).n_iter_ == 3
    with pytest.raises(ValueError, match=r"augment=.*weight_init='test_callbacks\.init_with_z"):
        resume(small(augment=ImageAugmenter(shift=2, keep_in_frame=False)), path, *digits)


def init_with_zeros(rng, n_in, n_out):
    return rng.normal(size=(n_in, n_out)), np.zeros(n_out)


def test_other_data_are_refused(small, digits, checkpoint):
    X, y = digits
    others = {
        "`X`": (X + 1e-12, y),
        "`y`": (X, np.roll(y, 1)),
        "`X`, `y`": (X[:250], y[:250]),
        "`sample_weight`": (X, y, np.ones(len(y))),
    }
    for names, data in others.items():
        clf = small()
        with pytest.raises(ValueError, match=f"other data: {names} must be what"):
            resume(clf, checkpoint, *data)
        assert not hasattr(clf, "coefs_")
    with pytest.raises(ValueError, match="other data: `X_val`, `y_val` must be what"):
        resume(small(), checkpoint, X, y, X_val=X[:9] / 2, y_val=y[:9])


def test_a_checkpoint_of_a_newer_version_is_refused(small, digits, checkpoint, monkeypatch):
    monkeypatch.setattr("sknielsen._checkpoint.__version__", "99.1.0")
    small().set_callbacks(Checkpoint(checkpoint)).fit(*digits)
    with pytest.raises(ValueError, match=r"saved by sknielsen 99\.1\.0, which is newer than"):
        resume(small(), checkpoint, *digits)


def test_what_is_no_checkpoint_is_refused(small, digits, path):
    with pytest.raises(FileNotFoundError):
        resume(small(), path, *digits)
    path.write_bytes(b"text")
    with pytest.raises(ValueError, match=r"is not a checkpoint: it is no \.npz file"):
        resume(small(), path, *digits)
    np.savez(path, a=[1])
    with pytest.raises(ValueError, match=r"is not a checkpoint: it has no 'checkpoint\.json'"):
        resume(small(), path, *digits)
    with pytest.raises(TypeError, match=r"must be an MLPSigmoidClassifier.*got Pipeline"):
        resume(Pipeline([("clf", small())]), path, *digits)


@pytest.fixture(scope="module")
def uninterrupted():
    """The training of `interrupted_training`, as it is when nothing kills it."""
    return interrupted_training.classifier().fit(*interrupted_training.rows())


# Each training is killed again and again, at an epoch and a stage of it or of its checkpoint.
IN_AN_EPOCH, *AROUND_THE_CHECKPOINT = interrupted_training.STAGES
KILLS = {
    "before the first epoch": [(0, stage) for stage in AROUND_THE_CHECKPOINT],
    "at every stage of one epoch": [(1, stage) for stage in interrupted_training.STAGES],
    "at another stage of each epoch": [
        (epoch, interrupted_training.STAGES[epoch // 2 % 6]) for epoch in range(2, 26, 2)
    ],
    "before and after the best epoch": [
        (epoch, stage) for epoch in ("best", "next") for stage in interrupted_training.STAGES
    ],
    "in the last epoch": [("last", stage) for stage in interrupted_training.STAGES],
}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize("case", KILLS)
def test_training_that_is_killed_ends_with_the_same_weights(case, uninterrupted, tmp_path):
    whole = uninterrupted
    assert len(set(whole.history_["eta"])) > 1
    assert whole.epoch_ < whole.n_iter_
    named = {"best": whole.epoch_, "next": whole.epoch_ + 1, "last": whole.n_iter_}
    context = get_context("forkserver")  # its processes start quickly, from a fresh one
    context.set_forkserver_preload(["sknielsen.callbacks", "sklearn.datasets"])
    path = tmp_path / "checkpoint.npz"

    def run(*killed_at):
        child = context.Process(target=interrupted_training.train, args=(tmp_path, *killed_at))
        child.start()
        child.join()
        return child.exitcode

    for epoch, stage in KILLS[case]:
        epoch = named.get(epoch, epoch)
        assert run(epoch, stage) == -signal.SIGKILL, (epoch, stage)
        n_saved = epoch if stage in ("renamed", "after writing") else epoch - 1
        assert path.exists() is (n_saved >= 0)
        if n_saved >= 0:
            with np.load(path) as archive:
                assert json.loads(archive["checkpoint.json"])["n_epochs"] == n_saved
    stages = [stage for _, stage in KILLS[case]]
    n_left = stages.count("half written") + stages.count("written")
    assert len([*tmp_path.glob("*.tmp")]) == n_left
    assert run() == 0
    with np.load(tmp_path / "result.npz") as result:
        np.testing.assert_array_equal(result["parameters"], weights_of(whole))
        history = [v for name, v in whole.history_.items() if name != "duration"]
        np.testing.assert_array_equal(result["history"], np.array(history))
        assert result["epoch"] == whole.epoch_


def test_a_training_is_killed_twenty_times_or_more():
    assert sum(map(len, KILLS.values())) >= 20


@pytest.mark.parametrize(("max_iter", "left"), [(5, 3), (2, 0), (1, 0)])
def test_callbacks_of_a_resumed_training_are_told_how_many_epochs_are_left(
    max_iter, left, small, digits, tmp_path
):
    path, found = tmp_path / "a.npz", []

    class Look(Recorder):
        def setup(self, estimator, context):
            found.append(context.max_subtasks)

    small(max_iter=2).set_callbacks(Checkpoint(path)).fit(*digits)
    resume(small(max_iter=max_iter).set_callbacks(Look()), path, *digits)
    assert found == [left]
