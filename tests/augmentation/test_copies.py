import numpy as np
import pandas as pd
import pytest
from distorting import (
    HELD,
    NO_SQUARE,
    Recorder,
    blobs,
    everything,
    everything_of_digits,
    rng,
)
from imblearn.pipeline import Pipeline as SamplingPipeline
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknielsen import MLPSigmoidClassifier
from sknielsen.augmentation import (
    AugmentedClassifier,
    ImageAugmenter,
    ImageExpander,
)

# --- the transformer -----------------------------------------------------------------------------


@pytest.mark.filterwarnings(NO_SQUARE, HELD)
@parametrize_with_checks(
    [AugmentedClassifier(LogisticRegression(), ImageAugmenter.gentle(), random_state=0)],
    expected_failed_checks=lambda estimator: {
        "check_sample_weight_equivalence_on_dense_data": "a repeated row is drawn anew"
    },
)
def test_scikit_learn_check_of_a_distorting_classifier(estimator, check):
    check(estimator)


# --- expander and classifier ---------------------------------------------------------------------


def test_one_pixel_shifts_are_exactly_up_down_left_and_right():
    images = rng().random((7, 5, 6)) + 0.1
    expander = ImageExpander(
        ImageAugmenter.shifts_of_one_pixel(image_shape=(5, 6)), n_copies=4, random_state=0
    )
    X, _ = expander.fit_resample(images.reshape(7, -1), np.arange(7))
    copies = X[7:].reshape(7, 4, 5, 6)
    for image, four in zip(images, copies):
        padded = np.pad(image, 1)
        expected = [padded[2:, 1:-1], padded[:-2, 1:-1], padded[1:-1, 2:], padded[1:-1, :-2]]
        one, other = (sorted(a.tobytes() for a in np.array(each)) for each in (four, expected))
        assert one == other


def test_expander_keeps_originals_first(digits):
    X, y = digits
    y = y.astype(str)
    expander = ImageExpander(everything_of_digits(), n_copies=2, random_state=0)
    X_expanded, y_expanded = expander.fit_resample(X, y)
    np.testing.assert_array_equal(X_expanded[: len(X)], X)
    origin = np.concatenate([np.arange(300), np.repeat(np.arange(300), 2)])
    np.testing.assert_array_equal(expander.sample_indices_, origin)
    np.testing.assert_array_equal(y_expanded, y[origin])
    assert (X_expanded[len(X) :] != X[origin[len(X) :]]).any(axis=1).mean() > 0.9
    again = clone(expander).fit_resample(X, y)[0]
    np.testing.assert_array_equal(again, X_expanded)


def test_expander_gives_frames_for_frames():
    index = [f"r{i}" for i in range(4)]
    X = pd.DataFrame(blobs(4, 8, 8).reshape(4, -1), index).add_prefix("p")
    y = pd.Series(list("abab"), index, name="letter")
    X_expanded, y_expanded = ImageExpander(everything(), random_state=0).fit_resample(X, y)
    pd.testing.assert_frame_equal(X_expanded[:4], X)
    assert (X_expanded.dtypes == np.float32).all()
    assert X_expanded.index.equals(y_expanded.index)
    assert y_expanded.name == "letter" and list(y_expanded) == list("abababab")


def test_imbalanced_learn_pipeline_expands_in_fit_and_nowhere_else(digits):
    X, y = digits
    expander = ImageExpander(everything_of_digits(), n_copies=3, random_state=0)
    pipeline = SamplingPipeline([("expand", expander), ("record", Recorder())]).fit(X, y)
    assert len(pipeline[-1].X_) == 4 * len(X)
    assert len(pipeline.predict(X)) == len(X)
    np.testing.assert_array_equal(pipeline[-1].asked_[0], X)


def test_imbalanced_learn_pipeline_in_cross_validation(digits):
    X, y = digits
    expander = ImageExpander(
        ImageAugmenter(shift=0.5, rotation=5, keep_in_frame=False), random_state=0
    )
    pipeline = SamplingPipeline([("expand", expander), ("near", KNeighborsClassifier(1))])
    assert cross_val_score(pipeline, X, y, cv=3).min() > 0.9
    search = GridSearchCV(pipeline, {"expand__augmenter__rotation": [0, 10]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.9


def test_augmented_classifier_fits_expanded_rows_and_weights(digits):
    X, y = digits
    weight = np.arange(1.0, 301.0)
    clf = AugmentedClassifier(Recorder(), everything_of_digits(), n_copies=2, random_state=0)
    inner = clf.fit(X, y, sample_weight=weight).estimator_
    np.testing.assert_array_equal(inner.X_[:300], X)
    np.testing.assert_array_equal(inner.y_, np.r_[y, np.repeat(y, 2)])
    np.testing.assert_array_equal(inner.weight_, np.r_[weight, np.repeat(weight, 2)])
    assert clf.fit(X, y).estimator_.weight_ is None
    clf.predict(X)
    np.testing.assert_array_equal(clf.estimator_.asked_[0], X)


def test_no_copy_reaches_validation_in_cross_validation(digits):
    X, y = digits
    seen = []

    class Watching(Recorder):
        def predict(self, X):
            seen.append((self.X_, np.array(X)))
            return super().predict(X)

    cross_val_score(AugmentedClassifier(Watching(), everything_of_digits()), X, y, cv=3)
    originals = {row.tobytes() for row in X}
    assert len(seen) == 3
    for fitted, validated in seen:
        validated = {row.tobytes() for row in validated}
        assert validated <= originals
        assert not validated & {row.tobytes() for row in fitted}


def test_sample_weights_are_routed(digits):
    X, y = digits
    with config_context(enable_metadata_routing=True):
        clf = AugmentedClassifier(Recorder(), everything_of_digits())
        clf.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        found = cross_validate(
            clf, X, y, params={"sample_weight": np.full(300, 2.0)}, return_estimator=True, cv=3
        )
    assert len(found["estimator"]) == 3
    for fitted in found["estimator"]:
        np.testing.assert_array_equal(fitted.estimator_.weight_, np.full(400, 2.0))


def test_augmented_classifier_has_the_methods_of_its_estimator(digits):
    X, y = digits
    clf = AugmentedClassifier(LinearSVC(), ImageAugmenter())
    assert hasattr(clf, "decision_function") and not hasattr(clf, "predict_proba")
    assert clf.fit(X, y).decision_function(X).shape == (300, 10)
    clf = AugmentedClassifier(GaussianNB(), ImageAugmenter()).fit(X, y)
    np.testing.assert_allclose(np.exp(clf.predict_log_proba(X)), clf.predict_proba(X))
    np.testing.assert_array_equal(clf.classes_, np.arange(10))


def test_augmentation_teaches_the_distortions_it_makes(digits):
    X, y = digits
    shifts, near = ImageAugmenter.shifts_of_one_pixel(), KNeighborsClassifier(1)
    shifted = shifts.distort(X[100:], rng())
    plain = near.fit(X[:100], y[:100]).score(shifted, y[100:])
    augmented = AugmentedClassifier(near, shifts, n_copies=4, random_state=0)
    assert augmented.fit(X[:100], y[:100]).score(shifted, y[100:]) > plain + 0.2


def test_nested_parameters_are_tuned_in_a_plain_pipeline(digits):
    X, y = digits
    clf = AugmentedClassifier(
        LogisticRegression(max_iter=300), everything_of_digits(), random_state=0
    )
    pipeline = make_pipeline(StandardScaler(with_std=False), clf)
    prefix = "augmentedclassifier__"
    grid = {
        f"{prefix}augmenter__rotation": [0, 10],
        f"{prefix}augmenter__elastic": [0.0, 0.2],
        f"{prefix}estimator__C": [1.0],
    }
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert set(search.best_params_) == set(grid)


def test_early_stopping_inside_is_warned_of(digits):
    X, y = digits
    mlp = MLPClassifier((4,), early_stopping=True, max_iter=300, n_iter_no_change=1, tol=1)
    clf = AugmentedClassifier(make_pipeline(StandardScaler(), mlp), ImageAugmenter())
    with pytest.warns(
        UserWarning, match="mlpclassifier__early_stopping=True validates on rows of the expanded"
    ):
        clf.fit(X, y)


def test_an_augmenter_without_remarks_is_not_asked(digits):
    class Same:
        def distort(self, X, rng):
            return X

    ImageExpander(Same()).fit_resample(*digits)


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [None, "gentle", ImageAugmenter, StandardScaler()])
def test_augmenter_without_distort_is_refused(digits, wrong):
    message = "`augmenter` must be an object with `distort`; got"
    with pytest.raises(TypeError, match=message):
        ImageExpander(wrong).fit_resample(*digits)
    with pytest.raises(TypeError, match=message):
        AugmentedClassifier(GaussianNB(), wrong).fit(*digits)


def test_copies_ask_for_the_brackets_of_an_augmenter(digits):
    with pytest.raises(TypeError, match=r"did you forget `\(\)`\?$"):
        ImageExpander(ImageAugmenter.gentle).fit_resample(*digits)


def test_number_of_copies_must_be_positive(digits):
    with pytest.raises(ValueError, match=r"`n_copies` must be an integer in \[1, inf\); got 0"):
        ImageExpander(ImageAugmenter(), n_copies=0).fit_resample(*digits)


def test_labels_must_match_images():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ImageExpander(ImageAugmenter()).fit_resample(np.zeros((3, 4)), [1, 2])


def test_a_copy_of_another_shape_is_an_error():
    class Halver:
        def distort(self, X, rng):
            return X[::2]

    with pytest.raises(ValueError, match=r"rows of the shape it is given, \(4, 64\); got \(2, 64"):
        ImageExpander(Halver()).fit_resample(np.zeros((4, 64)), [0, 1, 0, 1])


@pytest.mark.parametrize(
    "wrong", [None, "forest", 3, LinearRegression(), GaussianNB, ImageAugmenter()], ids=str
)
def test_what_is_no_classifier_is_an_error(wrong):
    clf = AugmentedClassifier(wrong, ImageAugmenter())
    with pytest.raises(TypeError, match="`estimator` must be a classifier; got "):
        clf.fit(np.zeros((4, 64)), [0, 1, 0, 1])
    assert is_classifier(clf)  # what asks for tags meanwhile learns no more than that


def test_weights_for_a_classifier_that_takes_none_are_an_error(digits):
    clf = AugmentedClassifier(KNeighborsClassifier(1), ImageAugmenter())
    with pytest.raises(TypeError, match="`sample_weight` must be None for KNeighborsClassifier"):
        clf.fit(*digits, sample_weight=np.ones(300))
    pipeline = make_pipeline(StandardScaler(), GaussianNB())
    with pytest.raises(ValueError, match="does not accept the sample_weight parameter"):
        AugmentedClassifier(pipeline, ImageAugmenter()).fit(*digits, sample_weight=np.ones(300))


def test_a_random_state_reaches_the_classifier(digits):
    forest = make_pipeline(StandardScaler(), RandomForestClassifier(5))
    clf = AugmentedClassifier(forest, everything_of_digits(), random_state=3)
    one, other = (clone(clf).fit(*digits) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(digits[0]), other.predict_proba(digits[0]))
    assert isinstance(one.estimator_[-1].random_state, int)
    assert forest[-1].random_state is None
    other = clone(clf).set_params(random_state=4).fit(*digits)
    assert other.estimator_[-1].random_state != one.estimator_[-1].random_state


def test_without_a_random_state_the_classifier_keeps_its_own(digits):
    clf = AugmentedClassifier(RandomForestClassifier(2, random_state=7), ImageAugmenter())
    assert clf.fit(*digits).estimator_.random_state == 7


@pytest.mark.parametrize("fitted", [False, True])
def test_a_fit_that_fails_changes_nothing(digits, fitted):
    X, y = digits
    for estimator, wrong in [
        (AugmentedClassifier(GaussianNB(), ImageAugmenter()), {"n_copies": 0}),
        (AugmentedClassifier(GaussianNB(), ImageAugmenter()), {"estimator__var_smoothing": -1}),
        (ImageAugmenter(), {"image_shape": (3, 3)}),
    ]:
        if fitted:
            estimator.fit(X, y)
        estimator.set_params(**wrong)
        before = dict(vars(estimator))
        with pytest.raises(ValueError):
            estimator.fit(X[:, :25], y)
        assert vars(estimator) == before


@pytest.mark.parametrize(
    "estimator",
    [
        GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2),
        GridSearchCV(LogisticRegression(), {"C": [1.0]}),
        RandomForestClassifier(oob_score=True, random_state=0),
        MLPSigmoidClassifier(eta_schedule="plateau", max_iter=1, batch_size=5),
    ],
    ids=["search", "search of five folds by default", "out of bag", "plateau"],
)
def test_a_classifier_that_validates_within_its_fit_draws_a_warning(estimator):
    X = np.random.default_rng(0).random((40, 64))
    with pytest.warns(UserWarning, match="validates on rows of the expanded images"):
        AugmentedClassifier(estimator, ImageAugmenter()).fit(X, np.arange(40) % 2)


def test_a_random_state_that_is_none_is_named(digits):
    message = r"`random_state` must be None, an integer in \[0, 2\*\*32 - 1\] or .*; got 'a'"
    with pytest.raises(TypeError, match=message):
        ImageExpander(ImageAugmenter(), random_state="a").fit_resample(*digits)
    with pytest.raises(TypeError, match=message):
        AugmentedClassifier(GaussianNB(), ImageAugmenter(), random_state="a").fit(*digits)
    with pytest.raises(TypeError, match=message):
        ImageAugmenter(random_state="a").fit(digits[0])
