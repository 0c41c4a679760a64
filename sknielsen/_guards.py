"""Warnings about validation data that cannot mean what their giver believes.

They look at a sample of rows of bounded size, so that they cost milliseconds whatever the data.
"""

import numpy as np
from scipy.sparse import issparse

_ROWS, _VALUES = 2048, 2**20  # looked at, at most, on either side
_SHARED_ROWS = 12  # below which coincidence is too likely: (2/3)^12 < 0.01, see `shared_rows`
_ROWS_FOR_SCALE = 50  # below which a scale is too uncertain
_FACTOR = 5  # by which scales may differ
_NEGATIVE = 0.25  # share of negative values that does not vanish by chance


def remark_on_validation(share, difference):
    """Say what is wrong with validation rows; None if nothing is seen to be.

    Parameters
    ----------
    share : float
        What `shared_rows` estimates.
    difference : str or None
        What `scale_difference` says. It tells nothing where one side holds rows of a single
        class, which may well lie in a corner of the others' range.
    """
    if share > 0.5:
        return (
            f"About {share:.0%} of the rows of `X_val` equal training rows: validation figures "
            "then tell nothing about unseen data. Keep validation rows out of X. A search slices "
            "an `X_val` that has as many rows as X just as it slices X: give it another number "
            "of rows, or leave it out and pass a PredefinedSplit as the search's `cv`, or let "
            "early_stopping=True split rows off."
        )
    if difference:
        return (
            f"`X_val` is not scaled like X: {difference}. Scale both alike: in "
            'a pipeline with Pipeline(..., transform_input=["X_val"]) under '
            "sklearn.set_config(enable_metadata_routing=True), since without routing "
            "`<step>__X_val` passes the other steps by; elsewhere with the transformer that was "
            "fitted on X."
        )
    return None


def shared_rows(X, X_val):
    """Estimate the share of validation rows that are training rows, beyond coincidence.

    Where values are few, rows repeat of themselves. Therefore only rows count that occur once
    among the m looked at in X; a fresh row equals one of them with a probability of about
    2 n_2 / m, where n_2 rows occur twice (Good 1953, "The population frequencies of species and
    the estimation of population parameters").

    Parameters
    ----------
    X, X_val : ndarray or CSR of shape (n_samples, n_features)

    Returns
    -------
    float
        From 0 to 1; 0 where too few rows coincide to tell.
    """
    rng = np.random.default_rng(0)
    rows = choose_rows(X, rng)
    # Those in the same places where there are as many: if both were sliced alike, all meet.
    aligned = X.shape == X_val.shape
    rows_val = rows if aligned else choose_rows(X_val, rng)[: len(rows)]
    hashes, hashes_val = _hashes(X, rows), _hashes(X_val, rows_val)
    values, counts = np.unique(hashes, return_counts=True)
    once = values[counts == 1]
    hits = np.intersect1d(once, hashes_val).size
    by_chance = 2 * np.count_nonzero(counts == 2) * len(rows_val) / len(rows)
    if hits < _SHARED_ROWS + 3 * by_chance:
        return 0.0
    if aligned and np.count_nonzero(hashes == hashes_val) > hits / 2:
        at_most = len(once)
    else:  # a row from anywhere in X
        at_most = len(once) * len(rows_val) / X.shape[0]
    return min(1.0, hits / at_most)


def scale_difference(X, X_val):
    """Say how the validation rows are off the training rows' scale.

    Signs are compared first: standardised rows have both. Then, of each feature, standard
    deviations and distances from the training mean, without the outer quarter of the values;
    more than half of the features must be off. Features of which half the values are equal are
    left out; where that leaves none, and in sparse data, the sizes of the values that are not 0
    are compared.

    Parameters
    ----------
    X, X_val : ndarray or CSR of shape (n_samples, n_features)

    Returns
    -------
    str or None
        How they differ; None if they do not, or there are too few rows to tell.
    """
    if min(X.shape[0], X_val.shape[0]) < _ROWS_FOR_SCALE:
        return None
    rng = np.random.default_rng(0)
    a, b = (M[np.sort(choose_rows(M, rng)[:512])] for M in (X, X_val))
    values, values_val = (M.data if issparse(M) else M.ravel() for M in (a, b))
    negative, negative_val = ((v < 0).sum() / max(1, v.size) for v in (values, values_val))
    if max(negative, negative_val) > _NEGATIVE and min(negative, negative_val) == 0:
        return f"{negative_val:.0%} of its values are negative, of X {negative:.0%}"
    if not issparse(X) and not issparse(X_val):
        a, b = (np.sort(M, axis=0) for M in (a, b))
        varying = [M[len(M) // 4] < M[-1 - len(M) // 4] for M in (a, b)]
        varying = varying[0] & varying[1]
        if varying.any():
            with np.errstate(over="ignore", invalid="ignore"):
                a, b = (M[len(M) // 8 : -(len(M) // 8), varying].astype(float) for M in (a, b))
                width = a.std(axis=0)
                larger = np.square(b - a.mean(axis=0)).mean(axis=0) > (_FACTOR * width) ** 2
                off = (larger | (_FACTOR * b.std(axis=0) < width)).mean()
            if off > 0.5:
                return f"{off:.0%} of the features lie more than {_FACTOR} times off their range"
            return None
    sizes, sizes_val = (np.abs(v[v != 0]) for v in (values, values_val))
    if sizes.size and sizes_val.size:
        factor = np.median(sizes_val) / np.median(sizes)
        if factor > _FACTOR or factor < 1 / _FACTOR:
            return f"a typical value is {factor:.3g} times as large as in X"
    return None


def choose_rows(X, rng):
    """Draw the rows to look at, in random order."""
    per_row = X.nnz / X.shape[0] if issparse(X) else X.shape[1]
    limit = max(_ROWS_FOR_SCALE, min(_ROWS, int(_VALUES // max(1, per_row))))
    return rng.choice(X.shape[0], min(X.shape[0], limit), replace=False)


def _hashes(X, rows):
    """Hash rows bit by bit."""
    if not issparse(X):
        return np.array([hash(X[row].tobytes()) for row in rows])
    X = X[rows]
    X.sum_duplicates()
    X.eliminate_zeros()
    return np.array(
        [
            hash((X.indices[i:j].tobytes(), X.data[i:j].tobytes()))
            for i, j in zip(X.indptr, X.indptr[1:])
        ]
    )
