"""Beam search: carry several beginnings of a text, keep the most likely ones. Built in lesson 16."""

from dataclasses import dataclass
from typing import Any

import torch

from llmkit.generation.pieces import decode
from llmkit.generation.prompts import Prompt, Stop, Task, prepare
from llmkit.generation.reader import Reader, reading


@dataclass(frozen=True)
class Beam:
    """One text that the search found."""

    tokens: list[int]  # what was added to the prompt; the stop token, if it came, is the last
    log_probability: float  # in nats, of all tokens together
    score: float  # log_probability / len(tokens) ** length_penalty
    text: str | None = None  # with a tokenizer; without special tokens


def beam_search(
    model: Any,
    prompt: Prompt,
    max_new_tokens: int = 50,
    num_beams: int = 4,
    length_penalty: float = 1.0,
    stop: Stop | None = None,
    tokenizer: Any = None,
    begin: int | None = None,
) -> list[Beam] | list[list[Beam]]:
    """The likeliest continuations that a search with `num_beams` beams finds, best first; a list for each prompt.

    At every step each beam is continued with every token; the `num_beams` best that go on are kept, and those that
    stop are put aside. A text's score is its log-probability divided by its length to the power `length_penalty`: 0
    compares whole texts, which favors short ones; 1 compares the mean per token. The search ends when no beam can
    overtake the worst of `num_beams` finished texts at its present length, as in `transformers`.
    A single beam is the greedy text. Prompts, `stop` (ids only) and `begin` are those of `generate`.

    >>> from llmkit.transformer import Config, Transformer
    >>> model = Transformer(Config(vocab_size=50, width=16, num_layers=1, num_heads=2))
    >>> [len(beam.tokens) for beam in beam_search(model, [1, 2, 3], max_new_tokens=5, num_beams=3)]
    [5, 5, 5]

    Graves 2012, arXiv:1211.3711; the length penalty as in Wu et al. 2016, arXiv:1609.08144, but simpler.
    """
    if not isinstance(num_beams, int) or num_beams < 1:
        raise ValueError(f"num_beams must be a whole number of at least 1; got {num_beams}.")
    task = prepare(model, prompt, max_new_tokens, stop, tokenizer, begin)
    if task.stop_texts:
        raise ValueError("Beam search stops at token ids only; give the ids, or use generate for stop texts.")
    sources = task.sources or [None] * len(task.rows)
    found = []
    for row, source in zip(task.rows, sources, strict=True):
        beams = _search(task, row, source, max_new_tokens, num_beams, length_penalty)
        found.append([_with_text(beam, tokenizer) for beam in beams])
    return found[0] if task.is_single else found


@torch.inference_mode()
def _search(
    task: Task, row: list[int], source: list[int] | None, max_new_tokens: int, num_beams: int, length_penalty: float
) -> list[Beam]:
    finished: list[Beam] = []
    running: list[tuple[float, list[int]]] = [(0.0, [])]  # log-probability and tokens, best first
    candidates = max(2, 1 + len(task.stop_tokens)) * num_beams  # so many that num_beams of them do not stop
    with reading(task.model):
        reader = Reader(task.model, [row], source and [source], room=max_new_tokens)
        logits = reader.start()  # (1, V)
        for length in range(1, max_new_tokens + 1):
            best = _best(logits, [so_far for so_far, _ in running], candidates)
            goes_on: list[tuple[float, list[int], int]] = []
            for rank, (log_probability, beam, token) in enumerate(best):
                tokens = [*running[beam][1], token]
                if token not in task.stop_tokens and length < max_new_tokens:
                    goes_on.append((log_probability, tokens, beam))
                elif rank < num_beams:
                    finished.append(Beam(tokens, log_probability, log_probability / length**length_penalty))
            goes_on = goes_on[:num_beams]
            finished = sorted(finished, key=lambda beam: -beam.score)[:num_beams]
            if not goes_on:
                break
            if len(finished) == num_beams and goes_on[0][0] / length**length_penalty <= finished[-1].score:
                break
            running = [(log_probability, tokens) for log_probability, tokens, _ in goes_on]
            reader.select(torch.tensor([beam for _, _, beam in goes_on], device=task.device))
            logits = reader.read([[tokens[-1]] for _, tokens in running])[:, -1]  # (beams, V)
    return finished


def _best(logits: torch.Tensor, so_far: list[float], count: int) -> list[tuple[float, int, int]]:
    """The `count` likeliest continuations of all beams: log-probability, which beam, which token; best first."""
    scores = torch.log_softmax(logits.float(), -1) + torch.tensor(so_far, device=logits.device)[:, None]  # (beams, V)
    top = scores.flatten().topk(min(count, scores.numel()))
    vocab_size = logits.shape[-1]
    pairs = zip(top.values.tolist(), top.indices.tolist(), strict=True)
    return [(score, index // vocab_size, index % vocab_size) for score, index in pairs]


def _with_text(beam: Beam, tokenizer: Any) -> Beam:
    text = None if tokenizer is None else decode(tokenizer, beam.tokens)
    return Beam(beam.tokens, beam.log_probability, beam.score, text)
