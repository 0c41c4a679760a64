import numpy as np
from sklearn.datasets import load_sample_images

from sknielsen import ImageAugmenter
from sknielsen.plots import AugmentationDisplay

china, flower = load_sample_images().images
squares = [china[150:214, 240:304], china[200:264, 60:124], flower[180:244, 240:304]]
rows = np.stack([square.ravel() / 255 for square in squares])

for_64_pixels = ImageAugmenter(
    image_shape=(64, 64, 3),
    shift=64 / 16,
    rotation=15,
    scale=0.15,
    elastic=64 / 40,
    elastic_sigma=64 / 15,
    keep_in_frame=False,
)
AugmentationDisplay.from_augmenter(for_64_pixels, rows)
