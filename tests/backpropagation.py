"""Nielsen's equations BP1 to BP4, a sample at a time, in plain NumPy: what tests compare with."""

import numpy as np


def sigma(z):
    return 1 / (1 + np.exp(-z))


def sigma_prime(z):
    return sigma(z) * (1 - sigma(z))


def softmax(z):
    return np.exp(z) / np.exp(z).sum()


OUTPUT_ERRORS = {  # BP1, from the last layer's z and the targets
    "quadratic": lambda z, y: (sigma(z) - y) * sigma_prime(z),
    "cross_entropy": lambda z, y: sigma(z) - y,
    "log_likelihood": lambda z, y: softmax(z) - y,
}


def gradients(weights, biases, x, y, cost):
    """Gradients of one sample's cost; weights have shape (n_in, n_out)."""
    activations, zs = [x], []
    for w, b in zip(weights, biases):
        zs.append(w.T @ activations[-1] + b)
        activations.append(sigma(zs[-1]))
    delta = OUTPUT_ERRORS[cost](zs[-1], y)
    by_weights, by_biases = [], []
    for layer in reversed(range(len(weights))):
        by_biases.insert(0, delta)  # BP3
        by_weights.insert(0, np.outer(activations[layer], delta))  # BP4
        if layer > 0:
            delta = (weights[layer] @ delta) * sigma_prime(zs[layer - 1])  # BP2
    return by_weights, by_biases


def step(weights, biases, X, Y, cost, eta, decay=1.0, sample_weight=None):
    """One step over a mini-batch: w <- decay w - eta * mean gradient."""
    sample_weight = np.ones(len(X)) if sample_weight is None else sample_weight
    total_w = [np.zeros_like(w) for w in weights]
    total_b = [np.zeros_like(b) for b in biases]
    for x, y, factor in zip(X, Y, sample_weight):
        by_weights, by_biases = gradients(weights, biases, x, y, cost)
        total_w = [t + factor * g for t, g in zip(total_w, by_weights)]
        total_b = [t + factor * g for t, g in zip(total_b, by_biases)]
    new_w = [decay * w - eta / len(X) * g for w, g in zip(weights, total_w)]
    new_b = [b - eta / len(X) * g for b, g in zip(biases, total_b)]
    return new_w, new_b
