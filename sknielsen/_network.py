"""The network: forward, backward, descend, which are Nielsen's equations BP1 to BP4.

Rows are samples, as in scikit-learn: z = a W + b, with a of shape (m, n_in), W (n_in, n_out) and
b (n_out,). All arrays but the input rows are Fortran-contiguous and made once, so that every
product is one BLAS call on arrays in place. (In this orientation OpenBLAS multiplies a small
mini-batch up to twice as fast as in the transposed one.)
"""

import numpy as np

from sknielsen._blas import GEMM, GEMV, check_layout
from sknielsen.activations import multiply_by_sigmoid_prime, sigmoid


class Network:
    """A fully connected network of sigmoid layers under a cost.

    Parameters
    ----------
    weights : list of ndarray of shape (n_in, n_out), Fortran order
        One matrix a layer. `descend` updates them in place.
    biases : list of ndarray of shape (n_out,)
        `descend` updates them in place.
    cost : object
        A cost in the sense of `sknielsen.costs`.
    keep : sequence of float, default=None
        For the input and each hidden layer, the probability with which dropout keeps a unit.
    velocity : tuple of two lists of ndarray, default=None
        For the weights and for the biases, what the last step added to them. Updated in place.
        Needed by momentum, and by mini-batches that come in parts.

    Raises
    ------
    ValueError
        If BLAS could not update one of the arrays in place.
    """

    def __init__(self, weights, biases, cost, keep=None, velocity=None):
        self.dtype = weights[0].dtype
        for array in [*weights, *biases, *(velocity[0] if velocity else [])]:
            check_layout(array, self.dtype)
        self.weights = weights
        self.biases = biases
        self.cost = cost
        self.keep = keep or [1.0] * len(weights)
        self.velocity = velocity
        self._gemm, self._gemv = GEMM[self.dtype], GEMV[self.dtype]
        self._buffers = {}

    @property
    def layer_sizes(self):
        """Units of every layer, the input layer included."""
        return [len(self.weights[0]), *map(len, self.biases)]

    @property
    def n_units(self):
        """Hidden and output units together."""
        return sum(map(len, self.biases))

    def forward(self, x, rng=None, largest=None):
        """Compute the output layer's weighted inputs, z = a W + b layer by layer.

        Parameters
        ----------
        x : ndarray of shape (m, n_features), C order
            Input rows. Overwritten where the input layer has dropout.
        rng : numpy.random.Generator, default=None
            Draws the dropout masks; None for prediction, which uses no mask.
        largest : float, default=None
            Size up to which weighted inputs are accepted; None accepts all.

        Returns
        -------
        ndarray of shape (m, n_outputs)
            A buffer that the next call overwrites. The hidden activations stay in `hidden`.

        Raises
        ------
        OverflowError
            If a weighted input, of any layer, is larger than `largest`, or NaN.
        """
        self._layers, self._deltas, self._scratch, self._ones = self._buffers_for(len(x))
        self._x = a = x.T  # Fortran order, (n_features, m); the other layers are (m, n_units)
        for layer, (w, b, z) in enumerate(zip(self.weights, self.biases, self._layers)):
            if layer > 0:
                sigmoid(a)
            if rng is not None and self.keep[layer] < 1.0:
                _drop(a, self.keep[layer], rng)
            np.copyto(z, b)
            self._gemm(1.0, a, w, 1.0, z, layer == 0, 0, 1)  # z <- a W + z
            if largest is not None and not max(z.max(), -z.min()) <= largest:  # or NaN
                raise OverflowError(
                    f"Weighted inputs of layer {layer + 1} are above {largest:.6g}."
                )
            a = z
        return z

    @property
    def hidden(self):
        """Activations of the hidden layers after `forward`, each (m, n_units)."""
        return self._layers[:-1]

    def backward(self, y, sample_weight=None):
        """Compute the error of every layer (BP1, BP2; Nielsen, ch. 2) after `forward`.

        Parameters
        ----------
        y : ndarray of shape (m, n_outputs)
            Targets, zeros and ones.
        sample_weight : ndarray of shape (m,), default=None
            Factor of each row's cost.
        """
        a, delta = self._layers[-1], self._deltas[-1]
        self.cost.activation(a)
        self.cost.delta(a, y, delta)  # BP1
        if sample_weight is not None:
            np.multiply(delta, sample_weight[:, None], delta)
        for layer in range(len(self.weights) - 1, 0, -1):
            a, error = self._layers[layer - 1], self._deltas[layer - 1]
            self._gemm(1.0, delta, self.weights[layer], 0.0, error, 0, 1, 1)  # delta W^T
            multiply_by_sigmoid_prime(error, a, self.keep[layer], self._scratch[layer - 1])
            delta = error  # BP2

    def descend(self, step, shrink=None, momentum=0.0, first=True, last=True):
        """Step against the gradient (BP3, BP4; Nielsen, ch. 2) after `backward`.

        w <- beta w - step * a^T delta and b <- b - step * sum of delta, each ONE call of BLAS:
        no array holds the gradient. With a velocity, v <- momentum v - step * a^T delta and
        w <- beta w + v. The gradients of a mini-batch in parts gather in v.

        Parameters
        ----------
        step : float
            eta / m.
        shrink : callable, default=None
            The penalty's own step on one matrix, ``w -> beta``.
        momentum : float, default=0.0
            Used with a velocity only.
        first, last : bool, default=True
            Whether this is the first, and the last, part of its mini-batch.
        """
        betas = [shrink(w) if shrink and last else 1.0 for w in self.weights]
        if self.velocity is None:
            self._subtract_gradients(step, self.weights, betas, self.biases, 1.0)
            return
        v_weights, v_biases = self.velocity
        held = momentum if first else 1.0
        self._subtract_gradients(step, v_weights, [held] * len(betas), v_biases, held)
        if last:
            for w, beta, v in zip(self.weights, betas, v_weights):
                if beta != 1.0:
                    np.multiply(w, beta, w)
                np.add(w, v, w)
            for b, v in zip(self.biases, v_biases):
                np.add(b, v, b)

    def _subtract_gradients(self, step, weights, betas, biases, bias_beta):
        """Write beta * array - step * gradient into each array."""
        gemm, gemv, ones = self._gemm, self._gemv, self._ones
        a = self._x
        for layer, delta in enumerate(self._deltas):
            gemm(-step, a, delta, betas[layer], weights[layer], layer > 0, 0, 1)  # BP4
            gemv(-step, delta, ones, bias_beta, biases[layer], 0, 1, 0, 1, 1, 1)  # BP3
            a = self._layers[layer]

    def _buffers_for(self, m):
        """Make, once for each number of rows, the arrays of a pass over m rows."""
        if m not in self._buffers:
            make = [
                [np.empty((m, n), self.dtype, order="F") for n in self.layer_sizes[1:]]
                for _ in ("layers", "deltas", "scratch")
            ]
            self._buffers[m] = (*make, np.ones(m, self.dtype))
        return self._buffers[m]


def _drop(a, keep, rng):
    """Zero each activation with probability 1 - keep and scale the others by 1 / keep."""
    mask = rng.random(a.size, dtype=np.float32) < keep
    np.multiply(a, mask.reshape(a.shape, order="F"), a)
    np.multiply(a, 1.0 / keep, a)
