"""steering.json: directions, choices and effects of inference-time methods on tiny models, by PyTorch.

Refusal direction (Arditi et al. 2024) and Surgical (Wang et al. 2024) as their papers and code say: differences of means in float64,
refusal score of a set of first tokens, filters, bypass, induce and KL scores, and forward hooks that ablate and add. Prompts are run
one at a time.
"""

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM

from interventions import Acting, run
from write import digits, write_json

MODELS = ["smollm3"]
ADDED = ("self_attn", "mlp")
TRAIN, VALIDATION = 14, 5
GROUPS = ("harmful", "harmless", "pseudoHarmful")
COEFFICIENT = -1.5
STRENGTH = 0.5
# How many log-probabilities of an effect are stored.
SHOWN = 12


def make(out: Path, seed: int) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    cases = []
    for name in MODELS:
        model = AutoModelForCausalLM.from_pretrained(
            out / "tiny" / name, dtype=torch.float32, attn_implementation="eager"
        ).eval()
        # Draws in which nothing can be chosen are drawn anew.
        for attempt in range(100):
            case = case_of(model, 1000 * seed + attempt)
            if case is not None:
                cases.append({"model": name, **case})
                break
        else:
            raise RuntimeError(f"No draw of {name} has candidates that pass.")
    write_json(out / "steering.json", cases)
    torch.set_num_threads(threads)


@torch.no_grad()
def case_of(model, seed: int) -> dict | None:
    torch.manual_seed(29 + seed)
    suffix = torch.randint(3, 160, (3,)).tolist()
    # Each group has words of its own, so that means differ.
    words = torch.randperm(157) + 3
    vocabulary = {g: words[45 * i : 45 * i + 60] for i, g in enumerate(GROUPS)}

    def prompt(group):
        own = vocabulary[group]
        length = int(torch.randint(3, 8, ()))
        return own[torch.randint(0, len(own), (length,))].tolist() + suffix

    prompts = {
        g: {"train": [prompt(g) for _ in range(TRAIN)], "validation": [prompt(g) for _ in range(VALIDATION)]}
        for g in GROUPS
    }
    tools = Tools(model)
    openings = balanced_openings(tools, prompts)
    if openings is None:
        return None
    tokens = refusal_tokens(tools, prompts, openings)
    wanted = {"harmful": 1, "harmless": -1, "pseudoHarmful": 1}

    def kept(group, part):
        return [ids for ids in prompts[group][part] if wanted[group] * tools.refusal(ids, tokens) > 0]

    train = {g: kept(g, "train") for g in GROUPS}
    filtered = {g: kept(g, "validation") for g in GROUPS}
    unfiltered = {g: prompts[g]["validation"] for g in GROUPS}
    if min(len(each) for each in (*train.values(), filtered["harmful"], filtered["harmless"])) < 2:
        return None
    positions = list(range(-len(suffix), 0))
    means = {g: tools.means(train[g], positions) for g in GROUPS}
    refusal = means["harmful"] - means["harmless"]
    wrong = means["pseudoHarmful"] - means["harmless"]
    along = (wrong * refusal).sum(-1, keepdim=True) / (refusal.pow(2).sum(-1, keepdim=True) + 1e-8)
    rest = wrong - along * refusal
    surgical = rest / (rest.norm(dim=-1, keepdim=True) + 1e-8)
    found = {}
    for name, directions, refused, harmless, induces in (
        ("refusal", refusal, filtered["harmful"], filtered["harmless"], True),
        ("surgical", surgical, unfiltered["pseudoHarmful"], unfiltered["harmless"], False),
    ):
        chosen = select(tools, directions, positions, tokens, refused, harmless, induces)
        if chosen is None:
            return None
        found[name] = chosen
    shown = [ids for g in GROUPS for ids in prompts[g]["validation"][:2]]
    return {
        "suffix": suffix,
        "prompts": prompts,
        "openings": openings,
        "tokens": sorted(tokens),
        "refusal": found["refusal"],
        "surgical": found["surgical"],
        "shown": shown,
        "effects": effects(tools, found, shown),
    }


def balanced_openings(tools, prompts) -> list[list[int]] | None:
    """So many openings that the model refuses some harmful and not all harmless prompts."""
    order = (torch.randperm(157) + 3).tolist()
    for count in range(20, 140, 10):
        openings = [[token, 7] for token in order[:count]]
        tokens = refusal_tokens(tools, prompts, openings)
        scores = {g: [tools.refusal(ids, tokens) for ids in prompts[g]["train"]] for g in GROUPS}
        shares = [sum(s > 0 for s in of) / len(of) for of in scores.values()]
        if all(0.3 <= share <= 0.7 for share in shares):
            return openings
    return None


def refusal_tokens(tools, prompts, openings) -> list[int]:
    """The fewest first tokens that cover 90 % of the openings on harmful prompts, without those that begin harmless answers."""
    first = list(dict.fromkeys(opening[0] for opening in openings))

    def mass(group):
        return torch.stack([tools.log_probabilities(ids).exp() for ids in prompts[group]["train"]]).double().mean(0)

    refused, answered = mass("harmful"), mass("harmless")
    clear = sorted((t for t in first if answered[t] < 0.05), key=lambda t: -refused[t].item())
    total = sum(refused[t].item() for t in clear)
    tokens, covered = [], 0.0
    for token in clear:
        if tokens and covered >= 0.9 * total:
            break
        tokens.append(token)
        covered += refused[token].item()
    return tokens


def select(tools, directions, positions, tokens, refused, harmless, induces) -> dict | None:
    layers = tools.model.config.num_hidden_layers
    scored = []
    for p, position in enumerate(positions):
        for layer in range(layers):
            direction = directions[p, layer].float()
            if direction.abs().max() == 0:
                scored.append({"position": position, "layer": layer})
                continue
            ablate = tools.ablation(direction)
            add = [tools.addition(layer, direction)]
            kl = sum(
                smoothed_kl(tools.log_probabilities(ids), tools.log_probabilities(ids, ablate)) for ids in harmless
            )
            scored.append(
                {
                    "position": position,
                    "layer": layer,
                    "kl": kl / len(harmless),
                    "induce": tools.mean_refusal(harmless, tokens, add),
                    "bypass": tools.mean_refusal(refused, tokens, ablate),
                }
            )
    able = [each for each in scored if "kl" in each and each["layer"] < math.floor(0.8 * layers)]
    if len(able) < 3:
        return None
    # A threshold that leaves out some and lies clear of all.
    kls = sorted(each["kl"] for each in able)
    cut = len(kls) * 3 // 4
    max_kl = (kls[cut - 1] + kls[cut]) / 2
    passing = [each for each in able if each["kl"] <= max_kl and (not induces or each["induce"] >= 0)]
    if len(passing) < 2:
        return None
    best, second = sorted(passing, key=lambda each: each["bypass"])[:2]
    if second["bypass"] - best["bypass"] < 1e-3 or kls[cut] - kls[cut - 1] < 1e-5:
        return None
    direction = directions[positions.index(best["position"]), best["layer"]]
    return {
        "max_kl": max_kl,
        "scores": scored,
        "position": best["position"],
        "layer": best["layer"],
        "direction": digits(direction),
    }


def effects(tools, found, shown) -> dict:
    """Log-probabilities of the first answer token under each method."""
    refusal, surgical = (torch.tensor(found[name]["direction"]) for name in ("refusal", "surgical"))
    layer = found["refusal"]["layer"]
    settings = {
        "refusal-ablation": tools.ablation(refusal),
        "refusal-addition": [tools.addition(layer, COEFFICIENT * refusal)],
        "surgical": tools.ablation(surgical),
        "surgical half": tools.partial_ablation(surgical, STRENGTH),
    }
    return {
        name: [digits(tools.log_probabilities(ids, interventions)[:SHOWN]) for ids in shown]
        for name, interventions in settings.items()
    }


def smoothed_kl(p: torch.Tensor, q: torch.Tensor) -> float:
    p, q = p.double().exp(), q.double().exp()
    return (p * ((p + 1e-6).log() - (q + 1e-6).log())).sum().item()


class Tools:
    def __init__(self, model):
        self.model = model
        self.layers = list(range(model.config.num_hidden_layers))
        self.plain = {}

    def log_probabilities(self, ids, interventions=()) -> torch.Tensor:
        if not interventions and tuple(ids) in self.plain:
            return self.plain[tuple(ids)]
        found = self.computed(ids, interventions)
        if not interventions:
            self.plain[tuple(ids)] = found
        return found

    def computed(self, ids, interventions) -> torch.Tensor:
        logits = run(self.model, Acting(self.model, ADDED, list(interventions)), ids, len(ids))
        return F.log_softmax(logits[-1], -1)

    def refusal(self, ids, tokens, interventions=()) -> float:
        p = self.log_probabilities(ids, interventions).double().exp()[tokens].sum()
        return ((p + 1e-8).log() - (1 - p + 1e-8).log()).item()

    def mean_refusal(self, prompts, tokens, interventions=()) -> float:
        return sum(self.refusal(ids, tokens, interventions) for ids in prompts) / len(prompts)

    def means(self, prompts, positions) -> torch.Tensor:
        """(positions, layers, C) in float64: mean block inputs."""
        total = torch.zeros(len(positions), len(self.layers), self.model.config.hidden_size, dtype=torch.float64)
        for ids in prompts:
            states = self.model(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states
            for layer in self.layers:
                for p, position in enumerate(positions):
                    total[p, layer] += states[layer][0, position].double()
        return total / len(prompts)

    def ablation(self, direction) -> list[dict]:
        return [
            {"at": at, "layers": self.layers, "positions": "all", "action": "ablate", "vector": direction}
            for at in ("block-input", "attention-output", "mlp-output")
        ]

    def partial_ablation(self, direction, strength) -> list[dict]:
        """x − s(x·r̂)r̂ once for everything that is written to the residual stream."""
        unit = direction / direction.norm()
        return [
            {
                "at": at,
                "layers": [0] if at == "block-input" else self.layers,
                "positions": "all",
                "action": "project",
                "of": "self",
                "read": unit,
                "write": -strength * unit,
            }
            for at in ("block-input", "attention-output", "mlp-output")
        ]

    def addition(self, layer, vector) -> dict:
        return {"at": "block-input", "layers": [layer], "positions": "all", "action": "add", "vector": vector}
