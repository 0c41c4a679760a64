"""The layout: imports between modules are few and acyclic; public names say where they live."""

import ast
import importlib
import inspect
import pathlib
import sys
from graphlib import TopologicalSorter

import pytest

import sknielsen

FOLDER = pathlib.Path(sknielsen.__file__).parent

# What each module, and each package's modules together, may import from sknielsen; what is not
# listed may import nothing of it. Modules of one package may import one another besides.
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


# Packages whose classes and functions say that they live where users import them from.
PUBLIC = ["augmentation", "diagnostics", "plots"]


def modules():
    """Yield each module's path and its name within sknielsen, such as ("plots", "_history")."""
    for path in sorted(FOLDER.rglob("*.py")):
        *packages, module = path.relative_to(FOLDER).with_suffix("").parts
        yield path, (*packages, module)


def imported(path):
    """Yield what a module imports: the modules' names, each with the names taken from it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in {path}"
            yield node.module, [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)


def internal(path):
    """Yield what a module imports from sknielsen: names within it, and the names taken."""
    for module, names in imported(path):
        if module.startswith("sknielsen."):
            yield tuple(module.split(".")[1:]), names


def test_modules_import_only_what_the_layout_allows():
    for path, (top, *_) in modules():
        tops = {name[0] for name, _ in internal(path)}
        siblings = {top} if path.parent != FOLDER else set()
        assert tops <= ALLOWED.get(top, set()) | siblings, path


def test_no_module_imports_from_the_whole_of_sknielsen():
    for path, _ in modules():
        assert "sknielsen" not in {module for module, _ in imported(path)}, path


def test_imports_are_acyclic_also_within_a_package():
    graph = {}
    for path, name in modules():
        name = name[:-1] if name[-1] == "__init__" else name
        graph[name] = {module for module, _ in internal(path)}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the cycle


def test_what_is_private_to_a_package_stays_there():
    packages = {path.parent.name for path in FOLDER.glob("*/__init__.py")}
    for path, (top, *_) in modules():
        for (other, *rest), names in internal(path):
            if other == top or not {top, other} & packages:
                continue
            assert not rest, f"{path} looks into the package {other}"
            private = [name for name in names if name.startswith("_") and name != "__version__"]
            assert not private, f"{path} imports {private} from {other}"


def test_modules_need_only_the_runtime_dependencies():
    for path, (top, *_) in modules():
        roots = {module.split(".")[0] for module, _ in imported(path)}
        assert roots - RUNTIME - EXTRAS.get(top, set()) <= sys.stdlib_module_names, path


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_say_that_they_live_where_users_import_them_from(name):
    package = importlib.import_module(f"sknielsen.{name}")
    exported = [getattr(package, one) for one in package.__all__]
    exported = [one for one in exported if inspect.isclass(one) or inspect.isfunction(one)]
    assert {one.__module__ for one in exported} == {f"sknielsen.{name}"}
