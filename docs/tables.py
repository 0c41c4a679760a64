"""Tables and figures of the site, made from the committed JSON of the benchmarks.

`write` makes them as small files to be included: prose takes its figures from there, so that
none is copied by hand. To add one: a function that returns reStructuredText, and a line in
`write`.
"""

import ast
import json
import re
from pathlib import Path
from statistics import median

from records import RECORDS

HERE = Path(__file__).parent
BENCHMARKS = HERE / "benchmarks"
EXAMPLES = HERE.parent / "examples"

# The gallery's order, and that of the experiments; a script that is not listed comes last.
ORDER = [
    "plot_first_network",
    "plot_mnist_98_percent",
    "plot_quadratic_or_cross_entropy",
    "plot_initialisation",
    "plot_overfitting",
    "plot_ten_images",
    "plot_mnist_augmented",
    "plot_photographs",
    "plot_inverted_pixels",
    "plot_six_setups",
    "plot_eta_schedules",
    "plot_tuning",
    "plot_validation_through_pipelines",
    "plot_deeper_networks",
    "plot_tabular",
]


class ReadingOrder:
    """Sort the gallery's scripts in the order of `ORDER`.

    Parameters
    ----------
    folder : str
        Given by sphinx-gallery.
    """

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, filename):
        """Return the sort key of a script."""
        stem = Path(filename).stem
        return (ORDER.index(stem) if stem in ORDER else len(ORDER), stem)

    def __repr__(self):
        """Name the order, for the hash of the configuration."""
        return "ReadingOrder"


def write(folder):
    """Write every table into a folder, each as ``name.inc``."""
    folder.mkdir(parents=True, exist_ok=True)
    train, haswell = read("train"), read("train_haswell")
    experiments = read("experiments").get("scripts", {})
    scripts = {path.stem: path for path in _scripts()}
    texts = {
        "figures": figures(train),
        "train": training_times(train),
        "train_haswell": training_times(haswell),
        "augment": augmentation_times(read("augment")),
        "augment_accuracy": augmentation_accuracy(read("augment_accuracy")),
        "memory": memory(read("memory")),
        "search": search_times(read("search")),
        "scale": scale(read("scale")),
        **starting_points(read("starting_points")),
        **small_tables(read("tables")),
        "latency": latency(read("overheads")),
        "mnist_defaults": mnist_defaults(read("mnist_defaults")),
        "experiments": all_experiments(scripts, experiments),
        **{script: experiment(experiments.get(script)) for script in scripts},
    }
    for name, text in texts.items():
        path = folder / f"{name}.inc"
        if not path.exists() or path.read_text(encoding="utf-8") != text:  # spares a rebuild
            path.write_text(text, encoding="utf-8")


def _scripts():
    """List the gallery's scripts in the order in which they are read."""
    return sorted(EXAMPLES.rglob("plot_*.py"), key=ReadingOrder(EXAMPLES))


def read(name):
    """Read a benchmark's JSON; of one that was never run, an empty dictionary."""
    path = BENCHMARKS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def number(value):
    """Show a number in four significant digits, and integers in full; text as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def escaped(text):
    """Escape what reStructuredText would take for markup."""
    return re.sub(r"([\\*`|_])", r"\\\1", text)


def table(header, rows, widths="auto"):
    """Make a list-table."""
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in [header, *rows]:
        for i, cell in enumerate(row):
            lines.append(f"   {'*' if i == 0 else ' '} - {cell}".rstrip())
    return "\n".join(lines) + "\n\n"


def machine(description):
    """Say what machine and which versions figures belong to."""
    blas = sorted({library["architecture"] for library in description["openblas"].values()})
    packages = {name: v for name, v in description["versions"].items() if name != "python"}
    chosen = "".join(f", {name}={value}" for name, value in description["variables"].items())
    return (
        f"Measured on: {description['cpu']}, {description['cores']} cores; OpenBLAS kernels "
        f"{', '.join(blas)}{chosen}; Python {description['versions']['python']}, "
        f"{', '.join(f'{name} {v}' for name, v in packages.items())}.\n\n"
    )


def figures(train):
    """Define the figures that prose quotes, as substitutions."""
    setup = train["setups"]["784-100-10, batch 10"]
    medians = setup["medians"]
    quoted = {
        "epoch seconds": f"{medians['sknielsen']:.2f} s",
        "epoch seconds of MLPClassifier": f"{medians['MLPClassifier']:.2f} s",
        "epoch seconds of PyTorch": f"{medians['PyTorch, torch.optim, 1 thread']:.2f} s",
        "ratio to MLPClassifier": f"{setup['ratios']['MLPClassifier / sknielsen']:.1f}",
        "ratio to PyTorch": f"{setup['ratios']['PyTorch / sknielsen']:.1f}",
        "ratio to gemm": f"{setup['ratios']['sknielsen / gemm']:.2f}",
    }
    return "".join(f".. |{name}| replace:: {value}\n" for name, value in quoted.items())


def training_times(train):
    """Make the table of seconds per epoch, and that of ratios beside what was aimed at."""
    setups = train["setups"]
    contestants = list(next(iter(setups.values()))["medians"])
    times = table(
        ["Seconds per epoch (median of five)", *setups],
        [[c, *(f"{s['medians'][c]:.3f}" for s in setups.values())] for c in contestants],
    )
    ratios = table(
        ["Ratio", *setups],
        [
            [
                ratio,
                *(_with_goal(s["ratios"][ratio], s["wanted"].get(ratio)) for s in setups.values()),
            ]
            for ratio in next(iter(setups.values()))["ratios"]
        ],
    )
    return machine(train) + times + ratios


def _with_goal(value, goal):
    return f"{value:.2f} (aim {_signs(goal)})" if goal else f"{value:.2f}"


def _signs(text):
    """Write signs of comparison as one."""
    return text.replace(">=", "≥").replace("<=", "≤")


def augmentation_times(augment):
    """Make the table of the time distortions take."""
    times = table(
        ["Median of five", ""],
        [[name, f"{value:.3g}"] for name, value in augment["medians"].items()],
    )
    ratios = table(
        ["Ratio", "", "Aim"],
        [
            [name, f"{r:.2f}", _signs(augment["wanted"][name])]
            for name, r in augment["ratios"].items()
        ],
    )
    return machine(augment) + times + ratios


def augmentation_accuracy(accuracy):
    """Make the tables of test accuracies with and without distortions."""
    titles = {
        "frame": "784-100-10, 50,000 images, 30 epochs",
        "ten": "Ten training images, one of each digit",
        "wide": "A wide network, distorted anew in each epoch",
    }
    text = machine(accuracy)
    for part, runs in accuracy["parts"].items():
        rows = []
        for name, run in runs.items():
            seeds = ", ".join(f"{a:.4f}" for a in run["test_accuracy"])
            rows.append([name, f"{run['median']:.4f}", seeds])
        text += table([titles[part], "Median", "Test accuracy of three seeds"], rows)
        text += f"Aim: {_signs(accuracy['wanted'][part])}.\n\n"
    return text


def memory(measured):
    """Make the table of memory that `fit` takes."""
    rows = [
        [name, f"{use['used']:.1f}", f"{use['allowed']:.1f}"]
        for name, use in measured["mebibytes"].items()
    ]
    return machine(measured) + table(["Set-up", "MiB used", "MiB allowed"], rows)


def latency(overheads):
    """Make the table of the time that predictions take, over that of MLPClassifier."""
    ratios = {}
    for line, found in overheads["lines"].items():
        named = re.fullmatch(r"predictions: (\w+) of (\d+) rows in (\w+) / MLPClassifier", line)
        if named:
            method, n_rows, dtype = named.groups()
            ratios.setdefault(int(n_rows), {})[f"``{method}``, {dtype}"] = found["seen"]
    calls = list(next(iter(ratios.values())))
    rows = [[f"{n:,}", *(f"{ratios[n][call]:.2f}" for call in calls)] for n in sorted(ratios)]
    return table(["Rows a call", *calls], rows) + machine(overheads["machine"])


def search_times(search):
    """Make the table of seconds that a search takes in one process and in two."""
    rows = [
        [processes, f"{median(seconds):.2f}", ", ".join(f"{s:.2f}" for s in seconds)]
        for processes, seconds in search["seconds"].items()
    ]
    return (
        machine(search)
        + table(["Processes", "Seconds (median)", "Seconds of each run"], rows)
        + f"Ratio of the medians: {search['ratio_of_medians']} (aim ≤ {search['allowed']}).\n\n"
    )


def scale(measured):
    """Make the tables of a cluster's rounds as timed, and of what is projected from them."""
    text = machine(measured["machine"])
    names = "round_s", "computing_s", "traffic_s"
    text += table(
        ["Rows", "Blocks", "Seconds a round", "of it computing", "of it traffic"],
        [
            [f"{r['rows']:,}", r["blocks"], *(f"{r[name]:.4f}" for name in names)]
            for r in measured["rounds"]
        ],
    )
    text += "Projected from these, by arithmetic:\n\n"
    for sync, projection in measured["projections"].items():
        text += table(
            [
                f'``sync="{sync}"``: rows',
                "Workers",
                "GB a worker",
                "Seconds an epoch",
                "of it computing",
            ],
            [
                [
                    f"{e['rows']:,}",
                    f"{e['workers']:,}",
                    number(e["memory_a_worker_GB"]),
                    number(e["epoch_s"]),
                    f"{e['efficiency']:.0%}",
                ]
                for e in projection["epochs"]
            ],
        )
        fastest = projection["fastest_with_workers"].items()
        text += "Fastest: " + ", ".join(
            f"{float(rows):,.0f} rows with {workers:,} workers" for rows, workers in fastest
        )
        text += ".\n\n"
    return text + escaped(measured["where_it_stops"]) + "\n\n"


def experiment(entry):
    """Make the text that a gallery script includes: the figures of its full run.

    A quantity is named "set-up: measure". Set-ups with the same measures share a table, a row
    each; a figure of the notes stands beside ours.
    """
    if entry is None:
        return "No full run of this script (``SKNIELSEN_FULL=1``) is recorded yet.\n"
    results, notes = entry["results"], entry["notes"]
    measures = {}
    for name in dict.fromkeys([*results, *notes]):
        setup, _, measure = name.rpartition(": ")
        measures.setdefault(setup, []).append(measure)
    text = ""
    for shared in dict.fromkeys(map(tuple, measures.values())):
        setups = [setup for setup, its in measures.items() if tuple(its) == shared]
        columns = []
        for measure in shared:
            names = [f"{setup}: {measure}" if setup else measure for setup in setups]
            ours = [results[name] for name in names if name in results]
            n_decimals = max(map(decimals, ours), default=0)
            columns.append([_with_notes(name, results, notes, n_decimals) for name in names])
        header = ["Set-up", *map(escaped, shared)]
        widths = " ".join(["30", *["14"] * len(shared)])
        text += table(header, list(zip(map(escaped, setups), *columns)), widths)
    ran = f"A full run (``SKNIELSEN_FULL=1``) of {entry['seconds']:.0f} s. "
    return text + ran + machine(entry["machine"])


def decimals(value):
    """Count the decimals that a number is recorded with, at most four."""
    return 0 if isinstance(value, int) else min(4, len(repr(value).partition(".")[2]))


def _with_notes(name, results, notes, n_decimals):
    figures = [f"{results[name]:,.{n_decimals}f}"] if name in results else []
    return " ".join(figures + ([f"(notes: {number(notes[name])})"] if name in notes else []))


def starting_points(measured):
    """Make a table for each part of the guide's starting points."""
    columns = {
        "images": ["accuracy", "log_loss"],
        "tiny": ["accuracy", "log_loss"],
        "imbalanced": ["accuracy", "balanced_accuracy", "average_precision"],
        "large": ["accuracy", "log_loss"],
    }
    texts = {}
    for part, names in columns.items():
        rows = [
            [row["data"], escaped(row["setup"]), *(f"{row[name]:.3f}" for name in names)]
            for row in measured["parts"][part]
        ]
        header = ["Data", "Set-up", *(name.replace("_", " ") for name in names)]
        runs = measured["parts"][part][0]["runs"]
        texts[f"starting_points_{part}"] = (
            table(header, rows) + f"Means of {runs} runs each. {machine(measured['machine'])}"
        )
    return texts


def small_tables(measured):
    """Make a table for each kind of data sets: every model beside ours."""
    texts = {}
    for sets, figure, peer in (
        ("development", "accuracy", "MLPClassifier"),
        ("judge", "accuracy", "MLPClassifier"),
        ("development, folds 1 to 1", "accuracy", "MLPClassifier"),
        ("imbalanced", "balanced_accuracy", "LogisticRegression"),
    ):
        summary, shown = measured[sets]["summary"], figure.replace("_", " ")
        rows = []
        for model, found in summary.items():
            counts = found.get("sets that sknielsen won and lost", {})
            name = "`MLPSigmoidClassifier`" + model.removeprefix("sknielsen")
            rows.append(
                [
                    name if model.startswith("sknielsen") else escaped(model),
                    f"{found[figure]:.4f}",
                    f"{found['log_loss']:.3f}",
                    f"{found['seconds'] / summary[peer]['seconds']:.2f}",
                    *(
                        f"{counts[name]['won']}\u00a0:\u00a0{counts[name]['lost']}"
                        if counts
                        else ""
                        for name in (figure, "log_loss")
                    ),
                ]
            )
        header = ["Model", shown, "log loss", f"time / that of {peer}"]
        header += [f"sets that ours wins : loses in {shown}", "in log loss"]
        n_sets = len(measured[sets]["sets"]["sknielsen"])
        n_folds = measured[sets]["folds"]
        texts[f"tables_{sets.replace(', folds 1 to 1', '_first_fold')}"] = table(header, rows) + (
            f"Means over {n_sets} data sets, {n_folds} fold{'s' if n_folds > 1 else ''} each. "
            f"{machine(measured['machine'])}"
        )
    return texts


def mnist_defaults(measured):
    """Make the table of MNIST with everything default."""
    medians = measured["medians"]
    unit = medians["MLPClassifier"]["seconds"]
    rows = [
        [model, f"{found['accuracy']:.4f}", f"{found['seconds'] / unit:.2f}"]
        for model, found in medians.items()
    ]
    return table(["Model", "accuracy", "time / that of MLPClassifier"], rows) + (
        f"Medians of three seeds. {machine(measured['machine'])}"
    )


def all_experiments(scripts, experiments):
    """Make the tables of the page of experiments: of each script that measures something."""
    text = ""
    for script, path in scripts.items():
        if script in RECORDS:
            title = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).splitlines()[0]
            label = f"sphx_glr_auto_examples_{path.parent.name}_{path.name}"
            text += f"{title}\n{'-' * len(title)}\n\n"
            text += f"Script: :ref:`{title} <{label}>`.\n\n"
            text += experiment(experiments.get(script)) + "\n"
    return text
