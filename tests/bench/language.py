"""The tales: how fast they are told, whether memory stays flat, and whether a tale can be understood again."""

import resource
import sys
import time
from itertools import islice

from llmkit.tales import entropy, expected_tokens, log_probability, parse, tales

TOLD, PARSED = 100_000, 10_000


def run(say) -> dict[str, float]:
    """100,000 tales told, 10,000 parsed back, and the exact probability beside the generator's own."""
    began = time.process_time()
    first, last = _memory_while_telling()
    seconds = time.process_time() - began
    say(f"{TOLD:,} tales in {seconds:.1f} s of one core; memory grew by {last - first:.1f} MB from the first thousand to the last")
    same, worst = 0, 0.0
    for tale in islice(tales("all", seed=11), PARSED):
        same += parse(tale.text) == tale
        worst = max(worst, abs(log_probability(tale.text) - tale.log_probability))
    say(f"{same:,} of {PARSED:,} tales parse back to themselves; log-probability differs by {worst:.1e} at most")
    say(f"entropy {entropy():.3f} nats a tale, {entropy() / expected_tokens():.4f} a token (a word or a punctuation mark)")
    return {"seconds": seconds, "grown_mb": last - first, "parsed": same, "of": PARSED, "worst": worst, "entropy": entropy()}


def _memory_while_telling() -> tuple[float, float]:
    """Peak memory of the process, in MB, after the first thousand tales and after the last."""
    unit = 1e6 if sys.platform == "darwin" else 1e3
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit  # noqa: E731
    first = 0.0
    for number, _ in enumerate(islice(tales("train", seed=10), TOLD), 1):
        if number == 1000:
            first = peak()
    return first, peak()
