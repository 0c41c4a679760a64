"""
98 percent on MNIST
===================

The book's network of 100 hidden neurons, with an eta that falls in two steps,
reads MNIST.

It is trained on the book's 50,000 images, with the cross-entropy cost and an
L2 penalty. It takes about ten seconds on two quiet cores.

The example wants MNIST. ``fetch_mnist`` downloads it once from OpenML, or
reads the four IDX files in the folder that the environment variable
``SKNIELSEN_MNIST`` names.
"""

# %%
# Data
# ----
# The last 10,000 of MNIST's 60,000 training images validate, so that its test
# images stay unseen until the end. Pixels come as float32 in [0, 1].

import sys

from sknielsen import MLPSigmoidClassifier
from sknielsen.datasets import fetch_mnist

mnist = fetch_mnist()

# %%
# Training
# --------
# Long steps find the way, short ones settle: the schedule lists how many
# epochs each eta lasts. It is not the book's, which describes schedules in
# words and trains its 100 hidden neurons with a constant eta. The other
# parameters are; those not named, such as the L2 penalty and no momentum, have
# the book's values by default. Without ``early_stopping``, the validation
# images only watch.

clf = MLPSigmoidClassifier(
    hidden_layer_sizes=100,
    cost="cross_entropy",
    eta_schedule=[(10, 0.5), (10, 0.1), (10, 0.02)],
    lmbda=5.0,
    batch_size=10,
    max_iter=30,
    init_scale=1.0,
    random_state=0,
)
clf.fit(mnist.X_train, mnist.y_train, X_val=mnist.X_val, y_val=mnist.y_val)

# %%
# Results
# -------
# ``history_`` holds one list for each figure. Those on training data come from
# 10,000 of the images, always the same ones; ``monitor_samples`` sets how
# many. The rows at epochs 11 and 21 show what the first epoch with a smaller
# eta brings.

h = clf.history_
print("             training           validation")
print("epoch  eta   cost    accuracy   cost    accuracy")
for epoch in (1, 5, 10, 11, 15, 20, 21, 25, 30):
    i = epoch - 1
    print(
        f"{epoch:5}  {h['eta'][i]:<4}"
        f"  {h['train_cost'][i]:.4f}  {h['train_accuracy'][i]:.4f}   "
        f"  {h['validation_cost'][i]:.4f}  {h['validation_accuracy'][i]:.4f}"
    )
print(f"\n{clf.n_iter_} epochs of training took {sum(h['duration']):.1f} s")
score = clf.score(mnist.X_test, mnist.y_test)
print(f"accuracy on the test images: {score:.4f}")

# %%
# Cost and accuracy by epoch
# --------------------------
# Dotted lines mark where eta changes.

try:
    from sknielsen.plots import HistoryDisplay

    HistoryDisplay.from_estimator(clf)
except ImportError:
    sys.exit('The picture needs matplotlib: pip install ".[plots]".')

# %%
# Distorted images bring the same network further: see
# :ref:`sphx_glr_auto_examples_images_plot_mnist_augmented.py`. What larger
# networks reach with them is on the page :doc:`/guide/starting_points`.
