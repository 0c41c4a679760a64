"""
Schedules of eta: who is first at 98 percent?
=============================================

Long steps find the way fast, short ones settle: four ways to have both are
compared.

They are compared with a constant eta: regimes set by hand, a linear taper, and
halving on a plateau of the validation accuracy. How many epochs, and seconds,
does each need to 98 % on the validation images?

It wants MNIST: ``fetch_mnist`` downloads it, or reads the folder that the
environment variable ``SKNIELSEN_MNIST`` names. It trains on the first 20,000
images, where 98 % is out of reach and the mark is 97 %, with one seed; with
``SKNIELSEN_FULL=1`` on all 50,000 of the book's split, with three seeds and
the mark at 98 %.
"""

import os

import matplotlib.pyplot as plt
import numpy as np

from sknielsen import MLPSigmoidClassifier
from sknielsen.datasets import fetch_mnist
from sknielsen.plots import HistoryDisplay
from sknielsen.schedules import Plateau, Taper

mnist = fetch_mnist()
full = os.environ.get("SKNIELSEN_FULL") == "1"
n_rows, n_seeds, n_epochs, mark = (
    (50_000, 3, 60, 98) if full else (20_000, 1, 30, 97)
)
X, y = mnist.X_train[:n_rows], mnist.y_train[:n_rows]

# %%
# The schedules
# -------------
# The regimes are written down beforehand, and so is the taper, which falls to
# nearly nothing in epoch 30 and stays there. (``"taper"``, the default, falls
# over all of ``max_iter``.) Only the plateau schedule looks at how training
# goes: it halves eta after five epochs without a better validation accuracy,
# which is why ``scoring`` is named.

SCHEDULES = {
    "constant 0.5": {"eta": 0.5, "eta_schedule": "constant"},
    "constant 0.1": {"eta": 0.1, "eta_schedule": "constant"},
    "regimes 0.5, 0.1, 0.02": {
        "eta_schedule": [(10, 0.5), (10, 0.1), (10, 0.02)]
    },
    "linear taper from 0.5": {
        "eta": 0.5,
        "eta_schedule": Taper("linear", n_epochs=30),
    },
    "halved on a plateau": {"eta": 0.5, "eta_schedule": Plateau(patience=5)},
}


def train(seed, **schedule):
    clf = MLPSigmoidClassifier(
        hidden_layer_sizes=100,
        lmbda=5 * n_rows / 50_000,
        batch_size=10,
        max_iter=n_epochs,
        init_scale=1.0,
        scoring="accuracy",
        monitor_samples=0,
        random_state=seed,
        **schedule,
    )
    return clf.fit(X, y, X_val=mnist.X_val, y_val=mnist.y_val).history_


histories = {
    name: [train(seed, **schedule) for seed in range(n_seeds)]
    for name, schedule in SCHEDULES.items()
}

# %%
# Accuracy and eta by epoch
# -------------------------
# As long as eta is 0.5, the accuracy jumps by some tenths of a point from
# epoch to epoch: steps are so long that they pass the bottom of the valley.
# Where eta falls, the accuracy rises at once and calms down. An eta of 0.1
# from the start is calm too, but takes much longer to arrive. Until its first
# halving, the plateau schedule's curve is that of the constant 0.5. Dots mark
# where eta changes. (Of several seeds, the first one is drawn.)

# sphinx_gallery_thumbnail_number = 2

first = {name: runs[0] for name, runs in histories.items()}
display = HistoryDisplay.from_history(first, linewidth=1.2)
display.axes_[0].set_ylim(0.1, 0.5)
display.axes_[1].set_ylim(mark / 100 - 0.025, mark / 100 + 0.006)
display.axes_[1].axhline(mark / 100, color="grey", linestyle=":")

# %%
# The eta of each epoch:

fig, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
for name, history in first.items():
    ax.step(history["epoch"], history["eta"], where="mid", label=name)
ax.set(xlabel="epoch", ylabel="eta", yscale="log")
ticks = [0.5, 0.2, 0.1, 0.05, 0.02, 0.01]
ax.set_yticks(ticks, ticks)
ax.minorticks_off()
ax.legend()

# %%
# Epochs and seconds to the mark
# ------------------------------
# The time is that of training alone, without the look at the validation images
# after every epoch, on whichever machine ran this. An epoch takes as long
# whatever its eta is.

print(f"784-100-10, {n_rows:,} images, {n_seeds} seed(s)")
print(f"to {mark} % on the validation images      epochs   seconds")
reached, end = {}, {}
for name, runs in histories.items():
    curves = [np.array(h["validation_accuracy"]) for h in runs]
    end[name] = 100 * np.mean([curve[-5:] for curve in curves])
    above = [np.flatnonzero(curve >= mark / 100) for curve in curves]
    reached[name] = [
        (h["epoch"][rows[0]], sum(h["duration"][: rows[0] + 1]))
        for h, rows in zip(runs, above)
        if len(rows)
    ]
    if reached[name]:
        epochs, seconds = np.mean(reached[name], axis=0)
        to_mark = f"{epochs:8.1f}  {seconds:8.1f}"
    else:
        to_mark = "   never"
    print(f"{name:34}  {to_mark}   last 5 epochs {end[name]:.2f} %")

# %%
# In the full run an eta of 0.5 never reaches 98 % in 60 epochs, and one of 0.1
# takes |slow|. The regimes take |regimes|, since their eta falls after 10:
# whoever wrote them down knew when. Taper and plateau both take |taper|, and
# end a little higher, by less than the spread between seeds. So the plateau
# schedule is the one for a new problem, about which nothing is known
# beforehand, and a taper the one for a given budget of epochs. With 20,000
# images all five reach the lower mark, in a like order.

# %%
# The results of the full run
# ---------------------------
# .. include:: /generated/plot_eta_schedules.inc
