"""Reading a text one step at a time: recurrent networks, what becomes of their gradient, and an encoder and decoder.

Shape letters: B batch, T tokens written, S tokens read, C width of the state, E width of an embedding, V letters.
"""

from typing import NamedTuple

import torch
from torch import nn

from llmkit.attention import softmax
from llmkit.shapes import Float, Int, Tensor

KINDS = ("recurrent", "convolution", "attention")


def rnn_step(
    x: Float[Tensor, "*B E"], state: Float[Tensor, "*B C"], read: Float[Tensor, "C E"], keep: Float[Tensor, "C C"]
) -> Float[Tensor, "*B C"]:
    """The next state of a plain recurrent network: tanh of what is read and what was known.

    >>> rnn_step(torch.tensor([1.0]), torch.tensor([0.5]), torch.tensor([[1.0]]), torch.tensor([[2.0]]))
    tensor([0.9640])

    Built in lesson 04, equation 4.1. Elman 1990.
    """
    return torch.tanh(x @ read.mT + state @ keep.mT)


def rnn_jacobian(states: Float[Tensor, "T C"], keep: Float[Tensor, "C C"]) -> Float[Tensor, "T C C"]:
    """How each of the states moves when the state before the first of them is nudged: a product with a factor for each step.

    >>> rnn_jacobian(torch.zeros(3, 1), torch.tensor([[0.5]])).flatten()
    tensor([0.5000, 0.2500, 0.1250])

    Built in lesson 04, equation 4.2.
    """
    product, products = torch.eye(keep.shape[0], dtype=keep.dtype), []
    for state in states:
        product = torch.diag(1 - state**2) @ keep @ product  # tanh' = 1 - tanh^2
        products.append(product)
    return torch.stack(products)


class Gates(NamedTuple):
    """One step of a GRU, with what decided it."""

    reset: Tensor  # (*B, C) how much of the old state the proposal sees
    update: Tensor  # (*B, C) how much of the old state stays
    proposal: Tensor  # (*B, C)
    state: Tensor  # (*B, C)


def gru_step(x: Float[Tensor, "*B E"], state: Float[Tensor, "*B C"], layer: nn.GRU | nn.GRUCell) -> Gates:
    """One step with the weights of torch's GRU, one layer in one direction.

    >>> gates = gru_step(torch.zeros(4), torch.zeros(2), nn.GRUCell(4, 2))
    >>> gates.state.shape
    torch.Size([2])

    Built in lesson 04, equations 4.4 and 4.5. Cho et al. 2014, arXiv:1406.1078.
    """
    end = "_l0" if isinstance(layer, nn.GRU) else ""
    named = dict(layer.named_parameters())
    read = x @ named[f"weight_ih{end}"].mT + named[f"bias_ih{end}"]  # (*B, 3C)
    kept = state @ named[f"weight_hh{end}"].mT + named[f"bias_hh{end}"]
    (read_r, read_z, read_n), (kept_r, kept_z, kept_n) = read.chunk(3, -1), kept.chunk(3, -1)
    reset, update = torch.sigmoid(read_r + kept_r), torch.sigmoid(read_z + kept_z)
    proposal = torch.tanh(read_n + reset * kept_n)
    return Gates(reset, update, proposal, (1 - update) * proposal + update * state)


# ---- encoder and decoder -----------------------------------------------------------------------------------------


class Written(NamedTuple):
    """What a decoder wrote, letter by letter, and where it looked."""

    letters: Tensor  # (B, T)
    chances: Tensor  # (B, T, V)
    weights: Tensor  # (B, T, S)


class EncoderDecoder(nn.Module):
    """One GRU reads the letters, another writes the answer from what the first hands over.

    With `attends` every letter written gets its own mixture of all the reader's states. Without, it gets the reader's
    last state: the same network with the weights held at (0, ..., 0, 1). Letters are 0 to V - 1; V stands before the answer.

    >>> model = EncoderDecoder(letters=5)
    >>> model.write(torch.tensor([[0, 1, 2]])).weights.shape
    torch.Size([1, 3, 3])

    Built in lesson 04, equations 4.6 to 4.8. Cho et al. 2014, arXiv:1406.1078; Bahdanau et al. 2014, arXiv:1409.0473;
    the score is Luong et al. 2015, arXiv:1508.04025, "general".
    """

    def __init__(self, letters: int = 26, embed: int = 32, width: int = 64, attends: bool = True):
        super().__init__()
        self.letters, self.attends = letters, attends
        self.embedding = nn.Embedding(letters + 1, embed)
        self.reader = nn.GRU(embed, width, batch_first=True)
        self.writer = nn.GRU(embed, width, batch_first=True)
        self.match = nn.Linear(width, width, bias=False) if attends else None
        self.mix = nn.Linear(2 * width, width)
        self.head = nn.Linear(width, letters)

    def look(self, queries: Float[Tensor, "B T C"], states: Float[Tensor, "B S C"]) -> Float[Tensor, "B T S"]:
        """The weights: how much of each state of the reader goes into each letter."""
        if self.match is None:
            last = torch.zeros(states.shape[1], dtype=states.dtype, device=states.device)
            last[-1] = 1
            return last.expand(len(queries), queries.shape[1], -1)
        return softmax(self.match(queries) @ states.mT)

    def say(self, queries: Float[Tensor, "B T C"], states: Float[Tensor, "B S C"]) -> tuple[Tensor, Tensor]:
        """Logits (B, T, V) and weights (B, T, S) for each state of the writer."""
        weights = self.look(queries, states)
        context = weights @ states  # (B, T, C)
        return self.head(torch.tanh(self.mix(torch.cat([context, queries], -1)))), weights

    def forward(self, letters: Int[Tensor, "B S"], answers: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """Logits of every answer letter, given those before it."""
        states, last = self.reader(self.embedding(letters))
        before = torch.cat([torch.full_like(answers[:, :1], self.letters), answers[:, :-1]], 1)
        queries, _ = self.writer(self.embedding(before), last)
        return self.say(queries, states)[0]

    @torch.no_grad()
    def write(self, letters: Int[Tensor, "B S"]) -> Written:
        """Write as many letters as were read, each time the likeliest, which is then read back."""
        states, state = self.reader(self.embedding(letters))
        letter, steps = torch.full_like(letters[:, :1], self.letters), []
        for _ in range(letters.shape[1]):
            query, state = self.writer(self.embedding(letter), state)
            logits, weights = self.say(query, states)
            letter = logits.argmax(-1)
            steps.append((letter, softmax(logits), weights))
        return Written(*(torch.cat(parts, 1) for parts in zip(*steps, strict=True)))


# ---- how far, and how long one after another ----------------------------------------------------------------------


def path_length(kind: str, tokens: int, kernel: int = 3) -> int:
    """How many layers or steps lie between the first of `tokens` tokens and the last.

    A convolution sees `kernel` tokens, itself and those before it, and is stacked until the first is in sight.

    >>> [path_length(kind, 9) for kind in KINDS]
    [8, 4, 1]

    Built in lesson 04, equation 4.9. Vaswani et al. 2017, arXiv:1706.03762, table 1.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(map(repr, KINDS))}; got {kind!r}.")
    if tokens < 2 or kernel < 2:
        raise ValueError(f"A path needs two tokens, and a kernel two places; got {tokens} and {kernel}.")
    return {"recurrent": tokens - 1, "convolution": -(-(tokens - 1) // (kernel - 1)), "attention": 1}[kind]


def sequential_steps(kind: str, tokens: int, kernel: int = 3) -> int:
    """How many steps must wait for one another before the last token has heard of the first.

    >>> [sequential_steps(kind, 9) for kind in KINDS]
    [9, 4, 1]
    """
    return tokens if kind == "recurrent" else path_length(kind, tokens, kernel)


def multiplications(kind: str, tokens: int, width: int, kernel: int = 3) -> int:
    """Multiplications of one layer, leading term: what all tokens need at one width, projections of attention left out.

    >>> [multiplications(kind, 100, 64) for kind in KINDS]
    [409600, 1228800, 640000]

    Built in lesson 04, equation 4.10. Vaswani et al. 2017, arXiv:1706.03762, table 1.
    """
    return {"recurrent": tokens * width**2, "convolution": kernel * tokens * width**2, "attention": tokens**2 * width}[kind]
