"""Text from a model, token by token: greedy or drawn, one text or many, with a KV cache. Built in lesson 16."""

from collections.abc import Iterator
from typing import Any

import torch

from llmkit.generation.pieces import Pieces
from llmkit.generation.prompts import Prompt, Stop, Task, fill, prepare
from llmkit.generation.reader import Reader, reading
from llmkit.sampling import Sampling, greedy
from llmkit.shapes import Int, Tensor

GREEDY = Sampling(temperature=0)


def generate(
    model: Any,
    prompt: Prompt,
    max_new_tokens: int = 50,
    sampling: Sampling = GREEDY,
    stop: Stop | None = None,
    tokenizer: Any = None,
    begin: int | None = None,
) -> list[int] | list[list[int]] | str | list[str]:
    """What the model says after `prompt`, without the prompt: text with a tokenizer, token ids without one.

    `prompt` is a text, a list of ids, or a list of either; texts of different lengths are decoded side by side, and
    each row is what it would be alone (drawn rows share one stream of random numbers). `model` is ours, or one from
    `transformers` of a family that `llmkit.weights` knows. An encoder-decoder reads the prompt and answers.
    `stop` holds ids and texts that end the answer; None means the tokenizer's (or the model's) end-of-text token. A
    stop id is the last id returned, a stop text is cut off. `begin` is the id that a decoder begins with where the
    prompt gives none: the tokenizer's beginning-of-text token, or the padding token after an encoder.

    A text that outgrows the context: the window slides, with a warning. ValueError for what cannot be continued.

    >>> from llmkit.transformer import Config, Transformer
    >>> model = Transformer(Config(vocab_size=50, width=16, num_layers=1, num_heads=2))
    >>> [len(new) for new in generate(model, [[1, 2, 3], [4]], max_new_tokens=5)]
    [5, 5]
    """
    task = prepare(model, prompt, max_new_tokens, stop, tokenizer, begin)
    generator = sampling.generator(task.device)
    outputs = []
    for part in task.parts(max_new_tokens):
        outputs += _generate(part, max_new_tokens, sampling, tokenizer, generator)
    return outputs[0] if task.is_single else outputs


def stream(
    model: Any,
    prompt: Prompt,
    max_new_tokens: int = 50,
    sampling: Sampling = GREEDY,
    stop: Stop | None = None,
    tokenizer: Any = None,
    begin: int | None = None,
) -> Iterator[int] | Iterator[str]:
    """The same for one prompt, while it comes: pieces of text with a tokenizer, token ids without one.

    The pieces together are the text of `generate`. No piece ends inside a character, and none shows the beginning of
    a stop text. Stop taking pieces whenever you like.
    """
    task = prepare(model, prompt, max_new_tokens, stop, tokenizer, begin)
    if not task.is_single:
        raise ValueError(f"stream takes one prompt; got {len(task.rows)}. Use generate for several at once.")
    tokens = (row[0] for row in decode_rows(task, max_new_tokens, sampling, sampling.generator(task.device)))
    if tokenizer is None:
        return tokens
    return _texts(tokens, Pieces(tokenizer, () if task.sources else task.rows[0], task.stop_texts))


def _texts(tokens: Iterator[int], pieces: Pieces) -> Iterator[str]:
    for token in tokens:
        if text := pieces.add(token):
            yield text
        if pieces.is_stopped:
            return
    if text := pieces.finish():
        yield text


def _generate(
    task: Task, max_new_tokens: int, sampling: Sampling, tokenizer: Any, generator: torch.Generator | None
) -> list[list[int]] | list[str]:
    """`generate` for rows that fit into one batch."""
    prompts = [()] * len(task.rows) if task.sources else task.rows
    pieces = [Pieces(tokenizer, prompt, task.stop_texts) for prompt in prompts] if tokenizer is not None else []
    outputs = [[] for _ in task.rows]
    done = [False] * len(task.rows)
    for tokens in decode_rows(task, max_new_tokens, sampling, generator, done):
        for row, token in enumerate(tokens):
            if token is None:
                continue
            outputs[row].append(pieces[row].add(token) if pieces else token)
            done[row] = done[row] or (bool(pieces) and pieces[row].is_stopped)
    if not pieces:
        return outputs
    return ["".join(output) + piece.finish() for output, piece in zip(outputs, pieces, strict=True)]


def decode_rows(
    task: Task,
    max_new_tokens: int,
    sampling: Sampling,
    generator: torch.Generator | None = None,
    done: list[bool] | None = None,
) -> Iterator[list[int | None]]:
    """The heart of it: choose a token for every row, hand them out, let the model read them, and again.

    A row that is done gives None. It is done after a stop token, or when the caller says so in `done`.
    """
    done = [False] * len(task.rows) if done is None else done
    with reading(task.model):
        reader = Reader(task.model, task.rows, task.sources, room=max_new_tokens)
        logits = reader.start()  # (B, V)
        for left in reversed(range(max_new_tokens)):
            tokens = choose(logits, sampling, reader.rows, generator).tolist()
            finished = [is_done or token in task.stop_tokens for token, is_done in zip(tokens, done, strict=True)]
            yield [None if is_done else token for token, is_done in zip(tokens, done, strict=True)]
            done[:] = [now or said for now, said in zip(finished, done, strict=True)]
            if left == 0 or all(done):
                return
            logits = reader.read([[token] for token in tokens])[:, -1]


@torch.inference_mode()
def choose(
    logits: Tensor, sampling: Sampling, rows: list[list[int]], generator: torch.Generator | None = None
) -> Int[Tensor, " B"]:
    """The next token of each row, by its logits (B, V) and the settings; `rows` is what was said so far."""
    if sampling.is_greedy and sampling.repetition_penalty == 1:
        return greedy(logits)
    return sampling.choose(logits, said_so_far(rows, sampling, logits.device), generator)


def said_so_far(rows: list[list[int]], sampling: Sampling, device: torch.device) -> Int[Tensor, "B T"] | None:
    """What the repetition penalty looks at, padded with -1; None when there is no penalty."""
    if sampling.repetition_penalty == 1:
        return None
    longest = max(map(len, rows))
    return torch.tensor([fill(row, longest, -1) for row in rows], device=device)  # (B, T)
