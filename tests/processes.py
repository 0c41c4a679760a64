"""What tests of threads, forks and signals share: BLAS thread counts, and children that report."""

import functools
import os
import signal
import traceback
from multiprocessing import Pipe

import joblib
from threadpoolctl import ThreadpoolController

NIGHTLY = bool(os.environ.get("SKNIELSEN_NIGHTLY"))

PATIENCE = 60  # seconds after which a child counts as hung: a safety net, no measure


@functools.cache
def blas_libraries():
    """Find the BLAS libraries, which are loaded by now: the search takes a while."""
    return ThreadpoolController().select(user_api="blas")


def blas_counts():
    """Count the threads of each BLAS library."""
    return [library["num_threads"] for library in blas_libraries().info()]


def snapshot(classifier):
    """Describe all that an estimator holds: what it has learned by value, the rest by identity."""
    return {
        name: joblib.hash(value) if name.endswith("_") else id(value)
        for name, value in vars(classifier).items()
    }


class Fork:
    """A forked child that calls `work` and sends back what it returns, or its traceback.

    As a context manager it leaves no child behind, whatever fails.

    Parameters
    ----------
    work : callable
        Called in the child, which ends with it; None where the caller goes on in the child, and
        calls `finish` there.
    """

    def __init__(self, work=None):
        self._receiver, self._sender = Pipe(duplex=False)
        self.pid, self._ended = os.fork(), False
        if self.pid == 0:
            if work is not None:
                self.finish(work)
        else:
            self._sender.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._kill()
        self._receiver.close()

    def _kill(self):
        if not self._ended:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self._ended = True

    def finish(self, work):
        """Send what `work` returns and end the child, come what may."""
        try:
            try:
                self._sender.send(work())
            except BaseException:
                self._sender.send(traceback.format_exc())
        finally:
            os._exit(0)

    def answer(self):
        """Wait for what the child sends, its last act; one that sends nothing counts as hung."""
        sent = self._receiver.poll(PATIENCE)
        answer = self._receiver.recv() if sent else "hung"
        self._kill()
        return answer
