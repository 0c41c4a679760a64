"""The layout: imports between modules are few and acyclic."""

import ast
import pathlib
import sys

import sknielsen

FOLDER = pathlib.Path(sknielsen.__file__).parent

# What each module may import from the package; what is not listed may import nothing of it.
ALLOWED = {
    "__init__": {"_classifier", "_version", "augmentation", "diagnostics"},
    "_classifier": {
        "_blas",
        "_data",
        "_guards",
        "_inputs",
        "_labels",
        "_network",
        "_resolve",
        "_tasks",
        "_training",
        "_version",
        "_warn",
        "activations",
        "costs",
        "diagnostics",
        "initializers",
        "penalties",
        "schedules",
    },
    "_checkpoint": {"_classifier", "_data", "_files", "_tasks", "_training", "_version"},
    "_inputs": {"_data", "_labels"},
    "_labels": {"_data", "_resolve"},
    "_network": {"_blas", "activations"},
    "_training": {"_blas", "_data", "_resolve", "_warn"},
    "_version": {"_warn"},
    "augmentation": {"_resolve", "_version", "_warn"},
    "callbacks": {"_checkpoint", "_classifier", "_resolve", "_tasks"},
    "costs": {"activations"},
    "_distributed": {
        "_blas",
        "_data",
        "_guards",
        "_inputs",
        "_labels",
        "_network",
        "_training",
    },
    "dask": {
        "_classifier",
        "_distributed",
        "_guards",
        "_inputs",
        "_labels",
        "_training",
        "_warn",
    },
    "datasets": {"_files"},
    "diagnostics": {
        "_data",
        "_inputs",
        "_labels",
        "_network",
        "_resolve",
        "activations",
        "costs",
    },
    "onnx": {"_classifier", "augmentation"},
    "plots": {"_resolve", "diagnostics"},
    "schedules": {"_resolve"},
}
# Of an extra's packages, imported when they are needed.
EXTRAS = {"_distributed": {"dask"}, "onnx": {"skl2onnx"}, "plots": {"matplotlib"}}
RUNTIME = {"numpy", "scipy", "sklearn", "threadpoolctl", "sknielsen"}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in {path.name}"
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_modules_import_only_what_the_layout_allows():
    for path in FOLDER.glob("*.py"):
        internal = {m.split(".")[1] for m in imported(path) if m.startswith("sknielsen.")}
        assert internal <= ALLOWED.get(path.stem, set()), path.name


def test_modules_need_only_the_runtime_dependencies():
    for path in FOLDER.glob("*.py"):
        roots = {module.split(".")[0] for module in imported(path)}
        assert roots - RUNTIME - EXTRAS.get(path.stem, set()) <= sys.stdlib_module_names, path.name
