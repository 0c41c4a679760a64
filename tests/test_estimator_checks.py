"""scikit-learn's own checks, at the default batch size and for a full batch."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknielsen import MLPSigmoidClassifier

SMALL_BATCHES = MLPSigmoidClassifier()
FULL_BATCH = MLPSigmoidClassifier(batch_size=None)


def expected_failures(estimator):
    if estimator.batch_size is None:
        return {}
    reason = "repeating a row puts it into other mini-batches; a full batch passes"
    return {
        "check_sample_weight_equivalence_on_dense_data": reason,
        "check_sample_weight_equivalence_on_sparse_data": reason,
    }


# The checks' own data are small, and some of them large in value.
@pytest.mark.filterwarnings("ignore:`batch_size` is 10, but there are")
@pytest.mark.filterwarnings("ignore:The root mean square of X is")
@parametrize_with_checks([SMALL_BATCHES, FULL_BATCH], expected_failed_checks=expected_failures)
def test_scikit_learn_check(estimator, check):
    check(estimator)
