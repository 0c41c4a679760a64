"""Output activations, for costs of your own."""

from sknielsen.core.activations import log_outputs, sigmoid, softmax

__all__ = ["log_outputs", "sigmoid", "softmax"]

for _name in __all__:  # pickles show the path that users import from
    globals()[_name].__module__ = __name__
