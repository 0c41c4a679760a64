"""ONNX: what onnxruntime computes from a converted estimator is what the estimator predicts."""

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import skl2onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sknielsen import AugmentedClassifier, ImageAugmenter, MLPSigmoidClassifier
from sknielsen.costs import COSTS, CrossEntropy
from sknielsen.datasets import fetch_mnist
from sknielsen.onnx import register


def run(graph, X):
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {session.get_inputs()[0].name: X})


def convert(model, X, target_opset=None, **options):
    register()

    options = {"zipmap": False} | options
    return skl2onnx.to_onnx(model, X[:1], options=options, target_opset=target_opset)


def assert_served_alike(model, X, tolerance=1e-5, **conversion):
    labels, probabilities = run(convert(model, X, **conversion), X)
    np.testing.assert_array_equal(labels, model.predict(X))
    np.testing.assert_allclose(probabilities, model.predict_proba(X), rtol=0, atol=tolerance)


@pytest.fixture(name="X")
def images(digits):
    return digits[0].astype(np.float32)


@pytest.fixture(name="y")
def labels(digits):
    return digits[1]


TARGETS = {
    "ten classes": lambda y: y,
    "two classes": lambda y: y % 2,
    "strings": lambda y: np.array(["one", "two", "drei ß"])[y % 3],
    "objects": lambda y: np.array(["no", "yes"], object)[y % 2],
    "booleans": lambda y: y > 4,
    "whole floats": lambda y: y.astype(float) - 5,
    "multilabel": lambda y: np.stack([y % 2, y > 5, y == 3], axis=1),
}


@pytest.mark.parametrize("hidden", [(), (8,), (9, 8)])
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("target", TARGETS)
def test_labels_and_probabilities_agree(target, cost, hidden, small, X, y):
    if target == "multilabel" and cost == "log_likelihood":
        with pytest.raises(ValueError, match="multilabel target do not exclude each other"):
            small(hidden_layer_sizes=hidden, cost=cost).fit(X, TARGETS[target](y))
        return
    model = small(hidden_layer_sizes=hidden, cost=cost).fit(X, TARGETS[target](y))
    assert_served_alike(model, X)


@pytest.mark.parametrize("target", ["ten classes", "two classes", "multilabel"])
def test_a_float64_graph_agrees_to_float64_precision(target, small, X, y):
    X = X.astype(np.float64)
    assert_served_alike(small().fit(X, TARGETS[target](y)), X, tolerance=1e-12)


def test_integer_inputs_convert(small, X, y):
    X = (4 * X).astype(np.int64)
    assert_served_alike(small().fit(X, y), X)


@pytest.mark.parametrize("target_opset", [7, 11, 15, 18])
def test_the_graph_keeps_to_the_opset_asked_for(target_opset, small, X, y):
    model = small().fit(X, y)
    [used] = convert(model, X, target_opset=target_opset).opset_import
    assert used.version <= target_opset
    assert_served_alike(model, X, target_opset=target_opset)


def test_probabilities_are_finite_where_all_outputs_underflow(small, X, y):
    model = small().fit(X, y)
    model.intercepts_[-1] -= 500.0
    assert_served_alike(model, X)
    assert np.isfinite(run(convert(model, X), X)[1]).all()


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()], ids=["standard", "minmax"])
def test_a_pipeline_of_scaler_augmenter_and_classifier_converts(scaler, small, X, y):
    augmenter = ImageAugmenter(rotation=10, keep_in_frame=False, random_state=0)
    assert_served_alike(make_pipeline(scaler, augmenter, small()).fit(X, y), X)


def test_the_augmenter_becomes_an_identity(X):
    augmenter = ImageAugmenter(rotation=10, keep_in_frame=False, random_state=0).fit(X)
    register()

    [same] = run(skl2onnx.to_onnx(augmenter, X[:1]), X)
    np.testing.assert_array_equal(same, X)


@pytest.mark.parametrize("shape", [[None, None], [None, 64], []])
def test_the_augmenter_converts_whatever_is_known_of_the_input(shape, small, X, y):
    model = make_pipeline(
        ImageAugmenter(rotation=5, keep_in_frame=False, random_state=0), small()
    ).fit(X, y)
    register()
    graph = skl2onnx.convert_sklearn(
        model, initial_types=[("X", FloatTensorType(shape))], options={"zipmap": False}
    )
    np.testing.assert_array_equal(run(graph, X)[0], model.predict(X))


def test_an_augmented_classifier_converts_also_around_a_pipeline(small, X, y):
    augmenter = ImageAugmenter(rotation=10, keep_in_frame=False)
    for inner in (small(), make_pipeline(MinMaxScaler(), "passthrough", small())):
        model = AugmentedClassifier(inner, augmenter, random_state=0).fit(X, y)
        assert_served_alike(model, X)
        assert_served_alike(make_pipeline(StandardScaler(), model).fit(X, y), X)


@pytest.mark.parametrize("cost", COSTS)
def test_wrappers_of_two_classes_convert(cost, small, X, y):
    augmenter = ImageAugmenter(rotation=5, keep_in_frame=False)
    network = small(cost=cost, eta=2.0, max_iter=10)  # AdaBoost refuses one that learns nothing
    for inner in (
        network,
        AugmentedClassifier(network, augmenter, random_state=0),
        AugmentedClassifier(make_pipeline(MinMaxScaler(), network), augmenter, random_state=0),
        AugmentedClassifier(LogisticRegression(), augmenter, random_state=0),
        AugmentedClassifier(GaussianNB(), augmenter, random_state=0),
    ):
        assert_served_alike(CalibratedClassifierCV(inner, cv=2).fit(X, y % 2), X)
    boosted = AdaBoostClassifier(network, n_estimators=2, random_state=0)
    assert_served_alike(boosted.fit(X, y % 2), X)
    one_against_one = OneVsOneClassifier(network).fit(X, y % 3)
    labels, _ = run(convert(one_against_one, X), X)
    np.testing.assert_array_equal(labels.ravel(), one_against_one.predict(X))


def test_an_augmented_classifier_holds_any_pipeline(small, X, y):
    columns = ColumnTransformer(
        [("a", StandardScaler(), slice(0, 32)), ("b", MinMaxScaler(), slice(32, 64))]
    )
    for inner in (
        make_pipeline(columns, small()),
        make_pipeline(StandardScaler(), make_pipeline(MinMaxScaler(), small())),
    ):
        model = AugmentedClassifier(
            inner, ImageAugmenter(rotation=5, keep_in_frame=False), random_state=0
        )
        assert_served_alike(model.fit(X, y), X)


def test_the_columns_of_a_dataframe_are_an_input_each(small, X, y):
    register()
    frame = pd.DataFrame(X).rename(columns="pixel{}".format).astype({"pixel0": np.int64})
    augmenter = ImageAugmenter(rotation=5, keep_in_frame=False, random_state=0)
    model = make_pipeline(augmenter, small()).fit(frame, y)
    graph = skl2onnx.to_onnx(model, frame[:1], options={"zipmap": False})
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    labels, _ = session.run(None, {name: frame[[name]].to_numpy() for name in frame})
    np.testing.assert_array_equal(labels, model.predict(frame))


def test_estimators_around_the_classifier_convert(small, X, y):
    for model in (
        CalibratedClassifierCV(small(), cv=2),
        StackingClassifier([("a", small()), ("b", small(eta=0.1))], cv=2),
        VotingClassifier([("a", small())], voting="soft", flatten_transform=False),
        BaggingClassifier(small(), 3, random_state=0),
        OneVsRestClassifier(small()),
        GridSearchCV(small(), {"eta": [0.1, 0.5]}, cv=2),
    ):
        assert_served_alike(model.fit(X, y), X)


def test_raw_scores_are_the_decision_function(small, X, y):
    model = small().fit(X, y)
    _, scores = run(convert(model, X, raw_scores=True), X)
    np.testing.assert_allclose(scores, model.decision_function(X), rtol=0, atol=1e-5)


@pytest.mark.parametrize("cost", COSTS)
def test_raw_scores_of_two_classes_are_minus_and_plus_the_decision_function(cost, small, X, y):
    model = small(cost=cost).fit(X, y % 2)
    _, scores = run(convert(model, X, raw_scores=True), X)
    z = model.decision_function(X)
    np.testing.assert_allclose(scores, np.stack([-z, z], axis=1), rtol=0, atol=1e-5)


def test_zipmap_makes_a_dict_of_each_rows_probabilities(small, X, y):
    model = small().fit(X, TARGETS["strings"](y))
    _, dicts = run(convert(model, X, zipmap=True), X[:1])
    assert dicts[0] == pytest.approx(dict(zip(model.classes_, model.predict_proba(X[:1])[0])))


@pytest.mark.parametrize("classes", [np.array([-0.5, 0.5]), np.array([0, 2**63], np.uint64)])
def test_labels_that_onnx_does_not_have_raise_and_nocl_numbers_them(classes, small, X, y):
    model = small().fit(X, y % 2)
    model.classes_ = classes
    with pytest.raises(ValueError, match="strings and whole numbers; got"):
        convert(model, X)
    labels, _ = run(convert(model, X, nocl=True), X)
    np.testing.assert_array_equal(model.classes_[labels], model.predict(X))


class OwnActivation(CrossEntropy):
    @staticmethod
    def activation(z):
        return CrossEntropy.activation(z)


def test_an_output_activation_of_ones_own_raises(small, X, y):
    model = small(cost=OwnActivation()).fit(X, y)
    with pytest.raises(ValueError, match="that convert are 'sigmoid' and 'softmax'"):
        convert(model, X)


@pytest.mark.mnist
@pytest.mark.parametrize("target", ["two classes", "strings", "multilabel"])
def test_all_labels_of_any_kind_agree_on_mnist(target):
    mnist = fetch_mnist(download_if_missing=False)
    model = MLPSigmoidClassifier(max_iter=1, random_state=0)
    model.fit(mnist.X_train, TARGETS[target](mnist.y_train))
    assert_served_alike(model, mnist.X_test)


@pytest.mark.mnist
@pytest.mark.parametrize("cost", COSTS)
def test_all_labels_agree_on_mnist(cost):
    mnist = fetch_mnist(download_if_missing=False)
    model = MLPSigmoidClassifier(cost=cost, max_iter=2, random_state=0)
    model.fit(mnist.X_train, mnist.y_train)
    assert_served_alike(model, mnist.X_test)
    pipeline = make_pipeline(
        MinMaxScaler(), ImageAugmenter.gentle(keep_in_frame=False, random_state=0), model
    )
    pipeline.fit(mnist.X_train[:5000] * 255, mnist.y_train[:5000])
    assert_served_alike(pipeline, mnist.X_test * 255)
