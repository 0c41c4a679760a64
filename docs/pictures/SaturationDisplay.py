from sklearn.datasets import load_digits

from sknielsen import MLPSigmoidClassifier
from sknielsen.plots import SaturationDisplay

X, y = load_digits(return_X_y=True)
clf = MLPSigmoidClassifier(30, weight_init="large", random_state=0)
clf.fit(X / 16, y)

SaturationDisplay.from_estimator(clf, X / 16)
