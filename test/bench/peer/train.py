"""The two training steps: supervised with LoRA, and contrastive on the features of an inner layer."""

import torch
from model import compiled, load, pad, with_lora
from torch.nn.functional import normalize, softplus


def _optimiser(model, rate: float):
    trained = [p for p in model.parameters() if p.requires_grad]
    # The fused kernel is torch's fastest on the processor too.
    return trained, torch.optim.AdamW(trained, lr=rate, weight_decay=0.01, fused=True)


def _update(loss, trained, optimiser) -> float:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimiser.step()
    return loss.item()


def lora_step(model: str, rows: list[list[int]], answer: int, rank: int, rate: float):
    """Forward, backward and AdamW update of a LoRA adapter. Tokens from position `answer` of a row on carry loss.

    Each run is one step and returns its loss before the update.
    """
    network = with_lora(load(model), rank).train()
    trained, optimiser = _optimiser(network, rate)
    ids, mask = pad(rows, "right")
    # What transformers' loss leaves out is marked -100.
    wanted = ids.masked_fill(mask == 0, -100)
    wanted[:, :answer] = -100
    forward = compiled(network)

    def run():
        loss = forward(input_ids=ids, attention_mask=mask, labels=wanted, use_cache=False).loss
        return _update(loss, trained, optimiser)

    return run


def circle(features, groups, margin: float, gamma: float):
    """Circle loss over all pairs of the batch at once. `features` (B, C), `groups` (B,)."""
    unit = normalize(features, dim=1)
    i, j = torch.triu_indices(len(groups), len(groups), offset=1)
    cosine = (unit @ unit.T)[i, j]
    same = groups[i] == groups[j]
    near, far = cosine[same], cosine[~same]
    pull = -gamma * (1 + margin - near.detach()).clamp(min=0) * (near - (1 - margin))
    push = gamma * (far.detach() + margin).clamp(min=0) * (far - margin)
    return softplus(torch.logsumexp(pull, 0) + torch.logsumexp(push, 0))


def contrastive_step(
    model: str,
    rows: list[list[int]],
    groups: list[int],
    layer: int,
    margin: float,
    gamma: float,
    rate: float,
    rank: int | None = None,
):
    """One step on the last prompt token's features at `hidden_states[layer]`; nothing after them is computed.

    Trains every weight of the first `layer` blocks, or with `rank` a LoRA adapter on them. Returns the loss.
    """
    body = load(model).model
    body.layers = body.layers[:layer]
    # The inner features are those before the final norm.
    body.norm = torch.nn.Identity()
    if rank is None:
        body.requires_grad_(False)
        body.layers.requires_grad_(True)
    else:
        body = with_lora(body, rank)
    body.train()
    trained, optimiser = _optimiser(body, rate)
    ids, mask = pad(rows, "right")
    last = mask.sum(1) - 1
    group = torch.tensor(groups)
    forward = compiled(body)

    def run():
        hidden = forward(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        # The loss is taken in float32 in every variant, as a cosine of bfloat16 has two digits.
        loss = circle(hidden[torch.arange(len(rows)), last].float(), group, margin, gamma)
        return _update(loss, trained, optimiser)

    return run
