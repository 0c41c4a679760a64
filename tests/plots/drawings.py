"""What the tests of several displays share."""


def made_history(**columns):
    """A history of four epochs in which the cost turns before the accuracy does."""
    return {
        "epoch": [1, 2, 3, 4],
        "eta": [0.5, 0.5, 0.1, 0.1],
        "train_cost": [0.9, 0.5, 0.3, 0.2],
        "train_accuracy": [0.6, 0.8, 0.9, 0.95],
        "validation_cost": [1.0, 0.7, 0.8, 0.9],
        "validation_accuracy": [0.5, 0.7, 0.75, 0.74],
    } | columns


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def rendered(figure):
    """Draw the whole figure, so that what fails only then fails here."""
    figure.canvas.draw()
    return figure
