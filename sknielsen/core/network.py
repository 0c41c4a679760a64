"""The network: forward, backward, descend, which are Nielsen's equations BP1 to BP4.

Rows are samples, as in scikit-learn: z = a W + b, with a of shape (m, n_in), W (n_in, n_out) and
b (n_out,). All arrays but the input rows are Fortran-contiguous and made once, so that every
product is one BLAS call on arrays in place. (In this orientation OpenBLAS multiplies a small
mini-batch up to twice as fast as in the transposed one.)
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from sknielsen.core.activations import multiply_by_sigmoid_prime, sigmoid
from sknielsen.core.blas import (
    GEMM,
    GEMV,
    IN_PLACE,
    NOT_TRANSPOSED,
    OFFSET,
    STRIDE,
    TRANSPOSED,
    check_layout,
)
from sknielsen.core.contracts import Array, Cost

Parts: TypeAlias = tuple[list[Array], list[Array]]  # of the weights and of the biases, by layer
Shrink: TypeAlias = Callable[[Array], float]


class Network:
    """A fully connected network of sigmoid layers under a cost.

    Parameters
    ----------
    weights : list of ndarray of shape (n_in, n_out), Fortran order
        One matrix a layer. `descend` updates them in place.
    biases : list of ndarray of shape (n_out,)
        `descend` updates them in place.
    cost : Cost or None
        A cost in the sense of `sknielsen.costs`; None for a network that only goes forward.
    keep : sequence of float, default=()
        For the input and each hidden layer, the probability with which dropout keeps a unit.
        Without numbers all are kept.
    velocity : tuple of two lists of ndarray, default=None
        Velocity of the weights and of the biases, for momentum. `descend` updates it in place.

    Raises
    ------
    ValueError
        If BLAS could not update one of the arrays in place.
    """

    def __init__(
        self,
        weights: list[Array],
        biases: list[Array],
        cost: Cost | None,
        keep: Sequence[float] = (),
        velocity: Parts | None = None,
    ) -> None:
        self.dtype: np.dtype[Any] = weights[0].dtype
        for array in [*weights, *biases, *(velocity[0] if velocity else [])]:
            check_layout(array, self.dtype)
        self.weights = weights
        self.biases = biases
        self.cost = cost
        self.keep: Sequence[float] = keep or [1.0] * len(weights)
        self.velocity = velocity
        self._gemm, self._gemv = GEMM[self.dtype], GEMV[self.dtype]
        self._buffers: dict[int, tuple[list[Array], list[Array], list[Array], Array]] = {}
        self._n_rows = -1  # of the last pass, whose buffers are at hand

    @property
    def layer_sizes(self) -> list[int]:
        """Units of every layer, the input layer included."""
        return [len(self.weights[0]), *map(len, self.biases)]

    @property
    def n_hidden(self) -> int:
        """Hidden layers."""
        return len(self.weights) - 1

    @property
    def n_units(self) -> int:
        """Hidden and output units together."""
        return sum(map(len, self.biases))

    @property
    def n_weights(self) -> int:
        """Weights of all layers together."""
        return sum(w.size for w in self.weights)

    def forward(
        self, x: Array, rng: np.random.Generator | None = None, largest: float | None = None
    ) -> Array:
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
            If a weighted input of any layer is larger than `largest`, or NaN.
        """
        if len(x) != self._n_rows:
            self._layers, self._deltas, self._scratch, self._ones = self._buffers_for(len(x))
            self._n_rows = len(x)
        self._x = a = x.T  # Fortran order, (n_features, m); the other layers are (m, n_units)
        for layer, (w, b, z) in enumerate(zip(self.weights, self.biases, self._layers)):
            if layer > 0:
                sigmoid(a)
            if rng is not None and self.keep[layer] < 1.0:
                _drop(a, self.keep[layer], rng)
            z[...] = b  # in half the time of np.copyto
            # z <- a W + z; the input rows are the only ones that lie transposed
            self._gemm(1.0, a, w, 1.0, z, layer == 0, NOT_TRANSPOSED, IN_PLACE)
            if largest is not None and not max(z.max(), -z.min()) <= largest:  # or NaN
                raise OverflowError(
                    f"Weighted inputs of layer {layer + 1} are above {largest:.6g}."
                )
            a = z
        return z

    @property
    def hidden(self) -> list[Array]:
        """Activations of the hidden layers after `forward`, each (m, n_units)."""
        return self._layers[:-1]

    def backward(self, y: Array, sample_weight: Array | None = None) -> None:
        """Compute the error of every layer (BP1, BP2; Nielsen, ch. 2) after `forward`.

        Parameters
        ----------
        y : ndarray of shape (m, n_outputs)
            Targets, zeros and ones.
        sample_weight : ndarray of shape (m,), default=None
            Factor of each row's cost.
        """
        assert self.cost is not None, "a network without a cost goes forward only"
        a, delta = self._layers[-1], self._deltas[-1]
        self.cost.activation(a)
        self.cost.delta(a, y, delta)  # BP1
        if sample_weight is not None:
            np.multiply(delta, sample_weight[:, None], delta)
        for layer in range(len(self.weights) - 1, 0, -1):
            a, error = self._layers[layer - 1], self._deltas[layer - 1]
            w = self.weights[layer]
            # error <- delta W^T
            self._gemm(1.0, delta, w, 0.0, error, NOT_TRANSPOSED, TRANSPOSED, IN_PLACE)
            multiply_by_sigmoid_prime(error, a, self.keep[layer], self._scratch[layer - 1])
            delta = error  # BP2

    def descend(
        self,
        step: float,
        shrink: Shrink | None = None,
        momentum: float = 0.0,
        gradients: Parts | None = None,
    ) -> None:
        """Step against the gradient (BP3, BP4; Nielsen, ch. 2) after `backward`.

        w <- beta w - step * a^T delta and b <- b - step * sum of delta, each ONE call of BLAS:
        no array holds the gradient. With a velocity, v <- momentum v - step * a^T delta and
        w <- beta w + v.

        Parameters
        ----------
        step : float
            eta / m, with m rows in the mini-batch.
        shrink : callable, default=None
            The penalty's own step on one matrix, ``w -> beta``.
        momentum : float, default=0.0
            Momentum coefficient; used with a velocity only.
        gradients : tuple of two lists of ndarray, default=None
            Gradients that were summed elsewhere, as `gradients` returns them; None stands for
            those of the last `backward`.
        """
        if self.velocity is None:
            betas = [shrink(w) for w in self.weights] if shrink else [1.0] * len(self.weights)
            self._subtract_gradients(step, self.weights, betas, self.biases, 1.0, gradients)
        else:
            weights, biases = self.velocity
            betas = [momentum] * len(weights)
            self._subtract_gradients(step, weights, betas, biases, momentum, gradients)
            self.move(self.velocity, shrink)

    def gradients(self) -> Parts:
        """Compute the gradients (BP3, BP4), summed over the rows, after `backward`.

        Returns
        -------
        tuple of two lists of ndarray
            Gradients of the weights and of the biases, in new arrays.
        """
        gradients = zeros_like((self.weights, self.biases))
        self.accumulate(gradients, -1.0, 0.0)
        return gradients

    def accumulate(self, total: Parts, step: float, factor: float) -> None:
        """Write ``factor * total - step * gradient`` into the arrays of `total`, after `backward`.

        A velocity is such a total; so is the step of a mini-batch that comes in parts.
        """
        self._subtract_gradients(step, total[0], [factor] * len(total[0]), total[1], factor)

    def move(self, step: Parts, shrink: Shrink | None = None) -> None:
        """Shrink the weights by the penalty, then add a step: w <- beta w + step."""
        for w, v in zip(self.weights, step[0]):
            beta = shrink(w) if shrink else 1.0
            if beta != 1.0:
                np.multiply(w, beta, w)
            np.add(w, v, w)
        for b, v in zip(self.biases, step[1]):
            np.add(b, v, b)

    def _subtract_gradients(
        self,
        step: float,
        weights: list[Array],
        betas: list[float],
        biases: list[Array],
        bias_beta: float,
        gradients: Parts | None = None,
    ) -> None:
        """Write ``beta * array - step * gradient`` into each array."""
        if gradients is not None:
            factors = [*betas, *[bias_beta] * len(biases)]
            for array, beta, gradient in zip(
                [*weights, *biases], factors, [*gradients[0], *gradients[1]]
            ):
                np.multiply(array, beta, array)
                array -= self.dtype.type(step) * gradient
            return
        gemm, gemv, ones = self._gemm, self._gemv, self._ones
        a = self._x
        for layer, delta in enumerate(self._deltas):
            w, b = weights[layer], biases[layer]
            gemm(-step, a, delta, betas[layer], w, layer > 0, NOT_TRANSPOSED, IN_PLACE)  # BP4
            gemv(  # BP3
                -step, delta, ones, bias_beta, b,
                OFFSET, STRIDE, OFFSET, STRIDE, TRANSPOSED, IN_PLACE,
            )  # fmt: skip
            a = self._layers[layer]

    def _buffers_for(self, m: int) -> tuple[list[Array], list[Array], list[Array], Array]:
        """Make, once for each number of rows, the arrays of a pass over m rows."""
        if m not in self._buffers:
            layers, deltas, scratch = (
                [np.empty((m, n), self.dtype, order="F") for n in self.layer_sizes[1:]]
                for _ in ("layers", "deltas", "scratch")
            )
            self._buffers[m] = layers, deltas, scratch, np.ones(m, self.dtype)
        return self._buffers[m]


def zeros_like(parts: Parts) -> Parts:
    """Make zeros in the shapes of arrays of a network, in Fortran order."""
    weights, biases = ([np.zeros_like(a, order="F") for a in some] for some in parts)
    return weights, biases


def _drop(a: Array, keep: float, rng: np.random.Generator) -> None:
    """Zero each activation with probability 1 - keep and scale the others by 1 / keep."""
    mask = rng.random(a.size, dtype=np.float32) < keep
    np.multiply(a, mask.reshape(a.shape, order="F"), a)
    np.multiply(a, 1.0 / keep, a)
