"""What an extra brings is asked for by the extra's name, and only when it is needed."""

import subprocess
import sys
import textwrap

import pytest

# For each extra: packages to block, and a statement that needs them.
NEEDS = {
    "plots": (
        ["matplotlib"],
        "from sknielsen.plots import HistoryDisplay; HistoryDisplay.from_estimator(clf)",
    ),
    "dask": (
        ["dask", "distributed"],
        "from sknielsen.dask import DaskMLPSigmoidClassifier as C; C().fit(X, y)",
    ),
    "onnx": (["skl2onnx", "onnx", "onnxruntime"], "import sknielsen.onnx"),
}

SCRIPT = """
    import sys

    blocked = {blocked}
    for name in blocked:
        sys.modules[name] = None  # importing it raises ModuleNotFoundError

    import sknielsen
    from sklearn.datasets import load_digits
    X, y = load_digits(return_X_y=True)
    clf = sknielsen.MLPSigmoidClassifier(8, max_iter=1, random_state=0).fit(X / 16, y)
    clf.predict(X[:1] / 16)
    try:
        {statement}
    except ImportError as error:
        print(error)
"""


@pytest.mark.parametrize("extra", NEEDS)
def test_without_its_packages_a_part_names_its_extra_and_the_rest_works(extra):
    blocked, statement = NEEDS[extra]
    script = textwrap.dedent(SCRIPT).format(blocked=blocked, statement=statement)
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert f'pip install "sknielsen[{extra}]", or ".[{extra}]" in a checkout' in result.stdout
