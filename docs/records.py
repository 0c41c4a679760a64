"""What the scripts of the gallery measured, and the figures of it that their prose quotes.

A function for each script takes the names that the script ends with, as attributes, and returns
its results (name -> number) and its notes: the figures they are compared with. `experiments`
calls it after a full run and puts both into ``docs/benchmarks/experiments.json``. From there
`substitutions` takes the figures that the script's text names between bars, as in |best|. To
record another script, write a function with its name and put it into `RECORDS`; to quote a
figure, put a line into `QUOTED`.
"""

import numpy as np


def plot_deeper_networks(ran):
    """Record gradients, and accuracies of networks and of PCA classifiers."""
    results = {}
    for name, by_epoch in ran.norms.items():
        key = f"{name}: gradient of the output layer's biases / that of the first hidden layer's"
        for epoch in (0, ran.n_epochs):
            when = f"after {epoch} epochs" if epoch else "before training"
            results[f"{key}, {when}"] = rounded(by_epoch[epoch, -1] / by_epoch[epoch, 0], 2)
    for name, a in ran.accuracy.items():
        key = f"{name}, {ran.n_rows:,} images: test accuracy, mean of {ran.n_seeds} seed(s) (%)"
        results[key] = rounded(np.mean(a), 2)
    for classifier, percent in {"class mean": ran.means, "subspace": ran.subspaces}.items():
        for k, value in zip(ran.n_components, percent):
            key = f"nearest {classifier}, {k} principal components: test accuracy (%)"
            results[key] = rounded(value)
    deeper = [key for key in results if "100-100" in key and "sigmoid" in key]
    notes = dict.fromkeys(deeper, 97.5)
    notes["nearest class mean, 7 principal components: test accuracy (%)"] = 70.0
    return results, notes


def plot_eta_schedules(ran):
    """Record epochs and seconds to the mark, and the accuracy at the end."""
    results, mark = {}, ran.mark
    for name, reached in ran.reached.items():
        key = f"784-100-10, eta {name}"
        results[f"{key}: seeds of {ran.n_seeds} that reach {mark} %"] = len(reached)
        if reached:
            epochs, seconds = np.mean(reached, axis=0)
            results[f"{key}: epochs to {mark} %, mean"] = rounded(epochs)
            results[f"{key}: seconds to {mark} %, mean"] = rounded(seconds)
        results[f"{key}: validation accuracy, last 5 epochs (%)"] = rounded(ran.end[name], 2)
    return results, {}


def plot_initialisation(ran):
    """Record saturation before training, and the accuracy after some epochs."""
    results = {}
    for weight_init, start in ran.STARTS.items():
        key = f"784-100-10, {start} weights: hidden activations saturated before training (%)"
        results[key] = rounded(ran.saturated[weight_init])
    for eta in (0.1, 0.5):
        for weight_init, start in ran.STARTS.items():
            for epoch in (1, 5, ran.n_epochs):
                network = f"784-100-10, {start} weights, eta {eta}"
                value = rounded(ran.accuracy[eta, weight_init][epoch - 1])
                results[f"{network}: validation accuracy after epoch {epoch} (%)"] = value
    return results, {}


def plot_inverted_pixels(ran):
    """Record accuracies, and how often the commonest answer is given."""
    results = {}
    for name, values in ran.accuracy.items():
        key = f"784-30-10, {name}: validation accuracy after {ran.n_epochs} epochs (%)"
        results[key] = rounded(np.mean(values))
    for name, value in ran.preferred.items():
        key = f"784-30-10, {name}: validation images given the commonest answer (%)"
        results[key] = rounded(value)
    return results, {}


def plot_mnist_augmented(ran):
    """Record the accuracy by distortion."""
    key = f"784-100-10, {ran.n_rows:,} images"
    return {
        f"{key}, {name}: test accuracy (%)": rounded(100 * value, 2)
        for name, value in ran.accuracy.items()
    }, {}


def plot_overfitting(ran):
    """Record the best epochs, the accuracy at the end, and the size of the weights."""
    results = {}
    for name, model in ran.fitted.items():
        c, a = model.history_["validation_cost"], model.history_["validation_accuracy"]
        n_images = f"{10 * ran.n_rows if name == 'more data' else ran.n_rows:,} images"
        key = f"784-100-10, {n_images}, {name if name != 'none' else 'no remedy'}"
        results[f"{key}: epoch of the least validation cost"] = int(np.argmin(c)) + 1
        results[f"{key}: epoch of the best validation accuracy"] = int(np.argmax(a)) + 1
        results[f"{key}: validation accuracy after 100 epochs (%)"] = rounded(100 * a[-1], 2)
        norm = rounded(np.linalg.norm(model.coefs_[0]))
        results[f"{key}: norm of the hidden layer's weights"] = norm
    return results, {}


def plot_quadratic_or_cross_entropy(ran):
    """Record the epochs that a neuron needs, and accuracies by cost and start."""
    results = {}
    for cost in ("quadratic", "cross_entropy"):
        for w, start in ((0.6, 0.82), (2.0, 0.98)):
            key = f"one neuron, {cost.replace('_', '-')}, started at {start}"
            key += ": epochs until the output is below 0.5"
            results[key] = ran.epochs_to_half[cost, w]
    key = "784-30-10, N(0, 1) weights: outputs wrong by more than 0.9 at the start (%)"
    results[key] = rounded(100 * ran.wrong_at_start["large"])
    for weight_init, start in {"large": "N(0, 1)", "scaled": "N(0, 1/n_in)"}.items():
        for cost, etas in ran.etas.items():
            for epoch in (1, ran.n_epochs):
                best = max(ran.curves[weight_init, cost, eta][epoch - 1] for eta in etas)
                key = f"784-30-10, {start} weights, {cost.replace('_', '-')}, best eta of four"
                results[f"{key}: validation accuracy after epoch {epoch} (%)"] = rounded(best)
    return results, {}


def plot_six_setups(ran):
    """Record the accuracies of the set-ups, and what becomes of hard digits."""
    results = {}
    for name, a in ran.accuracy.items():
        key = f"{name}, {ran.n_rows:,} MNIST images: test accuracy"
        results[f"{key}, mean of {ran.n_seeds} seeds (%)"] = rounded(a.mean(), 2)
        results[f"{key}, lowest (%)"] = rounded(a.min(), 2)
        results[f"{key}, highest (%)"] = rounded(a.max(), 2)
    means = [key for key in results if "mean" in key]
    for name, count in ran.counts.items():
        for kind in ("became right", "became wrong"):
            key = f"{name}: of 200 digits hard for the basic set-up, {kind} (mean of seeds)"
            results[key] = rounded(count[kind])
    for kind, count in ran.changed.items():
        results[f"{ran.best}: of all test images, {kind} (mean of seeds)"] = rounded(count)
    return results, {means[0]: 95.0, means[-1]: 98.0}


def plot_tabular(ran):
    """Record the measures of cross-validation, and who is found."""
    results = {
        f"{name}: {title}, {ran.n_repeats} times 5-fold cross-validation (%)": rounded(
            ran.scores[name][measure].mean()
        )
        for name in ran.scores
        for measure, title in ran.MEASURES.items()
    }
    for name in ran.recall:
        results[f"{name}: cases found (%)"] = rounded(ran.recall[name])
        results[f"{name}: others alarmed (%)"] = rounded(ran.alarms[name])
    return results, {}


def plot_ten_images(ran):
    """Record accuracies by number of images, drawn ones and distorted ones."""
    results = {}
    for n_images, seeds in ran.seeds.items():
        key, draws = f"784-100-10, {n_images} images", ran.draws[n_images]
        drawn = f"{key}, {ran.n_draws} draws of them"
        results[f"{key}: test accuracy (%)"] = rounded(np.median(seeds))
        results[f"{drawn}: mean test accuracy (%)"] = rounded(np.mean(draws))
        results[f"{drawn}: least test accuracy (%)"] = rounded(min(draws))
        results[f"{drawn}: best test accuracy (%)"] = rounded(max(draws))
    for (n_images, length), (_, a) in ran.distorted.items():
        key = f"784-100-10, {n_images} images, distorted, {length:,} epochs: test accuracy (%)"
        results[key] = rounded(a)
    in_notes = ran.in_notes.items()
    notes = {f"784-100-10, {n} images: test accuracy (%)": value for n, value in in_notes}
    notes["784-100-10, 10 images, distorted, 500 epochs: test accuracy (%)"] = 58.0
    return results, notes


def plot_tuning(ran):
    """Record what both searches found."""
    results = {}
    for name in ran.styles:
        best = max(
            score
            for parameters, score, number in zip(
                ran.rounds["params"], ran.rounds["mean_test_score"], ran.rounds["iter"]
            )
            if ran.kind(parameters) == name and number == 0
        )
        key = f"best after 2 epochs, {name}: validation accuracy (%)"
        results[key] = rounded(100 * best, 2)
    results["successive halving: epochs trained in all"] = ran.n_epochs
    results["the same candidates without halving: epochs"] = 18 * ran.n_candidates
    for key, value in {
        "best of successive halving, 18 epochs: validation accuracy (%)": (
            100 * ran.halving.best_score_
        ),
        "best of the grid, 30 epochs: validation accuracy (%)": ran.validation_accuracy,
        "best of the grid, trained again on all images: test accuracy (%)": ran.test_accuracy,
    }.items():
        results[key] = rounded(value, 2)
    return results, {}


def rounded(value, n_decimals=1):
    """Round to a Python float."""
    return round(float(value), n_decimals)


RECORDS = {
    function.__name__: function
    for function in (
        plot_deeper_networks,
        plot_eta_schedules,
        plot_initialisation,
        plot_inverted_pixels,
        plot_mnist_augmented,
        plot_overfitting,
        plot_quadratic_or_cross_entropy,
        plot_six_setups,
        plot_tabular,
        plot_ten_images,
        plot_tuning,
    )
}

_FOLDS = ", 10 times 5-fold cross-validation (%)"
_DEEP = "gradient of the output layer's biases / that of the first hidden layer's, before training"
_MEAN3 = "50,000 images: test accuracy, mean of 3 seed(s) (%)"
_HARD = "of 200 digits hard for the basic set-up, became"
_AFTER10 = "validation accuracy after 10 epochs (%)"
_BEST4 = "best eta of four: validation accuracy after epoch"

# For each script: name between bars -> (how it is shown, name of the result).
QUOTED = {
    "plot_deeper_networks": {
        "one layer": ("{:.0f}", f"784-30-10: {_DEEP}"),
        "two layers": ("{:.0f}", f"784-30-30-10: {_DEEP}"),
        "three layers": ("{:.0f}", f"784-30-30-30-10: {_DEEP}"),
        "one": ("{:.1f} %", f"784-100-10, sigmoid outputs, {_MEAN3}"),
        "two": ("{:.1f} %", f"784-100-100-10, sigmoid outputs, {_MEAN3}"),
        "three": ("{:.1f} %", f"784-100-100-100-10, sigmoid outputs, {_MEAN3}"),
        "seven means": (
            "{:.1f} %",
            "nearest class mean, 7 principal components: test accuracy (%)",
        ),
        "fifty means": (
            "{:.0f} %",
            "nearest class mean, 50 principal components: test accuracy (%)",
        ),
        "subspaces": (
            "{:.1f} %",
            "nearest subspace, 20 principal components: test accuracy (%)",
        ),
    },
    "plot_eta_schedules": {
        "slow": ("{:.0f}", "784-100-10, eta constant 0.1: epochs to 98 %, mean"),
        "regimes": ("{:.0f}", "784-100-10, eta regimes 0.5, 0.1, 0.02: epochs to 98 %, mean"),
        "taper": ("{:.0f}", "784-100-10, eta linear taper from 0.5: epochs to 98 %, mean"),
    },
    "plot_initialisation": {
        f"{name} {when}": (
            "{:.1f} %",
            f"784-100-10, {start} weights, eta {eta}: validation accuracy after epoch {epoch} (%)",
        )
        for name, start in (("large", "N(0, 1)"), ("scaled", "N(0, 1/n_in)"))
        for when, eta, epoch in (("first", 0.1, 1), ("fifth", 0.1, 5), ("last", 0.5, 30))
    },
    "plot_inverted_pixels": {
        name: ("{:.1f} %", f"784-30-10, {setting}: {_AFTER10}")
        for name, setting in {
            "normal": "ink 1, background 0, eta 3",
            "stuck": "inverted, eta 3",
            "entropy normal": "ink 1, background 0, cross-entropy, eta 3",
            "entropy stuck": "inverted, cross-entropy, eta 3",
            "entropy usual": "inverted, cross-entropy, eta 0.5",
            "tenth": "inverted, eta 3, initial weights / 10",
            "hundredth": "inverted, eta 3, initial weights / 100",
            "small eta": "inverted, eta 3 / 7.6",
            "entropy small eta": "inverted, cross-entropy, eta 0.5 / 7.6",
            "centred": "inverted, eta 3, each pixel's mean subtracted",
            "scaler": "inverted, eta 3, StandardScaler",
        }.items()
    },
    "plot_mnist_augmented": {
        name: ("{:.1f} %", f"784-100-10, 50,000 images, {setting}: test accuracy (%)")
        for name, setting in {
            "none": "no augmentation",
            "far": "shift=7, out of the frame",
            "kept": "shift=7, kept in the frame",
            "gentle": "gentle()",
        }.items()
    },
    "plot_overfitting": {
        name: (shown, f"784-100-10, {setting}: {measure}")
        for setting, names in {
            "5,000 images, no remedy": ("none", "turn", "best", "norm"),
            "5,000 images, L2": ("l2", "", "", "l2 norm"),
            "5,000 images, L1": ("l1", "", "", "l1 norm"),
            "5,000 images, dropout": ("", "", "", "dropout norm"),
            "5,000 images, distorted": ("distorted", "", "", "distorted norm"),
            "50,000 images, more data": ("more", "more turn", "more best", "more norm"),
        }.items()
        for name, shown, measure in zip(
            names,
            ("{:.1f} %", "{}", "{}", "{:.0f}"),
            (
                "validation accuracy after 100 epochs (%)",
                "epoch of the least validation cost",
                "epoch of the best validation accuracy",
                "norm of the hidden layer's weights",
            ),
        )
        if name
    },
    "plot_quadratic_or_cross_entropy": {
        f"{start_name} {cost_name}{when}": (
            "{:.1f} %",
            f"784-30-10, {start} weights, {cost}, {_BEST4} {epoch} (%)",
        )
        for start_name, start in (("bad", "N(0, 1)"), ("good", "N(0, 1/n_in)"))
        for cost_name, cost in (("quadratic", "quadratic"), ("entropy", "cross-entropy"))
        for when, epoch in (("", 1), (" late", 10))
    },
    "plot_six_setups": {
        "basic highest": (
            "{:.0f} %",
            "quadratic, 30 hidden, 50,000 MNIST images: test accuracy, highest (%)",
        ),
        "basic lowest": (
            "{:.0f} %",
            "quadratic, 30 hidden, 50,000 MNIST images: test accuracy, lowest (%)",
        ),
        "100 highest": (
            "{:.0f} %",
            "quadratic, 100 hidden, 50,000 MNIST images: test accuracy, highest (%)",
        ),
        "best": (
            "{:.1f} %",
            "cross-entropy, 200 hidden, L2, eta regimes, 50,000 MNIST images: "
            "test accuracy, mean of 3 seeds (%)",
        ),
        "sisters": ("{:.0f}", f"quadratic, 30 hidden, other seeds: {_HARD} right (mean of seeds)"),
        "sisters wrong": (
            "{:.0f}",
            f"quadratic, 30 hidden, other seeds: {_HARD} wrong (mean of seeds)",
        ),
        "entropy 30": ("{:.0f}", f"cross-entropy, 30 hidden: {_HARD} right (mean of seeds)"),
        "entropy 100": ("{:.0f}", f"cross-entropy, 100 hidden: {_HARD} right (mean of seeds)"),
        "entropy wrong": ("{:.0f}", f"cross-entropy, 100 hidden: {_HARD} wrong (mean of seeds)"),
        "regimes wrong": (
            "{:.0f}",
            f"cross-entropy, 100 hidden, L2, eta regimes: {_HARD} wrong (mean of seeds)",
        ),
        **{
            f"all {kind}": (
                "{:.0f}",
                "cross-entropy, 200 hidden, L2, eta regimes: of all test images, "
                f"became {kind} (mean of seeds)",
            )
            for kind in ("right", "wrong")
        },
    },
    "plot_tabular": {
        "plain": ("{:.0f} %", f"network: balanced accuracy{_FOLDS}"),
        "balanced": ("{:.0f} %", f"network, class_weight='balanced': balanced accuracy{_FOLDS}"),
        "threshold": ("{:.0f} %", f"network, threshold tuned: balanced accuracy{_FOLDS}"),
        "precision": ("{:.0f} %", f"network: average precision{_FOLDS}"),
        "found": ("{:.0f} %", "network: cases found (%)"),
        "alarmed": ("{:.0f} %", "network: others alarmed (%)"),
        "balanced found": ("{:.0f} %", "network, class_weight='balanced': cases found (%)"),
        "balanced alarmed": ("{:.0f} %", "network, class_weight='balanced': others alarmed (%)"),
    },
    "plot_ten_images": {
        **{
            f"{n}": ("{:.1f} %", f"784-100-10, {n} images: test accuracy (%)")
            for n in (10, 50, 100)
        },
        **{
            f"{n} {which}": (
                "{:.0f} %",
                f"784-100-10, {n} images, 20 draws of them: {which} test accuracy (%)",
            )
            for n in (10, 50)
            for which in ("least", "best", "mean")
        },
        **{
            f"{n} distorted{long}": (
                "{:.0f} %",
                f"784-100-10, {n} images, distorted, {epochs} epochs: test accuracy (%)",
            )
            for n, long, epochs in (
                (10, "", "500"),
                (10, " long", "5,000"),
                (50, " long", "3,000"),
                (100, " long", "3,000"),
            )
        },
    },
}


def substitutions(stem, entries):
    """Define the figures that a script quotes, given what is recorded of all scripts.

    Raises
    ------
    KeyError
        If a result that is quoted is not recorded.
    """
    quoted = QUOTED.get(stem, {})
    shown = {
        name: pattern.format(entries[stem]["results"][result])
        for name, (pattern, result) in quoted.items()
    }
    return "".join(f"\n.. |{name}| replace:: {text}" for name, text in shown.items()) + "\n"


def home(tables):
    """Define the figures of tables that the home page quotes, given ``tables.json``."""
    text = ""
    for sets in ("development", "judge"):
        summary = tables[sets]["summary"]
        for model, of in (("sknielsen", ""), ("MLPClassifier", " of MLPClassifier")):
            text += f".. |{sets} accuracy{of}| replace:: {summary[model]['accuracy']:.3f}\n"
    return text
