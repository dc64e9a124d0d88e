"""bound.json: both sides of the bound of the kernel by features on tiny/llama, from whole Jacobians in float64.

The form in features is found as the ridge solution for vec(Q) over pairs of prompts, then projected onto Q ⪰ 0 by its eigenvectors; its penalty is chosen
by four-fold cross-validation over the fitted prompts. Parameters are those of the blocks, or all, with tied embeddings through each of their uses.
"""

from pathlib import Path

import numpy as np
import torch

import kernel
from write import digits, write_json

FITTED = [1, 3, 5, 6, 8]
EVALUATED = [0, 2, 4, 7, 9]
TOP = 4
# Penalties, in units of the square of the greatest eigenvalue.
RIDGES = [1.0, 0.1, 1e-2, 1e-3, 1e-4, 1e-6]


def make(out: Path, seed: int) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model = kernel._load(out / "tiny" / "llama")
    generator = torch.Generator().manual_seed(31 + seed)
    prompts = [torch.randint(3, 160, (4 + i % 5,), generator=generator).tolist() for i in range(10)]
    named = dict(model.named_parameters())
    jacobians, states, tops = [], [], []
    for ids in prompts:
        output = model(input_ids=torch.tensor([ids]), use_cache=False, output_hidden_states=True)
        logits = output.logits[0, -1]
        tops.append(logits.topk(TOP).indices.tolist())
        rows = [kernel._gradient(logits[token], list(named.values())) for token in tops[-1]]
        jacobians.append({name: torch.stack([row[p] for row in rows]).numpy() for p, name in enumerate(named)})
        states.append([state[0, -1].detach().numpy() for state in output.hidden_states])
    cases = [
        _case(jacobians, states, layer, parameters)
        for parameters in ("blocks", "all")
        for layer in range(1, model.config.num_hidden_layers)
    ]
    write_json(
        out / "bound.json", {"prompts": prompts, "tops": tops, "fitted": FITTED, "evaluated": EVALUATED, "cases": cases}
    )
    torch.set_num_threads(threads)


def _case(jacobians: list[dict], states: list[list], layer: int, parameters: str) -> dict:
    def jacobian(own: dict, before: bool) -> np.ndarray:
        """As a part of the whole: what is not meant is 0, and both uses of tied embeddings stand in the same place."""
        parts = []
        for name, values in own.items():
            inside = name.startswith("model.layers.")
            if name == kernel.HEAD or not (inside or parameters == "all"):
                continue
            if name == kernel.EMBEDDING:
                parts.append(values if before else own[kernel.HEAD])
                continue
            is_before = inside and int(name.split(".")[2]) < layer
            parts.append(values if is_before == before else np.zeros_like(values))
        return np.concatenate(parts, 1)

    trunk = [jacobian(own, True) for own in jacobians]
    tail = [jacobian(own, False) for own in jacobians]
    whole = [a + b for a, b in zip(trunk, tail)]
    features = np.stack([each[layer] for each in states])
    features = features / np.sqrt(np.mean(np.sum(features[FITTED] ** 2, 1)))
    kernel_before = _norms(trunk)
    ridge = _chosen_ridge(features[FITTED], kernel_before[np.ix_(FITTED, FITTED)])
    form = _form(features[FITTED], kernel_before[np.ix_(FITTED, FITTED)], ridge)
    predicted = features @ form @ features.T
    pairs = [(i, j) for i in EVALUATED for j in EVALUATED if i < j]
    tau = max(np.linalg.norm(tail[i]) for i in EVALUATED)
    delta = max(0.0, *(kernel_before[i, j] - predicted[i, j] for i, j in pairs))
    jacobian_norms = [np.linalg.norm(each) for each in trunk]
    return {
        "layer": layer,
        "parameters": parameters,
        "trunk": digits(kernel_before, 9),
        "tail": digits(_norms(tail), 9),
        "whole": digits(_norms(whole), 9),
        "ridge": ridge,
        "c": float(np.mean(np.diag(predicted)[FITTED])),
        "predicted": digits(predicted, 9),
        "tau": float(tau),
        "delta": float(delta),
        "left": digits(np.array([np.linalg.norm(whole[i] @ whole[j].T) for i, j in pairs]), 9),
        "right": digits(
            np.array(
                [predicted[i, j] + tau * (jacobian_norms[i] + jacobian_norms[j]) + tau**2 + delta for i, j in pairs]
            ),
            9,
        ),
    }


def _norms(jacobians: list[np.ndarray]) -> np.ndarray:
    return np.array([[np.linalg.norm(a @ b.T) for b in jacobians] for a in jacobians])


def _form(x: np.ndarray, target: np.ndarray, ridge: float) -> np.ndarray:
    """Q (C, C)."""
    pairs = np.kron(x, x)
    penalty = ridge * np.linalg.eigvalsh(x @ x.T)[-1] ** 2
    solved = np.linalg.solve(pairs @ pairs.T + penalty * np.eye(len(pairs)), target.reshape(-1))
    q = (pairs.T @ solved).reshape(x.shape[1], x.shape[1])
    values, vectors = np.linalg.eigh((q + q.T) / 2)
    return (vectors * np.maximum(values, 0)) @ vectors.T


def _chosen_ridge(x: np.ndarray, target: np.ndarray) -> float:
    errors = []
    for ridge in RIDGES:
        error = 0.0
        for fold in range(4):
            rest = [i for i in range(len(x)) if i % 4 != fold]
            form = _form(x[rest], target[np.ix_(rest, rest)], ridge)
            own = [i for i in range(len(x)) if i % 4 == fold]
            error += np.sum((target[own] - x[own] @ form @ x.T) ** 2)
        errors.append(error)
    return RIDGES[int(np.argmin(errors))]
