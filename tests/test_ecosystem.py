"""scikit-learn's wrappers and searches, optuna and imbalanced-learn around the estimators."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import sklearn
from helpers import assert_same_model, weights_of
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import Pipeline as SamplingPipeline
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, VotingClassifier

# Only after this import does scikit-learn let HalvingGridSearchCV be imported.
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.metrics import f1_score, log_loss
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    LearningCurveDisplay,
    TunedThresholdClassifierCV,
    ValidationCurveDisplay,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils.fixes import parse_version

from sknielsen import AugmentedClassifier, ImageAugmenter, ImageExpander

METHODS = ["sigmoid", "isotonic"]
if parse_version(sklearn.__version__) >= parse_version("1.8"):
    METHODS.insert(0, "temperature")


@pytest.fixture
def rare(digits):
    """One digit against the others: a tenth of the rows are of class 1."""
    X, y = digits
    return X, (y == 3).astype(int)


# --- wrappers -----------------------------------------------------------------------------


def test_calibration_lowers_the_log_loss_of_an_overconfident_network(small, digits):
    X, y = digits
    train, test = slice(200), slice(200, None)
    clf = small(max_iter=30, cost="log_likelihood", weight_init="large", init_scale=3.0)
    calibrated = CalibratedClassifierCV(clf, method=METHODS[0], cv=3).fit(X[train], y[train])
    before, after = (
        log_loss(y[test], model.predict_proba(X[test]))
        for model in (clf.fit(X[train], y[train]), calibrated)
    )
    assert after < before


@pytest.mark.parametrize("cost", ["cross_entropy", "log_likelihood"])
@pytest.mark.parametrize("method", METHODS)
def test_two_classes_are_calibrated(method, cost, small, binary):
    X, y = binary
    calibrated = CalibratedClassifierCV(small(cost=cost), method=method, cv=2).fit(X, y)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    assert calibrated.score(X, y) > 0.95


def test_bagging_passes_weights_and_averages_probabilities(small, digits):
    X, y = digits
    bag = BaggingClassifier(small(max_iter=10), 3, random_state=0, n_jobs=2).fit(X, y)
    mean = np.mean([clf.predict_proba(X) for clf in bag.estimators_], axis=0)
    np.testing.assert_allclose(bag.predict_proba(X), mean)
    assert bag.score(X, y) > 0.8


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_networks_vote(voting, small, digits):
    X, y = digits
    names = np.array(list("abcdefghij"))[y]
    voters = [
        (cost, small(cost=cost, max_iter=10)) for cost in ("cross_entropy", "log_likelihood")
    ]
    vote = VotingClassifier(voters, voting=voting).fit(X, names)
    assert vote.score(X, names) > 0.8
    if voting == "soft":
        mean = np.mean([clf.predict_proba(X) for clf in vote.estimators_], axis=0)
        np.testing.assert_allclose(vote.predict_proba(X), mean)


def test_one_network_for_each_class_against_the_rest(small, digits):
    X, y = digits
    ovr = OneVsRestClassifier(small(max_iter=10)).fit(X, y)
    assert [len(clf.classes_) for clf in ovr.estimators_] == [2] * 10
    assert_same_model(ovr.estimators_[3], small(max_iter=10).fit(X, (y == 3).astype(int)))
    assert ovr.score(X, y) > 0.8


def test_one_network_for_each_label_of_a_multilabel_target(small, multilabel):
    X, Y = multilabel
    ovr = OneVsRestClassifier(small(max_iter=10)).fit(X, Y)
    assert ovr.multilabel_
    assert ovr.predict_proba(X).shape == Y.shape


def test_a_chain_feeds_labels_on(small, digits):
    X, y = digits
    Y = np.stack([y % 2, y > 4, y == 0, y < 3], axis=1).astype(int)
    chain = ClassifierChain(small(max_iter=20), order=[2, 0, 1, 3]).fit(X, Y)
    assert [clf.n_features_in_ for clf in chain.estimators_] == [64, 65, 66, 67]
    assert (chain.predict(X) == Y).mean() > 0.9


def test_self_training_labels_rows_it_is_sure_of(small, digits):
    X, y = digits
    y_part = np.where(np.arange(len(y)) < 150, y, -1)
    model = SelfTrainingClassifier(small(max_iter=30, cost="log_likelihood"), threshold=0.9).fit(
        X, y_part
    )
    labelled = model.labeled_iter_ > 0
    assert labelled.sum() > 20
    assert (model.transduction_[labelled] == y[labelled]).mean() > 0.9


def test_permutation_importance_finds_the_features_that_matter(small):
    X = np.random.default_rng(0).normal(size=(300, 4))
    clf = small(max_iter=20).fit(X, X[:, 2] > 0)
    importance = permutation_importance(clf, X, X[:, 2] > 0, n_repeats=3, random_state=0)
    assert importance.importances_mean.argmax() == 2
    assert importance.importances_mean[2] > 0.3


def test_learning_and_validation_curves_are_drawn(small, digits):
    X, y = digits
    learning = LearningCurveDisplay.from_estimator(small(), X, y, cv=2, train_sizes=[0.5, 1.0])
    assert learning.test_scores.shape == (2, 2)
    with pytest.warns(ConvergenceWarning, match=r"eta=0\.01 is so small"):
        display = ValidationCurveDisplay.from_estimator(
            small(max_iter=10), X, y, param_name="eta", param_range=[0.01, 0.5], cv=2
        )
    weak, strong = display.test_scores.mean(axis=1)
    assert weak < strong
    plt.close("all")


def test_a_threshold_tuned_for_f1_beats_one_half(small, rare):
    X, y = rare
    clf = small(max_iter=2)
    tuned = TunedThresholdClassifierCV(clf, scoring="f1", cv=3, random_state=0).fit(X, y)
    assert f1_score(y, tuned.predict(X)) > f1_score(y, clf.fit(X, y).predict(X))


@pytest.mark.parametrize("cost", ["cross_entropy", "log_likelihood"])
def test_a_fixed_threshold_decides(cost, small, rare):
    X, y = rare
    clf = small(cost=cost).fit(X, y)
    for method, scores in (
        ("predict_proba", clf.predict_proba(X)[:, 1]),
        ("decision_function", clf.decision_function(X)),
    ):
        threshold = np.median(scores)
        fixed = FixedThresholdClassifier(clf, threshold=threshold, response_method=method)
        np.testing.assert_array_equal(fixed.fit(X, y).predict(X), scores >= threshold)


def test_a_clone_has_the_parameters_and_nothing_else(small, digits):
    augment = ImageAugmenter(rotation=5, keep_in_frame=False)
    clf = small(augment=augment, eta_schedule=[(2, 0.5), (1, 0.1)], class_weight={0: 2.0})
    twin = clone(clf.fit(*digits))
    assert not hasattr(twin, "coefs_")
    assert str(twin) == str(clf)
    assert twin.augment is not augment
    assert_same_model(twin.fit(*digits), clf)


def test_the_augmenter_sets_its_output(digits):
    augmenter = ImageAugmenter(rotation=5, keep_in_frame=False, random_state=0).set_output(
        transform="pandas"
    )
    frame = augmenter.fit_transform(digits[0])
    assert list(frame.columns) == [f"x{i}" for i in range(64)]
    pipeline = make_pipeline(
        StandardScaler(), ImageAugmenter(rotation=5, keep_in_frame=False, random_state=0)
    )
    pipeline.set_output(transform="pandas")
    assert pipeline.fit_transform(digits[0]).shape == digits[0].shape


def test_a_classifier_behind_pandas_output_learns_names(small, digits):
    pipeline = make_pipeline(StandardScaler(), small()).set_output(transform="pandas")
    pipeline.fit(*digits)
    assert list(pipeline[-1].feature_names_in_) == [f"x{i}" for i in range(64)]
    assert pipeline.predict(digits[0]).shape == (300,)


@pytest.mark.parametrize("fitted", [False, True])
def test_estimators_show_themselves_in_html(fitted, small, digits):
    augmenter = ImageAugmenter(rotation=5, keep_in_frame=False)
    for model, name in (
        (small(eta=0.25, augment=augmenter), "MLPSigmoidClassifier"),
        (AugmentedClassifier(small(), augmenter, random_state=0), "AugmentedClassifier"),
        (
            make_pipeline(ImageAugmenter(rotation=5, keep_in_frame=False), small()),
            "ImageAugmenter",
        ),
    ):
        if fitted:
            model.fit(*digits)
        html = model._repr_html_()
        assert name in html
        assert "rotation" in html


# --- searches -----------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_grid_search_finds_the_same_in_one_process_and_in_two(n_jobs, small, digits):
    grid = {"eta": [0.01, 0.5], "cost": ["cross_entropy", "log_likelihood"]}
    search = GridSearchCV(small(), grid, cv=2, n_jobs=n_jobs, error_score="raise").fit(*digits)
    expected = small(**search.best_params_).fit(*digits)
    assert_same_model(search.best_estimator_, expected)
    assert search.best_params_["eta"] == 0.5


@pytest.mark.parametrize("resource", ["max_iter", "n_samples"])
def test_a_halving_search_drops_the_weak_candidates(resource, small, digits):
    limits = dict(min_resources=1, max_resources=9) if resource == "max_iter" else {}
    search = HalvingGridSearchCV(
        small(max_iter=9) if resource == "n_samples" else small(),
        {"eta": [0.001, 0.01, 0.1, 0.5, 1.0, 2.0]},
        resource=resource,
        cv=2,
        random_state=0,
        error_score="raise",
        **limits,
    ).fit(*digits)
    assert search.n_candidates_[0] == 6
    assert search.n_candidates_[-1] < 6
    assert search.best_params_["eta"] >= 0.1
    if resource == "max_iter":
        assert search.best_estimator_.n_iter_ == search.n_resources_[-1]


@pytest.mark.filterwarnings("ignore:`optuna.terminator` module:FutureWarning")  # inside optuna
def test_optuna_prunes_through_partial_fit(small, digits):
    import optuna  # here, where its FutureWarning is let pass
    from optuna_integration import OptunaSearchCV

    pruner = optuna.pruners.MedianPruner(n_startup_trials=2)
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=0), pruner=pruner
    )
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        search = OptunaSearchCV(
            small(),
            {"eta": optuna.distributions.FloatDistribution(1e-3, 2.0, log=True)},
            cv=2,
            enable_pruning=True,
            max_iter=6,
            n_trials=12,
            random_state=0,
            study=study,
            error_score="raise",
        )
    search.fit(*digits)
    states = [trial.state for trial in study.trials]
    assert optuna.trial.TrialState.PRUNED in states
    assert max(len(trial.intermediate_values) for trial in study.trials) == 6
    assert search.best_estimator_.n_iter_ == small().max_iter


# --- imbalanced-learn ---------------------------------------------------------------------


@pytest.mark.parametrize("sampler", [RandomOverSampler, SMOTE])
def test_samplers_balance_the_rows_of_a_fit_only(sampler, small, rare):
    X, y = rare
    sampler = sampler(random_state=0)
    pipeline = SamplingPipeline([("sample", sampler), ("clf", small(max_iter=10))]).fit(X, y)
    expected = small(max_iter=10).fit(*sampler.fit_resample(X, y))
    assert_same_model(pipeline[-1], expected)
    assert pipeline.predict(X).shape == y.shape
    assert pipeline.predict(X).sum() > small(max_iter=10).fit(X, y).predict(X).sum()


def test_a_sampler_the_scaler_and_the_expander_share_a_pipeline_and_a_search(small, rare):
    X, y = rare
    pipeline = SamplingPipeline(
        [
            ("scale", StandardScaler()),
            ("sample", RandomOverSampler(random_state=0)),
            (
                "expand",
                ImageExpander(ImageAugmenter(rotation=10, keep_in_frame=False), random_state=0),
            ),
            ("clf", small(max_iter=5)),
        ]
    )
    grid = {"expand__n_copies": [1, 2], "sample": [RandomOverSampler(random_state=0), SMOTE()]}
    grid["sample"][1].set_params(random_state=0)
    search = GridSearchCV(pipeline, grid, cv=2, scoring="f1", error_score="raise").fit(X, y)
    best = search.best_estimator_
    n_sampled = 2 * (y == 0).sum()
    assert len(best["expand"].sample_indices_) == n_sampled * (1 + best["expand"].n_copies)
    assert best.score(X, y) > 0.9
    assert np.isfinite(weights_of(best[-1])).all()


def test_validation_rows_pass_a_sampling_pipeline_scaled_and_unsampled(small, rare):
    # The sampler before a transformer: a part of the pipeline that ends with a sampler has no
    # `transform` in imbalanced-learn.
    X, y = rare
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = SamplingPipeline(
            [
                ("sample", RandomOverSampler(random_state=0)),
                ("scale", StandardScaler()),
                ("clf", small()),
            ],
            transform_input=["X_val"],
        ).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
        accuracy = pipeline.score(X[200:], y[200:])
    assert pipeline[-1].history_["validation_accuracy"][-1] == accuracy
