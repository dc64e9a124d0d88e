"""steering_gated.json: steering with a gate (SCANS, CAST, AlphaSteer) on tiny models, by PyTorch's forward hooks.

Texts are tokens. Two groups of prompts draw from different halves of the vocabulary, so that a gate can tell them apart;
all end like a chat template: a token that ends the user's turn, and two behind it. `asked` is continued one prompt at a
time, without caches. `null_space` holds AlphaSteer's reading direction for activations of random numbers.
"""

from contextlib import ExitStack
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.decomposition import PCA
from transformers import AutoModelForCausalLM

from write import digits, write_json

MODELS = ["llama", "gemma2", "olmo2", "phi3", "granite"]
NEW_TOKENS = 6
TURN_END = 158
TAIL = [TURN_END, 5, 6]
PREFIX = [7, 9]
SCANS = {"strength": 3.0, "classifier": [1, 2], "layers": [0, 2]}
CAST = {"strength": 1.5, "layers": [1, 2]}
ALPHA = {"strength": 6.0, "layers": [1, 2], "ratio": 0.5, "ridge": 10.0}


def make(out: Path, seed: int) -> None:
    # On models as small as these, threads wait for each other longer than they compute.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    cases = []
    for name in MODELS:
        model = AutoModelForCausalLM.from_pretrained(
            out / "tiny" / name, dtype=torch.float32, attn_implementation="eager"
        ).eval()
        torch.manual_seed(29 + seed)
        texts = draw()
        cases.append(
            {
                "model": name,
                **texts,
                "unsteered": continued(model, texts["asked"], [None] * len(texts["asked"])),
                "scans": scans(model, texts),
                "cast": cast(model, texts),
                "alphasteer": alphasteer(model, texts),
            }
        )
    write_json(out / "steering_gated.json", {"cases": cases, "null_space": null_space(seed)})
    torch.set_num_threads(threads)


def draw() -> dict:
    def prompts(low: int, high: int, count: int) -> list[list[int]]:
        return [[1, *torch.randint(low, high, (n % 5 + 4,)).tolist(), *TAIL] for n in range(count)]

    harmful, harmless = prompts(10, 90, 12), prompts(70, 157, 12)
    return {
        "turnEnd": TURN_END,
        "prefix": PREFIX,
        "harmful": harmful[:6],
        "harmless": harmless[:6],
        "validation": {"harmful": harmful[6:], "harmless": harmless[6:]},
        # What stands behind a question as a refusal, and as an answer.
        "refusals": [torch.randint(3, 157, (n,)).tolist() for n in (3, 5, 2)],
        "answers": [torch.randint(3, 157, (n,)).tolist() for n in (4, 2, 3)],
        "asked": [harmful[7], harmless[8], harmful[6], harmless[6]],
    }


# --- activations ---------------------------------------------------------------------------------------------------


@torch.no_grad()
def streams(model, ids: list[int]) -> torch.Tensor:
    """What each block reads, and what the last block gives, before the final norm: (L + 1, T, C)."""
    found = []
    with ExitStack() as stack:
        for block in model.model.layers:
            handle = block.register_forward_pre_hook(lambda _module, args: found.append(args[0][0]))
            stack.callback(handle.remove)
        handle = model.model.norm.register_forward_pre_hook(lambda _module, args: found.append(args[0][0]))
        stack.callback(handle.remove)
        model(input_ids=torch.tensor([ids]), use_cache=False)
    return torch.stack(found).double()


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return torch.nan_to_num(F.cosine_similarity(a[None], b[None])).item()


# --- continuations under a change ----------------------------------------------------------------------------------


@torch.no_grad()
def continued(model, prompts: list[list[int]], changes: list) -> dict:
    """Log-probabilities behind each prompt, and greedy tokens.

    A change is a function of the layer and of the activations that it reads or gives (T, C), for a prompt of known
    length; None changes nothing.
    """
    found = {"log_probabilities": [], "greedy": []}
    for prompt, change in zip(prompts, changes):
        ids = list(prompt)
        for step in range(NEW_TOKENS):
            with ExitStack() as stack:
                if change is not None:
                    hook(model, change, stack)
                logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]
            if step == 0:
                found["log_probabilities"].append(digits(F.log_softmax(logits, -1)))
            ids.append(logits.argmax().item())
        found["greedy"].append(ids[len(prompt) :])
    return found


def hook(model, change, stack: ExitStack) -> None:
    where, act = change
    for layer, block in enumerate(model.model.layers):
        if where == "input":
            handle = block.register_forward_pre_hook(
                lambda _module, args, layer=layer: (act(layer, args[0][0])[None], *args[1:])
            )
        else:

            def given(_module, _args, output, layer=layer):
                first = output[0] if isinstance(output, tuple) else output
                new = act(layer, first[0])[None]
                return (new, *output[1:]) if isinstance(output, tuple) else new

            handle = block.register_forward_hook(given)
        stack.callback(handle.remove)


# --- thresholds ----------------------------------------------------------------------------------------------------


def best_gate(unsafe: list[float], safe: list[float], criterion, sides: list[str]) -> dict:
    """The best of all thresholds between scores and beyond them; of equals that in the widest gap."""
    scores = sorted({*unsafe, *safe})
    cuts = [((low + high) / 2, high - low) for low, high in zip(scores, scores[1:])]
    ends = [(scores[0] - 1e-3, 0.0), (scores[-1] + 1e-3, 0.0)]
    best = None
    for side in sides:
        for cut, gap in [ends[0], *cuts, ends[1]]:
            taken = [(s >= cut) == (side == "from") for s in unsafe], [(s >= cut) == (side == "from") for s in safe]
            value = criterion(*taken)
            if best is None or (round(value, 9), gap) > (round(best["value"], 9), best["gap"]):
                best = {"threshold": cut, "side": side, "value": float(value), "gap": float(gap)}
    return best


def balanced_accuracy(unsafe: list[bool], safe: list[bool]) -> float:
    return (np.mean(unsafe) + 1 - np.mean(safe)) / 2


def f1(unsafe: list[bool], safe: list[bool]) -> float:
    true, false, missed = sum(unsafe), sum(safe), len(unsafe) - sum(unsafe)
    return 2 * true / (2 * true + false + missed) if true else 0.0


# --- SCANS ---------------------------------------------------------------------------------------------------------


def scans(model, texts: dict) -> dict:
    """Vectors and references are at block outputs, (L, C)."""
    last = lambda prompts: torch.stack([streams(model, prompt)[1:, -1] for prompt in prompts]).mean(0)
    vectors = last(texts["harmful"]) - last(texts["harmless"])
    vectors = vectors / vectors.norm(dim=1, keepdim=True)

    def turn_end(prompt: list[int]) -> int:
        return len(prompt) - 1 - prompt[::-1].index(TURN_END)

    def transition(prompt: list[int]) -> torch.Tensor:
        outputs = streams(model, prompt + PREFIX)[1:]
        return outputs[:, turn_end(prompt)] - outputs[:, -1]

    reference = torch.stack([transition(prompt) for prompt in texts["harmful"]]).mean(0)

    def score(prompt: list[int]) -> float:
        found = transition(prompt)
        return float(np.mean([cosine(found[layer], reference[layer]) for layer in SCANS["classifier"]]))

    scores = {name: [score(prompt) for prompt in prompts] for name, prompts in texts["validation"].items()}
    gate = best_gate(scores["harmful"], scores["harmless"], balanced_accuracy, ["from"])
    asked = [score(prompt) for prompt in texts["asked"]]

    def change(prompt: list[int], sign: int):
        def act(layer: int, x: torch.Tensor) -> torch.Tensor:
            if layer not in SCANS["layers"]:
                return x
            new = x.clone()
            new[turn_end(prompt) :] += (sign * SCANS["strength"] * vectors[layer]).float()
            return new

        return "output", act

    signs = [1 if each >= gate["threshold"] else -1 for each in asked]
    changes = [change(prompt, sign) for prompt, sign in zip(texts["asked"], signs)]
    return {
        **SCANS,
        "vectors": [digits(row) for row in vectors],
        "reference": [digits(row) for row in reference],
        "scores": {name: digits(each) for name, each in scores.items()},
        "gate": gate,
        "asked": digits(asked),
        "signs": signs,
        **continued(model, texts["asked"], changes),
    }


# --- CAST ----------------------------------------------------------------------------------------------------------


def pairwise_pca(positive: torch.Tensor, negative: torch.Tensor) -> tuple[np.ndarray, float]:
    """scikit-learn's first component of pairs without their means, (C), positive in most pairs; its share of variance.

    The sign makes the positive of most pairs higher, or of all together where that is half of them.
    """
    above, below = positive.numpy(), negative.numpy()
    middle = (above + below) / 2
    rows = np.empty((2 * len(above), above.shape[1]))
    rows[::2], rows[1::2] = above - middle, below - middle
    pca = PCA(n_components=1).fit(rows)
    direction = pca.components_[0]
    heights = (above - below) @ direction
    higher = np.sign(heights).sum() or heights.sum()
    return (-direction if higher < 0 else direction), float(pca.explained_variance_ratio_[0])


def similarity(h: torch.Tensor, direction: torch.Tensor) -> float:
    """The cosine of an activation and the tanh of its projection onto a direction."""
    return cosine(h, torch.tanh(direction * (direction @ h) / (direction @ direction)))


def cast(model, texts: dict) -> dict:
    """Directions are at block outputs, (L, C), and are compared with and added to what the block of that number reads."""
    layers = model.config.num_hidden_layers
    # Without what comes behind the user's turn.
    mean = lambda prompts: torch.stack([streams(model, prompt[:-2])[1:].mean(1) for prompt in prompts])
    above, below = mean(texts["harmful"]), mean(texts["harmless"])
    conditions = [pairwise_pca(above[:, layer], below[:, layer]) for layer in range(layers)]

    suffixed = {"refusals": [], "answers": []}
    for question in texts["harmful"][:2] + texts["harmless"][:2]:
        for kind, rows in suffixed.items():
            for suffix in texts[kind]:
                rows.append(streams(model, question[:-2] + suffix)[1:, -len(suffix) :].mean(1))
    refusing, answering = (torch.stack(suffixed[kind]) for kind in ("refusals", "answers"))
    behaviours = [pairwise_pca(refusing[:, layer], answering[:, layer]) for layer in range(layers)]

    def similarities(prompt: list[int]) -> list[float]:
        inputs = streams(model, prompt).mean(1)
        return [similarity(inputs[layer], torch.tensor(conditions[layer][0])) for layer in range(layers)]

    found = {name: [similarities(prompt) for prompt in prompts] for name, prompts in texts["validation"].items()}
    best = None
    for layer in range(1, layers):
        unsafe, safe = ([each[layer] for each in found[name]] for name in ("harmful", "harmless"))
        gate = {"layer": layer, **best_gate(unsafe, safe, f1, ["from", "below"])}
        if best is None or gate["value"] > best["value"]:
            best = gate
    asked = [similarities(prompt)[best["layer"]] for prompt in texts["asked"]]
    fires = [(each >= best["threshold"]) == (best["side"] == "from") for each in asked]

    def act(layer: int, x: torch.Tensor) -> torch.Tensor:
        if layer not in CAST["layers"]:
            return x
        return x + torch.tensor(CAST["strength"] * behaviours[layer][0]).float()

    return {
        **CAST,
        "conditions": [digits(direction) for direction, _ in conditions],
        "explained": digits([explained for _, explained in conditions]),
        "behaviours": [digits(direction) for direction, _ in behaviours],
        "similarities": {name: [digits(each) for each in rows] for name, rows in found.items()},
        "gate": best,
        "asked": digits(asked),
        "fires": fires,
        **continued(model, texts["asked"], [("input", act) if fired else None for fired in fires]),
        "any": any_of(model, texts, found, [similarities(prompt) for prompt in texts["asked"]], act),
    }


def any_of(model, texts: dict, validation: dict, asked: list[list[float]], act) -> dict:
    """CAST by "or" and with norms restored: the best one or two blocks for one condition, and two conditions of which the first holds for
    one of the prompts, and the second for another."""

    def holds(row: list[float], layers: list[int], cut: float, side: str) -> bool:
        return any((row[layer] >= cut) == (side == "from") for layer in layers)

    layers = range(len(asked[0]))
    best = {"f1": 0.0}
    for count in (1, 2):
        for choice in combinations(layers, count):
            scores = sorted({row[layer] for rows in validation.values() for row in rows for layer in choice})
            for side in ("from", "below"):
                for cut in [(low + high) / 2 for low, high in zip(scores, scores[1:])] + [scores[0] - 1, scores[-1] + 1]:
                    taken = {name: [holds(row, choice, cut, side) for row in rows] for name, rows in validation.items()}
                    value = f1(taken["harmful"], taken["harmless"])
                    if value > best["f1"] + 1e-9:
                        best = {"layers": list(choice), "f1": value}

    highest = [max(row[0], row[1]) for row in asked]
    first = highest.index(max(highest))
    upper, lower = sorted(highest)[:-3:-1]
    ranked = sorted(range(len(asked)), key=lambda i: asked[i][2])
    place = next(place for place, i in enumerate(ranked) if i != first)
    second, following = (asked[i][2] for i in ranked[place : place + 2])
    conditions = [
        {"layers": [0, 1], "threshold": (upper + lower) / 2, "side": "from"},
        {"layers": [2], "threshold": (second + following) / 2, "side": "below"},
    ]
    held = [[holds(row, each["layers"], each["threshold"], each["side"]) for each in conditions] for row in asked]
    assert held[first][0] and held[ranked[place]] == [False, True] and not all(any(row) for row in held)

    def restored(layer: int, x: torch.Tensor) -> torch.Tensor:
        new = act(layer, x)
        return new * (x.norm(dim=-1, keepdim=True) / new.norm(dim=-1, keepdim=True)) if layer in CAST["layers"] else x

    return {
        "best": best,
        "conditions": conditions,
        "holds": held,
        **continued(model, texts["asked"], [("input", restored) if any(row) else None for row in held]),
    }


# --- AlphaSteer ----------------------------------------------------------------------------------------------------


def reading_direction(benign: np.ndarray, harmful: np.ndarray, ratio: float, ridge: float) -> np.ndarray:
    """u, (C), by the d × d matrices of the definition and the pseudoinverse; the whole null space where it is larger."""
    count, width = benign.shape
    _, _, directions = np.linalg.svd(benign.T @ benign)
    left = max(int(ratio * width), width - count)
    q = directions[-left:].T
    p = q @ q.T
    x = harmful @ p
    return p @ np.linalg.pinv(x.T @ x + ridge * p.T @ p) @ x.T @ np.ones(len(harmful))


def alphasteer(model, texts: dict) -> dict:
    """Activations are what blocks read at the last token of the prompt, which is the same embedding at the first block."""
    last = lambda prompts: torch.stack([streams(model, prompt)[:-1, -1] for prompt in prompts])
    harmful, harmless = last(texts["harmful"]), last(texts["harmless"])
    refusal = harmful.mean(0) - harmless.mean(0)
    read = {
        layer: torch.tensor(
            reading_direction(harmless[:, layer].numpy(), harmful[:, layer].numpy(), ALPHA["ratio"], ALPHA["ridge"])
        )
        for layer in ALPHA["layers"]
    }

    def change(prompt: list[int]):
        def act(layer: int, x: torch.Tensor) -> torch.Tensor:
            if layer not in ALPHA["layers"]:
                return x
            new = x.clone()
            found = x[len(prompt) - 1].double() @ read[layer]
            new[: len(prompt)] += (ALPHA["strength"] * found * refusal[layer]).float()
            return new

        return "input", act

    return {
        **ALPHA,
        "read": [digits(row) for row in read.values()],
        "refusal": [digits(refusal[layer]) for layer in read],
        **continued(model, texts["asked"], [change(prompt) for prompt in texts["asked"]]),
    }


def null_space(seed: int) -> list[dict]:
    """With fewer benign activations than directions to remove, with more, and with more than there are dimensions."""
    random = np.random.default_rng(31 + seed)
    found = []
    for benign, width in ((4, 12), (9, 12), (20, 12)):
        scale, base = np.exp(random.normal(0, 1.5, width)), random.normal(0, 5, width)
        rows = lambda count, shift: np.array(digits(random.normal(shift, 1, (count, width)) * scale + base)).reshape(count, width)
        b, m = rows(benign, 0), rows(4, 0.4)
        found.append(
            {
                "width": width,
                "benign": digits(b),
                "harmful": digits(m),
                "ratio": 0.5,
                "ridge": 10.0,
                "read": digits(reading_direction(b, m, 0.5, 10.0)),
            }
        )
    return found
