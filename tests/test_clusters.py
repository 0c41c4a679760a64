"""Searches run on Ray and on Spark by joblib; needs the extra `test-clusters`."""

import os
import sys

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

pytestmark = [
    pytest.mark.clusters,
    pytest.mark.filterwarnings("default"),  # both backends call what joblib has deprecated
]


@pytest.fixture(scope="module")
def ray():
    import ray
    from ray.util.joblib import register_ray

    ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1")
    register_ray()
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def spark():
    os.environ["PYSPARK_PYTHON"] = sys.executable  # else the first python3 of the path
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    from joblibspark import register_spark
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = session.getOrCreate()
    register_spark()
    yield
    session.stop()


@pytest.mark.parametrize("backend", ["ray", "spark"])
def test_a_search_in_the_backends_processes_finds_what_a_serial_one_finds(
    backend, small, digits, request
):
    request.getfixturevalue(backend)
    search = GridSearchCV(small(), {"eta": [0.1, 1.0]}, cv=2, error_score="raise")
    expected = search.fit(*digits).cv_results_["mean_test_score"]
    with joblib.parallel_config(backend, n_jobs=2):
        found = search.fit(*digits).cv_results_["mean_test_score"]
        processes = joblib.Parallel()(joblib.delayed(os.getpid)() for _ in range(2))
    np.testing.assert_array_equal(found, expected)
    assert os.getpid() not in processes
