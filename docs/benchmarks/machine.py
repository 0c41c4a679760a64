"""The machine and the versions that a benchmark's figures belong to."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from threadpoolctl import threadpool_info

import sknielsen


def describe(*packages):
    """Describe processor, BLAS, versions, and the variables that choose kernels and threads.

    Packages that are not installed are left out.
    """
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
        "openblas": {
            Path(library["filepath"]).parent.name: {  # numpy.libs, scipy.libs
                name: library[name] for name in ("version", "architecture", "num_threads")
            }
            for library in threadpool_info()
            if library["internal_api"] == "openblas"
        },
        "variables": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith(("ATEN_", "MKL_", "OMP_", "OPENBLAS_"))
        },
        "versions": {
            "python": platform.python_version(),
            "sknielsen": sknielsen.__version__,
            **{package: found for package in packages if (found := _version(package))},
        },
    }


def _version(package):
    """Return the version of a package; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu_model():
    """Read the processor's name where Linux tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
