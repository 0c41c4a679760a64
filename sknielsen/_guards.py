"""Warnings about validation data that cannot mean what their giver believes.

They look at a sample of rows, and of the features of wide tables.
"""

import numpy as np
from scipy.sparse import csr_array, issparse

_ROWS, _VALUES = 2048, 2**20  # looked at, at most, on either side
_FEATURES = 2048  # looked at, at most, of dense data
_VARYING = 0.1  # share of features below which they do not stand for the table
_STORED = 50  # values of sparse data below which their signs tell nothing
_IN_COLUMN = 5  # values of a feature below which their size tells nothing
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
            "then tell nothing about unseen data. Keep validation rows out of X, or let "
            "early_stopping=True split some off. A search slices an `X_val` that has as many "
            "rows as X just as it slices X: give it another number of rows."
        )
    if difference:
        return (
            f"`X_val` does not look scaled like X: {difference}. If its rows are from elsewhere, "
            "this may be so; else scale both alike. In a pipeline use "
            'Pipeline(..., transform_input=["X_val"]) under '
            "sklearn.set_config(enable_metadata_routing=True): without routing `<step>__X_val` "
            "passes the other steps by. Elsewhere use the transformer that was fitted on X."
        )
    return None


def shared_rows(X, X_val, n_rows=None):
    """Estimate the share of validation rows that are training rows, beyond coincidence.

    Rows sliced as X was are always found where X is whole, others where enough of them meet: a few
    hundred out of a hundred thousand are not. Where values are few, rows repeat of themselves.
    Therefore only rows count that occur once among the m looked at in X; a fresh row equals one of
    them with a probability of about 2 n_2 / m, where n_2 rows occur twice (Good 1953, "The
    population frequencies of species and the estimation of population parameters").

    Parameters
    ----------
    X, X_val : ndarray or CSR of shape (n_samples, n_features)
    n_rows : int, default=None
        Training rows there are, where X is a sample of them.

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
    features = _choose_features(X, X_val)
    hashes, hashes_val = _hashes(X, rows, features), _hashes(X_val, rows_val, features)
    values, counts = np.unique(hashes, return_counts=True)
    once = values[counts == 1]
    hits = np.intersect1d(once, hashes_val).size
    by_chance = 2 * np.count_nonzero(counts == 2) * len(rows_val) / len(rows)
    if hits < _SHARED_ROWS + 3 * by_chance:
        return 0.0
    if aligned and np.count_nonzero(hashes == hashes_val) > hits / 2:
        at_most = len(once)
    else:  # a row from anywhere in X
        at_most = len(once) * len(rows_val) / (n_rows or X.shape[0])
    return min(1.0, hits / at_most)


def scale_difference(X, X_val):
    """Say how the validation rows are off the training rows' scale.

    Signs are compared first: standardised features have both. Then, of each feature, standard
    deviations and distances from the training mean, without the outer quarter of the values.
    More than half of the features must be off; of the second kind those of which half the values
    are equal are left out. Where that leaves few, and in sparse data, the mean sizes of each
    feature's values that are not 0 are compared.

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
    rows = [np.sort(choose_rows(M, rng)[:512]) for M in (X, X_val)]
    features = _choose_features(X, X_val)
    a, b = (_take(M, r, features) for M, r in zip((X, X_val), rows))
    if issparse(a) or issparse(b):
        values = [M.data if issparse(M) else M.ravel() for M in (a, b)]
        negative, negative_val = ((v < 0).sum() / max(1, v.size) for v in values)
        one_sided = max(negative, negative_val) > _NEGATIVE and min(negative, negative_val) == 0
        if one_sided and min(v.size for v in values) >= _STORED:
            return f"{negative_val:.0%} of its values are negative, of X {negative:.0%}"
        return _difference_of_sizes(a, b)

    negative = np.array([(M < 0).mean(axis=0) for M in (a, b)])
    one_sided = (negative.max(axis=0) > _NEGATIVE) & (negative.min(axis=0) == 0)
    if one_sided.mean() > 0.5:
        return (
            f"{one_sided.mean():.0%} of the features have negative values in one of the two, and "
            "none in the other"
        )
    ordered = [np.sort(M, axis=0) for M in (a, b)]
    varying = np.logical_and(*(M[len(M) // 4] < M[-1 - len(M) // 4] for M in ordered))
    if varying.mean() < _VARYING:
        return _difference_of_sizes(a, b)
    with np.errstate(all="ignore"):
        a, b = (M[len(M) // 8 : -(len(M) // 8), varying].astype(float) for M in ordered)
        width = a.std(axis=0)
        larger = np.square(b - a.mean(axis=0)).mean(axis=0) > (_FACTOR * width) ** 2
        off = (larger | (_FACTOR * b.std(axis=0) < width)).mean()
    if off > 0.5:
        return f"{off:.0%} of the features compared are more than {_FACTOR} times off their range"
    return None


def _difference_of_sizes(a, b):
    """Say how many features have values that are, where not 0, of another size on average.

    Sizes are geometric means, which single large values do not carry away. Where most values lie
    in features that have too few of them, all values together are one feature.
    """
    counts, sums = zip(*map(_logarithms, (a, b)))
    known = np.minimum(*counts) >= _IN_COLUMN
    if any(n[known].sum() < n.sum() / 2 for n in counts):
        if min(n.sum() for n in counts) < _STORED:
            return None
        counts, sums = ([np.array([n.sum()]) for n in some] for some in (counts, sums))
        known = np.array([True])
    if not known.any():
        return None
    mean, mean_val = (total[known] / n[known] for total, n in zip(sums, counts))
    off = (np.abs(mean_val - mean) > np.log(_FACTOR)).mean()
    if off > 0.5:
        return f"{off:.0%} of the features compared have values {_FACTOR} times off in size"
    return None


def _logarithms(M):
    """Count the values of each feature that are not 0, and sum the logarithms of their sizes."""
    M = csr_array(M)
    M.eliminate_zeros()
    logarithms = np.log(np.abs(M.data.astype(float)))
    n_features = M.shape[1]
    return (
        np.bincount(M.indices, minlength=n_features),
        np.bincount(M.indices, logarithms, n_features),
    )


def choose_rows(X, rng):
    """Draw the rows to look at, in random order."""
    per_row = X.nnz / X.shape[0] if issparse(X) else min(X.shape[1], _FEATURES)
    limit = max(_ROWS_FOR_SCALE, min(_ROWS, int(_VALUES // max(1, per_row))))
    return rng.choice(X.shape[0], min(X.shape[0], limit), replace=False)


def _choose_features(X, X_val):
    """Draw the features to look at; all of them (None) unless both tables are dense and wide."""
    n_features = X.shape[1]
    if issparse(X) or issparse(X_val) or n_features <= _FEATURES:
        return None
    return np.sort(np.random.default_rng(0).choice(n_features, _FEATURES, replace=False))


def _take(X, rows, features):
    return X[rows] if features is None else X[np.ix_(rows, features)]


def _hashes(X, rows, features):
    """Hash the values of rows, in whichever way they are stored."""
    X = csr_array(_take(X, rows, features))
    X.sum_duplicates()
    X.eliminate_zeros()
    indices = X.indices.astype(np.int64)
    return np.array(
        [
            hash((indices[i:j].tobytes(), X.data[i:j].tobytes()))
            for i, j in zip(X.indptr, X.indptr[1:])
        ]
    )
