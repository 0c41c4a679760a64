"""Without scikit-learn's callbacks, all but `sknielsen.callbacks` works."""

import subprocess
import sys
import textwrap

import pytest

WITHOUT_CALLBACKS = textwrap.dedent(
    """
    import sys
    import sklearn.pipeline, sklearn.model_selection, sklearn.preprocessing
    from sklearn.datasets import load_digits

    sys.modules["sklearn.callback"] = None  # as in scikit-learn before 1.9
    from sknielsen import MLPSigmoidClassifier

    X, y = load_digits(return_X_y=True)
    clf = MLPSigmoidClassifier(max_iter=2, early_stopping=True).fit(X / 16, y)
    assert len(clf.partial_fit(X / 16, y, X_val=X / 16 + 0.01, y_val=y).history_["epoch"]) == 3
    assert not hasattr(clf, "set_callbacks")
    for name in ("Checkpoint", "resume"):
        try:
            exec(f"from sknielsen.callbacks import {name}")
        except ImportError as error:
            assert "needs scikit-learn 1.9 or newer" in str(error)
        else:
            raise AssertionError("no ImportError")
    """
)


def test_the_warning_of_an_interrupt_points_to_the_caller(small, digits):
    def schedule(epoch, history, eta, max_iter):
        if epoch == 1:
            raise KeyboardInterrupt
        return eta

    with pytest.warns(UserWarning, match="interrupted after epoch 1") as warned:
        small(eta_schedule=schedule, on_interrupt="keep").fit(*digits)
    assert [warning.filename for warning in warned] == [__file__]


def test_an_older_scikit_learn_trains_and_is_told_what_callbacks_need():
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_CALLBACKS], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
