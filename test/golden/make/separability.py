"""separability.json: Fisher ratio, silhouette, gap of cosines and ridge AUROC of small arrays, by scikit-learn and NumPy."""

from pathlib import Path

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score, silhouette_score
from sklearn.preprocessing import StandardScaler

from write import digits, write_json

STRENGTHS = [0.1, 1, 10]


def arrays(seed: int):
    """Eight categories of six prompts, three pairs each; a signal that six features share, and one of each category."""
    random = np.random.default_rng(400 + seed)
    category = np.repeat(np.arange(8), 6)
    toxic = np.tile([1, 0], 24)
    x = random.normal(size=(48, 10)) + 0.8 * random.normal(size=(8, 10))[category]
    # Noise that the six share and the signal is orthogonal to: a weak ridge sees past it.
    x[:, :6] += 1.5 * random.normal(size=(48, 1)) + 0.3 * np.outer(2 * toxic - 1, [1, -1, 1, -1, 1, -1])
    x[np.arange(48), category] += 0.8 * (2 * toxic - 1)
    # As a test reads them: float32, from so many digits.
    return np.float32(digits(x)).reshape(x.shape).astype(np.float64), toxic, category


def fisher(z: np.ndarray, labels: np.ndarray) -> float:
    """tr(S_B)/tr(S_W) by the definitions."""
    mean = z.mean(0)
    between = within = 0.0
    for label in np.unique(labels):
        own = z[labels == label]
        between += len(own) * np.sum((own.mean(0) - mean) ** 2)
        within += np.sum((own - own.mean(0)) ** 2)
    return between / within


def gap(x: np.ndarray, labels: np.ndarray) -> float:
    """Mean cosine within minus between, centred by the mean of the groups' means."""
    x = x - np.mean([x[labels == label].mean(0) for label in np.unique(labels)], axis=0)
    u = x / np.linalg.norm(x, axis=1, keepdims=True)
    cosines = u @ u.T
    i, j = np.triu_indices(len(x), 1)
    same = labels[i] == labels[j]
    return cosines[i, j][same].mean() - cosines[i, j][~same].mean()


def silhouette(z: np.ndarray, labels: np.ndarray) -> float:
    return silhouette_score(z, labels)


def jackknife(of, x, labels, groups) -> float:
    """The delete-one-group standard error; `of` takes its centre or scale as given where it is handed one."""
    without = np.array([of(x[groups != g], labels[groups != g]) for g in np.unique(groups)])
    n = len(without)
    return float(np.sqrt((n - 1) / n * np.sum((without - without.mean()) ** 2)))


def centred_gap_error(x, labels, groups) -> float:
    centre = np.mean([x[labels == label].mean(0) for label in np.unique(labels)], axis=0)
    units = (x - centre) / np.linalg.norm(x - centre, axis=1, keepdims=True)

    def of(u, own):
        cosines = u @ u.T
        i, j = np.triu_indices(len(u), 1)
        same = own[i] == own[j]
        return cosines[i, j][same].mean() - cosines[i, j][~same].mean()

    return jackknife(of, units, labels, groups)


def scores_of(x, y, seen, held, strength):
    """Ridge of ±1, features standardised by the rows seen; λ is in units of the number of features."""
    model = Ridge(alpha=strength * x.shape[1]).fit(x[seen], 2 * y[seen] - 1.0)
    return model.predict(x[held])


def within_folds(scores, y, folds) -> float:
    """AUROC over the pairs within each fold."""
    weights = [y[f].sum() * (1 - y[f]).sum() for f in folds]
    return float(np.average([roc_auc_score(y[f], scores[f]) for f in folds], weights=weights))


def nested(x, y, folds, inner) -> tuple[np.ndarray, list[float]]:
    """Held-out scores with the strength chosen inside: the highest AUROC, the stronger of equals."""
    scores, chosen = np.zeros(len(y)), []
    for held, own in zip(folds, inner):
        seen = np.setdiff1d(np.arange(len(y)), held)
        z = StandardScaler().fit(x[seen]).transform(x)
        best = (-1.0, 0.0)
        for strength in sorted(STRENGTHS, reverse=True):
            tried = np.zeros(len(y))
            for part in own:
                tried[part] = scores_of(z, y, np.setdiff1d(seen, part), part, strength)
            found = within_folds(tried, y, own)
            if found > best[0]:
                best = (found, strength)
        scores[held] = scores_of(z, y, seen, held, best[1])
        chosen.append(best[1])
    return scores, chosen


def make(out: Path, seed: int) -> None:
    x, toxic, category = arrays(seed)
    z = StandardScaler().fit_transform(x)
    folds = [np.flatnonzero(np.isin(category, own)) for own in ([0, 1], [2, 3], [4, 5], [6, 7])]
    inner = [[f for k, f in enumerate(folds) if k != held] for held in range(4)]
    scores, chosen = nested(x, toxic, folds, inner)
    # Trained on six categories, carried over to the two others; the folds of the six choose the strength.
    seen = np.concatenate(folds[:3])
    carried, strength = nested(x, toxic, [folds[3]], [folds[:3]])
    write_json(
        out / "separability.json",
        {
            "features": digits(x),
            "width": x.shape[1],
            "toxic": toxic.tolist(),
            "categories": category.tolist(),
            "strengths": STRENGTHS,
            "fisher": {"value": fisher(z, toxic), "standardError": jackknife(fisher, z, toxic, category)},
            "silhouette": {"value": silhouette(z, toxic), "standardError": jackknife(silhouette, z, toxic, category)},
            "gap": {"value": gap(x, toxic), "standardError": centred_gap_error(x, toxic, category)},
            "byCategory": {
                "fisher": fisher(z, category),
                "silhouette": silhouette(z, category),
                "gap": gap(x, category),
            },
            "folds": [f.tolist() for f in folds],
            "nested": {"scores": digits(scores), "strengths": chosen, "auroc": within_folds(scores, toxic, folds)},
            "transfer": {
                "seen": len(seen),
                "strength": strength[0],
                "auroc": float(roc_auc_score(toxic[folds[3]], carried[folds[3]])),
            },
        },
    )
