"""A fitted network at a glance."""

from fractions import Fraction

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknielsen import MLPSigmoidClassifier, summary


def test_layers_and_parameters_are_counted(digits, small):
    found = summary(small(hidden_layer_sizes=(9, 8)).fit(*digits))
    assert found.layers == [
        ("input", 64, "", 0),
        ("hidden 1", 9, "sigmoid", 64 * 9 + 9),
        ("hidden 2", 8, "sigmoid", 9 * 8 + 8),
        ("output", 10, "sigmoid", 8 * 10 + 10),
    ]
    assert found.n_parameters == 64 * 9 + 9 + 9 * 8 + 8 + 8 * 10 + 10


def test_the_softmax_is_named_and_no_hidden_layer_needed(binary, small):
    found = summary(small(hidden_layer_sizes=(), cost="log_likelihood").fit(*binary))
    assert [name for name, *_ in found.layers] == ["input", "output"]
    assert found.layers[-1][2] == "softmax"


def test_the_text_tells_settings_and_figures_within_80_columns(digits):
    X, y = digits
    schedule = [(1, 0.1 * k) for k in range(1, 12)]
    clf = MLPSigmoidClassifier(
        8, eta_schedule=schedule, max_iter=11, lmbda=0.5, momentum=0.1, dropout=0.1, random_state=0
    )
    clf.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    text = str(summary(clf))
    assert max(map(len, text.splitlines())) < 80
    for part in ("l2, lmbda=0.5", "0.1 (epoch 1)", "7 more", "momentum", "dropout", "best epoch"):
        assert part in text
    assert f"{clf.history_['validation_accuracy'][-1]:.2%}" in text
    assert f"{clf.history_['train_cost'][-1]:.4g}" in text


def test_early_stopping_shows_the_epoch_of_the_weights_and_the_last_one(digits, small):
    X, y = digits
    clf = small(early_stopping=True, eta=2.0, max_iter=40, n_iter_no_change=2).fit(X, y)
    assert clf.epoch_ < clf.n_iter_
    found = summary(clf)
    kept, last = found.figures.items()
    assert kept[0] == f"epoch {clf.epoch_} (weights)"
    assert kept[1]["validation_accuracy"] == clf.history_["validation_accuracy"][clf.epoch_ - 1]
    assert last[1]["train_cost"] == clf.history_["train_cost"][-1]
    assert found.settings["weights"] == f"those of epoch {clf.epoch_}"


def test_numbers_of_every_type_are_summed_up(digits, small):
    parameters = {"momentum": Fraction(1, 2), "dropout": np.array([0, 0.25]), "batch_size": None}
    settings = summary(small(hidden_layer_sizes=(8,), **parameters).fit(*digits)).settings
    assert settings["momentum"] == "0.5"
    assert settings["dropout"] == "[0.   0.25]"
    assert settings["batch size"] == "all rows"


def test_figures_that_are_not_known_are_left_out(digits, small):
    found = summary(small(monitor_samples=0).fit(*digits))
    assert list(found.figures.values()) == [{}]
    assert "training" not in str(found)
    assert "training" not in found._repr_html_()


def test_a_notebook_shows_tables(digits, small):
    html = summary(small().fit(*digits))._repr_html_()
    assert html.count("<table>") == html.count("</table>") == 3
    assert "training accuracy" in html


def test_pipelines_and_searches_are_opened(digits, small):
    X, y = digits
    pipeline = make_pipeline(StandardScaler(), small())
    search = GridSearchCV(pipeline, {}, cv=2).fit(X, y)
    inside = search.best_estimator_[-1]
    assert str(summary(search)) == str(summary(inside))
    assert str(summary(search.best_estimator_)) == str(summary(inside))


def test_what_is_no_fitted_network_is_an_error(digits, small):
    with pytest.raises(NotFittedError):
        summary(small())
    with pytest.raises(TypeError, match="MLPSigmoidClassifier is needed"):
        summary(LogisticRegression().fit(*digits))
