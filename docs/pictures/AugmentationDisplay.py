from sklearn.datasets import load_digits

from sknielsen import ImageAugmenter
from sknielsen.plots import AugmentationDisplay

X, y = load_digits(return_X_y=True)
augmenter = ImageAugmenter(rotation=15, elastic=0.4, keep_in_frame=False)

AugmentationDisplay.from_augmenter(augmenter, X[:3])
