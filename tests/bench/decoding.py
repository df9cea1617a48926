"""Decoding with the cache: ours beside `generate` of transformers, the same weights and ids, taken in turns."""

import statistics
import time
import warnings
from collections.abc import Callable

import torch

from llmkit import models
from llmkit.generation import generate, speculate
from llmkit.transformer import Config, Transformer
from llmkit.weights import from_transformers, to_transformers

NEW, TURNS = 256, 7
LIKE_TALES_GPT = Config(vocab_size=1536, width=224, num_layers=4, num_heads=8, num_kv_heads=4, hidden_width=672)
BEGIN = 1  # <s>


def run(say: Callable[[str], None]) -> dict[str, float]:
    """Ratios of tokens per second, each the median over turns; and how often the draft guesses right."""
    theirs, name = their_model()
    ours = from_transformers(theirs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {**beside_transformers(ours, theirs, name, say), **batched(ours, say), **speculative(ours, say)}


def their_model():
    """tales-gpt when it comes with the book, else random weights of its shape."""
    if "tales-gpt" in models.bundled():
        from transformers import AutoModelForCausalLM

        return AutoModelForCausalLM.from_pretrained(models.path("tales-gpt")).float().eval(), "tales-gpt"
    torch.manual_seed(0)
    model = Transformer(LIKE_TALES_GPT)
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.1 * torch.randn_like(weight)  # so that the text varies
    return to_transformers(model, bos_token_id=BEGIN, pad_token_id=0), "random weights of its shape"


def in_turns(sides: dict[str, Callable], turns: int = TURNS) -> dict[str, list[float]]:
    """Seconds of every side in every turn, after one turn to warm up."""
    times = {name: [] for name in sides}
    for turn in range(turns + 1):
        for name in sorted(sides, reverse=bool(turn % 2)):
            began = time.perf_counter()
            sides[name]()
            if turn:
                times[name].append(time.perf_counter() - began)
    return times


def ratio(times: dict[str, list[float]], slow: str, fast: str) -> float:
    return statistics.median(a / b for a, b in zip(times[slow], times[fast], strict=True))


def beside_transformers(ours, theirs, name: str, say) -> dict[str, float]:
    """One text, one token after the other."""
    theirs.generation_config.eos_token_id = None
    prompt = torch.tensor([[BEGIN]])
    options = {"attention_mask": torch.ones_like(prompt), "max_new_tokens": NEW, "do_sample": False}
    sides = {
        "ours": lambda: generate(ours, [BEGIN], NEW, stop=()),
        "theirs": lambda: theirs.generate(prompt, **options)[0, 1:].tolist(),
    }
    same = sides["ours"]() == sides["theirs"]()
    times = in_turns(sides)
    speed = {side: NEW / statistics.median(took) for side, took in times.items()}
    gain = ratio(times, "theirs", "ours")
    say(f"{NEW} tokens, one text, {name} ({ours.num_parameters() / 1e6:.1f}M parameters), "
        f"{torch.get_num_threads()} threads: ours {speed['ours']:.0f} tokens/s, transformers {speed['theirs']:.0f}; "
        f"ratio {gain:.2f} (bar 3.0), median of {TURNS} turns; {'the same ids' if same else 'DIFFERENT IDS'}")  # fmt: skip
    return {"decoding_ratio": gain, "same_ids": float(same), **{f"{side}_tokens_per_s": s for side, s in speed.items()}}


def batched(ours, say, count: int = 16, new: int = 64) -> dict[str, float]:
    """Sixteen texts of different lengths side by side, beside one after the other."""
    generator = torch.Generator().manual_seed(0)
    rows = [torch.randint(3, 1500, (5 + row,), generator=generator).tolist() for row in range(count)]
    sides = {
        "together": lambda: generate(ours, rows, new, stop=()),
        "alone": lambda: [generate(ours, row, new, stop=()) for row in rows],
    }
    gain = ratio(in_turns(sides, 3), "alone", "together")
    equal = sum(a == b for a, b in zip(sides["together"](), sides["alone"](), strict=True))
    say(f"{count} texts side by side: {gain:.1f} times the tokens per second of one after the other; {equal} are the same")
    return {"batch_ratio": gain}


def speculative(ours, say, new: int = 120) -> dict[str, float]:
    """tales-gpt-mini guesses for tales-gpt: what is saved in passes, and in time."""
    if not {"tales-gpt", "tales-gpt-mini"} <= set(models.bundled()):
        say("speculative decoding is measured when tales-gpt and tales-gpt-mini come with the book")
        return {}
    from transformers import AutoModelForCausalLM

    draft = from_transformers(AutoModelForCausalLM.from_pretrained(models.path("tales-gpt-mini")).float().eval())
    said = speculate(ours, draft, [BEGIN], new, stop=())
    sides = {
        "alone": lambda: generate(ours, [BEGIN], new, stop=()),
        "with draft": lambda: speculate(ours, draft, [BEGIN], new, stop=()),
    }
    gain, same = ratio(in_turns(sides, 5), "alone", "with draft"), said.tokens == sides["alone"]()
    say(f"tales-gpt-mini guesses for tales-gpt: {said.acceptance:.0%} of the guesses stand, {said.tokens_per_round:.1f} "
        f"tokens a pass, {gain:.2f} times the speed; {'the same ids' if same else 'DIFFERENT IDS'}. A draft pays when "
        f"the large model is much slower than it, which these two are not.")  # fmt: skip
    return {"acceptance": said.acceptance, "tokens_per_pass": said.tokens_per_round, "speculative_ratio": gain}
