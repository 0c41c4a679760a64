"""The version is the same in the package, the changelog and the citation."""

import importlib.util
import re
import shutil
from pathlib import Path

import pytest

import sknielsen

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / ".ci" / "check_version.py"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="not in a checkout")


@pytest.fixture(scope="module")
def check():
    spec = importlib.util.spec_from_file_location("check_version", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def copy(tmp_path):
    """Copy what holds the version, and release it; return a function that changes a file."""
    version = sknielsen.__version__
    source = "version.py"
    (tmp_path / source).write_text(f'__version__ = "{version}"\n')
    (tmp_path / "pyproject.toml").write_text(f'[tool.hatch.version]\npath = "{source}"\n')
    (tmp_path / "CHANGELOG.md").write_text(
        f"# Changelog\n\n## {version} (2030-01-02)\n\n- New.\n\n## 0.0.1 (2029-01-02)\n"
    )
    (tmp_path / "CITATION.cff").write_text(f"version: {version}\ndate-released: 2030-01-02\n")
    models = tmp_path / "tests" / "data" / version
    models.mkdir(parents=True)
    (models / "expected.json").touch()
    return tmp_path


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_versions_of_package_changelog_citation_and_saved_models_agree(check):
    assert list(check.problems()) == []
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {sknielsen.__version__}\n" in citation


def test_a_release_has_dates_and_an_unreleased_version_has_none(check, copy):
    assert list(check.problems(copy, release=True)) == []
    change(copy / "CHANGELOG.md", "2030-01-02", "unreleased")
    change(copy / "CITATION.cff", "date-released: 2030-01-02\n", "")
    assert list(check.problems(copy)) == []
    (problem,) = check.problems(copy, release=True)
    assert "no date" in problem


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("version.py", sknielsen.__version__, "99.0.0", "CHANGELOG.md begins with"),
        ("version.py", sknielsen.__version__, "soon", "no version of three numbers"),
        ("CHANGELOG.md", "0.0.1 (", "99.0.1 (", "do not fall"),
        ("CHANGELOG.md", "2029-01-02", "unreleased", r"no date of 0\.0\.1"),
        ("CHANGELOG.md", "2029-01-02", "2029-13-02", r"no date of 0\.0\.1"),
        ("CHANGELOG.md", "## 0.0.1", "## Older", "has a heading other than"),
        ("CITATION.cff", f"version: {sknielsen.__version__}", "version: 9.9.9", "has version 9"),
        ("CITATION.cff", "2030-01-02", "2030-01-03", "has date-released 2030-01-03"),
    ],
)
def test_what_does_not_fit_together_is_found(file, old, new, message, check, copy):
    change(copy / file, old, new)
    assert re.search(message, "\n".join(check.problems(copy)))


def test_missing_models_are_found(check, copy):
    shutil.rmtree(copy / "tests")
    (problem,) = check.problems(copy)
    assert "no saved models" in problem
