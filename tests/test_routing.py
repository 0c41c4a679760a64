"""Validation data reach the network through pipelines and searches."""

import numpy as np
import pandas as pd
import pytest
from helpers import assert_same_model
from sklearn import config_context
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, PredefinedSplit, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sknielsen import ImageAugmenter


@pytest.fixture(autouse=True)
def routing():
    with config_context(enable_metadata_routing=True):
        yield


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


def test_a_pipeline_scales_validation_rows_but_does_not_distort_them(small, split):
    (X, y), validation = split
    scaler = StandardScaler().fit(X)
    augmenter = ImageAugmenter(rotation=10, keep_in_frame=False, random_state=0)
    steps = [("scale", StandardScaler()), ("augment", augmenter), ("clf", small())]
    pipeline = Pipeline(steps, transform_input=["X_val"]).fit(X, y, **validation)
    expected = small().fit(
        augmenter.fit_transform(scaler.transform(X)),
        y,
        X_val=scaler.transform(validation["X_val"]),
        y_val=validation["y_val"],
    )
    assert_same_model(pipeline[-1], expected)


def test_a_search_over_scaling_augmenting_and_training_stops_early_on_validation_rows(
    small, split
):
    (X, y), validation = split
    augmenter = ImageAugmenter(rotation=10, keep_in_frame=False, random_state=0)
    clf = small(max_iter=20, early_stopping=True, n_iter_no_change=2)
    steps = [("scale", StandardScaler()), ("augment", augmenter), ("clf", clf)]
    pipeline = Pipeline(steps, transform_input=["X_val"])
    grid = {"clf__eta": [0.1, 1.0], "augment__rotation": [0, 10]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y, **validation)
    best = search.best_estimator_
    assert best[-1].best_score_ == best.score(validation["X_val"], validation["y_val"])


SLICED = "rows of `X_val` equal training rows"


@pytest.mark.parametrize("routed", [True, False])
def test_a_search_that_slices_the_validation_rows_along_is_noticed(routed, small, split):
    (X, y), _ = split
    with config_context(enable_metadata_routing=routed):
        search = GridSearchCV(small(), {"eta": [0.1]}, cv=2, refit=False)
        with pytest.warns(UserWarning, match=SLICED) as warned:
            search.fit(X, y, X_val=X, y_val=y)
    assert {warning.filename for warning in warned} == {__file__}


def test_a_search_with_validation_rows_of_another_number_does_not_warn(small, split):
    (X, y), validation = split
    with config_context(enable_metadata_routing=False):
        search = GridSearchCV(small(), {"eta": [0.1]}, cv=2, error_score="raise")
        search.fit(X, y, **validation)  # a warning would be an error
    assert not np.isnan(search.best_estimator_.history_["validation_cost"]).any()


def test_validation_rows_that_a_pipeline_without_routing_leaves_unscaled_are_noticed(small, split):
    (X, y), validation = split
    given = {f"clf__{name}": value for name, value in validation.items()}
    with config_context(enable_metadata_routing=False):
        pipeline = Pipeline([("scale", StandardScaler()), ("clf", small())])
        with pytest.warns(UserWarning, match="does not look scaled like X: .*transform_input"):
            pipeline.fit(X, y, **given)
        given["clf__X_val"] = StandardScaler().fit(X).transform(validation["X_val"])
        pipeline.fit(X, y, **given)


def test_a_predefined_split_needs_no_routing(small, split):
    (X, y), validation = split
    rows = np.concatenate([X, validation["X_val"]])
    labels = np.concatenate([y, validation["y_val"]])
    fold = np.where(np.arange(len(rows)) < len(X), -1, 0)
    with config_context(enable_metadata_routing=False):
        pipeline = Pipeline([("scale", StandardScaler()), ("clf", small())])
        search = GridSearchCV(pipeline, {"clf__eta": [0.5]}, cv=PredefinedSplit(fold))
        search.fit(rows, labels)
        expected = pipeline.fit(X, y).score(validation["X_val"], validation["y_val"])
    assert search.best_score_ == expected


def test_nested_cross_validation_stops_early_on_rows_of_its_own(small, digits):
    X, y = digits
    with config_context(enable_metadata_routing=False):
        clf = small(max_iter=40, early_stopping=True, n_iter_no_change=2, validation_fraction=0.2)
        search = GridSearchCV(clf, {"eta": [0.5, 2.0]}, cv=2, error_score="raise")
        result = cross_validate(search, X, y, cv=2, error_score="raise", return_estimator=True)
    assert result["test_score"].min() > 0.6
    for outer in result["estimator"]:
        assert outer.best_estimator_.n_iter_ < 40
        assert len(outer.best_estimator_.validation_indices_) == 30


HINT = (
    r"In a pipeline `X_val` must pass the same steps as X: use Pipeline\(\.\.\., transform_input="
)


def test_validation_rows_that_passed_no_step_are_an_error_that_says_how_they_do(small):
    X = np.array([["a", 1.0], ["b", 2.0]] * 20, dtype=object)
    y = np.arange(40) % 2
    steps = [("encode", OneHotEncoder()), ("clf", small(batch_size=5))]
    with pytest.raises(ValueError, match=f"^In the validation data: could not convert.*{HINT}"):
        Pipeline(steps).fit(X, y, X_val=X[:9], y_val=y[:9])
    letters = X[:, :1].astype(str)
    with pytest.raises(TypeError, match=f"^In the validation data: X must hold numbers.*{HINT}"):
        Pipeline(steps).fit(letters, y, X_val=letters[:9], y_val=y[:9])


def test_validation_rows_with_other_features_are_an_error_with_the_hint(small, split):
    (X, y), validation = split
    steps = [("components", PCA(5)), ("clf", small())]
    with pytest.raises(ValueError, match=f"64 features, but .* expecting 5 features.*{HINT}"):
        Pipeline(steps).fit(X, y, **validation)


def test_labels_that_are_refused_draw_no_hint_on_rows(small, split):
    (X, y), validation = split
    with pytest.raises(ValueError, match=r"^In the validation data: y holds strings") as no:
        small().fit(X, y, X_val=validation["X_val"], y_val=validation["y_val"].astype(str))
    assert "pipeline" not in str(no.value)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("X", "^X has feature names, but `X_val` has none"),
        ("X_val", "^`X_val` has feature names, but X has none"),
    ],
)
def test_names_of_one_of_training_and_validation_rows_are_warned_of(
    named, message, method, small, split
):
    (X, y), validation = split
    data = {"X": X, **validation}
    data[named] = pd.DataFrame(data[named]).add_prefix("p")
    X = data.pop("X")
    options = {"classes": np.unique(y)} if method == "partial_fit" else {}
    with pytest.warns(UserWarning, match=f"{message}.*{HINT}") as warned:
        clf = getattr(small(), method)(X, y, **data, **options)
    assert [one.filename for one in warned] == [__file__]
    assert hasattr(clf, "feature_names_in_") is (named == "X")
    assert_same_model(clf, getattr(small(), method)(*split[0], **validation, **options))


def test_other_names_of_validation_rows_are_an_error(small, split):
    (X, y), validation = split
    frame = pd.DataFrame(X).add_prefix("p")
    other = pd.DataFrame(validation["X_val"]).add_prefix("q")
    with pytest.raises(ValueError, match=f"(?s)feature names should match.*{HINT}"):
        small().fit(frame, y, X_val=other, y_val=validation["y_val"])
