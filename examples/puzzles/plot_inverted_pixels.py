"""
Inverted pixels: why a network gets stuck
=========================================

Black on white or white on black: to a sigmoid network it makes all the
difference.

To a person it makes none. With background 1 and ink 0, a training that works
well, with the quadratic cost and eta 3, gets stuck near the accuracy of
chance, and one output is always preferred. (With cross-entropy and eta 0.5 it
swings, and ends far below its usual accuracy.) Here the puzzle is taken apart,
and what cures it is told from what does not.

It wants MNIST: ``fetch_mnist`` downloads it, or reads the folder that the
environment variable ``SKNIELSEN_MNIST`` names. It trains on the first 5,000
images, 8 epochs; with ``SKNIELSEN_FULL=1`` on all 50,000 of the book's split,
10 epochs. Accuracies are those on the 10,000 validation images, of which 2,000
watch each epoch.
"""

import copy
import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.preprocessing import StandardScaler

from sknielsen import MLPSigmoidClassifier, diagnose
from sknielsen.activations import sigmoid
from sknielsen.datasets import fetch_mnist
from sknielsen.diagnostics import weighted_inputs
from sknielsen.plots import HistoryDisplay, SaturationDisplay

FULL = os.environ.get("SKNIELSEN_FULL") == "1"
n_rows, n_epochs = (50_000, 10) if FULL else (5_000, 8)
mnist = fetch_mnist()
X, X_val = mnist.X_train[:n_rows], mnist.X_val
y, y_val = mnist.y_train[:n_rows], mnist.y_val
X_inverted, X_val_inverted = 1 - X, 1 - X_val
# As in the book: eta is constant, and nothing is penalised.
BOOK = {
    "eta_schedule": "constant",
    "lmbda": 0.0,
    "batch_size": 10,
    "init_scale": 1.0,
}

# %%
# The puzzle
# ----------
# The same network, cost and eta, on the same images; only the pixels of the
# second are inverted. The third has a tenth of the eta.


def train(X, X_val, seed=0, **parameters):
    """Train 784-30-10, by default with the quadratic cost at eta 3."""
    parameters = BOOK | {"cost": "quadratic", "eta": 3.0} | parameters
    clf = MLPSigmoidClassifier(
        30,
        max_iter=n_epochs,
        monitor_samples=1000,
        random_state=seed,
        **parameters,
    )
    return clf.fit(X, y, X_val=X_val[:2000], y_val=y_val[:2000])


runs = {
    "ink 1, background 0, eta 3": train(X, X_val),
    "inverted, eta 3": train(X_inverted, X_val_inverted),
    "inverted, eta 0.3": train(X_inverted, X_val_inverted, eta=0.3),
}
HistoryDisplay.from_estimator(runs)

# sphinx_gallery_thumbnail_number = 2

# %%
# What ``diagnose`` says
# ----------------------
# The diagnosis of the stuck network, from its history, its weights and the
# images:

stuck = runs["inverted, eta 3"]
for finding in diagnose(stuck, X_inverted, y):
    print(finding)

# %%
# It asks for inputs of mean 0 first, the best of the cures measured below. The
# eta it also names is smaller by a factor of nearly 13: that is what the
# pixels' means do to the length of a step, and why is the next thing to look
# at. The display shows the neurons it speaks of.

SaturationDisplay.from_estimator(stuck, X_val_inverted)

# %%
# Two reasons
# -----------
# A step on image x changes the weighted input of a hidden neuron for image x'
# by -eta delta (x . x' + 1). For x' = x that is the squared length of the
# image: the larger it is, the farther the same eta carries. For other images
# it says how far they are dragged along.


def describe(X):
    """Return the mean squared length of images, and mean cosine of two."""
    X = X[:2000].astype(float)
    squared = np.square(X).sum(axis=1)
    unit = X / np.sqrt(squared)[:, None]
    n = len(X)
    return squared.mean(), (np.square(unit.sum(axis=0)).sum() - n) / (
        n * (n - 1)
    )


mean = X_inverted.mean(axis=0)
versions = {
    "ink 1, background 0": (X, X_val),
    "inverted": (X_inverted, X_val_inverted),
    "inverted, each pixel's mean subtracted": (
        X_inverted - mean,
        X_val_inverted - mean,
    ),
}
print(f"{'':40} pixel  squared  cosine")
print(f"{'means':40}        length  of two")
for name, (images, _) in versions.items():
    length, cosine = describe(images)
    print(f"{name:40} {images.mean():5.2f}  {length:7.0f}  {cosine:6.2f}")

# %%
# Inverted images are 7.6 times as long, squared: eta 3 on them is what eta 23
# would be on the others, and eta 3 / 7.6 = 0.4 what 3 is there. And they point
# nearly the same way, so every image pushes the hidden neurons in the same
# direction for all images. Mini-batch by mini-batch, here is what that does at
# the start of training: a single step drives most of the hidden neurons into
# saturation. (Compared with centred images the squared length is nearly 13
# times as large: the factor that ``diagnose`` found.)

n_steps = 150
traces = {}
for name, images, images_val, eta in (
    ("ink 1, background 0, eta 3", X, X_val, 3.0),
    ("inverted, eta 3", X_inverted, X_val_inverted, 3.0),
    ("inverted, eta 0.3", X_inverted, X_val_inverted, 0.3),
):
    clf = MLPSigmoidClassifier(
        30,
        cost="quadratic",
        eta=eta,
        monitor_samples=0,
        random_state=0,
        **BOOK,
    )
    trace = []
    for step in range(n_steps):
        batch = slice(10 * step, 10 * step + 10)
        clf.partial_fit(images[batch], y[batch], classes=range(10))
        hidden, output = weighted_inputs(clf, images_val[:200])
        a = sigmoid(hidden)
        share = np.bincount(output.argmax(axis=1), minlength=10).max() / len(
            output
        )
        trace.append(((a * (1 - a) < 0.01).mean(), share))
    traces[name] = 100 * np.array(trace)

fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for name, trace in traces.items():
    saturated, share = trace.T
    axes[0].plot(range(1, n_steps + 1), saturated, label=name)
    smooth = np.convolve(share, np.full(10, 0.1), mode="valid")
    axes[1].plot(range(10, n_steps + 1), smooth, label=name)
axes[0].set(
    ylabel="hidden activations saturated (%)", title="sigma'(z) < 0.01"
)
axes[1].set(
    ylabel="images given that answer (%)",
    title="the commonest answer, mean of 10 steps",
)
for ax in axes:
    ax.set(xlabel="mini-batch of 10 images", ylim=(0, 103))
axes[0].legend(loc="center right")

# %%
# Why one output is always preferred
# ----------------------------------
# Look inside the stuck network. A saturated neuron is at 0 or 1, and if the
# same neurons are so for every image, the output layer gets the same input
# whatever it is shown. All that it can still learn are constants, one for each
# digit, and the largest wins for every image. The few neurons that still tell
# images apart make what difference there is.


def look_inside(clf, X_val):
    """Print how many hidden neurons hardly vary, and what is answered."""
    hidden, output = weighted_inputs(clf, X_val)
    a = sigmoid(hidden)
    constant = int((a.std(axis=0) < 0.01).sum())
    counts = np.bincount(output.argmax(axis=1), minlength=10)
    between = output.mean(axis=0).std()
    within = output.std(axis=0).mean()
    print(f"  hidden neurons that hardly vary over images: {constant} of 30")
    print(f"  z of the outputs: {within:.2f} spread over images,", end=" ")
    print(f"{between:.2f} over digits")
    print(f"  answers 0 to 9: {counts.tolist()}")
    return 100 * counts.max() / len(X_val)


preferred = {}
for name, images_val in (
    ("ink 1, background 0, eta 3", X_val),
    ("inverted, eta 3", X_val_inverted),
    ("inverted, eta 0.3", X_val_inverted),
):
    print(name)
    preferred[name] = look_inside(runs[name], images_val)

# %%
# Which digit is it? The stuck network is trained on, for 200 mini-batches. The
# favourite changes again and again: each digit in a mini-batch raises its own
# constant, all others lower it, so the digits seen last lead.

follows, by_chance, changes, before = 0, 0, 0, None
model = copy.deepcopy(stuck)
for step in range(200):
    batch = slice(10 * step, 10 * step + 10)
    model.partial_fit(X_inverted[batch], y[batch])
    favourite = np.bincount(
        model.predict(X_val_inverted[:200]), minlength=10
    ).argmax()
    in_batch = np.bincount(y[batch], minlength=10)
    follows += in_batch[favourite] == in_batch.max()
    by_chance += (in_batch == in_batch.max()).mean()
    changes += before is not None and favourite != before
    before = favourite
print(f"the favourite changed {changes} times")
print("it was the mini-batch's commonest digit, or one of them,")
print(f"after {follows / 2:.0f} % of them (by chance: {by_chance / 2:.0f} %)")

# %%
# What cures it, and what does not
# --------------------------------
# Cross-entropy alone does not: its delta is larger, not smaller, so at the
# same eta it saturates the hidden neurons sooner; what it takes away is the
# sigma' of the *output* layer. Smaller initial weights alone do not either:
# the neurons are not saturated at the start, they are driven there by the
# first steps. A smaller eta does, and so does centring, which takes away what
# all images have in common. Of a centred image it no longer matters whether it
# was inverted.

centred, centred_val = versions["inverted, each pixel's mean subtracted"]
scalar, scaler = X_inverted.mean(), StandardScaler().fit(X_inverted)
normal, inverted = (X, X_val), (X_inverted, X_val_inverted)
entropy = "cross_entropy"
trials = {
    "ink 1, background 0, eta 3": (normal, {}),
    "ink 1, background 0, cross-entropy, eta 3": (normal, {"cost": entropy}),
    "inverted, eta 3": (inverted, {}),
    "inverted, cross-entropy, eta 3": (inverted, {"cost": entropy}),
    "inverted, cross-entropy, eta 0.5": (
        inverted,
        {"cost": entropy, "eta": 0.5},
    ),
    "inverted, eta 3, initial weights / 10": (inverted, {"init_scale": 0.1}),
    "inverted, eta 3, initial weights / 100": (inverted, {"init_scale": 0.01}),
    "inverted, eta 3 / 7.6": (inverted, {"eta": 3 / 7.6}),
    "inverted, eta 0.3": (inverted, {"eta": 0.3}),
    "inverted, cross-entropy, eta 0.5 / 7.6": (
        inverted,
        {"cost": entropy, "eta": 0.5 / 7.6},
    ),
    "inverted, eta 3, mean of all pixels subtracted": (
        (X_inverted - scalar, X_val_inverted - scalar),
        {},
    ),
    "inverted, eta 3, StandardScaler": (
        (scaler.transform(X_inverted), scaler.transform(X_val_inverted)),
        {},
    ),
    "inverted, eta 3, each pixel's mean subtracted": (
        (centred, centred_val),
        {},
    ),
}
seeds = range(3) if FULL else range(1)
accuracy = {
    name: [
        100
        * train(images, images_val, seed, **parameters).score(
            images_val, y_val
        )
        for seed in seeds
    ]
    for name, ((images, images_val), parameters) in trials.items()
}
fig, ax = plt.subplots(figsize=(9, 5), layout="constrained")
means = [np.mean(values) for values in accuracy.values()]
bars = ax.barh(list(accuracy), means, color="C5")
ax.bar_label(bars, fmt="%.1f", label_type="center")
for row, values in enumerate(accuracy.values()):
    ax.plot(values, [row] * len(values), "o", color="black", ms=4)
ax.axvline(10, color="black", linestyle=":")
ax.invert_yaxis()
ax.set(
    xlabel=f"validation accuracy after {n_epochs} epochs (%)", xlim=(0, 100)
)
ax.set_title("Bars: mean; dots: runs; dotted: chance")

# %%
# On 50,000 images the inverted pixels end at |stuck| with eta 3, where the
# others have |normal|. With cross-entropy at eta 3 they stay at
# |entropy stuck|, though without inversion the same setting gives
# |entropy normal|; at its usual eta of 0.5 they get to |entropy usual|, the
# mean of three seeds that differ much. Initial weights a tenth as large get to
# |tenth|, and weights a hundredth as large to |hundredth|: better than stuck,
# and no cure. Divided by 7.6, the usual eta of either cost gives |small eta|
# and |entropy small eta|; still about 2 points less than without inversion.
# Centring gives |centred|, all that the inversion had taken, at the old eta,
# and one number for all pixels is enough for it. ``StandardScaler`` centres
# too, but also blows up pixels that are nearly always the same: |scaler|;
# ``StandardScaler(with_std=False)`` only centres.
#
# So the trouble is neither the cost nor the start: it is what all inputs have
# in common. First invert such images back, so that most inputs are near 0, or
# subtract their mean, and keep eta. Where neither can be done, divide eta by 8
# to 13: the squared length of inverted images is 7.6 times what it was before,
# and nearly 13 times what it is when they are centred.

# %%
# The results of the full run
# ---------------------------
# .. include:: /generated/plot_inverted_pixels.inc
