"""evaluation.json: operating curves and calibration by scikit-learn and NumPy."""

from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve

from write import write_json


def curve(rng: np.random.Generator, unsafe: int, safe: int, step: float) -> dict:
    """Scores rounded to `step`, so that some are equal, and what is read from their curve."""
    rounded = lambda x: np.round(x / step) * step
    u, s = rounded(rng.normal(0.8, 1, unsafe)), rounded(rng.normal(0, 1, safe))
    labels = np.r_[np.ones(unsafe), np.zeros(safe)]
    scores = np.r_[u, s]
    fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
    rates = [0.1, 0.33, 0.5, 0.8, 0.95, 1.0]
    grid = np.linspace(0.8, 1, 200001)
    inverse = np.array([least(fpr, tpr, t) for t in rates])
    dense = 1 - np.interp(grid, *collapse(tpr, fpr))
    return {
        "unsafe": u.tolist(),
        "safe": s.tolist(),
        "auroc": roc_auc_score(labels, scores),
        "partial": {str(a): roc_auc_score(labels, scores, max_fpr=a) for a in (0.1, 0.2, 0.5)},
        "rates": rates,
        "fpr_at": inverse.tolist(),
        "safety_side_08": float(dense.mean()),
    }


def least(fpr: np.ndarray, tpr: np.ndarray, t: float) -> float:
    """The least FPR with TPR ≥ t, along the lines between points."""
    i = int(np.argmax(tpr >= t - 1e-12))
    if i == 0:
        return 0.0
    return float(fpr[i - 1] + (t - tpr[i - 1]) / (tpr[i] - tpr[i - 1]) * (fpr[i] - fpr[i - 1]))


def collapse(tpr: np.ndarray, fpr: np.ndarray):
    """TPR made strictly growing: of points at one TPR the first, moved by nothing, and the last, a hair later."""
    return tpr + np.arange(len(tpr)) * 1e-12, fpr


def calibration(rng: np.random.Generator, prompts: int, samples: int) -> dict:
    probability = rng.beta(0.6, 1.2, prompts)
    truth = 1 / (1 + np.exp(-(0.7 * np.log(probability / (1 - probability)) + 0.9)))
    refused = rng.binomial(samples, truth)
    x = np.log(np.clip(probability, 1e-6, 1 - 1e-6) / (1 - np.clip(probability, 1e-6, 1 - 1e-6)))
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10000)
    model.fit(
        np.r_[x, x][:, None],
        np.r_[np.ones(prompts), np.zeros(prompts)],
        sample_weight=np.r_[refused, samples - refused],
    )
    share = refused / samples
    order = np.argsort(probability)
    cuts = np.round(np.arange(16) * prompts / 15 + 1e-9).astype(int)
    error = sum(
        (b - a) / prompts * abs(share[order[a:b]].mean() - probability[order[a:b]].mean())
        for a, b in zip(cuts, cuts[1:])
    )
    return {
        "probability": probability.tolist(),
        "refused": refused.tolist(),
        "samples": samples,
        "slope": float(model.coef_[0, 0]),
        "intercept": float(model.intercept_[0]),
        "error": float(error),
        "brier": float(((probability - share) ** 2 - share * (1 - share) / (samples - 1)).mean()),
    }


def make(out: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    write_json(
        out / "evaluation.json",
        {
            "curves": [curve(rng, 40, 55, 1e-6), curve(rng, 60, 35, 0.5), curve(rng, 12, 90, 0.25)],
            "calibration": [calibration(rng, 120, 8), calibration(rng, 37, 4)],
        },
    )
