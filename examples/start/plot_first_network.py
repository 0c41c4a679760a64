"""
A first network
===============

Train on scikit-learn's digits, watch, test, and look at what was learned, in
two seconds.

The 1,797 images of handwritten digits come with scikit-learn, so nothing is
downloaded.
"""

# %%
# Three parts
# -----------
# The first trains, the second is watched meanwhile, the third is kept for the
# end. Pixels come in 0 to 16, and the network wants about [0, 1].

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sknielsen import MLPSigmoidClassifier
from sknielsen.plots import (
    HardExamplesDisplay,
    HistoryDisplay,
    WeightsDisplay,
)

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(
    X / 16, y, test_size=300, stratify=y, random_state=0
)
X_train, X_val, y_train, y_val = train_test_split(
    X, y, train_size=1200, stratify=y, random_state=0
)

# %%
# Train and watch
# ---------------
# All parameters but the number of neurons are left to the defaults: the
# cross-entropy cost, mini-batches of 10, an eta that falls over 40 epochs.

clf = MLPSigmoidClassifier(30, random_state=0)
clf.fit(X_train, y_train, X_val=X_val, y_val=y_val)

# %%
# After a few epochs the accuracy hardly rises, while the training cost falls
# on. The marks are the epochs that were best on the validation images.

HistoryDisplay.from_estimator(clf)

# %%
# One look at the test images
# ---------------------------

print(f"test accuracy: {clf.score(X_test, y_test):.3f}")

# %%
# What the neurons look for
# -------------------------
# The weights of each hidden neuron are an image themselves: ink on red makes
# the neuron fire, ink on blue silences it.

WeightsDisplay.from_estimator(clf)

# sphinx_gallery_thumbnail_number = 2

# %%
# What is hard
# ------------
# The test images whose true class got the least probability, with it and the
# answer. People would hesitate at some of them, too.

HardExamplesDisplay.from_estimator(clf, X_test, y_test, limit=12)
