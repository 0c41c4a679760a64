from sklearn.datasets import load_digits

from sknielsen import MLPSigmoidClassifier
from sknielsen.plots import JitteredScatterDisplay

X, y = load_digits(return_X_y=True)
X = X / 16
clf = MLPSigmoidClassifier(30, random_state=0).fit(X[:900], y[:900])

JitteredScatterDisplay.from_estimator(clf, X[900:], y[900:])
