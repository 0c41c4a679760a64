"""The machine and the versions that a benchmark's figures belong to."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from threadpoolctl import threadpool_info

import sknielsen


def describe(*packages):
    """Describe processor, BLAS, versions, and the variables that BLAS and OpenMP were given."""
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
            if name.startswith(("OPENBLAS_", "OMP_", "MKL_"))
        },
        "versions": {
            "python": platform.python_version(),
            "sknielsen": sknielsen.__version__,
            **{package: version(package) for package in packages},
        },
    }


def _cpu_model():
    """Read the processor's name where Linux tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
