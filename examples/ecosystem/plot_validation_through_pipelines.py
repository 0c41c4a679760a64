"""
Validation data through pipelines and searches
==============================================

Early stopping needs rows that are scaled like the others: three ways to get
them there.

They are: your own rows through a pipeline under metadata routing; a predefined
split, which needs no routing; and, where nothing but a score is wanted, nested
cross-validation in which every fit holds out rows of its own.
"""

# %%
# Data
# ----
# 1,200 digits train, 300 validate, the rest test. The pixels come in 0 to 16,
# and the scaler belongs to the model.

import sys

import numpy as np
from sklearn import config_context
from sklearn.datasets import load_digits
from sklearn.model_selection import (
    GridSearchCV,
    PredefinedSplit,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from sknielsen import ImageAugmenter, MLPSigmoidClassifier

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(
    X, y, train_size=1500, stratify=y, random_state=0
)
X_train, X_val, y_train, y_val = train_test_split(
    X, y, train_size=1200, stratify=y, random_state=0
)


def make_network(**parameters):
    return MLPSigmoidClassifier(
        hidden_layer_sizes=50, n_iter_no_change=5, random_state=0, **parameters
    )


# %%
# Your own rows: ``transform_input`` under metadata routing
# ---------------------------------------------------------
# The pipeline passes ``X_val`` through its steps up to the network: scaled by
# the scaler that was fitted on the training rows, and left alone by the
# augmenter, which distorts training rows only. The search passes it on to
# every fit. Its number of rows differs from that of ``X_train``: a search
# slices whatever has as many rows as X. Most of these digits fill their frame
# of 8 x 8 pixels, where ``keep_in_frame``, the default, would hold them still.

augmenter = ImageAugmenter(
    rotation=5, scale=0.05, keep_in_frame=False, random_state=0
)
with config_context(enable_metadata_routing=True):
    model = Pipeline(
        [
            ("scale", MinMaxScaler()),
            ("augment", augmenter),
            ("mlp", make_network(early_stopping=True)),
        ],
        transform_input=["X_val"],
    )
    search = GridSearchCV(model, {"mlp__eta": [0.25, 1.0]}, cv=3)
    search.fit(X_train, y_train, X_val=X_val, y_val=y_val)

routed = search.best_estimator_
mlp = routed["mlp"]
print("validation rows routed through the pipeline")
print(f"  best eta {search.best_params_['mlp__eta']},", end=" ")
print(f"epoch {mlp.best_epoch_} of {mlp.n_iter_} kept")
print(f"  accuracy on the test rows {routed.score(X_test, y_test):.3f}")

# %%
# Without routing: ``PredefinedSplit``
# ------------------------------------
# All rows go in together, and the split says which fold each belongs to: -1 is
# always trained on. The search scores every candidate on the 300 rows of fold
# 0; the scaler never sees them. The rows for early stopping are then held out
# of the others by the network itself. Passing ``mlp__X_val=X_val`` instead
# would pass the scaler by; the network warns where it sees that.

fold = np.repeat([-1, 0], [len(X_train), len(X_val)])
X_all = np.concatenate([X_train, X_val])
y_all = np.concatenate([y_train, y_val])
model = Pipeline(
    [("scale", MinMaxScaler()), ("mlp", make_network(early_stopping=True))]
)
search = GridSearchCV(
    model, {"mlp__eta": [0.25, 1.0]}, cv=PredefinedSplit(fold)
)
search.fit(X_all, y_all)

print("predefined split")
print(f"  best eta {search.best_params_['mlp__eta']},", end=" ")
print(f"{search.best_score_:.3f} on fold 0")
print(f"  accuracy on the test rows {search.score(X_test, y_test):.3f}")

# %%
# Nested cross-validation with early stopping
# -------------------------------------------
# Three layers, none of which sees the rows of the next: each fit holds out a
# tenth of its rows to stop early, the inner folds choose eta, and the outer
# folds give the score. That score is of the whole procedure, the choice of eta
# included.

search = GridSearchCV(model, {"mlp__eta": [0.25, 1.0]}, cv=2)
scores = cross_val_score(search, X, y, cv=3)
print("nested cross-validation with early stopping")
folds = ", ".join(f"{score:.3f}" for score in scores)
print(f"  accuracy {scores.mean():.3f} in 3 folds ({folds})")

# %%
# Where training stopped
# ----------------------
# Early stopping looks at the cost on the validation rows, unless ``scoring``
# names another score. Here is the routed network's; its weights are those of
# the marked epoch.

try:
    from sknielsen.plots import HistoryDisplay

    HistoryDisplay.from_estimator(routed)
except ImportError:
    sys.exit('The picture needs matplotlib: pip install ".[plots]".')
