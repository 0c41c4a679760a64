"""The layout: imports between modules are few and acyclic; public names say where they live."""

import ast
import importlib
import importlib.util
import inspect
import pathlib
import subprocess
import sys
from graphlib import TopologicalSorter

import pytest

import sknielsen

FOLDER = pathlib.Path(sknielsen.__file__).parent

# From the book to what is built around the estimator. A module imports from its own layer and from
# the layers before it; a package is one room, whose modules share a layer.
LAYERS = [
    {"core"},
    {
        "_files",
        "_guards",
        "_inputs",
        "_labels",
        "_parameters",
        "_plain",
        "_resolve",
        "_sklearn",
        "_translate",
        "_version",
        "_warn",
        "activations",
        "costs",
        "initializers",
        "penalties",
        "schedules",
    },
    {
        "_classifier",
        "_fitted",
        "_hooks",
        "_identity",
        "_prediction",
        "_progress",
        "_report",
        "_scoring",
        "_start",
        "diagnostics",
    },
    {"_checkpoint", "augmentation", "callbacks", "dask", "datasets", "onnx", "plots"},
    {"__init__"},
]
LAYER_OF = {room: number for number, layer in enumerate(LAYERS) for room in layer}

# Packages of extras, imported when they are needed.
EXTRAS = {"dask": {"dask"}, "onnx": {"skl2onnx"}, "plots": {"matplotlib"}}
RUNTIME = {"numpy", "scipy", "sklearn", "threadpoolctl", "sknielsen"}

# Private names of others that we rely on.
NOT_OURS = {
    "_getframe",  # of sys
    "_at_fork_reinit",  # of Python's locks, as Python's own modules use it
    "_init_callback_context",  # scikit-learn's documented way for estimators
    "_kwargs",  # of scikit-learn's scorers, which do not say otherwise what their metric takes
    "_score_func",
    "_validate_params",  # of scikit-learn's estimators, which say what they accept
    "_skl_callbacks",  # where scikit-learn keeps the callbacks that are set
}

# Packages whose classes and functions say that they live where users import them from.
PUBLIC = ["activations", "augmentation", "callbacks", "dask", "diagnostics", "plots"]

MOST_LINES = {"_classifier": 550}
MOST_LINES_ELSEWHERE, MOST_LINES_OF_A_FUNCTION, MOST_PARAMETERS = 450, 60, 7
# Signatures that users see, which may take as many parameters as there are things to say.
PUBLIC_SIGNATURES = {
    "__init__",
    "fit",
    "partial_fit",
    "resume",
    "from_estimator",
    "from_predictions",
}


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


def test_every_module_has_a_layer():
    assert {top for _, (top, *_) in modules()} == set(LAYER_OF)


def test_modules_import_only_from_their_own_layer_and_those_before_it():
    for path, (top, *_) in modules():
        for (other, *_), _ in internal(path):
            assert LAYER_OF[other] <= LAYER_OF[top], f"{path} imports {other}"


def test_no_module_imports_from_the_whole_of_sknielsen():
    for path, name in modules():
        if name != ("__init__",):  # which names them for type checkers
            assert "sknielsen" not in {module for module, _ in imported(path)}, path


def test_imports_are_acyclic_also_within_a_package():
    graph = {}
    for path, name in modules():
        name = name[:-1] if name[-1] == "__init__" else name
        graph[name] = {module for module, _ in internal(path)}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the cycle


def test_what_is_private_to_a_room_stays_there():
    packages = {path.parent.name for path in FOLDER.glob("*/__init__.py")} - {"core"}
    for path, (top, *_) in modules():
        for (other, *rest), names in internal(path):
            if other == top:
                continue
            assert not (rest and other in packages), f"{path} looks into the package {other}"
            private = [name for name in names if name.startswith("_") and name != "__version__"]
            assert not private, f"{path} imports {private} from {other}"


def test_no_module_uses_private_attributes_that_another_defines():
    for path, _ in modules():
        nodes = list(ast.walk(ast.parse(path.read_text())))
        functions = (ast.FunctionDef, ast.ClassDef)
        own = {node.name for node in nodes if isinstance(node, functions)}
        own |= {node.id for node in nodes if isinstance(node, ast.Name)}  # of class bodies
        attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
        own |= {node.attr for node in attributes if isinstance(node.ctx, ast.Store)}
        used = {node.attr for node in attributes if node.attr[0] == "_" and node.attr[-2:] != "__"}
        assert not used - own - NOT_OURS, path


def code_lines(node):
    """Count the lines of a function, without its docstring, comments and blank lines."""
    lines = {
        line
        for inner in node.body[ast.get_docstring(node) is not None :]
        for part in ast.walk(inner)
        if hasattr(part, "lineno")
        for line in (part.lineno, part.end_lineno)
    }
    return len(lines)


def test_modules_and_functions_stay_small():
    for path, (top, *_) in modules():
        n_lines = len(path.read_text().splitlines())
        assert n_lines <= MOST_LINES.get(top, MOST_LINES_ELSEWHERE), path
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef):
                continue
            assert code_lines(node) <= MOST_LINES_OF_A_FUNCTION, f"{path}: {node.name}"
            given = [arg.arg for arg in node.args.args + node.args.kwonlyargs]
            n_given = len([name for name in given if name not in ("self", "cls")])
            is_small = n_given <= MOST_PARAMETERS or node.name in PUBLIC_SIGNATURES
            assert is_small, f"{path}: {node.name} takes {n_given}"


def test_modules_need_only_the_runtime_dependencies():
    for path, (top, *_) in modules():
        roots = {module.split(".")[0] for module, _ in imported(path)}
        assert roots - RUNTIME - EXTRAS.get(top, set()) <= sys.stdlib_module_names, path


WINGS = ["activations", "callbacks", "dask", "datasets", "onnx", "plots"]


def test_properties_are_cached_without_the_lock_of_python_3_11():
    for path, _ in modules():
        text = path.read_text()
        assert "functools.cached_property" not in text.replace("`functools.cached_property`", "")
        for module, names in imported(path):
            assert not (module == "functools" and "cached_property" in names), path


def test_importing_the_package_leaves_out_what_is_seldom_used():
    left_out = [f"sknielsen.{name}" for name in WINGS] + [
        "sklearn.metrics",
        "sklearn.pipeline",
        "matplotlib",
    ]
    code = f"import sys, sknielsen; print([name for name in {left_out} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout == "[]\n", found.stderr


def test_what_was_left_out_is_imported_when_it_is_used():
    assert set(WINGS) < set(dir(sknielsen))
    code = "import sknielsen; print(sknielsen.plots.HistoryDisplay, sknielsen.datasets.read_idx)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "HistoryDisplay" in found.stdout, found.stderr
    with pytest.raises(AttributeError, match="module 'sknielsen' has no attribute 'plot'"):
        _ = sknielsen.plot


def test_a_module_of_an_extra_that_is_not_there_is_no_attribute(monkeypatch):
    def missing(name):
        raise ImportError("no dask")

    monkeypatch.delitem(vars(sknielsen), "dask", raising=False)
    monkeypatch.setattr(importlib, "import_module", missing)
    assert not hasattr(sknielsen, "dask")
    with pytest.raises(AttributeError, match=r"sknielsen\.dask cannot be used: no dask"):
        _ = sknielsen.dask


def test_type_checkers_are_told_of_every_public_module():
    tree = ast.parse((FOLDER / "__init__.py").read_text())
    named = [
        n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "sknielsen"
    ]
    public = {top for _, (top, *_) in modules() if top[0] != "_"}
    assert {alias.asname for node in named for alias in node.names} == public


def test_the_classifier_says_that_it_lives_in_the_package():
    assert sknielsen.MLPSigmoidClassifier.__module__ == "sknielsen"


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_say_that_they_live_where_users_import_them_from(name):
    if name == "callbacks" and importlib.util.find_spec("sklearn.callback") is None:
        pytest.skip("scikit-learn before 1.9 has no callbacks")
    package = importlib.import_module(f"sknielsen.{name}")
    exported = [getattr(package, one) for one in package.__all__]
    exported = [one for one in exported if inspect.isclass(one) or inspect.isfunction(one)]
    assert {one.__module__ for one in exported} == {f"sknielsen.{name}"}
