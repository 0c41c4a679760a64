from sklearn.datasets import load_digits

from sknielsen import MLPSigmoidClassifier
from sknielsen.plots import EtaDisplay

X, y = load_digits(return_X_y=True)
EtaDisplay.from_estimator(MLPSigmoidClassifier(30), X / 16, y)
