"""Save models of this version, which every later version has to open.

    python tests/data/save.py

Writes the folder ``tests/data/<version>`` anew; once that version is released, its folder stays as
it is. It holds

- each of the MODELS, as joblib and as skops save it;
- ``checkpoint.npz``, which a `Checkpoint` left halfway through a training;
- ``expected.json``: what the models said of a few rows, and what it takes to go on from the
  checkpoint.

``tests/test_saved_models.py`` opens all of it. Rows are of scikit-learn's digits, in float64, so
that machines differ only in the last places.
"""

import json
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from zipfile import ZIP_DEFLATED

import joblib
import numpy as np
import skops.io as skops
from sklearn.datasets import load_digits

import sknielsen
from sknielsen import ImageAugmenter, MLPSigmoidClassifier
from sknielsen.callbacks import Checkpoint
from sknielsen.schedules import Plateau

FOLDER = Path(__file__).parent / sknielsen.__version__
N_TRAINED, N_ASKED = 300, 4  # the first rows train, the next ones are asked about

# Parameters, and what the labels become.
MODELS = {
    "plain": ({}, lambda y: y),
    "all_state": (
        {"momentum": 0.5, "early_stopping": True, "lmbda": 0.5, "penalty": "l1", "dropout": 0.1},
        lambda y: np.array([f"digit {label}" for label in y]),
    ),
    "objects": (
        {
            "cost": "log_likelihood",
            "eta_schedule": Plateau(patience=2),
            "augment": ImageAugmenter(shift=1, keep_in_frame=False),
            "early_stopping": True,
        },
        lambda y: y,
    ),
    "multilabel": ({"cost": "quadratic", "eta": 3.0}, lambda y: np.c_[y % 2, y > 4]),
}

# JSON has to be able to hold these, so that the test makes the estimator of then.
INTERRUPTED = {
    "hidden_layer_sizes": [4],
    "momentum": 0.5,
    "early_stopping": True,
    "eta_schedule": "plateau",
    "random_state": 0,
}
AT, END = 4, 8  # epochs trained at the checkpoint, and in the end


def rows():
    """Return the rows and labels that train, and the rows that are asked about."""
    X, y = load_digits(return_X_y=True)
    return X[:N_TRAINED] / 16, y[:N_TRAINED], X[N_TRAINED : N_TRAINED + N_ASKED] / 16


def answers(classifier, asked):
    """Return labels and probabilities as JSON holds them."""
    return {
        "labels": classifier.predict(asked).tolist(),
        "probabilities": classifier.predict_proba(asked).round(9).tolist(),
    }


def save_models(X, y, asked):
    """Write each model by joblib and by skops; return what they say."""
    expected = {}
    for name, (parameters, labels) in MODELS.items():
        classifier = MLPSigmoidClassifier(4, max_iter=6, random_state=0, **parameters)
        classifier.fit(X, labels(y))
        joblib.dump(classifier, FOLDER / f"{name}.joblib", compress=3)
        skops.dump(classifier, FOLDER / f"{name}.skops", compression=ZIP_DEFLATED)
        expected[name] = answers(classifier, asked)
    return expected


def save_checkpoint(X, y, asked):
    """Write a checkpoint, as a kill would have left it; return what follows from it."""
    checkpoint = Checkpoint(FOLDER / "checkpoint.npz")
    MLPSigmoidClassifier(max_iter=AT, **INTERRUPTED).set_callbacks(checkpoint).fit(X, y)
    whole = MLPSigmoidClassifier(max_iter=END, **INTERRUPTED).fit(X, y)
    parameters = INTERRUPTED | {"max_iter": END}
    return {"parameters": parameters, "n_iter": whole.n_iter_, **answers(whole, asked)}


def main():
    """Write the folder of this version."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    X, y, asked = rows()
    expected = {
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "scikit-learn", "joblib", "skops")},
        },
        "rows": {"trained": N_TRAINED, "asked": N_ASKED},
        "models": save_models(X, y, asked),
        "checkpoint": save_checkpoint(X, y, asked),
    }
    text = json.dumps(expected, indent=1) + "\n"
    (FOLDER / "expected.json").write_text(text, encoding="utf-8")
    size = sum(file.stat().st_size for file in FOLDER.iterdir())
    print(f"{FOLDER}: {len(list(FOLDER.iterdir()))} files, {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
