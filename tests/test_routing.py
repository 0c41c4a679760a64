"""Validation data reach the network through pipelines and searches."""

import numpy as np
import pytest
from helpers import assert_same_model
from sklearn import config_context
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler


@pytest.fixture(autouse=True)
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def split(digits):
    X, y = digits
    return (X[:200], y[:200]), {"X_val": X[200:], "y_val": y[200:]}


@pytest.fixture
def pipeline(small):
    steps = [("scale", StandardScaler()), ("clf", small(max_iter=2))]
    return Pipeline(steps, transform_input=["X_val"])


def test_a_pipeline_scales_the_validation_rows(pipeline, small, split):
    (X, y), validation = split
    weight = np.linspace(0, 1, 100)
    pipeline.fit(X, y, **validation, sample_weight_val=weight)
    scaler = StandardScaler().fit(X)
    scaled = {
        "X_val": scaler.transform(validation["X_val"]),
        "y_val": validation["y_val"],
        "sample_weight_val": weight,
    }
    assert_same_model(pipeline[-1], small(max_iter=2).fit(scaler.transform(X), y, **scaled))


def test_a_search_over_a_pipeline_passes_validation_rows_to_its_workers(pipeline, split):
    (X, y), validation = split
    grid = {"clf__eta": [0.1, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2, error_score="raise")
    search.fit(X, y, **validation)
    best = search.best_estimator_
    accuracy = best.score(validation["X_val"], validation["y_val"])
    assert best[-1].history_["validation_accuracy"][-1] == accuracy


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_validation_data_are_asked_for(method, small):
    requests = getattr(small().get_metadata_routing(), method).requests
    names = ("X_val", "y_val", "sample_weight_val")
    assert {name: requests[name] for name in names} == dict.fromkeys(names, True)
