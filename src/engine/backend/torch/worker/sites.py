"""Where the sites of `interventions.ts` lie in the modules of transformers: one row per `model_type`.

A row is all that is known of a family here. What a block computes is transformers' own code; a row says which module's output is added to the
residual stream, so that post-norms (Gemma 2, OLMo 2) and factors (Granite) are behind it, and which linear modules a block has.
"""

from dataclasses import dataclass, replace

from torch import nn

from .errors import WorkerError


@dataclass(frozen=True)
class Naming:
    """Names inside a causal language model of one family; those of a block are relative to it."""

    layers: str = "model.layers"
    #: The norm that reads what the last block gives.
    final_norm: str = "model.norm"
    #: Modules whose output (or first output) is added to the residual stream.
    attention: str = "self_attn"
    mlp: str = "mlp"
    #: The block's attribute that both outputs are multiplied by before they are added.
    factor: str | None = None
    #: In the order of computation.
    linears: tuple[str, ...] = (
        "self_attn.q_proj",
        "self_attn.k_proj",
        "self_attn.v_proj",
        "self_attn.o_proj",
        "mlp.gate_proj",
        "mlp.up_proj",
        "mlp.down_proj",
    )

    def with_mlp(self, *linears: str) -> "Naming":
        """The same with other linear modules in the MLP."""
        attention = tuple(name for name in self.linears if not name.startswith(f"{self.mlp}."))
        return replace(self, linears=(*attention, *(f"{self.mlp}.{name}" for name in linears)))


PLAIN = Naming()
# Norms before and behind each sub-block, or behind it alone: what is added is what the norm behind it gives.
POST = replace(PLAIN, attention="post_attention_layernorm", mlp="post_feedforward_layernorm")

NAMINGS: dict[str, Naming] = {
    # The families of src/engine/model/families.
    "llama": PLAIN,
    "mistral": PLAIN,
    "qwen2": PLAIN,
    "qwen3": PLAIN,
    "gemma": PLAIN,
    "gemma2": POST,
    "phi3": replace(
        PLAIN, linears=("self_attn.qkv_proj", "self_attn.o_proj", "mlp.gate_up_proj", "mlp.down_proj")
    ),
    "olmo2": POST,
    "granite": replace(PLAIN, factor="residual_multiplier"),
    "smollm3": PLAIN,
    # What transformers has beyond them, in versions 5.17 and 5.24.
    "arcee": PLAIN.with_mlp("up_proj", "down_proj"),
    "cohere": PLAIN,
    "cohere2": PLAIN,
    "cwm": PLAIN,
    "ernie4_5": PLAIN,
    "exaone4": POST,
    "gemma3_text": POST,
    "glm": PLAIN.with_mlp("gate_up_proj", "down_proj"),
    "glm4": replace(
        PLAIN.with_mlp("gate_up_proj", "down_proj"), attention="post_self_attn_layernorm", mlp="post_mlp_layernorm"
    ),
    "gpt_neox": Naming(
        layers="gpt_neox.layers",
        final_norm="gpt_neox.final_layer_norm",
        attention="attention",
        linears=("attention.query_key_value", "attention.dense", "mlp.dense_h_to_4h", "mlp.dense_4h_to_h"),
    ),
    "helium": PLAIN,
    "hunyuan_v1_dense": PLAIN,
    "ministral": PLAIN,
    "ministral3": PLAIN,
    "olmo": PLAIN,
    "olmo3": POST,
    "phi": replace(
        PLAIN,
        final_norm="model.final_layernorm",
        linears=(
            *("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.dense"),
            *("mlp.fc1", "mlp.fc2"),
        ),
    ),
    "seed_oss": PLAIN,
    "stablelm": PLAIN,
    "starcoder2": PLAIN.with_mlp("c_fc", "c_proj"),
}


@dataclass(frozen=True)
class Place:
    """A site at one layer: `module` is hooked before it runs (`before`) or behind it."""

    module: nn.Module
    before: bool
    #: What is added to the residual stream is the module's output times this.
    factor: float = 1.0


class Sites:
    """The sites of one model."""

    def __init__(self, model: nn.Module):
        """Raises WorkerError("architecture-unsupported") for a model without a row, or that lacks what its row names."""
        model_type = getattr(model.config, "model_type", "")
        if model_type not in NAMINGS:
            raise WorkerError(
                "architecture-unsupported",
                f'No naming row in sites.py describes the model type "{model_type}". It needs a row that names the list of blocks, the norm '
                "behind the last one, the modules whose outputs are added to the residual stream, and a block's linear modules. "
                f"There are rows for: {', '.join(sorted(NAMINGS))}.",
            )
        self.model = model
        self.naming = NAMINGS[model_type]
        try:
            self.layers: nn.ModuleList = model.get_submodule(self.naming.layers)
            block = self.layers[0]
            for name in (self.naming.attention, self.naming.mlp, *self.naming.linears):
                block.get_submodule(name)
            model.get_submodule(self.naming.final_norm)
        except AttributeError as error:
            raise WorkerError(
                "architecture-unsupported",
                f'A model of type "{model_type}" is not built as its row in sites.py says: {error}. This version of transformers names its '
                "modules otherwise; use a version that requirements.txt names.",
            ) from error
        self.count = len(self.layers)

    @property
    def final_norm(self) -> nn.Module:
        return self.model.get_submodule(self.naming.final_norm)

    def place(self, at: str, layer: int, module: str | None = None) -> Place:
        """Where a site is at a layer. The input of the block behind the last one that is there is read by the final norm."""
        layers = self.model.get_submodule(self.naming.layers)
        if at == "block-input":
            return Place(layers[layer] if layer < len(layers) else self.final_norm, before=True)
        block = layers[layer]
        if at == "linear-input":
            return Place(block.get_submodule(module), before=True)
        if at == "linear-output":
            return Place(block.get_submodule(module), before=False)
        name = self.naming.attention if at == "attention-output" else self.naming.mlp
        factor = float(getattr(block, self.naming.factor)) if self.naming.factor else 1.0
        return Place(block.get_submodule(name), before=False, factor=factor)
