"""Fitted estimators survive pickle, joblib and skops."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io as skops
from helpers import assert_same_model
from sklearn.naive_bayes import GaussianNB

import sknielsen
from sknielsen import AugmentedClassifier, ImageAugmenter, ImageExpander
from sknielsen.schedules import Plateau

FITS = {
    "plain": {},
    "momentum": {"momentum": 0.5},
    "early stopping": {"early_stopping": True, "eta_schedule": "plateau"},
    "softmax": {"cost": "log_likelihood", "lmbda": 1.0, "dropout": 0.2},
}


def fitted(small, digits, **parameters):
    """Fit a frame with names and text labels, which all have to be saved."""
    X, y = digits
    frame = pd.DataFrame(X).rename(columns="pixel {}".format)
    return small(**parameters).fit(frame, np.array([f"digit {label}" for label in y])), frame


@pytest.mark.parametrize("fit", FITS)
def test_skops_trusts_one_name_and_gives_back_the_same_model(fit, small, digits):
    clf, frame = fitted(small, digits, **FITS[fit])
    file = skops.dumps(clf)
    names = skops.get_untrusted_types(data=file)
    assert names == ["sknielsen.MLPSigmoidClassifier"]
    loaded = skops.loads(file, trusted=names)
    assert_same_model(loaded, clf)
    assert vars(loaded).keys() == vars(clf).keys()
    np.testing.assert_array_equal(loaded.predict(frame), clf.predict(frame))


def test_skops_trusts_one_more_name_for_each_class_of_a_parameter(small, digits):
    augment = ImageAugmenter(shift=1, keep_in_frame=False, random_state=0)
    clf, _ = fitted(small, digits, augment=augment, eta_schedule=Plateau(patience=2))
    file = skops.dumps(clf)
    names = skops.get_untrusted_types(data=file)
    assert sorted(names) == [
        "sknielsen.MLPSigmoidClassifier",
        "sknielsen.augmentation.ImageAugmenter",
        "sknielsen.schedules.Plateau",
    ]
    assert_same_model(skops.loads(file, trusted=names), clf)


def test_skops_trusts_one_name_for_the_augmenter(digits):
    augmenter = ImageAugmenter(
        shift=1, keep_in_frame=False, random_state=np.random.RandomState(0)
    ).fit(*digits)
    file = skops.dumps(augmenter)
    names = skops.get_untrusted_types(data=file)
    assert names == ["sknielsen.augmentation.ImageAugmenter"]
    loaded = skops.loads(file, trusted=names)
    np.testing.assert_array_equal(loaded.fit_transform(*digits), augmenter.fit_transform(*digits))


@pytest.mark.parametrize("cls", [ImageAugmenter, ImageExpander, AugmentedClassifier])
def test_a_pickle_names_an_estimator_by_the_path_that_users_import(cls):
    pickled = f"csknielsen.augmentation\n{cls.__name__}\n.".encode()
    assert pickle.loads(pickled) is cls
    assert pickle.dumps(cls, protocol=0).replace(b"p0\n", b"") == pickled


@pytest.mark.parametrize("fit", ["plain", "momentum"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_memory_mapped_classifier_predicts_and_continues(fit, dtype, small, digits, tmp_path):
    X, y = digits[0].astype(dtype), digits[1]
    clf = small(**FITS[fit]).fit(X, y)
    joblib.dump(clf, tmp_path / "clf.joblib")
    content = (tmp_path / "clf.joblib").read_bytes()
    mapped = joblib.load(tmp_path / "clf.joblib", mmap_mode="r")
    assert isinstance(mapped.coefs_[0], np.memmap)
    assert not mapped.coefs_[0].flags.writeable
    np.testing.assert_array_equal(mapped.predict_proba(X), clf.predict_proba(X))
    assert_same_model(mapped.partial_fit(X, y), clf.partial_fit(X, y))
    assert type(mapped.coefs_[0]) is np.ndarray
    assert (tmp_path / "clf.joblib").read_bytes() == content


def test_a_memory_mapped_classifier_continues_by_a_warm_start(small, digits, tmp_path):
    clf = small(warm_start=True, early_stopping=True).fit(*digits)
    joblib.dump(clf, tmp_path / "clf.joblib")
    mapped = joblib.load(tmp_path / "clf.joblib", mmap_mode="r")
    assert_same_model(mapped.fit(*digits), clf.fit(*digits))


@pytest.mark.parametrize("fit", FITS)
def test_a_pickle_holds_what_was_learned_and_little_besides(fit, small):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.random((3_000, 50), dtype=np.float32)).rename(columns=str)
    y = rng.integers(0, 3, len(X))
    clf = small(hidden_layer_sizes=(400,), batch_size=None, **FITS[fit]).fit(X, y)
    layers = [*clf.coefs_, *clf.intercepts_]
    if "momentum" in fit:
        layers += clf.velocity_[0] + clf.velocity_[1]
    learned = [*layers, clf.classes_, getattr(clf, "validation_indices_", np.empty(0))]
    n_bytes = sum(array.nbytes for array in learned)
    n_bytes += len(pickle.dumps(clf.history_)) + len(pickle.dumps(clf.feature_names_in_))
    assert len(pickle.dumps(clf)) <= n_bytes + 64 * 1024
    assert hasattr(clf, "velocity_") == ("momentum" in fit)


ESTIMATORS = {
    "MLPSigmoidClassifier": lambda small: small(),
    "ImageAugmenter": lambda small: ImageAugmenter(shift=1, keep_in_frame=False),
    "ImageExpander": lambda small: ImageExpander(ImageAugmenter(shift=1, keep_in_frame=False)),
    "AugmentedClassifier": lambda small: AugmentedClassifier(
        GaussianNB(), ImageAugmenter(shift=1, keep_in_frame=False), random_state=0
    ),
}


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("package", [pickle, skops])
@pytest.mark.filterwarnings("ignore:This ImageAugmenter was saved")  # the one inside
def test_a_file_of_a_newer_version_is_opened_with_a_warning(
    package, name, small, digits, monkeypatch
):
    estimator = ESTIMATORS[name](small)
    if name != "ImageExpander":  # which is not fitted
        estimator.fit(*digits)
    assert estimator.__getstate__()["_sknielsen_version"] == sknielsen.__version__
    with monkeypatch.context() as patch:
        patch.setattr("sknielsen._version.__version__", "99.1.0")
        file = package.dumps(estimator)
    options = {"trusted": skops.get_untrusted_types(data=file)} if package is skops else {}
    message = rf"{name} was saved by sknielsen 99\.1\.0, .*Install sknielsen 99\.1\.0 or newer"
    with pytest.warns(UserWarning, match=message):
        loaded = package.loads(file, **options)
    assert vars(loaded).keys() == vars(estimator).keys()


@pytest.mark.parametrize("version", ["0.0.1", sknielsen.__version__])
def test_a_file_of_this_version_or_an_older_one_is_opened_in_silence(
    version, small, digits, monkeypatch
):
    clf = small().fit(*digits)
    with monkeypatch.context() as patch:
        patch.setattr("sknielsen._version.__version__", version)
        file = pickle.dumps(clf)
    assert_same_model(pickle.loads(file), clf)


def test_a_file_without_a_version_is_opened_in_silence(small, digits):
    clf = small().fit(*digits)
    state = clf.__getstate__()
    del state["_sknielsen_version"]
    loaded = small()
    loaded.__setstate__(state)
    assert_same_model(loaded, clf)
