"""Quickstart: tune, watch and test a sigmoid network on scikit-learn's digits.

Needs no network, and nothing that sknielsen does not install itself.
"""

import numpy as np
from sklearn import set_config
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from sknielsen import MLPSigmoidClassifier

# --- Data --------------------------------------------------------------------
# Three parts: the search and the training use the first, the second shows how
# training goes, and the third is kept for one look at the very end. The
# network takes its precision from X; float32 is ample here, and twice as fast
# as float64. 1,300 training rows make whole mini-batches of 10: a last one of
# a single row would take a whole step for that row alone.

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(
    X.astype(np.float32), y, test_size=300, stratify=y, random_state=0
)
X_train, X_val, y_train, y_val = train_test_split(
    X, y, train_size=1300, stratify=y, random_state=0
)

print("Data: 8x8 images of handwritten digits")
print(f"{len(X_train)} training, {len(X_val)} validation,", end=" ")
print(f"{len(X_test)} test rows")

# --- Search ------------------------------------------------------------------
# Every parameter is tunable by its name. There is a grid for each cost,
# because the quadratic cost, whose gradients are smaller, wants a larger eta.
# "taper", an eta that falls evenly, and lmbda="auto", a penalty chosen by the
# number of rows, are the defaults. A list of (n_epochs, eta) pairs is a
# schedule like any other: here 20 epochs of long steps, then short ones to
# settle.

# With routing a pipeline takes validation rows, and scales them.
set_config(enable_metadata_routing=True)
model = Pipeline(
    [
        ("scale", MinMaxScaler()),
        (
            "mlp",
            MLPSigmoidClassifier(
                hidden_layer_sizes=200, dropout=0.2, random_state=0
            ),
        ),
    ],
    transform_input=["X_val"],
)
common = {
    "mlp__lmbda": [0.0, 0.2, "auto"],
    "mlp__weight_init": ["scaled", "large"],
}
grid = [
    {
        "mlp__cost": ["cross_entropy"],
        "mlp__eta": [0.5],
        "mlp__eta_schedule": ["taper", [(20, 0.5), (10, 0.1)]],
        **common,
    },
    {
        "mlp__cost": ["quadratic"],
        "mlp__eta": [1.0],
        "mlp__eta_schedule": ["taper", [(20, 1.0), (10, 0.2)]],
        **common,
    },
]
search = GridSearchCV(model, grid, cv=5, n_jobs=2, refit=False).fit(
    X_train, y_train
)

results = search.cv_results_
print("\nSearch: the five best settings by cross-validated accuracy")
print(
    f"{'accuracy':<10}{'cost':<15}{'eta_schedule':<26}{'lmbda':<7}weight_init"
)
for i in np.argsort(results["rank_test_score"], kind="stable")[:5]:
    p = {
        name.removeprefix("mlp__"): value
        for name, value in results["params"][i].items()
    }
    print(
        f"{results['mean_test_score'][i]:<10.3f}"
        f"{p['cost']:<15}{p['eta_schedule']!s:<26}"
        f"{p['lmbda']:<7}{p['weight_init']}"
    )

# --- Training ----------------------------------------------------------------
# The best setting, watched on rows that neither the search nor the training
# has seen: they change nothing here; with early_stopping=True they would
# choose the epoch to keep.

model.set_params(**search.best_params_)
model.fit(X_train, y_train, X_val=X_val, y_val=y_val)

h = model["mlp"].history_
print("\nTraining: cost and accuracy after every third epoch")
print("              training           validation")
print("epoch  eta    cost    accuracy   cost    accuracy")
for i in range(2, len(h["epoch"]), 3):
    print(
        f"{h['epoch'][i]:5}  {h['eta'][i]:<5.3g}"
        f"  {h['train_cost'][i]:.4f}  {h['train_accuracy'][i]:.3f}    "
        f"  {h['validation_cost'][i]:.4f}  {h['validation_accuracy'][i]:.3f}"
    )

# --- Test --------------------------------------------------------------------

print("\nTest: rows that nothing above has touched")
print(f"accuracy {model.score(X_test, y_test):.3f}")
