"""interventions.json: tiny models with activations changed, and read, by PyTorch's forward hooks.

A case is a model with a list of interventions. `prompts` are run one at a time, without caches, so that each token's
activations are changed in the place where the text has it.
"""

from contextlib import ExitStack
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM

from write import digits, write_json

NEW_TOKENS = 6
# Each with what a sub-block adds to the residual stream, by the norm behind it where there is one.
MODELS = {
    "llama": ("self_attn", "mlp"),
    "gemma2": ("post_attention_layernorm", "post_feedforward_layernorm"),
    "olmo2": ("post_attention_layernorm", "post_feedforward_layernorm"),
    "phi3": ("self_attn", "mlp"),
    "granite": ("self_attn", "mlp"),
}


def make(out: Path, seed: int) -> None:
    # On models as small as these, threads wait for each other longer than they compute.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    cases = []
    for name, added in MODELS.items():
        model = AutoModelForCausalLM.from_pretrained(
            out / "tiny" / name, dtype=torch.float32, attn_implementation="eager"
        ).eval()
        torch.manual_seed(17 + seed)
        shared = torch.randint(3, 160, (4,)).tolist()
        prompts = [shared + torch.randint(3, 160, (n,)).tolist() for n in (5, 2, 9)]
        answers = [torch.randint(3, 160, (n,)).tolist() for n in (3, 4, 2)]
        openings = [torch.randint(3, 160, (n,)).tolist() for n in (2, 1, 3)]
        texts = {"prompts": prompts, "answers": answers, "openings": openings}
        for interventions in settings(model):
            acting = Acting(model, added, interventions)
            cases.append(
                {
                    "model": name,
                    "interventions": [
                        {
                            name: digits(value) if isinstance(value, torch.Tensor) else value
                            for name, value in each.items()
                        }
                        for each in interventions
                    ],
                    **texts,
                    **expected(model, acting, texts),
                    "taps": taps(model, acting, texts),
                }
            )
    write_json(out / "interventions.json", cases)
    torch.set_num_threads(threads)


def settings(model) -> list[list[dict]]:
    config = model.config
    projection = "self_attn.qkv_proj" if config.model_type == "phi3" else "self_attn.q_proj"
    width = model.get_submodule(f"model.layers.1.{projection}").out_features

    def one(at, layers, positions, action, size=config.hidden_size, module=None):
        where = {"at": at, "layers": layers, **({"module": module} if module else {})}
        # Rounded to what is stored.
        vector = torch.tensor(digits(torch.randn(size)))
        return {**where, "positions": positions, "action": action, "vector": vector}

    def project(at, layers, positions, of, scale=None, size=config.hidden_size, module=None):
        made = one(at, layers, positions, "project", size, module)
        # Of length one, so that what is written is about as long as what is read.
        read, write = (
            torch.tensor(digits(torch.nn.functional.normalize(torch.randn(size), dim=0))) for _ in range(2)
        )
        del made["vector"]
        return {**made, "of": of, "read": read, "write": write, **({"scale": scale} if scale else {})}

    return [
        [],
        [one("block-input", [1, 2], "all", "ablate")],
        [one("block-input", [0, 1, 2], "prompt", "ablate")],
        [one("block-input", [1], "last", "ablate")],
        [one("attention-output", [1], "all", "add"), one("mlp-output", [0, 2], "prompt", "ablate")],
        [
            one("linear-input", [1], "all", "ablate", config.intermediate_size, "mlp.down_proj"),
            one("linear-output", [0, 2], "all", "add", width, projection),
        ],
        [
            one("block-input", [1], "all", "add"),
            one("block-input", [1], "all", "ablate"),
            one("linear-input", [1], "last", "add", config.hidden_size, projection),
        ],
        [project("block-input", [1, 2], "all", "self")],
        # AlphaSteer's: every token of the prompt by what its last one is.
        [project("block-input", [0, 2], "prompt", "last")],
        # The last token is read where only tokens behind it change; and a prompt is left alone.
        [
            project("mlp-output", [0, 1], {"from": [9, 6, 13]}, "last", [2.0, 0.0, -1.0]),
            project("block-input", [1], "all", "last", [1.0, 0.0, 0.5]),
        ],
        # The second prompt changes in its answer alone.
        [
            {**one("block-input", [1, 2], {"from": [3, 6, 10]}, "add"), "scale": [0.5, 1.5, -1.0]},
            one("block-input", [2], {"from": [2, 2, 2]}, "ablate"),
        ],
        [
            project("linear-input", [1], "all", "self", [0.0, 1.0, 1.0], config.intermediate_size, "mlp.down_proj"),
            project("linear-output", [2], "prompt", "last", None, width, projection),
        ],
        # CAST's with norms restored, on some prompts.
        [{**one("block-input", [1, 2], "all", "add"), "scale": [1.0, 0.0, -1.5], "restoreNorm": True}],
        [
            {**project("mlp-output", [0, 2], "prompt", "last"), "restoreNorm": True},
            {**one("linear-output", [1], {"from": [3, 6, 10]}, "add", width, projection), "restoreNorm": True},
            {**one("block-input", [2], "all", "ablate"), "restoreNorm": True},
        ],
    ]


class Acting:
    """The interventions as hooks; `prompt` says how many tokens of the text that runs are its prompt, `index` which of
    the prompts it is."""

    def __init__(self, model, added, interventions):
        self.model = model
        self.added = added
        self.interventions = interventions
        self.prompt = 0
        self.index = 0

    def hooks(self, stack: ExitStack) -> None:
        for each in self.interventions:
            for layer in each["layers"]:
                self.hook(stack, each, layer)

    def hook(self, stack: ExitStack, each: dict, layer: int) -> None:
        block = self.model.model.layers[layer]
        at = each["at"]
        if at in ("block-input", "linear-input"):
            module = block if at == "block-input" else block.get_submodule(each["module"])
            handle = module.register_forward_pre_hook(
                lambda _module, args: (self.changed(each, args[0]), *args[1:])
            )
        else:
            names = {"attention-output": self.added[0], "mlp-output": self.added[1]}
            module = block.get_submodule(each.get("module") or names[at])
            # What is added to the residual stream has been multiplied by this.
            factor = 1 if at == "linear-output" else getattr(block, "residual_multiplier", 1)

            def changed(_module, _args, output):
                first = output[0] if isinstance(output, tuple) else output
                new = self.changed(each, first * factor) / factor
                return (new, *output[1:]) if isinstance(output, tuple) else new

            handle = module.register_forward_hook(changed)
        stack.callback(handle.remove)

    def changed(self, each: dict, x: torch.Tensor) -> torch.Tensor:
        if each["action"] == "ablate":
            unit = each["vector"] / each["vector"].norm()
            change = -(x @ unit)[..., None] * unit
        elif each["action"] == "project":
            read = x if each["of"] == "self" else x[:, self.prompt - 1 : self.prompt].expand_as(x)
            change = (read @ each["read"])[..., None] * each["write"]
        else:
            change = each["vector"].expand_as(x)
        scale = each["scale"][self.index] if "scale" in each else 1.0
        tokens = torch.arange(x.shape[1])
        positions = each["positions"]
        if isinstance(positions, dict):
            meant = tokens >= positions["from"][self.index]
        else:
            meant = {
                "all": tokens >= 0,
                "prompt": tokens < self.prompt,
                "last": tokens == self.prompt - 1,
            }[positions]
        new = x + scale * change
        if each.get("restoreNorm"):
            new = new * (x.norm(dim=-1, keepdim=True) / new.norm(dim=-1, keepdim=True))
        return torch.where(meant[None, :, None], new, x)


def run(model, acting: Acting, ids: list[int], prompt: int, stack: ExitStack | None = None) -> torch.Tensor:
    """Logits of every token, (T, V)."""
    acting.prompt = prompt
    with ExitStack() as own:
        acting.hooks(stack or own)
        return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]


def log_probability(logits: torch.Tensor, ids: list[int], start: int) -> torch.Tensor:
    """Σ log p of the tokens from `start` on."""
    logs = F.log_softmax(logits, -1)
    return sum(logs[t - 1, ids[t]] for t in range(start, len(ids)))


@torch.no_grad()
def expected(model, acting: Acting, texts: dict) -> dict:
    found = {"losses": [], "scores": [], "greedy": [], "features": [], "next": []}
    for index, (prompt, answer) in enumerate(zip(texts["prompts"], texts["answers"])):
        acting.index = index
        size = len(prompt)
        # The first few are as good as all.
        found["next"].append(digits(F.log_softmax(run(model, acting, prompt, size)[-1], -1)[:6]))
        loss = -log_probability(run(model, acting, prompt + answer, size), prompt + answer, size)
        found["losses"].append(loss.item())
        scores = [
            log_probability(run(model, acting, prompt + opening, size), prompt + opening, size).item()
            for opening in texts["openings"]
        ]
        found["scores"].append(scores)
        ids = list(prompt)
        for _ in range(NEW_TOKENS):
            ids.append(run(model, acting, ids, size)[-1].argmax().item())
        found["greedy"].append(ids[size:])
        found["features"].append(features(model, acting, prompt))
    return found


def features(model, acting: Acting, prompt: list[int]) -> list[list[float]]:
    """What the last token's blocks read, behind the interventions, and the last block's output."""
    states = []
    with ExitStack() as stack:
        acting.hooks(stack)
        # Registered later, so run later.
        for block in model.model.layers:
            handle = block.register_forward_pre_hook(lambda _module, args: states.append(args[0][0, -1]))
            stack.callback(handle.remove)
        handle = model.model.norm.register_forward_pre_hook(lambda _module, args: states.append(args[0][0, -1]))
        stack.callback(handle.remove)
        acting.prompt = len(prompt)
        model(input_ids=torch.tensor([prompt]), use_cache=False)
    return [digits(state) for state in states]


def taps(model, acting: Acting, texts: dict) -> list[dict]:
    """Of each example the inputs x and output gradients g of linear modules: x and g of the prompt's last token, and the
    norm of Σ gᵀx, which is the gradient of the weight as autograd has it."""
    fused = model.config.model_type == "phi3"
    modules = [(0, "self_attn.qkv_proj" if fused else "self_attn.k_proj"), (1, "self_attn.o_proj"), (2, "mlp.down_proj")]
    found = []
    for layer, name in modules:
        module = model.get_submodule(f"model.layers.{layer}.{name}")
        for index, (prompt, answer) in enumerate(zip(texts["prompts"], texts["answers"])):
            acting.index = index
            kept = {}

            def keep(_module, args, output):
                # Behind the interventions on its input; before those on its output.
                kept["x"], kept["y"] = args[0], output
                output.retain_grad()

            with ExitStack() as stack:
                acting.hooks(stack)
                handle = module.register_forward_hook(keep, prepend=True)
                stack.callback(handle.remove)
                acting.prompt = len(prompt)
                ids = prompt + answer
                model.zero_grad()
                logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
                (-log_probability(logits, ids, len(prompt))).backward()
            last = len(prompt) - 1
            found.append(
                {
                    "layer": layer,
                    "module": name,
                    "x": digits(kept["x"][0, last]),
                    "g": digits(kept["y"].grad[0, last]),
                    "weight_gradient_norm": module.weight.grad.norm().item(),
                }
            )
    return found
