"""projection.json: principal components, coordinates and silhouettes by scikit-learn, and shares of variance between groups by NumPy."""

from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score

from write import digits, write_json


def make(out: Path, seed: int) -> None:
    random = np.random.default_rng(700 + seed)
    cases = []
    # Rows, columns, and the scale of each column: fewer rows than columns, more, and two variances that nearly tie.
    for rows, columns, scales in [
        (14, 40, np.geomspace(3, 0.1, 40)),
        (60, 9, np.geomspace(2, 0.2, 9)),
        (50, 12, np.array([2.0, 1.99, 1.98] + [0.3] * 9)),
    ]:
        groups = [["toxic", "seemingly_toxic", "general"][i % 3] for i in range(rows)]
        shift = np.array([[(i % 3) * 0.5] * columns for i in range(rows)])
        features = (random.standard_normal((rows, columns)) * scales + shift + 10).astype(np.float32)
        # The basis is fitted on the first two thirds, as on one of several states, and holds for all rows.
        fitted = features[: 2 * rows // 3].astype(np.float64)
        pca = PCA(n_components=3, svd_solver="full").fit(fitted)
        places = pca.transform(features.astype(np.float64))
        labels = np.array(groups)
        plane = places[:, :2]
        between = sum(
            (labels == group).sum() * ((plane[labels == group].mean(0) - plane.mean(0)) ** 2).sum()
            for group in set(groups)
        )
        cases.append(
            {
                "rows": rows,
                "columns": columns,
                "groups": groups,
                "features": digits(features, 9),
                "fitted": len(fitted),
                "components": digits(pca.components_, 9),
                "explained": digits(pca.explained_variance_ratio_, 9),
                "places": digits(places, 9),
                "silhouette": float(silhouette_score(plane, labels)),
                "between": float(between / ((plane - plane.mean(0)) ** 2).sum()),
            }
        )
    write_json(out / "projection.json", cases)
