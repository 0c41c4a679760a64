"""Checks that validation rows are not training rows, and that they are scaled like them.

`look_at_validation` runs all checks on random samples, so that their cost is bounded, and says
nothing if it is in doubt. To add a check, write a function of the two samples and call it there.
`look_at_images` leaves the look to the augmenter; `refuse_images` says how images become rows.
"""

from collections import Counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

Rows: TypeAlias = Any  # an ndarray, or a CSR matrix of SciPy, which has no types

_ROWS = 4096  # in a sample: of a million training rows, 4096**2 / 1e6 = 17 > _COPIES then meet
_FEATURES = 256  # of dense data: enough to tell rows apart; samples hold a million values at most
_COPIES = 12  # fewer than a dozen equal rows may be coincidence in any table
_FEW_ROWS = 50  # fewer rows may all be alike, for instance all bright images
_LEAST_ROWS = 10  # fewer tell nothing of a scale
_FEW_PAIRS = 10  # fewer different values do not show the scale of a feature
_NEGATIVE = 0.25  # a standardised feature has at least this share of negative values, as a rule
_FACTOR = 5  # classes and samples of one source differ less than this in most features
_FACTOR_OF_FEW = 20  # for few rows: samples of 10 of heavy tails still differ less
_REPEATED = 0.2  # of the rows split off: fewer hardly change a score
_MOST_ROWS = 200_000  # that are compared one by one after a split: a fraction of a second
_KEY_FEATURES = 64  # of a dense row, enough to know it again
_KEYS_AT_ONCE = 1000  # rows, so that their bytes take little memory
_ROUNDING = 1e-12  # squared, of numbers up to 1: means of a constant differ by less
_TELLING = 0.1  # fewer features may drift by themselves, for instance the time of a measurement


def refuse_images(X: Any, name: str) -> None:
    """Raise ValueError for images that are no rows, with the way to make rows of them.

    Parameters
    ----------
    X : array-like
        An array, or a list of arrays; of all else nothing is said.
    name : str
        Of the estimator, for the message.
    """
    n_dimensions = getattr(X, "ndim", 0)
    if isinstance(X, (list, tuple)) and X:
        n_dimensions = 1 + getattr(X[0], "ndim", 0)
    if n_dimensions > 2:
        raise ValueError(
            f"Found array with dim {n_dimensions}, while dim <= 2 is required by {name}. Images "
            "are rows: X.reshape(len(X), -1) makes a row of each, image.reshape(1, -1) one row of "
            "a single image."
        )


def look_at_validation(
    X: Rows,
    X_val: Rows,
    codes: NDArray[Any],
    codes_val: NDArray[Any],
    *,
    n_rows: int | None = None,
) -> str | None:
    """Return a remark if validation rows are training rows, or are not scaled like them.

    Scales are compared only if both sides hold several classes, because the rows of a single
    class may lie in a corner of the range of all rows.

    Parameters
    ----------
    X : ndarray or CSR of shape (n_samples, n_features)
        Training rows, or a random sample of them.
    X_val : ndarray or CSR of shape (n_samples_val, n_features)
        Validation rows, or a random sample of them.
    codes, codes_val : ndarray of int of shape (n_codes,) or (n_codes, n_labels)
        The classes that occur in the training and in the validation rows; they may repeat. Two
        dimensions stand for multilabel data, which count as several classes.
    n_rows : int, default=None
        Number of training rows that `X` is a sample of; by default `X` holds them all.

    Returns
    -------
    str or None
        The text of the warning; None if there is nothing to warn of, or too little data to tell.
    """
    if not (issparse(X) or issparse(X_val)):
        step = -(-X.shape[1] // _FEATURES)
        X, X_val = X[:, ::step], X_val[:, ::step]
    rng = np.random.default_rng(0)
    a, b = _sample(X, rng), _sample(X_val, rng)
    share = _share_of_copies(a, b, n_rows or X.shape[0])
    if share > 0.5:
        return (
            f"About {share:.0%} of the rows of `X_val` equal training rows: validation figures "
            "then tell nothing about unseen data. Keep validation rows out of X, or let "
            "early_stopping=True split some off. A search slices an `X_val` that has as many "
            "rows as X just as it slices X: give it another number of rows."
        )
    if not (_several_classes(codes) and _several_classes(codes_val)):
        return None
    if difference := _difference_of_scale(a, b):
        return (
            f"`X_val` does not look scaled like X: {difference}. If its rows are from elsewhere, "
            "this may be so; else scale both alike. In a pipeline use "
            'Pipeline(..., transform_input=["X_val"]) under '
            "sklearn.set_config(enable_metadata_routing=True): without routing `<step>__X_val` "
            "passes the other steps by. Elsewhere use the transformer that was fitted on X."
        )
    return None


def look_at_split(
    X: Rows, codes: NDArray[Any], kept: NDArray[Any], held_out: NDArray[Any]
) -> str | None:
    """Return a remark if rows that were split off for validation also occur in training.

    An over-sampler repeats rows before they are split. It leaves the largest class as it is: where
    the rows of that class repeat as well, rows repeat of themselves, and nothing is said.

    Parameters
    ----------
    X : ndarray or CSR of shape (n_samples, n_features)
    codes : ndarray of int of shape (n_samples,)
        The class of each row.
    kept, held_out : ndarray of int
        Row numbers of both parts.
    """
    if codes.ndim == 2 or len(codes) > _MOST_ROWS:
        return None
    keys = _keys(X)
    in_training = {keys[row] for row in kept.tolist()}
    share = float(np.mean([keys[row] in in_training for row in held_out.tolist()]))
    if share <= _REPEATED:
        return None
    largest = np.flatnonzero(codes == np.bincount(codes).argmax()).tolist()
    if len({keys[row] for row in largest}) < (1 - _REPEATED / 10) * len(largest):
        return None
    return (
        f"{share:.0%} of the rows that were split off for validation also occur among the "
        "training rows, as if an over-sampler had repeated them: validation figures then tell "
        "nothing about unseen data. Split first and pass `X_val`, or use class_weight='balanced' "
        "in place of over-sampling."
    )


def look_at_images(augmenter: Any, X: Rows) -> list[str]:
    """Return what an augmenter remarks on rows that it is to distort, if it has `remarks`."""
    remarks = getattr(augmenter, "remarks", None)
    return list(remarks(X)) if callable(remarks) else []


def _keys(X: Rows) -> list[int]:
    """Return a hash of each row; of wide dense rows that of the values of some features."""
    step = 1 if issparse(X) else -(-X.shape[1] // _KEY_FEATURES)
    keys: list[int] = []
    for start in range(0, X.shape[0], _KEYS_AT_ONCE):
        rows = X[start : start + _KEYS_AT_ONCE]
        if issparse(X):
            rows = csr_array(rows, copy=True)
            rows.sum_duplicates()
            rows.eliminate_zeros()
            values = _list_rows(rows)
        else:
            rows = np.ascontiguousarray(rows[:, ::step]) + 0.0  # -0.0 is 0.0
            values = [row.tobytes() for row in rows]
        keys += map(hash, values)
    return keys


def sample_size(X: Rows) -> int:
    """Return how many rows a sample may have: fewer if they hold many values, as those of X do."""
    values_per_row = X.nnz / X.shape[0] if issparse(X) else X.shape[1]
    return max(_FEW_ROWS, min(_ROWS, int(_ROWS * _FEATURES / max(1, values_per_row))))


def _several_classes(codes: NDArray[Any]) -> bool:
    """Tell whether encoded labels hold more than one class."""
    return codes.ndim == 2 or bool(codes.min() < codes.max())


def _sample(X: Rows, rng: np.random.Generator) -> csr_array:
    """Draw rows in random order, as CSR that stores equal rows equally and no zeros."""
    n_rows = X.shape[0]
    rows = rng.choice(n_rows, min(n_rows, sample_size(X)), replace=False)
    sample = csr_array(X[rows])
    sample.sum_duplicates()
    sample.eliminate_zeros()
    return sample


def _share_of_copies(a: csr_array, b: csr_array, n_rows: int) -> float:
    """Estimate which share of the validation rows are copies of training rows.

    Let U be the rows that occur once in the sample of m training rows. If all m' rows of the
    validation sample were drawn from the n training rows, they would hit m' |U| / n of U; the
    share is the hits over this number. Rows of a table with few different values are equal by
    chance: a fresh row hits U with a probability of about 2 n_2 / m, where n_2 is the number of
    rows that occur twice (Good 1953, "The population frequencies of species and the estimation of
    population parameters"). Three times as many hits are still put down to chance, since n_2 is
    itself uncertain.

    Parameters
    ----------
    a, b : csr_array of shape (m, n_features) and (m', n_features)
        Samples of the training and of the validation rows.
    n_rows : int
        Number n of training rows.

    Returns
    -------
    float
        From 0 to 1; 0 if so few rows are equal that this may be chance.
    """
    occurrences = Counter(_list_rows(a))
    once = {row for row, count in occurrences.items() if count == 1}
    twice = sum(count == 2 for count in occurrences.values())
    hits = len(once.intersection(_list_rows(b)))
    by_chance = 2 * twice / a.shape[0] * b.shape[0]
    if hits < _COPIES + 3 * by_chance:
        return 0.0
    return float(min(1.0, hits / (b.shape[0] * len(once) / n_rows)))


def _list_rows(M: csr_array) -> list[bytes]:
    """List each row as bytes that are the same for rows of the same values."""
    indices = M.indices.astype(np.int64)
    return [
        indices[start:end].tobytes() + M.data[start:end].tobytes()
        for start, end in zip(M.indptr, M.indptr[1:])
    ]


def _difference_of_scale(a: csr_array, b: csr_array) -> str | None:
    """Describe how the scale of validation rows differs from the scale of training rows.

    Signs are compared first, because centring gives most features negative values. Then, for each
    feature, the typical distance |x - x'| is compared between two training rows, two validation
    rows, and one row of either kind. On one scale all three are alike. If the widths differ, the
    first two are not; if the location differs, the third is larger. The distances are averaged
    as geometric means of those that are not 0: so sparse and dense features are treated alike, and
    heavy tails do no harm. More than half of the features must differ. Few rows may be alike by
    chance: their signs are not compared, and their distances must differ by a larger factor.

    Parameters
    ----------
    a, b : csr_array of shape (m, n_features) and (m', n_features)
        Samples of the training and of the validation rows, in random order.

    Returns
    -------
    str or None
        The difference; None if there is none, or too little data to tell.
    """
    n, n_features = min(a.shape[0], b.shape[0]), a.shape[1]
    if n < _LEAST_ROWS:
        return None
    few = n < _FEW_ROWS
    factor = _FACTOR_OF_FEW if few else _FACTOR
    negative = [np.bincount(M.indices[M.data < 0], minlength=n_features) for M in (a, b)]
    shares = np.array([counts / M.shape[0] for counts, M in zip(negative, (a, b))])
    one_sided = np.mean((shares.max(axis=0) > _NEGATIVE) & (shares.min(axis=0) == 0))
    if one_sided > 0.5 and not few:
        return (
            f"{one_sided:.0%} of the features have negative values in one of the two, and none "
            "in the other"
        )
    if not few and (moved := _share_of_moved_means(a, b)) > 0.5:
        return (
            f"the means of {moved:.0%} of the features are further apart than their standard "
            "deviations, as of images and inverted ones"
        )
    distances = [abs(D) for D in (a[1:] - a[:-1], b[1:] - b[:-1], a[:n] - b[:n])]
    counts = np.array([np.bincount(D.indices, minlength=n_features) for D in distances])
    # Features of which too few rows differ are compared as one, which has the last index.
    merged = np.where(counts.min(axis=0) < _FEW_PAIRS, n_features, np.arange(n_features))
    counts, sums = (
        np.array([np.bincount(merged[D.indices], f(D.data), n_features + 1) for D in distances])
        for f in (np.ones_like, np.log)
    )
    compared = counts.min(axis=0) >= _FEW_PAIRS
    within, within_val, across = sums[:, compared] / counts[:, compared]
    ratios = np.maximum(np.maximum(within, within_val), across) - np.minimum(within, within_val)
    telling = ratios[ratios > 0]  # all distances of 0/1 indicators are 1
    if telling.size <= _TELLING * ratios.size:
        return None
    off = np.mean(telling > np.log(factor))
    if off > 0.5:
        return f"{off:.0%} of the features compared are more than {factor} times off their range"
    return None


def _share_of_moved_means(a: csr_array, b: csr_array) -> float:
    """Return the share of features whose means differ by more than both standard deviations.

    Features that are constant, and the same in both, are left out.
    """
    largest = np.array([abs(M).max(axis=0).toarray().ravel() for M in (a, b)]).max(axis=0)
    unit = 1 / np.where(largest > 0, largest, 1.0)  # of each feature, lest squares overflow
    a, b = (M.astype(np.float64) * unit for M in (a, b))
    means = np.array([M.mean(axis=0) for M in (a, b)])
    squares = np.array([M.power(2).mean(axis=0) for M in (a, b)])
    variance = (squares - means**2).max(axis=0)
    squared = (means[0] - means[1]) ** 2
    counted = np.maximum(variance, squared) > _ROUNDING
    return float(np.mean(squared[counted] > variance[counted])) if counted.any() else 0.0
