from sklearn.datasets import load_digits

from sknielsen import MLPSigmoidClassifier
from sknielsen.plots import HistoryDisplay

X, y = load_digits(return_X_y=True)
clf = MLPSigmoidClassifier(30, early_stopping=True, random_state=0)
clf.fit(X / 16, y)

HistoryDisplay.from_estimator(clf)
