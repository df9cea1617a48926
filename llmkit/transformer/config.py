"""Every choice that makes a Transformer what it is, in one place. Built in lesson 07."""

from dataclasses import dataclass

CHOICES = {
    "kind": ("decoder", "encoder", "encoder-decoder"),
    "norm": ("rms", "layer"),
    "norm_place": ("pre", "post"),
    "activation": ("swiglu", "geglu", "gelu", "gelu_tanh", "relu"),
    "positions": ("rope", "learned", "sinusoidal", "alibi", "relative", "none"),
}
GATED = ("swiglu", "geglu")


@dataclass(frozen=True)
class Config:
    """The shape of a model and its choices. What is not said is what small language models use today (Llama's way).

    `norm_place="pre"` puts a norm before each sublayer and one at the end; "post" puts one after each sublayer and
    one after the embeddings, as BERT does. `positions="relative"` is T5's learned bias by distance.

    >>> config = Config(vocab_size=100, width=64, num_layers=2, num_heads=4)
    >>> config.head_dim, config.inner_width
    (16, 176)
    """

    vocab_size: int  # V
    width: int  # C, of the residual stream
    num_layers: int  # L, in each stack
    num_heads: int  # H
    num_kv_heads: int | None = None  # fewer than H: grouped-query attention; 1: multi-query; None: as many as H
    hidden_width: int | None = None  # of the feed-forward layer; None: see inner_width
    context: int = 256  # the longest text, in tokens
    kind: str = "decoder"
    norm: str = "rms"
    norm_place: str = "pre"
    activation: str = "swiglu"
    positions: str = "rope"
    tied: bool = True  # the embedding is also the matrix that makes logits
    bias: bool = False  # in every linear layer
    dropout: float = 0.0  # of what a sublayer adds to the stream
    norm_eps: float = 1e-5
    rope_base: float = 10_000.0
    rope_scale: float = 1.0  # position interpolation: 2 reads texts twice as long as those trained on
    num_segments: int = 0  # BERT tells two sentences apart with 2
    head_width: int | None = None  # D, where it is not C / H
    scale_scores: bool = True  # divide scores by sqrt(D); T5 does not
    scale_logits: bool = False  # divide the last hidden state by sqrt(C); the first T5 does, since its table is tied
    num_buckets: int = 32  # of positions="relative"
    max_distance: int = 128  # of positions="relative"

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is one of {', '.join(allowed)}; got {getattr(self, name)!r}.")
        for name in ("vocab_size", "width", "num_layers", "num_heads", "context", "kv_heads", "inner_width"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1; got {getattr(self, name)}.")
        if self.head_width is None and self.width % self.num_heads:
            raise ValueError(f"A width of {self.width} cannot be cut into {self.num_heads} equal heads.")
        if self.num_heads % self.kv_heads:
            raise ValueError(
                f"{self.num_heads} query heads cannot share {self.kv_heads} key-value heads evenly; "
                f"num_kv_heads must divide num_heads."
            )
        if self.positions == "rope" and self.head_dim % 2:
            raise ValueError(f"RoPE turns pairs of numbers, so the head width must be even; it is {self.head_dim}.")
        if self.num_segments and self.kind != "encoder":
            raise ValueError(f"Segments belong to an encoder such as BERT; this is a {self.kind}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is a probability from 0 to below 1; got {self.dropout}.")

    @property
    def head_dim(self) -> int:
        """D, the width of one head."""
        return self.head_width or self.width // self.num_heads

    @property
    def kv_heads(self) -> int:
        """How many heads keys and values have."""
        return self.num_heads if self.num_kv_heads is None else self.num_kv_heads

    @property
    def is_gated(self) -> bool:
        """True when the feed-forward layer multiplies two projections of its input (Shazeer 2020, arXiv:2002.05202)."""
        return self.activation in GATED

    @property
    def inner_width(self) -> int:
        """The width inside the feed-forward layer: 4 C, or 8/3 C (rounded up to 8) when gated, for equal parameters."""
        if self.hidden_width is not None:
            return self.hidden_width
        return -(-8 * self.width // 3 // 8) * 8 if self.is_gated else 4 * self.width
