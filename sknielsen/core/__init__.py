"""The book in NumPy: networks, data, engines and the training loop, without an estimator."""
