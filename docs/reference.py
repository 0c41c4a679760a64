"""What the pages of the API reference have beside their docstrings.

Groups of the classifier's parameters, what to see besides, and the page of the guide that tells
more. To add an object, put its name into a row of `RELATED`, which names objects that belong
together and the page about them.
"""

import re

# The parameter that a group begins with: its title, and pages of the guide about it.
GROUPS = {
    "hidden_layer_sizes": ("Network", ["network", "costs", "initial_weights"]),
    "eta": ("Training", ["schedules", "network"]),
    "lmbda": ("Regularisation", ["penalties", "augmentation"]),
    "early_stopping": ("Stopping", ["validation"]),
    "class_weight": ("Data", ["starting_points", "partial_fit"]),
    "warm_start": ("Other", ["partial_fit", "promises"]),
}
GROUPED = ("sknielsen.MLPSigmoidClassifier", "sknielsen._classifier.MLPSigmoidClassifier")

# Page of the guide, and objects that belong together.
RELATED = [
    ("network", "sknielsen.MLPSigmoidClassifier sknielsen.dask.DaskMLPSigmoidClassifier"),
    ("dask", "sknielsen.dask.DaskMLPSigmoidClassifier sknielsen.MLPSigmoidClassifier"),
    (
        "augmentation",
        "sknielsen.augmentation.ImageAugmenter sknielsen.augmentation.AugmentedClassifier "
        "sknielsen.augmentation.ImageExpander sknielsen.augmentation.warp "
        "sknielsen.plots.AugmentationDisplay",
    ),
    (
        "images",
        "sknielsen.augmentation.ImageAugmenter sknielsen.plots.AugmentationDisplay "
        "sknielsen.diagnostics.hard_examples sknielsen.plots.HardExamplesDisplay "
        "sknielsen.plots.WeightsDisplay",
    ),
    (
        "displays",
        "sknielsen.plots.HistoryDisplay sknielsen.plots.WeightsDisplay "
        "sknielsen.plots.JitteredScatterDisplay sknielsen.plots.HardExamplesDisplay "
        "sknielsen.plots.SaturationDisplay sknielsen.plots.AugmentationDisplay "
        "sknielsen.plots.EtaDisplay",
    ),
    (
        "new_problem",
        "sknielsen.diagnostics.find_eta sknielsen.diagnostics.EtaSuggestion "
        "sknielsen.plots.EtaDisplay",
    ),
    (
        "new_problem",
        "sknielsen.diagnostics.summary sknielsen.diagnostics.Summary "
        "sknielsen.diagnostics.diagnose",
    ),
    (
        "new_problem",
        "sknielsen.diagnostics.diagnose sknielsen.diagnostics.Finding "
        "sknielsen.diagnostics.Findings sknielsen.diagnostics.hard_examples",
    ),
    (
        "displays",
        "sknielsen.diagnostics.hard_examples sknielsen.plots.HardExamplesDisplay",
    ),
    (
        "network",
        "sknielsen.diagnostics.gradient_norms sknielsen.diagnostics.weighted_inputs "
        "sknielsen.diagnostics.network_inside sknielsen.plots.SaturationDisplay",
    ),
    (
        "progress",
        "sknielsen.callbacks.ValidationMonitor sknielsen.callbacks.EarlyStopping "
        "sknielsen.callbacks.Checkpoint sknielsen.callbacks.resume",
    ),
    (
        "ecosystem",
        "sknielsen.callbacks.ValidationMonitor sknielsen.callbacks.EarlyStopping "
        "sknielsen.callbacks.Checkpoint",
    ),
    ("persistence", "sknielsen.callbacks.Checkpoint sknielsen.callbacks.resume"),
    (
        "costs",
        "sknielsen.costs.CrossEntropy sknielsen.costs.Quadratic sknielsen.costs.LogLikelihood "
        "sknielsen.core.contracts.Cost",
    ),
    (
        "schedules",
        "sknielsen.schedules.Constant sknielsen.schedules.Piecewise sknielsen.schedules.Taper "
        "sknielsen.schedules.Plateau sknielsen.core.contracts.Schedule",
    ),
    (
        "penalties",
        "sknielsen.penalties.L2 sknielsen.penalties.L1 sknielsen.core.contracts.Penalty",
    ),
    (
        "initial_weights",
        "sknielsen.initializers.scaled sknielsen.initializers.large "
        "sknielsen.core.contracts.Initializer",
    ),
    (
        "extending",
        "sknielsen.activations.sigmoid sknielsen.activations.softmax "
        "sknielsen.core.contracts.Cost",
    ),
    (
        "extending",
        "sknielsen.core.contracts.Cost sknielsen.core.contracts.Penalty "
        "sknielsen.core.contracts.Schedule sknielsen.core.contracts.Initializer "
        "sknielsen.core.contracts.Augmenter sknielsen.augmentation.ImageAugmenter",
    ),
    ("promises", "sknielsen.datasets.fetch_mnist sknielsen.datasets.read_idx"),
]


def related():
    """Return, by full name, the pages of the guide and the objects to see besides."""
    found = {}
    for page, names in RELATED:
        for name in names.split():
            pages, others = found.setdefault(name, ([], []))
            if page not in pages:
                pages.append(page)
            others += [other for other in names.split() if other not in (name, *others)]
    return {
        name: {
            "pages": [f":doc:`/guide/{page}`" for page in pages],
            "others": [f"`~{other}`" for other in others],
        }
        for name, (pages, others) in found.items()
    }


def group_parameters(app, what, name, obj, options, lines):
    """Put headings between the groups of parameters, in what numpydoc has made of a docstring."""
    if name not in GROUPED:
        return
    grouped, section = [], None
    for line in lines:
        if match := re.match(r":(\w+):", line):
            section = match[1]
        match = re.match(r"( +)\*\*(\w+)\*\* : ", line)
        if match and section == "Parameters" and match[2] in GROUPS:
            title, pages = GROUPS[match[2]]
            links = ", ".join(f":doc:`/guide/{page}`" for page in pages)
            heading = [f".. rubric:: {title}", "   :class: group", "", f"Guide: {links}.", ""]
            grouped += ["", *(match[1] + text if text else "" for text in heading)]
        grouped.append(line)
    lines[:] = grouped
