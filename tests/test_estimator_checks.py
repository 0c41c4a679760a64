"""scikit-learn's own checks, at the default batch size and for a full batch."""

import numpy as np
import pytest
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknielsen import ImageAugmenter, MLPSigmoidClassifier
from sknielsen.costs import CrossEntropy, LogLikelihood

SMALL_BATCHES = MLPSigmoidClassifier()
FULL_BATCH = MLPSigmoidClassifier(batch_size=None)
EXCLUSIVE = MLPSigmoidClassifier(batch_size=None, cost="log_likelihood")
AUGMENTED = MLPSigmoidClassifier(batch_size=None, augment=ImageAugmenter())


def expected_failures(estimator):
    if estimator.batch_size is None:
        return {}
    reason = "repeating a row puts it into other mini-batches; a full batch passes"
    return {
        "check_sample_weight_equivalence_on_dense_data": reason,
        "check_sample_weight_equivalence_on_sparse_data": reason,
    }


# The checks' own data are small, some of them large in value, and labels often drawn at random.
@pytest.mark.filterwarnings("ignore:`batch_size` is 10, but there are")
@pytest.mark.filterwarnings("ignore:The root mean square of X is")
@pytest.mark.filterwarnings("ignore:.* features make no square image")
@pytest.mark.filterwarnings("ignore:Training ended with a cost")
@parametrize_with_checks(
    [SMALL_BATCHES, FULL_BATCH, EXCLUSIVE, AUGMENTED],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


class Exclusive(LogLikelihood):
    pass


@pytest.mark.parametrize(
    ("parameters", "sparse", "multilabel"),
    [
        ({}, True, True),
        ({"cost": CrossEntropy()}, True, True),
        ({"cost": "log_likelihood"}, True, False),
        ({"cost": Exclusive()}, True, False),
        ({"class_weight": "balanced"}, True, False),
        ({"class_weight": {0: 2.0}}, True, False),
        ({"augment": ImageAugmenter()}, False, True),
    ],
    ids=str,
)
def test_tags_follow_the_parameters(parameters, sparse, multilabel):
    tags = get_tags(MLPSigmoidClassifier(**parameters))
    assert tags.input_tags.sparse is sparse
    assert tags.classifier_tags.multi_label is multilabel


@pytest.mark.parametrize("wrong", [None, 3, "hinge", [], CrossEntropy, np.zeros(2)], ids=repr)
def test_tags_are_no_place_for_errors(wrong):
    for name in MLPSigmoidClassifier().get_params():
        get_tags(MLPSigmoidClassifier().set_params(**{name: wrong}))
