"""
Deeper networks, and a yardstick without any
============================================

Do two or three hidden layers read digits better than one, and how fast does
each learn?

And does a softmax output layer do better than sigmoid outputs? What does a
classifier reach that is not a network at all, but a few principal components?

It wants MNIST: ``fetch_mnist`` downloads it, or reads the folder that the
environment variable ``SKNIELSEN_MNIST`` names. It trains on the first 5,000
images with one seed; with ``SKNIELSEN_FULL=1`` on all 50,000 of the book's
split with three. Accuracies are those on the 10,000 test images: all settings
were fixed before, and nothing is chosen by them.
"""

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestCentroid

from sknielsen import MLPSigmoidClassifier
from sknielsen.datasets import fetch_mnist
from sknielsen.diagnostics import gradient_norms

mnist = fetch_mnist()
full = os.environ.get("SKNIELSEN_FULL") == "1"
n_rows, n_seeds = (50_000, 3) if full else (5_000, 1)
X, y = mnist.X_train[:n_rows], mnist.y_train[:n_rows]

# %%
# Gradients that vanish
# ---------------------
# The error of a layer comes from the layer after it, times weights and times
# sigma'(z), which is at most 1/4. With weights from N(0, 1/n_in) the product
# is well below 1, so each layer further from the output gets a smaller
# gradient. ``gradient_norms`` measures it: the length of the gradient of each
# layer's biases. A first step of next to no length shows networks as they
# start; then eta is constant, and nothing is penalised.

DEPTHS = {f"784-{'30-' * depth}10": (30,) * depth for depth in (1, 2, 3)}
n_epochs = 10
norms = {}
for name, sizes in DEPTHS.items():
    clf = MLPSigmoidClassifier(
        sizes,
        eta=1e-12,
        eta_schedule="constant",
        lmbda=0.0,
        batch_size=10,
        init_scale=1.0,
        monitor_samples=0,
        random_state=0,
    )
    clf.partial_fit(X[:10], y[:10], classes=range(10))
    by_epoch, scores = [gradient_norms(clf, X[:1000], y[:1000])], []
    clf.set_params(eta=0.1)
    for _ in range(n_epochs):
        clf.partial_fit(X, y)
        by_epoch.append(gradient_norms(clf, X[:1000], y[:1000]))
        scores.append(100 * clf.score(mnist.X_val, mnist.y_val))
    norms[name] = np.array(by_epoch)
    print(name)
    start = "  ".join(f"{norm:.4f}" for norm in by_epoch[0])
    print(f"    gradient of each layer before training: {start}")
    chosen = "  ".join(f"{scores[i]:4.1f}" for i in (0, 1, 2, 4, 9))
    print(f"    validation accuracy, epochs 1 2 3 5 10 (%): {chosen}")

# %%
# Before training, the gradient of the output layer is |three layers| times as
# long as that of the first of three hidden layers; with two hidden layers
# |two layers| times, with one |one layer| times. This is the vanishing
# gradient of the book's chapter 5.

fig, axes = plt.subplots(
    1, 3, figsize=(10, 4), sharey=True, layout="constrained"
)
for ax, (name, by_epoch) in zip(axes, norms.items()):
    n_layers = by_epoch.shape[1]
    for layer in range(n_layers):
        last = layer == n_layers - 1
        ax.plot(
            range(n_epochs + 1),
            by_epoch[:, layer],
            color="black" if last else f"C{layer}",
            linestyle="--" if last else "-",
            marker="o^sD"[layer],
            markersize=4,
            label="output layer" if last else f"hidden layer {layer + 1}",
        )
    ax.set(xlabel="epochs of training", title=name, yscale="log")
axes[0].set_ylabel("length of the gradient of the biases")
handles, labels = axes[-1].get_legend_handles_labels()
fig.legend(handles, labels, loc="outside lower center", ncols=4)
fig.suptitle(f"{n_rows:,} training images, cross-entropy, eta 0.1")

# %%
# Training ends it: once the weights have grown, all layers learn at a like
# pace. But it costs time to come so far. On 5,000 images the deepest of the
# three networks spends its first epochs guessing; 50,000 images bring it
# through within the first epoch. So vanishing gradients delay networks of this
# depth, and do not stop them; the eta must allow for that.
#
# One, two and three hidden layers; sigmoid and softmax
# -----------------------------------------------------
# Hidden layers of 100 neurons, an L2 penalty, and the eta regimes of the
# :ref:`98 percent example
# <sphx_glr_auto_examples_start_plot_mnist_98_percent.py>`. Sigmoid outputs
# have the cross-entropy cost, softmax outputs the log-likelihood; both have
# the error a - y.

accuracy = {}
for cost, outputs in {
    "cross_entropy": "sigmoid",
    "log_likelihood": "softmax",
}.items():
    for depth in (1, 2, 3):
        fitted = [
            MLPSigmoidClassifier(
                (100,) * depth,
                cost=cost,
                eta_schedule=[(10, 0.5), (10, 0.1), (10, 0.02)],
                lmbda=5 * n_rows / 50_000,
                batch_size=10,
                max_iter=30,
                init_scale=1.0,
                monitor_samples=0,
                random_state=seed,
            ).fit(X, y)
            for seed in range(n_seeds)
        ]
        name = f"784-{'100-' * depth}10, {outputs} outputs"
        accuracy[name] = [
            100 * clf.score(mnist.X_test, mnist.y_test) for clf in fitted
        ]

print(f"{n_rows} training images, test accuracy (%)   mean   seeds")
for name, a in accuracy.items():
    seeds = "  ".join(f"{one:.2f}" for one in a)
    print(f"{name:36}      {np.mean(a):.2f}   {seeds}")

# %%
# In the full run one hidden layer reaches |one|, two |two| and three |three|:
# more than the 97.5 % for two and three in the notes of the reader whose
# questions :doc:`these pages answer </results/experiments>`. The second layer
# is worth a quarter of a point, the third nothing. Softmax does as well as
# sigmoid outputs: their means differ by less than the seeds do. With 5,000
# images depth brings nothing, and a third layer harms.

# %%
# A PCA classifier as the yardstick
# ---------------------------------
# The notes have a PCA classifier at 70 % and do not say how it was made. The
# plainest one keeps a few principal components of all images and takes the
# class whose mean is nearest. A better one gives each class components of its
# own, and takes the class whose subspace is nearest: the one that reconstructs
# the image with the least error.

n_components = [2, 5, 6, 7, 8, 10, 20, 50]


def components_of(images):
    return PCA(max(n_components), svd_solver="covariance_eigh").fit(images)


pca = components_of(X)
Z, Z_test = pca.transform(X), pca.transform(mnist.X_test)
means = [
    100 * NearestCentroid().fit(Z[:, :k], y).score(Z_test[:, :k], mnist.y_test)
    for k in n_components
]

# What k components leave of an image is its squared length without the squares
# of its k scores.
errors = []
for digit in range(10):
    pca = components_of(X[y == digit])
    squared_length = np.square(mnist.X_test - pca.mean_).sum(
        axis=1, keepdims=True
    )
    scores = pca.transform(mnist.X_test)
    errors.append(squared_length - np.square(scores).cumsum(axis=1))
nearest = np.argmin(errors, axis=0)  # (n_images, k - 1)
subspaces = [
    100 * (nearest[:, k - 1] == mnist.y_test).mean() for k in n_components
]
print("components           ", " ".join(f"{k:5}" for k in n_components))
print("nearest mean (%)     ", " ".join(f"{a:5.1f}" for a in means))
print("nearest subspace (%) ", " ".join(f"{a:5.1f}" for a in subspaces))

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
curves = {
    "nearest subspace: PCA of each class": (subspaces, "s", "C0"),
    "nearest class mean: PCA of all images": (means, "o", "C1"),
}
for label, (percent, marker, colour) in curves.items():
    ax.plot(n_components, percent, marker=marker, color=colour, label=label)
best = max(np.mean(a) for a in accuracy.values())
ax.axhline(best, color="black", label="best network")
ax.axhline(
    70, color="grey", linestyle=":", label="PCA classifier of the notes"
)
ax.set_xscale("log")
ax.set_xticks(n_components, n_components)
ax.minorticks_off()
ax.set(
    xlabel="principal components", ylabel="test accuracy (%)", ylim=(40, 102)
)
ax.legend(loc="lower right")
ax.set_title(f"{n_rows:,} training images")

# %%
# The plainest one meets the notes' 70 % with 7 components (|seven means| in
# the full run), and with 50 it comes to |fifty means|; it may be what they
# had, or not. As a yardstick it is too short: the nearest subspace, as simple
# to train, has |subspaces| with 20 components for each class. That is as much
# as the 30 hidden neurons of :ref:`the eight set-ups
# <sphx_glr_auto_examples_puzzles_plot_six_setups.py>` reach with
# cross-entropy, and on 5,000 images it beats all networks here. A network is
# worth its training above that line.

# %%
# The results of the full run
# ---------------------------
# .. include:: /generated/plot_deeper_networks.inc
