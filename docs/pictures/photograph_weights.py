import numpy as np
from sklearn.datasets import load_sample_images

from sknielsen import MLPSigmoidClassifier
from sknielsen.plots import WeightsDisplay

photographs = np.stack(load_sample_images().images)[:, :416]
squares = photographs.reshape(2, 26, 16, 40, 16, 3).swapaxes(2, 3)
rows = squares.reshape(-1, 16 * 16 * 3) / 255
labels = np.repeat(["china", "flower"], 26 * 40)
clf = MLPSigmoidClassifier(30, lmbda=10.0, random_state=0).fit(rows, labels)

WeightsDisplay.from_estimator(clf, image_shape=(16, 16, 3), units=range(6))
