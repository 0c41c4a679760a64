"""Charts of the site, drawn from the committed JSON of the benchmarks.

Each function takes what `tables.read` returns, and returns a figure of its own, which `draw` saves
as SVG; in it text stays text. To add one: a function here, and a call of `picture` in `tables`.
"""

import re

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt

OURS = "#1f4e79"
PEERS = ["#c8553d", "#e0a458", "#6a994e", "#8d6a9f"]
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "sknielsen",  # the same file with each build
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
}


def draw(function, path, *found):
    """Draw a chart and save it.

    Parameters
    ----------
    function : callable
        Draws, and returns the figure.
    path : Path
    *found : dict
        What benchmarks recorded.
    """
    with plt.rc_context(STYLE):
        figure = function(*found)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def ratio_lines(record):
    """Return the lines of a benchmark by set-up, and by the ratio that each gives."""
    found = {}
    for name, line in record["lines"].items():
        setup, _, what = name.rpartition(": ")
        found.setdefault(setup, {})[what] = line
    return found


def _axes(height, width=7.5):
    return plt.subplots(figsize=(width, height), layout="constrained")


def _ratio_axis(ax, label):
    """Make a logarithmic axis of ratios, with a line where both take as long."""
    ax.set_xscale("log")
    low, high = ax.get_xlim()
    low, high = min(low, 0.9), max(high, 1.5)
    ax.set_xlim(low, high)
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5, 10, 20, 50) if low <= t <= high]
    ax.set_xticks(ticks, [f"{t:g}x" for t in ticks])
    ax.minorticks_off()
    ax.axvline(1, color=OURS, lw=1)
    ax.grid(axis="x", alpha=0.25)
    ax.set_xlabel(label)


def _names(ax, names):
    """Name the rows from above to below, every second one on a band."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    for i in range(0, len(names), 2):
        ax.axhspan(i - 0.5, i + 0.5, color="0.96", lw=0, zorder=-1)


def _points(ax, y, line, colour, filled=True, label=None):
    """Mark a ratio, and the quartiles of single rounds as a line."""
    low, high = line.get("quartiles", [line["seen"]] * 2)
    ax.plot([low, high], [y, y], color=colour, lw=1.5, alpha=0.6, solid_capstyle="round")
    face = colour if filled else "white"
    ax.plot(line["seen"], y, "o", ms=6, mfc=face, mec=colour, label=label)


def training(machines):
    """Draw how much longer the peers take for an epoch, on several machines.

    Parameters
    ----------
    machines : dict of str to dict
        Records of ``train.py`` by machine; the first has filled marks.
    """
    records = {name: ratio_lines(record) for name, record in machines.items()}
    peers = ["MLPClassifier", "PyTorch", "PyTorch by hand", "skorch"]
    contestants = [
        (peer, f"{peer} / sknielsen", (place - 1.5) * 0.17, colour)
        for place, (peer, colour) in enumerate(zip(peers, PEERS))
    ]
    setups = list(next(iter(records.values())))
    height = 0.9 + 0.62 * len(setups)
    return _ratios(records, setups, contestants, height, "time of the peer / time of sknielsen")


def floor(machines):
    """Draw an epoch and `fit` over their calls of BLAS, on several machines."""
    records = {name: ratio_lines(record) for name, record in machines.items()}
    contestants = [
        ("epoch", "epoch / floor", -0.12, OURS),
        ("fit", "fit / floor", 0.12, PEERS[1]),
    ]
    setups = [s for s, lines in next(iter(records.values())).items() if "epoch / floor" in lines]
    height = 0.9 + 0.4 * len(setups)
    return _ratios(records, setups, contestants, height, "time / time of the calls of BLAS alone")


def _ratios(records, setups, contestants, height, label):
    """Draw a row for each set-up; a contestant has a name, a line of the record, place, colour."""
    figure, ax = _axes(height)
    labelled = set()
    for i, setup in enumerate(setups):
        for name, key, offset, colour in contestants:
            for nth, (machine, lines) in enumerate(records.items()):
                line = lines.get(setup, {}).get(key)
                if line:
                    entry = f"{name}, {machine}"
                    show = None if entry in labelled else entry
                    labelled.add(entry)
                    _points(ax, i + offset, line, colour, filled=nth == 0, label=show)
    _names(ax, setups)
    _ratio_axis(ax, label)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure


def accuracy(record):
    """Draw how much longer the peers take to an accuracy."""
    lines = {name: line for name, line in record["lines"].items() if line["seen"]}
    kinds = list(dict.fromkeys(name.split(": ")[0] for name in lines))
    peers = list(dict.fromkeys(name.rpartition(" / ")[2].split(",")[0] for name in lines))
    figure, ax = _axes(0.9 + 0.5 * len(kinds))
    for name, line in lines.items():
        kind, peer = name.split(": ")[0], name.rpartition(" / ")[2].split(",")[0]
        nth = peers.index(peer)
        inverted = {"seen": 1 / line["seen"]}
        if "quartiles" in line:
            inverted["quartiles"] = [1 / q for q in reversed(line["quartiles"])]
        label = None if peer in {t.get_label() for t in ax.lines} else peer
        at = kinds.index(kind) + (nth - (len(peers) - 1) / 2) * 0.2
        _points(ax, at, inverted, PEERS[nth % len(PEERS)], label=label)
    _names(ax, kinds)
    _ratio_axis(ax, "seconds of the peer / seconds of sknielsen")
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure


def growth(record):
    """Draw the curves of growth, with the exponent of the upper half of each."""
    curves = record["curves"]
    n_rows = -(-len(curves) // 3)
    figure, axes = plt.subplots(
        n_rows, 3, figsize=(7.5, 2.4 * n_rows), layout="constrained", squeeze=False
    )
    for ax in axes.flat[len(curves) :]:
        ax.set_visible(False)
    for ax, (name, curve) in zip(axes.flat, curves.items()):
        exponents = []
        for (n_threads, found), colour in zip(curve["threads"].items(), (OURS, PEERS[0])):
            low, high = zip(*found["quartiles"])
            values, seconds = curve["values"], found["seconds"]
            ax.fill_between(values, low, high, color=colour, alpha=0.2, lw=0)
            ax.plot(values, seconds, "o-", ms=3, lw=1, color=colour, label=f"{n_threads} threads")
            exponents.append(f"{found['exponent']:.2f}")
        ax.set(xscale="log", yscale="log")
        ax.minorticks_off()
        ax.set_title(f"{name}\nexponents {', '.join(exponents)}", fontsize=9)
        ax.grid(alpha=0.25)
    for ax in axes[:, 0]:
        ax.set_ylabel("seconds an epoch")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    labels = [re.sub("^1 threads", "1 thread", label) for label in labels]
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return figure


def bars(record, lines, label):
    """Draw ratios as bars, with the quartiles of single rounds.

    Parameters
    ----------
    record : dict
    lines : dict of str to str
        What to call each line of the record.
    label : str
        Of the axis.
    """
    shown = {
        text: record["lines"][name] for name, text in lines.items() if name in record["lines"]
    }
    figure, ax = _axes(0.7 + 0.36 * len(shown))
    for i, line in enumerate(shown.values()):
        ax.barh(i, line["seen"], color=OURS, height=0.6)
        if "quartiles" in line:
            ax.plot(line["quartiles"], [i, i], color="black", lw=1.5)
        ax.annotate(
            f" {line['seen']:.2f}",
            (max([line["seen"], *line.get("quartiles", [])]), i),
            va="center",
            fontsize=8,
        )
    ax.set_yticks(range(len(shown)), list(shown))
    ax.invert_yaxis()
    ax.axvline(1, color="0.5", lw=1)
    ax.margins(x=0.12)
    ax.set_xlabel(label)
    return figure


def memory(record):
    """Draw what `fit` takes beside the data, over their size."""
    uses = record["mebibytes"]
    figure, ax = _axes(0.7 + 0.24 * len(uses))
    for i, use in enumerate(uses.values()):
        ax.barh(i, use["used"] / use["X"], color=OURS, height=0.6)
    ax.set_yticks(range(len(uses)), list(uses), fontsize=8)
    ax.invert_yaxis()
    ax.set_xlabel("memory beside the data / size of the data")
    return figure


def augmented(record):
    """Draw the test accuracy of each seed, with and without distortions."""
    runs = {
        f"{part}: {name}": run
        for part, some in record["parts"].items()
        for name, run in some.items()
    }
    figure, ax = _axes(0.8 + 0.34 * len(runs))
    for i, run in enumerate(runs.values()):
        ax.plot(
            run["test_accuracy"], [i] * len(run["test_accuracy"]), "o", ms=5, color=OURS, alpha=0.6
        )
        ax.plot(run["median"], i, "|", ms=14, mew=2, color=OURS)
    _names(ax, list(runs))
    ax.grid(axis="x", alpha=0.25)
    ax.set_xlabel("accuracy on the 10,000 test images, three seeds and their median")
    return figure
