from sklearn.datasets import load_digits

from sknielsen import MLPSigmoidClassifier
from sknielsen.plots import WeightsDisplay

X, y = load_digits(return_X_y=True)
clf = MLPSigmoidClassifier(12, lmbda=10.0, random_state=0)
clf.fit(X / 16, y)

WeightsDisplay.from_estimator(clf)
