"""Tables, charts and figures of the site, made from the committed JSON of the benchmarks.

`write` makes them as small files to be included: prose takes its figures from there, so that
none is copied by hand. A benchmark's page shows a chart first, and the tables behind it. To add
one: a function that returns reStructuredText, and a line in `write`; `charts` draws.
"""

import ast
import json
import re
from pathlib import Path
from textwrap import indent

import charts
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
        "figures": figures(train, read("tables")),
        "train": training_times({"AVX-512": train, "Haswell": haswell}, folder),
        "time_to_accuracy": times_to_accuracy(read("time_to_accuracy"), folder),
        "growth": growth(read("growth"), folder),
        "overheads": overheads(read("overheads"), folder),
        "stream": stream(read("stream"), folder),
        "augment": augmentation_times(read("augment"), folder),
        "augment_accuracy": augmentation_accuracy(read("augment_accuracy"), folder),
        "memory": memory(read("memory"), folder),
        "memory_mapped": memory_mapped(read("memory")),
        "search": search_times(read("search")),
        "scale": scale(read("scale")),
        **starting_points(read("starting_points")),
        **small_tables(read("tables")),
        "latency": latency(read("latency")),
        "out_of_core": out_of_core(read("out_of_core")),
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


NOTHING = "No run of this benchmark is recorded yet.\n"


def picture(folder, name, text, function, *found):
    """Draw a chart into a folder; return the directive that shows it.

    Parameters
    ----------
    folder : Path
    name : str
        Of the file.
    text : str
        What the chart says, for those who do not see it.
    function : callable
        One of `charts`.
    *found
        Its arguments.
    """
    charts.draw(function, folder / f"{name}.svg", *found)
    return f".. image:: /generated/{name}.svg\n   :alt: {text}\n\n"


def dropdown(title, *texts):
    """Hide tables behind a title."""
    return f".. dropdown:: {title}\n\n" + indent("".join(texts), "   ")


def seconds_table(first, seconds, unit="s"):
    """Make a table of the spread of each contestant, over that of the first one unless None."""
    rows = []
    reference = first and seconds[first]["median"]
    for name, found in seconds.items():
        middle = found["median"]
        around = found.get("quartiles")
        rows.append(
            [
                escaped(name),
                "not reached" if middle is None else f"{middle:.3g}",
                f"{around[0]:.3g} to {around[1]:.3g}" if around else "",
                *([f"{middle / reference:.2f}" if middle and reference else ""] if first else []),
            ]
        )
    over = [f"over {escaped(first)}"] if first else []
    return table(["", f"median, {unit}", "quartiles", *over], rows)


def lines_table(record, header):
    """Make a table of all lines of a benchmark: what was seen, with its quartiles."""
    rows = []
    for name, line in record["lines"].items():
        around = line.get("quartiles")
        between = f"{around[0]:.3g} to {around[1]:.3g}" if around else ""
        seen = "not reached" if line["seen"] is None else f"{line['seen']:.3g}"
        rows.append([escaped(name), seen, between])
    return table([header, "median", "quartiles of single rounds"], rows)


def figures(train, tables):
    """Define the figures that prose quotes, as substitutions."""
    judge = tables["judge"]["summary"]
    judged = judge["MLPClassifier"]["sets that sknielsen won and lost"]
    setup = train["setups"]["784-100-10, batch 10"]
    medians = {name: found["median"] for name, found in setup["seconds"].items()}
    ratios = setup["ratios"]

    def fastest(start):
        return min(value for name, value in medians.items() if name.startswith(start))

    quoted = {
        "epoch seconds": f"{medians['sknielsen, fit']:.2f} s",
        "epoch seconds of MLPClassifier": f"{fastest('MLPClassifier'):.2f} s",
        "epoch seconds of PyTorch": f"{fastest('PyTorch, torch.optim'):.2f} s",
        "ratio to MLPClassifier": f"{ratios['MLPClassifier / sknielsen']:.1f}",
        "ratio to PyTorch": f"{ratios['PyTorch / sknielsen']:.1f}",
        "ratio to BLAS": f"{ratios['epoch / floor']:.2f}",
        "judge time": f"{judge['sknielsen']['seconds'] / judge['MLPClassifier']['seconds']:.2f}",
        "judge p of accuracy": f"{judged['accuracy']['p_value']:.2f}",
        "judge p of log loss": f"{judged['log_loss']['p_value']:.2f}",
    }
    return "".join(f".. |{name}| replace:: {value}\n" for name, value in quoted.items())


def training_times(machines, folder):
    """Make the charts of an epoch's time, and the tables of each machine behind them.

    Parameters
    ----------
    machines : dict of str to dict
        Records of ``train.py`` by machine.
    folder : Path
        Of the charts.
    """
    machines = {f"{name} kernels": record for name, record in machines.items() if record}
    text = picture(
        folder,
        "train",
        "How many times as long each peer takes, by network and machine.",
        charts.training,
        machines,
    )
    text += picture(
        folder,
        "train_floor",
        "Epoch and fit over the time of their calls of BLAS, by network and machine.",
        charts.floor,
        machines,
    )
    for name, record in machines.items():
        parts = [machine(record["machine"]), skipped(record)]
        ratios = [setup["ratios"] for setup in record["setups"].values()]
        header = list(dict.fromkeys(key for some in ratios for key in some))
        rows = [
            [
                setup,
                *(
                    f"{found['ratios'][key]:.2f}" if key in found["ratios"] else ""
                    for key in header
                ),
            ]
            for setup, found in record["setups"].items()
        ]
        parts.append(table(["Ratio of medians", *header], rows))
        for setup, found in record["setups"].items():
            parts.append(f"{setup}, {found['rows']:,} rows:\n\n")
            parts.append(seconds_table(next(iter(found["seconds"])), found["seconds"]))
        text += dropdown(f"Tables: {name}", *parts) + "\n"
    return text


def skipped(record):
    """Say which peers were left out."""
    out = record.get("skipped", {})
    return (
        f"Left out: {'; '.join(f'{name} ({why})' for name, why in out.items())}.\n\n"
        if out
        else ""
    )


def times_to_accuracy(measured, folder):
    """Make the chart of seconds to an accuracy, and its tables."""
    if not measured:
        return NOTHING
    parts = [machine(measured["machine"]), skipped(measured)]
    for kind, seconds in measured["seconds"].items():
        if "sknielsen" in seconds:
            parts.append(f"{kind}:\n\n" + seconds_table("sknielsen", seconds))
    chosen = [
        [name, escaped(", ".join(f"{k}={v!r}" for k, v in (point or {}).items())) or "not reached"]
        for name, point in measured["chosen"].items()
    ]
    parts.append(table(["Chosen of the grid", ""], chosen))
    text = "Seconds to an accuracy over those of sknielsen, by peer."
    lines = measured["lines"].items()
    missed = dict.fromkeys(name.split(":")[0] for name, line in lines if line["seen"] is None)
    note = (
        f"Not drawn, since sknielsen did not get there: {'; '.join(missed)}.\n\n" if missed else ""
    )
    return (
        picture(folder, "time_to_accuracy", text, charts.accuracy, measured)
        + note
        + dropdown("Tables", *parts)
    )


def growth(measured, folder):
    """Make the chart of growth, and its tables."""
    if not measured:
        return NOTHING
    parts = [machine(measured["machine"])]
    for name, curve in measured["curves"].items():
        parts.append(f"{name.capitalize()}: of the arithmetic {curve['expected']}.\n\n")
        threads = curve["threads"].items()
        columns = [
            column
            for _, found in threads
            for column in (found["seconds"], found["epoch / floor"], ["", *found["exponents"]])
        ]
        header = [
            f"{title}, {n} thread{'s' * (n != '1')}"
            for n, _ in threads
            for title in ("seconds", "over BLAS", "exponent")
        ]
        rows = [
            [f"{value:,}", *(number(column[i]) for column in columns)]
            for i, value in enumerate(curve["values"])
        ]
        parts.append(table([curve["quantity"], *header], rows))
    text = "Time of an epoch by rows, neurons, mini-batches, classes and features."
    return picture(folder, "growth", text, charts.growth, measured) + dropdown("Tables", *parts)


def overheads(measured, folder):
    """Make the charts of what is beyond the arithmetic, and its table."""
    if not measured:
        return NOTHING
    lines = measured["lines"]
    shown = {
        "figures: ": ("epochs with figures / without", "training with figures / without"),
        "predictions: ": ("predictions", "time / that of MLPClassifier"),
    }
    text = ""
    for start, (name, label) in shown.items():
        names = {line: line.removeprefix(start) for line in lines if line.startswith(start)}
        names = {line: short.replace(" / MLPClassifier", "") for line, short in names.items()}
        if names:
            file = f"overheads_{start.split(':')[0]}"
            text += picture(
                folder, file, f"Bars of {name}: {label}.", charts.bars, measured, names, label
            )
    return text + dropdown("Table", machine(measured["machine"]), lines_table(measured, "Figure"))


def stream(measured, folder):
    """Make the chart of streams of single rows, and its table."""
    if not measured:
        return NOTHING
    names = {
        name: name.split(" / ")[0] + name.partition("sknielsen")[2] for name in measured["lines"]
    }
    label = "time of the peer / time of sknielsen"
    rows = [[escaped(name), f"{value:.3f}"] for name, value in measured["accuracy"].items()]
    return picture(
        folder, "stream", f"Bars of the {label}.", charts.bars, measured, names, label
    ) + dropdown(
        "Tables",
        machine(measured["machine"]),
        skipped(measured),
        seconds_table(None, measured["seconds"]),
        lines_table(measured, "time over time"),
        table(["", "accuracy along the way"], rows),
    )


def augmentation_times(augment, folder):
    """Make the chart of the time distortions take, and its tables."""
    lines = list(augment["lines"])
    peers = {name: name.split(" / ")[0] for name in lines if name.endswith("/ sknielsen")}
    epochs = {name: name.split(":")[0] for name in lines if "epoch with" in name}
    text = picture(
        folder,
        "augment",
        "Bars of the time of the peers over that of sknielsen, per image.",
        charts.bars,
        augment,
        peers,
        "time of the peer / time of sknielsen, per image",
    ) + picture(
        folder,
        "augment_epochs",
        "Bars of an epoch with distortions over the sum of the epoch and the distortions alone.",
        charts.bars,
        augment,
        epochs,
        "epoch with augment / sum of epoch and distortions alone",
    )
    images = seconds_table("sknielsen", augment["microseconds"], "µs an image")
    parts = [machine(augment["machine"]), skipped(augment), images]
    for network, found in augment["epochs"].items():
        parts.append(f"{network}, {found['rows']:,} rows:\n\n")
        parts.append(seconds_table("sum of the two", found["seconds"]))
    return text + dropdown("Tables", *parts)


def augmentation_accuracy(accuracy, folder):
    """Make the chart of test accuracies with and without distortions, and its tables."""
    titles = {
        "frame": "784-100-10, 50,000 images, 30 epochs",
        "ten": "Ten training images, one of each digit",
        "wide": "A wide network, distorted anew in each epoch",
        "deep": "Two hidden layers, 300 epochs",
    }
    parts = [machine(accuracy["machine"])]
    for part, runs in accuracy["parts"].items():
        rows = []
        for name, run in runs.items():
            seeds = ", ".join(f"{a:.4f}" for a in run["test_accuracy"])
            rows.append([name, f"{run['median']:.4f}", seeds])
        parts.append(table([titles[part], "Median", "Test accuracy of each seed"], rows))
    text = "Test accuracy of each run with and without distortions, of each seed."
    return picture(folder, "augment_accuracy", text, charts.augmented, accuracy) + dropdown(
        "Tables", *parts
    )


def memory(measured, folder):
    """Make the chart and the table of memory that `fit` takes."""
    rows = [
        [name, *(f"{use[key]:.1f}" for key in ("X", "weights", "used"))]
        for name, use in measured["mebibytes"].items()
    ]
    text = "Bars of the memory that fit takes beside the data, over the size of the data."
    return picture(folder, "memory", text, charts.memory, measured) + dropdown(
        "Table",
        machine(measured["machine"]),
        table(["Set-up", "MiB of X", "MiB of the weights", "MiB used beside them"], rows),
    )


def memory_mapped(measured):
    """Make the table of memory that `fit` takes beside rows in a file and in RAM."""
    rows = []
    for suffix, network in (("", "784-100-10"), (", 800 hidden", "784-800-10")):
        mapped = measured["mebibytes"]["memory-mapped" + suffix]
        in_ram = mapped["X"] + mapped["used"]
        rows.append([network, *(f"{n:.0f}" for n in (mapped["X"], in_ram, mapped["used"]))])
    needed = "MiB of memory needed, rows"
    header = ["Network", "MiB of the file", f"{needed} in RAM", f"{needed} in the file"]
    return table(header, rows) + machine(measured["machine"])


def latency(measured):
    """Make the table of microseconds that a call of `predict_proba` takes."""
    if not measured:
        return NOTHING
    by_rows = measured["microseconds"]
    rows = [
        [escaped(name), *(number(round(found[name]["median"])) for found in by_rows.values())]
        for name in next(iter(by_rows.values()))
    ]
    header = ["µs a call", *(f"{n} row{'s' * (n != '1')}" for n in by_rows)]
    return table(header, rows) + skipped(measured) + machine(measured["machine"])


def out_of_core(measured):
    """Make the table of what each way to train on more than memory takes, and reaches."""
    if not measured:
        return NOTHING
    rows = [
        [way, number(round(found["MiB"])), f"{found['seconds']:.1f}", f"{found['accuracy']:.3f}"]
        for way, found in measured["ways"].items()
    ]
    header = ["The rows come from", "MiB of memory", "seconds", "accuracy"]
    return table(header, rows) + machine(measured["machine"])


def search_times(search):
    """Make the table of seconds that a search takes in one process and in two."""
    return machine(search["machine"]) + seconds_table("1 process", search["seconds"])


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
            rows.append(
                [
                    escaped(model),
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
        header = ["Model", shown, "log loss", "relative time"]
        header += [f"the first row wins : loses in {shown}", "in log loss"]
        n_sets = len(measured[sets]["sets"]["sknielsen"])
        n_folds = measured[sets]["folds"]
        name = f"tables_{sets.replace(', folds 1 to 1', '_first_fold')}"
        texts[name] = table(header, rows) + (
            f"Means over {n_sets} data sets, {n_folds} fold{'s' if n_folds > 1 else ''} each; "
            f"the time of `fit`, relative to {peer}'s. "
            f"{machine(measured['machine'])}"
        )
    return texts


def mnist_defaults(measured):
    """Make the table of MNIST with everything default."""
    seconds = {name: found["median"] for name, found in measured["seconds"].items()}
    unit = seconds["MLPClassifier"]
    rows = [
        [model, f"{found['median']:.4f}", f"{seconds[model] / unit:.2f}"]
        for model, found in measured["accuracy"].items()
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
