"""Refusal scoring, opening by opening or as a token trie in one pass, and greedy generation."""

import math

import torch
from model import VARIANT, compiled, load, pad


def _log_sum(parts: list[float]) -> float:
    most = max(parts)
    return most + math.log(sum(math.exp(part - most) for part in parts))


def score_separately(model: str, prompts: list[list[int]], openings: list[list[int]], batch: int = 1):
    """One sequence for every prompt and opening, `batch` openings of a prompt at a time.

    Returns for every prompt the log of the summed probability of all openings.
    """
    network = compiled(load(model))

    def score(prompt, some):
        rows = [prompt + opening for opening in some]
        ids, mask = pad(rows, "right")
        first = len(prompt) - 1
        # Only the positions that predict an opening's tokens go through the head.
        kept = torch.arange(first, ids.shape[1] - 1)
        logits = network(input_ids=ids, attention_mask=mask, use_cache=False, logits_to_keep=kept).logits
        log = logits.float().log_softmax(-1)
        return [log[i, torch.arange(len(o)), torch.tensor(o)].sum().item() for i, o in enumerate(some)]

    @torch.inference_mode()
    def run():
        result = []
        for prompt in prompts:
            parts = []
            for start in range(0, len(openings), batch):
                parts += score(prompt, openings[start : start + batch])
            result.append(_log_sum(parts))
        return result

    return run


def trie(openings: list[list[int]]):
    """The nodes of the openings' token trie as (token, parent) with -1 for the root, and each opening's last node."""
    nodes, children, ends = [], {}, []
    for opening in openings:
        at = -1
        for token in opening:
            if (at, token) not in children:
                children[at, token] = len(nodes)
                nodes.append((token, at))
            at = children[at, token]
        ends.append(at)
    return nodes, ends


def score_one_pass(model: str, prompts: list[list[int]], openings: list[list[int]], batch: int = 1):
    """The prompt and every inner node of the openings' trie in one forward pass, `batch` prompts at a time.

    A node attends to the prompt and to its ancestors. Returns what score_separately returns.
    """
    network = load(model)
    body = compiled(network.model)
    nodes, ends = trie(openings)
    # A leaf is only predicted, never read.
    inner = sorted({parent for _, parent in nodes if parent >= 0})
    slot = {node: k for k, node in enumerate(inner)}
    sees = torch.zeros(len(inner), len(inner), dtype=torch.bool)
    depth = []
    for k, node in enumerate(inner):
        depth.append(0)
        at = nodes[node][1]
        sees[k, k] = True
        while at >= 0:
            sees[k, slot[at]] = True
            depth[k] += 1
            at = nodes[at][1]
    tail = [nodes[node][0] for node in inner]
    tokens = torch.tensor([token for token, _ in nodes])
    # Row 0 of the head's input is the prompt's last token, row 1 + k the k-th inner node.
    read_at = torch.tensor([0 if parent < 0 else 1 + slot[parent] for _, parent in nodes])
    paths = []
    for end in ends:
        path = []
        while end >= 0:
            path.append(end)
            end = nodes[end][1]
        paths.append(path)

    def score(some):
        ids, mask = pad(some, "left")
        width = ids.shape[1]
        total = width + len(inner)
        rows = torch.cat([ids, torch.tensor(tail).expand(len(some), -1)], 1)
        place = (mask.cumsum(1) - 1).clamp(min=0)
        after = mask.sum(1, keepdim=True) + torch.tensor(depth)
        allowed = torch.zeros(len(some), 1, total, total, dtype=torch.bool)
        allowed[:, 0, :width, :width] = torch.ones(width, width, dtype=torch.bool).tril() & mask[:, None].bool()
        allowed[:, 0, width:, :width] = mask[:, None].bool()
        allowed[:, 0, width:, width:] = sees
        # A padded position sees itself, or its softmax would have nothing to divide by.
        allowed |= torch.eye(total, dtype=torch.bool)
        hidden = body(
            input_ids=rows,
            attention_mask=allowed,
            position_ids=torch.cat([place, after], 1),
            use_cache=False,
        ).last_hidden_state
        log = network.lm_head(hidden[:, width - 1 :]).float().log_softmax(-1)
        of_node = log[:, read_at, tokens].tolist()
        return [_log_sum([sum(row[node] for node in path) for path in paths]) for row in of_node]

    @torch.inference_mode()
    def run():
        result = []
        for start in range(0, len(prompts), batch):
            result += score(prompts[start : start + batch])
        return result

    return run


def generate(model: str, prompts: list[list[int]], tokens: int, batch: int):
    """`tokens` greedy tokens after every prompt, in batches of `batch` with a KV cache. Ends of text do not stop it."""
    network = load(model)
    network.generation_config.eos_token_id = None
    network.generation_config.pad_token_id = 0
    if VARIANT["compile"] is True:
        # A cache of fixed length, as transformers recommends, so that the graph of a step serves every step.
        network.generation_config.cache_implementation = "static"
        network.forward = torch.compile(network.forward)

    @torch.inference_mode()
    def run():
        result = []
        for start in range(0, len(prompts), batch):
            ids, mask = pad(prompts[start : start + batch], "left")
            out = network.generate(input_ids=ids, attention_mask=mask, do_sample=False, max_new_tokens=tokens)
            result += out[:, ids.shape[1] :].tolist()
        return result

    return run
