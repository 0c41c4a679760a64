"""
Overfitting: the cost turns before the accuracy does
====================================================

When is a network trained too long? Five remedies side by side, and why the two
figures differ.

After 100 epochs the answer depends on the figure one looks at: the validation
cost has long been rising, and the accuracy has not fallen. This page shows
why, and sets L2, L1, dropout, distortions and more images side by side.

It wants MNIST: ``fetch_mnist`` downloads it, or reads the folder that the
environment variable ``SKNIELSEN_MNIST`` names. It trains on 1,000 images,
10,000 for "more data", watched on 2,000 validation images; with
``SKNIELSEN_FULL=1`` on 5,000 and 50,000, watched on all 10,000.
"""

import os

import matplotlib.pyplot as plt
import numpy as np

from sknielsen import ImageAugmenter, MLPSigmoidClassifier
from sknielsen.costs import CrossEntropy
from sknielsen.datasets import fetch_mnist
from sknielsen.diagnostics import weighted_inputs
from sknielsen.plots import HistoryDisplay

FULL = os.environ.get("SKNIELSEN_FULL") == "1"
n_rows, n_val = (5_000, 10_000) if FULL else (1_000, 2_000)
mnist = fetch_mnist()
X, y = mnist.X_train[:n_rows], mnist.y_train[:n_rows]
X_val, y_val = mnist.X_val[:n_val], mnist.y_val[:n_val]
n_epochs = 100

# %%
# A hundred epochs
# ----------------
# 784-100-10, cross-entropy, and as in the book a constant eta, 0.5, and no
# penalty. (The defaults are an eta that falls, and a penalty.) ``partial_fit``
# trains one epoch, so the network can be asked about every single validation
# image after each: is it classified rightly, and what does it cost?

BOOK = {
    "eta": 0.5,
    "eta_schedule": "constant",
    "lmbda": 0.0,
    "batch_size": 10,
    "init_scale": 1.0,
}
clf = MLPSigmoidClassifier(100, random_state=0, **BOOK)
targets = np.eye(10)[y_val]
right, cost = [], []
for _ in range(n_epochs):
    clf.partial_fit(X, y, classes=range(10), X_val=X_val, y_val=y_val)
    z = weighted_inputs(clf, X_val)[-1]
    cost.append(CrossEntropy().value(z, targets))
    right.append(z.argmax(axis=1) == y_val)
right, cost = np.array(right), np.array(cost)  # (n_epochs, n_val)

h = clf.history_
turn = {
    "validation cost is least": int(np.argmin(h["validation_cost"])),
    "validation accuracy is best": int(np.argmax(h["validation_accuracy"])),
}
for event, i in turn.items():
    print(
        f"{event} in epoch {i + 1:3}: cost {h['validation_cost'][i]:.3f}, "
        f"accuracy {h['validation_accuracy'][i]:.2%}"
    )
print(f"after epoch 100: cost {h['validation_cost'][-1]:.3f}, ", end="")
print(f"accuracy {h['validation_accuracy'][-1]:.2%}")

fig, axes = plt.subplots(1, 2, figsize=(8, 3.5), layout="constrained")
HistoryDisplay.from_estimator(clf, ax=axes)

# %%
# Why the two disagree
# --------------------
# Accuracy asks only which output is largest; the cost also asks how sure the
# network is. So split the cost: what part of it comes from the images that are
# classified rightly, what part from the others? As training goes on, the
# network becomes surer of everything. On what it gets right, that lowers the
# cost. On what it gets wrong, an ever surer error costs ever more, though it
# is still the same one error. (The evaluation cost of network2.py may rise for
# another reason, :doc:`its penalty </guide/from_network2>`.)

from_right = (cost * right).sum(axis=1) / n_val
from_wrong = (cost * ~right).sum(axis=1) / n_val
n_wrong = (~right).sum(axis=1)
per_wrong = n_val * from_wrong / n_wrong
epochs = np.arange(1, n_epochs + 1)

fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
axes[0].stackplot(
    epochs,
    from_right,
    from_wrong,
    labels=["of images classified rightly", "of images classified wrongly"],
    colors=["C5", "C1"],
)
axes[0].set(
    xlabel="epoch", ylabel="mean validation cost, stacked", xlim=(1, n_epochs)
)
axes[0].set_ylim(0, 1.45 * (from_right + from_wrong)[5:].max())
axes[0].legend(loc="upper right")
axes[0].set_title("Where the validation cost comes from")
axes[1].plot(epochs, per_wrong, "C1", label="cost of one wrong image (left)")
axes[1].set(xlabel="epoch", ylabel="mean cost of a wrongly classified image")
axes[1].set_ylim(0, None)
count = axes[1].twinx()
count.plot(epochs, 100 * n_wrong / n_val, "C0--", label="wrong images (right)")
count.set(ylabel="images classified wrongly (%)", ylim=(0, 30))
lines = [*axes[1].get_lines(), *count.get_lines()]
axes[1].legend(lines, [line.get_label() for line in lines], loc="center right")
axes[1].set_title("Fewer errors, each a dearer one")

for epoch in (turn["validation cost is least"] + 1, n_epochs):
    i = epoch - 1
    print(
        f"epoch {epoch}: {n_wrong[i]} images wrong, {per_wrong[i]:.2f} each;"
    )
    print(f"    cost of the right ones {from_right[i]:.3f},", end=" ")
    print(f"of the wrong ones {from_wrong[i]:.3f}")

# %%
# So who needs labels only may train on, and who needs probabilities that can
# be trusted should stop where the cost is least: ``early_stopping=True`` does
# either, by ``scoring="accuracy"`` or, the default, ``scoring="cost"``.

# %%
# Five remedies
# -------------
# Each network is trained for 100 epochs. The strengths were chosen by the
# validation cost among a few tried. "More data" are ten times as many real
# images; "distorted" are the same few images, distorted anew in every epoch.

remedies = {
    "none": {},
    "L2": {"lmbda": 1.0},
    "L1": {"lmbda": 0.5, "penalty": "l1"},
    "dropout": {"dropout": (0.2, 0.5)},
    "distorted": {"augment": ImageAugmenter.gentle()},
    "more data": {},
}
fitted = {}
for name, parameters in remedies.items():
    rows = slice(10 * n_rows if name == "more data" else n_rows)
    model = MLPSigmoidClassifier(
        100,
        max_iter=n_epochs,
        monitor_samples=0,
        random_state=0,
        **(BOOK | parameters),
    )
    fitted[name] = model.fit(
        mnist.X_train[rows], mnist.y_train[rows], X_val=X_val, y_val=y_val
    )

print("           validation cost            validation accuracy (%)")
print("           least  in epoch  at last   best   in epoch  at last")
for name, model in fitted.items():
    c = model.history_["validation_cost"]
    a = 100 * np.array(model.history_["validation_accuracy"])
    print(
        f"{name:10} {min(c):.3f}  {np.argmin(c) + 1:7}    {c[-1]:.3f}   "
        f"{max(a):5.2f}  {np.argmax(a) + 1:7}    {a[-1]:5.2f}"
    )

none = fitted["none"].history_
display = HistoryDisplay.from_estimator(fitted)
display.axes_[0].set_ylim(0, 1.1 * none["validation_cost"][-1])
display.axes_[1].set_ylim(none["validation_accuracy"][2], None)

# %%
# Penalties are about the size of the weights, so look at it.

fig, axes = plt.subplots(1, 2, figsize=(10, 3.5), layout="constrained")
for layer, ax in enumerate(axes):
    norms = [np.linalg.norm(model.coefs_[layer]) for model in fitted.values()]
    bars = ax.bar(list(fitted), norms)
    ax.bar_label(bars, fmt="%.0f")
    ax.set(ylabel="norm of the weights")
    ax.set_title("output layer" if layer else "hidden layer")
    ax.margins(y=0.12)
    ax.tick_params(axis="x", labelsize="small")

# %%
# In the full run, on 5,000 images and without a remedy, the validation cost is
# least in epoch |turn| and rises from then on; the accuracy is best in epoch
# |best|, and ends at |none|. There are no more errors than before; each has
# become dearer.
#
# L2 and dropout both end at |l2|, and keep the cost from rising far. L1, at
# this strength, makes training restless, lowers the cost a little and does
# nothing for the accuracy, |l1|. Distortions bring |distorted|, and ten times
# as many images |more|: nothing replaces data, and distorting what there is
# comes closest. More data do not keep the cost from turning: that of 50,000
# images is least in epoch |more turn|, while the accuracy is best in epoch
# |more best|. On 1,000 images penalties do less still: L2 all but stops the
# rise of the cost, and leaves the accuracy where it was.
#
# Small weights are not the secret: the penalties shrink them, to a norm of
# |l2 norm| and |l1 norm| instead of |norm| in the hidden layer, but dropout,
# distortions and more data, which generalise better, end with |dropout norm|,
# |distorted norm| and |more norm|. All are figures of the full run, of one
# training each; differences of 0.2 points in accuracy are within chance.

# %%
# The results of the full run
# ---------------------------
# .. include:: /generated/plot_overfitting.inc
