"""
Eight set-ups, up to 98 percent
===============================

What each idea of the book's third chapter brings, on one table, and on digits
that are hard.

Six set-ups with a constant eta, from the first chapter's network to
cross-entropy with a penalty, and two with eta regimes stand on one table, with
their spread over random seeds. Then 200 digits that were hard for the first
network are shown to all: which become right, and which become wrong?

It wants MNIST: ``fetch_mnist`` downloads it, or reads the folder that the
environment variable ``SKNIELSEN_MNIST`` names. It trains on the first 2,000
images with two seeds; with ``SKNIELSEN_FULL=1`` on all 50,000 of the book's
split with three. Accuracies are those on the 10,000 test images: all settings
were fixed before, and nothing is chosen by them.
"""

import os

import matplotlib.pyplot as plt
import numpy as np

from sknielsen import MLPSigmoidClassifier, hard_examples
from sknielsen.datasets import fetch_mnist
from sknielsen.plots import HardExamplesDisplay

mnist = fetch_mnist()
full = os.environ.get("SKNIELSEN_FULL") == "1"
n_rows, n_seeds = (50_000, 3) if full else (2_000, 2)
X, y = mnist.X_train[:n_rows], mnist.y_train[:n_rows]
X_test, y_test = mnist.X_test, mnist.y_test

# %%
# The set-ups
# -----------
# The basic one is that of the first chapter: quadratic cost, weights from N(0,
# 1), eta 3. All the others have the cross-entropy cost, weights from N(0,
# 1/n_in) and eta 0.5. lmbda is 5 for 50,000 images, and less in proportion for
# fewer. Each network is trained for 30 epochs. What differs from the defaults
# is named: here eta is constant, and nothing is penalised, unless a set-up
# says so.

BOOK = {
    "eta": 0.5,
    "eta_schedule": "constant",
    "lmbda": 0.0,
    "batch_size": 10,
    "max_iter": 30,
    "init_scale": 1.0,
}
basic = {"cost": "quadratic", "eta": 3.0, "weight_init": "large"}
penalty = {"lmbda": 5 * n_rows / 50_000}
regimes = {"eta_schedule": [(10, 0.5), (10, 0.1), (10, 0.02)]}
SETUPS = {
    "quadratic, 30 hidden": {"hidden_layer_sizes": 30, **basic},
    "quadratic, 100 hidden": {"hidden_layer_sizes": 100, **basic},
    "cross-entropy, 30 hidden": {"hidden_layer_sizes": 30},
    "cross-entropy, 100 hidden": {"hidden_layer_sizes": 100},
    "cross-entropy, 30 hidden, L2": {"hidden_layer_sizes": 30, **penalty},
    "cross-entropy, 100 hidden, L2": {"hidden_layer_sizes": 100, **penalty},
    "cross-entropy, 100 hidden, L2, eta regimes": {
        "hidden_layer_sizes": 100,
        **penalty,
        **regimes,
    },
    "cross-entropy, 200 hidden, L2, eta regimes": {
        "hidden_layer_sizes": 200,
        **penalty,
        **regimes,
    },
}

models = {
    name: [
        MLPSigmoidClassifier(
            **(BOOK | setup), monitor_samples=0, random_state=seed
        ).fit(X, y)
        for seed in range(n_seeds)
    ]
    for name, setup in SETUPS.items()
}
predicted = {
    name: np.array([clf.predict(X_test) for clf in fitted])
    for name, fitted in models.items()
}
accuracy = {
    name: 100 * (p == y_test).mean(axis=1) for name, p in predicted.items()
}

title = f"{n_rows} training images, test accuracy (%)"
print(f"{title:46} mean   lowest  highest")
for name, a in accuracy.items():
    print(f"{name:46}{a.mean():5.2f}    {a.min():5.2f}    {a.max():5.2f}")

# %%
# Half the distance to 100 % is as hard at 98 % as at 80 %, so the picture
# shows errors on a logarithmic axis.

fig, ax = plt.subplots(figsize=(9, 4), layout="constrained")
for i, a in enumerate(accuracy.values()):
    ax.scatter(100 - a, np.full(n_seeds, i), color="C0", alpha=0.7, s=40)
    ax.scatter(100 - a.mean(), i, color="C1", marker="|", s=400, linewidth=2.5)
    ax.annotate(
        f"{a.mean():.1f} % right",
        (1.01, i),
        xycoords=("axes fraction", "data"),
        va="center",
        annotation_clip=False,
    )
ax.set_xscale("log")
low, high = ax.get_xlim()
ticks = [t for t in (1, 2, 3, 5, 10, 20, 30) if 0.6 * low < t < high]
ax.set_xticks(ticks, ticks)
ax.minorticks_off()
ax.set_yticks(range(len(accuracy)), accuracy)
ax.invert_yaxis()
ax.grid(axis="x")
ax.set(xlabel="test error (%): a dot for each seed, a stroke for their mean")
ax.set_title(f"784-n-10, {n_rows:,} training images, 30 epochs")

# %%
# In the full run, two of the three basic networks come to about
# |basic highest|, as in the notes of the reader whose questions :doc:`these
# pages answer </results/experiments>`; the third stops at |basic lowest|. With
# 100 hidden neurons the best of three has |100 highest|. The book's first
# chapter has 96.59 % for these, and warns that some trainings end quite a bit
# worse. The reason can be counted: an output neuron whose weighted input was
# driven far below zero has a tiny sigma'(z), and under the quadratic cost
# sigma'(z) is a factor of all it learns. Its digit is lost. Cross-entropy has
# no such factor, and its seeds differ by less than half a point.

for name, p in predicted.items():
    for seed, labels in enumerate(p):
        recall = [
            (labels[y_test == digit] == digit).mean() for digit in range(10)
        ]
        lost = np.flatnonzero(np.array(recall) < 0.05)
        if len(lost):
            digits = ", ".join(map(str, lost))
            print(f"{name}, seed {seed}: hardly ever finds {digits}")

# %%
# The digits that were hard for the first network
# -----------------------------------------------
# Hard is a digit whose true class got less than 0.7 of the probability. These
# are the hardest of the basic network with seed 0.

first = models["quadratic, 30 hidden"][0]
display = HardExamplesDisplay.from_estimator(first, X_test, y_test, limit=18)

# %%
# The hardest of all are wrong without exception, and could not become wrong.
# So 200 are drawn from all hard ones, some of which the first network got
# right, if barely. The same 200 are then shown to every other network; the
# first bar is the basic set-up itself, trained with other seeds.

hard = hard_examples(first, X_test, y_test, limit=None)
chosen = np.random.default_rng(0).choice(len(hard.indices), 200, replace=False)
rows = np.sort(hard.indices[chosen])
right_first = predicted["quadratic, 30 hidden"][0][rows] == y_test[rows]
right = {name: p[:, rows] == y_test[rows] for name, p in predicted.items()}
right = {
    "quadratic, 30 hidden, other seeds": right.pop("quadratic, 30 hidden")[1:],
    **right,
}

kinds = {
    "still right": ("C5", lambda r: r & right_first),
    "became right": ("C0", lambda r: r & ~right_first),
    "became wrong": ("C1", lambda r: ~r & right_first),
    "still wrong": ("0.85", lambda r: ~r & ~right_first),
}
counts = {
    name: {
        kind: chosen(r).sum(axis=1).mean()
        for kind, (_, chosen) in kinds.items()
    }
    for name, r in right.items()
}
n_hard = len(hard.indices)
print(f"{n_hard} of {len(y_test)} test images are hard for the first network;")
print(f"of the 200 drawn it has {right_first.sum()} right.\n")
print(f"{'of the 200, mean of the seeds:':44}   right         wrong")
print(f"{'':44} still became  still became")
columns = "still right", "became right", "still wrong", "became wrong"
for name, count in counts.items():
    print(f"{name:44}" + " ".join(f"{count[kind]:6.1f}" for kind in columns))

fig, ax = plt.subplots(figsize=(9, 4), layout="constrained")
left = np.zeros(len(counts))
for kind, (colour, _) in kinds.items():
    widths = np.array([count[kind] for count in counts.values()])
    bars = ax.barh(list(counts), widths, left=left, color=colour, label=kind)
    dark = kind in ("became right", "became wrong")
    labels = [f"{width:.0f}" if width >= 5 else "" for width in widths]
    ax.bar_label(
        bars, labels, label_type="center", color="white" if dark else "black"
    )
    left += widths
ax.invert_yaxis()
ax.set(
    xlabel="of 200 digits that are hard for the first network", xlim=(0, 200)
)
fig.legend(loc="outside upper center", ncols=4)

# %%
# The first bar is the yardstick: digits that were hard for *one* network are
# less so for its sister with another seed, without any better idea. In the
# full run |sisters| of the 200 become right in this way. Cross-entropy with 30
# neurons adds next to nothing to that (|entropy 30|); 100 neurons bring it to
# |entropy 100|. Of those that the first network had right, if barely,
# |sisters wrong| become wrong under its sisters, |entropy wrong| under
# cross-entropy with 100 neurons, and |regimes wrong| with the eta regimes.
# About a quarter stay wrong under the best set-ups. Below are some of each
# kind.

best = "cross-entropy, 200 hidden, L2, eta regimes"
groups = {
    "became right\n(all seeds)": ~right_first & right[best].all(axis=0),
    "became wrong\n(any seed)": right_first & ~right[best].all(axis=0),
    "still wrong\n(all seeds)": ~right_first & ~right[best].any(axis=0),
}
fig, axes = plt.subplots(3, 12, figsize=(10, 3.6), layout="constrained")
for row, (group, members) in zip(axes, groups.items()):
    label = f"{group}\n{members.sum()}"
    row[0].text(
        -0.25, 0.5, label, transform=row[0].transAxes, ha="right", va="center"
    )
    for ax in row:
        ax.set_axis_off()
    for ax, i in zip(row, np.flatnonzero(members)):
        labels = predicted[best][:, rows[i]]
        shown = labels[
            labels != y_test[rows[i]]
        ]  # a wrong answer, where there is one
        answer = shown[0] if len(shown) else y_test[rows[i]]
        ax.imshow(X_test[rows[i]].reshape(28, 28), cmap="gray_r")
        before = predicted["quadratic, 30 hidden"][0][rows[i]]
        ax.set_title(
            f"{y_test[rows[i]]}: {before} → {answer}", fontsize="small"
        )
fig.suptitle(
    "true digit: first network's answer → "
    "answer with 200 hidden, L2 and eta regimes"
)

# %%
# Among hard digits there is more to win than to lose. Over all test images,
# the gains come with a price: in the full run |all right| become right, and
# |all wrong| that the first network read rightly become wrong.

right_before = predicted["quadratic, 30 hidden"][0] == y_test
right_after = predicted[best] == y_test
changed = {
    "became right": float((right_after & ~right_before).sum(axis=1).mean()),
    "became wrong": float((~right_after & right_before).sum(axis=1).mean()),
}
print(f"of all {len(y_test)} test images, {best}:")
print(", ".join(f"{kind} {count:.1f}" for kind, count in changed.items()))

# %%
# The table below has the full run next to the notes. For the first set-up our
# mean is lower than their 95 %, because of the one network that lost a digit;
# those of the other two seeds agree. For the last our |best| is a little
# higher than their 98 %. The steps between: more neurons bring about two
# points, once the cost lets them learn; L2 half a point to 30 neurons, and
# nothing to 100 with a constant eta, where the difference is of the size of
# the spread; the regimes and 200 neurons 0.2 to 0.3 points each. With 2,000
# images the regimes bring nothing: data are short there, not a better end of
# the descent.

# %%
# The results of the full run
# ---------------------------
# .. include:: /generated/plot_six_setups.inc
