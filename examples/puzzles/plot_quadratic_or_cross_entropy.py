"""
Quadratic cost or cross-entropy
===============================

Does a network that starts badly wrong learn fast, as people do? It depends on
the cost.

Here a single neuron, and then a network on digits, start badly under both, and
one deleted factor turns the one cost's training into the other's.

It wants MNIST: ``fetch_mnist`` downloads it, or reads the folder that the
environment variable ``SKNIELSEN_MNIST`` names. It trains one network for each
setting on 10,000 images, watched on 2,000 validation images; with
``SKNIELSEN_FULL=1`` three on all 50,000 of the book's split, watched on all
10,000.
"""

import os

import matplotlib.pyplot as plt
import numpy as np

from sknielsen import MLPSigmoidClassifier
from sknielsen.activations import sigmoid
from sknielsen.costs import CrossEntropy, Quadratic
from sknielsen.datasets import fetch_mnist
from sknielsen.diagnostics import weighted_inputs

FULL = os.environ.get("SKNIELSEN_FULL") == "1"
COLOURS = {"quadratic": "C1", "cross_entropy": "C0"}  # of matplotlib's cycle
# As in the book: eta is constant, and nothing is penalised.
BOOK = {
    "eta": 0.5,
    "eta_schedule": "constant",
    "lmbda": 0.0,
    "batch_size": 10,
    "init_scale": 1.0,
}

# %%
# One neuron, started badly
# -------------------------
# The experiment that opens chapter 3 of the book: a neuron with one weight and
# one bias shall learn to turn the input 1 into the output 0, at eta 0.15.
# Started at w = 0.6 and b = 0.9 its output is 0.82; started at w = b = 2 it is
# 0.98, badly wrong. No hidden layer makes the classifier such a neuron.

X_one, y_one = np.ones((1, 1)), np.array([0])
n_epochs = 300


def outputs(cost, w, b):
    """Train the neuron; return its output at the start, and by epoch."""
    neuron = MLPSigmoidClassifier(
        hidden_layer_sizes=(),
        cost=cost,
        weight_init=lambda rng, n_in, n_out: (
            np.full((n_in, n_out), w),
            np.full(n_out, b),
        ),
        **(BOOK | {"eta": 0.15, "batch_size": 1}),
    )
    a = [float(sigmoid(np.array([w + b]))[0])]
    for _ in range(n_epochs):
        neuron.partial_fit(X_one, y_one, classes=[0, 1])
        a.append(neuron.predict_proba(X_one)[0, 1])
    return np.array(a)


epochs_to_half = {}
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for cost, colour in COLOURS.items():
    for (w, b), style in {(0.6, 0.9): "--", (2.0, 2.0): "-"}.items():
        a = outputs(cost, w, b)
        epochs_to_half[cost, w] = int((a < 0.5).argmax())
        label = f"{cost.replace('_', '-')}, w = {w}, b = {b}"
        ax.plot(a, color=colour, linestyle=style, label=label)
        n = epochs_to_half[cost, w]
        print(f"{label:31} output below 0.5 after {n:3} epochs")
ax.set(xlabel="epoch", ylabel="output (target: 0)", ylim=(0, 1))
ax.set_title("One neuron, eta 0.15")
ax.legend()

# %%
# The same eta means different things under different costs, so compare not the
# colours but the shapes. Under the quadratic cost the badly started neuron
# (solid) hardly moves for the first hundred epochs: it is slowest where it is
# most wrong. Another eta would stretch the time axis and leave the shape.
# Under cross-entropy it starts at full speed.

# %%
# Why: one factor
# ---------------
# A step is proportional to delta, the derivative of the cost with respect to
# the weighted input z. The two costs' deltas differ by sigma'(z) = a (1 - a),
# and nothing else. For a target of 0:

a = np.linspace(0, 1, 201)[:, None]
delta = {"quadratic": np.empty_like(a), "cross_entropy": np.empty_like(a)}
Quadratic().delta(a, np.zeros_like(a), delta["quadratic"])
CrossEntropy().delta(a, np.zeros_like(a), delta["cross_entropy"])

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.plot(
    a,
    delta["cross_entropy"],
    COLOURS["cross_entropy"],
    label="cross-entropy: a",
)
ax.plot(
    a,
    delta["quadratic"],
    COLOURS["quadratic"],
    label="quadratic: a * a (1 - a)",
)
peak = float(a[delta["quadratic"].argmax(), 0])
ax.axvline(peak, color="grey", linestyle=":")
ax.annotate(
    f"above {peak:.2f}: the more wrong,\nthe smaller the quadratic's step",
    (peak - 0.015, 0.3),
    ha="right",
    color="0.3",
)
ax.set(
    xlabel="output a (target: 0)", ylabel="delta", title="The size of a step"
)
ax.legend(loc="upper left")

# %%
# So to delete that factor is all it takes. Here it is deleted from the
# quadratic cost, and a network trained on digits ends with exactly the weights
# that cross-entropy gives, bit for bit: for gradient descent, cross-entropy
# *is* the quadratic cost without its sigma'.

mnist = fetch_mnist()
n_rows, n_val = (50_000, 10_000) if FULL else (10_000, 2_000)
X, y = mnist.X_train[:n_rows], mnist.y_train[:n_rows]
X_val, y_val = mnist.X_val[:n_val], mnist.y_val[:n_val]


class QuadraticWithoutSigmaPrime(Quadratic):
    """The quadratic cost, with a - y instead of (a - y) * a (1 - a)."""

    def delta(self, a, y, out):
        np.subtract(a, y, out)


twins = [
    MLPSigmoidClassifier(
        30, cost=cost, max_iter=1, random_state=0, **BOOK
    ).fit(X, y)
    for cost in (QuadraticWithoutSigmaPrime(), CrossEntropy())
]
same = all(
    np.array_equal(v, w) for v, w in zip(twins[0].coefs_, twins[1].coefs_)
)
print("the same weights, bit for bit:", same)

# %%
# Digits, started badly
# ---------------------
# Initial weights from N(0, 1) are a bad start for a network of 784-30-10:
# weighted inputs are large, so many outputs are wrong and saturated. A first
# step of next to no length shows the network as it starts. (Weights from N(0,
# 1/n_in) start well; the example on initialisation is about them.)

n_classes = 10
targets = np.eye(n_classes)[y_val]
wrong_at_start = {}
for weight_init in ("large", "scaled"):
    start = MLPSigmoidClassifier(
        30, weight_init=weight_init, random_state=0, **(BOOK | {"eta": 1e-12})
    )
    start.partial_fit(X[:10], y[:10], classes=range(n_classes))
    a = sigmoid(weighted_inputs(start, X_val)[-1])
    wrong = np.abs(a - targets) > 0.9
    wrong_at_start[weight_init] = wrong.mean()
    print(f"{weight_init}: {wrong.mean():.1%} of the outputs are off by 0.9")
    if wrong.any():
        print(f"there, sigma' is {(a * (1 - a))[wrong].mean():.3f} on average")

# %%
# Where sigma' is 0.025, the quadratic cost learns at a fortieth of the pace of
# cross-entropy. (The largest value of sigma' is 0.25, so an eta four times as
# large would be fair.) How much of that is left in practice? No single eta is
# fair to both costs, so each gets its pick of four.

n_epochs = 10
etas = {
    "quadratic": (1.0, 3.0, 6.0, 12.0),
    "cross_entropy": (0.25, 0.5, 1.0, 2.0),
}
seeds = range(3) if FULL else range(1)
curves = {}
print("validation accuracy (%)  after epoch     1     2     3    10")
for weight_init in ("large", "scaled"):
    for cost in etas:
        for eta in etas[cost]:
            runs = []
            for seed in seeds:
                clf = MLPSigmoidClassifier(
                    30,
                    cost=cost,
                    weight_init=weight_init,
                    max_iter=n_epochs,
                    monitor_samples=0,
                    random_state=seed,
                    **(BOOK | {"eta": eta}),
                )
                clf.fit(X, y, X_val=X_val, y_val=y_val)
                runs.append(clf.history_["validation_accuracy"])
            curve = 100 * np.mean(runs, axis=0)
            curves[weight_init, cost, eta] = curve
            shown = "  ".join(f"{curve[i]:4.1f}" for i in (0, 1, 2, 9))
            print(f"{weight_init:7} {cost:14} eta {eta:<5}     {shown}")

fig, axes = plt.subplots(
    1, 2, figsize=(10, 5), sharey=True, layout="constrained"
)
titles = {
    "large": "started badly: N(0, 1)",
    "scaled": "started well: N(0, 1/n_in)",
}
for ax, (weight_init, title) in zip(axes, titles.items()):
    for cost, colour in COLOURS.items():
        for eta, marker in zip(etas[cost], "vso^"):
            label = f"{cost.replace('_', '-')}, eta {eta}"
            error = 100 - curves[weight_init, cost, eta]
            ax.plot(
                range(1, n_epochs + 1),
                error,
                color=colour,
                marker=marker,
                label=label,
            )
    ax.set(xlabel="epoch", title=title, yscale="log")
    ax.set_yticks(ticks := [4, 5, 10, 20, 50, 90], labels=ticks)
    ax.minorticks_off()
axes[0].set_ylabel("validation images classified wrongly (%)")
handles, labels = axes[0].get_legend_handles_labels()
fig.legend(handles, labels, loc="outside lower center", ncols=4)

# %%
# Started badly, the quadratic cost trails: on 50,000 images, with the best of
# its etas, it has |bad quadratic| of the validation images right after the
# first epoch, and cross-entropy has |bad entropy|. By the tenth epoch the gap
# has closed, to |bad quadratic late| and |bad entropy late|, but only at the
# eta that suits: three of the quadratic's four etas are still behind, and none
# of cross-entropy's is. On 10,000 images, with fewer steps, the gap is wider.
#
# Started well, hardly an output is badly wrong, sigma' has little to slow
# down, and the costs are level: |good quadratic| and |good entropy| after the
# first epoch, |good quadratic late| and |good entropy late| after the tenth.
# Cross-entropy cures a slowdown where there is one; it is no better at the
# task itself. (At eta 12 the quadratic cost starts far worse, or, on 10,000
# images, gets stuck: there eta is simply too large.)

# %%
# The results of the full run
# ---------------------------
# .. include:: /generated/plot_quadratic_or_cross_entropy.inc
