"""Models that earlier versions saved are opened by this one and predict what they did.

``data/save.py`` writes the files of a version, and says what they are.
"""

import json
from importlib.util import find_spec
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io as skops
from sklearn.datasets import load_digits

import sknielsen
from sknielsen import MLPSigmoidClassifier

FOLDERS = sorted(file.parent for file in (Path(__file__).parent / "data").glob("*/expected.json"))
EXPECTED = {
    folder: json.loads((folder / "expected.json").read_text("utf-8")) for folder in FOLDERS
}
MODELS = [
    pytest.param(folder, name, id=f"{folder.name}-{name}")
    for folder, expected in EXPECTED.items()
    for name in expected["models"]
]


def rows(folder):
    """Return the rows and labels that trained, and the rows that were asked about."""
    X, y = load_digits(return_X_y=True)
    n = EXPECTED[folder]["rows"]["trained"]
    return X[:n] / 16, y[:n], X[n : n + EXPECTED[folder]["rows"]["asked"]] / 16


def assert_answers(classifier, expected, folder):
    asked = rows(folder)[-1]
    assert classifier.predict(asked).tolist() == expected["labels"]
    probabilities = classifier.predict_proba(asked)
    np.testing.assert_allclose(probabilities, expected["probabilities"], rtol=0, atol=1e-6)


def test_there_are_models_of_this_version():
    assert sknielsen.__version__ in {folder.name for folder in FOLDERS}


@pytest.mark.parametrize(("folder", "name"), MODELS)
def test_a_joblib_file_predicts_as_it_did(folder, name):
    classifier = joblib.load(folder / f"{name}.joblib")
    assert_answers(classifier, EXPECTED[folder]["models"][name], folder)


@pytest.mark.parametrize(("folder", "name"), MODELS)
def test_a_skops_file_predicts_as_it_did(folder, name):
    path = folder / f"{name}.skops"
    names = skops.get_untrusted_types(file=path)
    assert all(name.startswith("sknielsen.") for name in names)
    classifier = skops.load(path, trusted=names)
    assert_answers(classifier, EXPECTED[folder]["models"][name], folder)


@pytest.mark.parametrize(("folder", "name"), MODELS)
def test_a_saved_model_goes_on_learning(folder, name):
    classifier = joblib.load(folder / f"{name}.joblib")
    n_epochs, (X, _, asked) = len(classifier.history_["eta"]), rows(folder)
    y, y_val = classifier.predict(X), classifier.predict(asked)
    classifier.set_params(max_iter=n_epochs + 1).partial_fit(X, y, X_val=asked, y_val=y_val)
    assert len(classifier.history_["eta"]) == n_epochs + 1


@pytest.mark.skipif(not find_spec("sklearn.callback"), reason="callbacks need scikit-learn 1.9")
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_checkpoint_is_resumed_to_the_same_end(folder):
    from sknielsen.callbacks import resume

    expected = EXPECTED[folder]["checkpoint"]
    X, y, _ = rows(folder)
    classifier = MLPSigmoidClassifier(**expected["parameters"])
    resume(classifier, folder / "checkpoint.npz", X, y)
    assert classifier.n_iter_ == expected["n_iter"]
    assert_answers(classifier, expected, folder)
