"""Every module has a test file of its name, in the folder of its name, or a reason to have none.

Test files of all folders have names of their own, since pytest imports them by their last name: a
name that is taken has that of the folder before it, as `dask/test_dask_inputs.py` has.
"""

import pathlib
from collections import Counter

import pytest

import sknielsen

HERE = pathlib.Path(__file__).parent
FOLDER = pathlib.Path(sknielsen.__file__).parent

# What has no file of its own name: the file that tests it, and why it is there.
ELSEWHERE = {
    "_checkpoint": ("test_callbacks.py", "a file of `Checkpoint`; damage: test_damaged_files.py"),
    "_files": ("test_damaged_files.py", "refuses what is no regular file"),
    "_prediction": ("test_classifier.py", "methods of the classifier"),
    "_report": ("test_progress.py", "what `fit` prints; warnings of chance: test_defaults.py"),
    "_start": ("test_classifier.py", "what must hold before `fit`, which says so"),
    "_warn": ("test_classifier.py", "warnings point to the line of the user"),
    "activations": ("core/test_activations.py", "public names of the core"),
    "core/contracts": ("test_resolve.py", "types, without code; objects that keep a contract"),
    "diagnostics/_finding": ("diagnostics/test_findings.py", "how findings are shown"),
    "diagnostics/_inside": ("diagnostics/test_findings.py", "what is inside of estimators"),
    "diagnostics/_evidence": ("diagnostics/test_findings.py", "what the findings rest on"),
}


def modules():
    files = (file.relative_to(FOLDER).with_suffix("") for file in FOLDER.rglob("*.py"))
    return sorted(file.as_posix() for file in files if file.name != "__init__")


def names_of_test_file(module):
    """List the names that the test file of a module may have."""
    folder, _, name = module.rpartition("/")
    name = name.removeprefix("_")
    if not folder:
        return [f"test_{name}.py"]
    return [f"{folder}/test_{name}.py", f"{folder}/test_{folder}_{name}.py"]


@pytest.mark.parametrize("module", modules())
def test_a_module_has_a_test_file_of_its_name_or_a_reason(module):
    has_own = any((HERE / name).exists() for name in names_of_test_file(module))
    assert has_own is not (module in ELSEWHERE)


def test_reasons_are_of_modules_and_name_a_file_that_is_there():
    assert set(ELSEWHERE) <= set(modules())
    for module, (file, reason) in ELSEWHERE.items():
        assert (HERE / file).exists(), module
        assert reason


def test_folders_of_tests_are_folders_of_the_package():
    folders = {file.parent.name for file in HERE.glob("*/test_*.py")}
    assert folders
    assert all((FOLDER / folder / "__init__.py").exists() for folder in folders)


def test_no_two_files_have_the_same_name():
    names = Counter(file.name for file in HERE.rglob("*.py") if file.name != "conftest.py")
    assert {name for name, count in names.items() if count > 1} == set()
