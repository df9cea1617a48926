"""Byte-level BPE as the page learns it: the merges, counts and tokens of `llmkit.tokenization`, one for one."""

import unicodedata

import pytest
from strings import characters, strings

from llmkit.tokenization import BPE, PATTERN, byte_letters
from llmkit.trace import visible
from llmkit.widgets.tokenizer_bench import EXAMPLES

pytestmark = pytest.mark.browser

LEARN = """async ([texts, pattern]) => {
  const js = await import("/bpe_train.js");
  return texts.map((text) => {
    const trainer = js.makeTrainer(text, pattern);
    while (!trainer.isDone) trainer.more(0);  // one merge at a time, as on a slow machine
    return { total: trainer.total, merges: trainer.merges.map(({ left, right, count, total }) => [trainer.names[left], trainer.names[right], count, total]) };
  });
}"""
FOLLOW = """async ([text, sentences, pattern]) => {
  const js = await import("/bpe_train.js");
  const trainer = js.makeTrainer(text, pattern);
  while (!trainer.isDone) trainer.more();
  return sentences.map((sentence) => {
    const states = js.follow(sentence, pattern, trainer.merges);
    return Array.from({ length: trainer.merges.length + 1 }, (_, made) => js.stateAt(states, made));
  });
}"""
PIECES = """async ([text, sizes]) => (await import("/token_pieces.js")).piecesOf(text, sizes)"""


def wild(count: int, seed: int) -> list[str]:
    """Strings of all scripts, in characters that Python's and the browser's Unicode both know."""
    known = [char for char in characters(seed, 4_000) if unicodedata.ucd_3_2_0.category(char) != "Cn"]
    return [text for text in strings(count, known, seed) if not any("\ud800" <= char <= "\udfff" for char in text)]


TEXTS = [
    *(text for _, text, _ in EXAMPLES), "low low lower lowest newest newest widest", "aaaa aaa aaaaaaa aa banana bandana", "ab", "", "a a",
    "\n\n\n  x\n\n\n", "风风风风 风风", "🪁🪁🪁 👩‍👩‍👧‍👦👩‍👩‍👧‍👦", "don't we'll don't we'll", "x" * 500,
    *(" ".join(wild(40, seed)) for seed in range(12)),
]  # fmt: skip


def test_the_merges_and_their_counts_are_those_of_python(page):
    for text, learned in zip(TEXTS, page.evaluate(LEARN, [TEXTS, PATTERN]), strict=True):
        steps = list(BPE.steps(text))
        assert learned["total"] == len(text.encode())
        assert learned["merges"] == [[step.left, step.right, step.count, len(step.pieces)] for step in steps]
    assert sum(len(list(BPE.steps(text))) for text in TEXTS) > 1_000


@pytest.mark.parametrize(("name", "text", "sentence"), EXAMPLES, ids=[name for name, *_ in EXAMPLES])
def test_a_sentence_gets_after_every_merge_the_ids_of_the_tokenizer_with_these_merges(page, name, text, sentence):
    merges = [(step.left, step.right) for step in BPE.steps(text)]
    names = [*sorted(byte_letters()), *(left + right for left, right in merges)]
    sentences = [sentence, text[:200], "  don't\tstop \n", *wild(30, 3)]
    states = page.evaluate(FOLLOW, [text, sentences, PATTERN])
    for made in {0, 1, 2, 7, len(merges) // 2, len(merges)}:
        bpe = BPE({name: index for index, name in enumerate(names[: 256 + made])}, merges[:made])
        assert [state[made] for state in states] == [bpe.encode(one) for one in sentences]


def test_whole_characters_are_shown_as_text_and_parts_of_one_as_bytes(page):
    pieces = page.evaluate(PIECES, ["é风x", [1, 2, 3]])
    assert [piece["text"] for piece in pieces] == ["C3", "A9 E9", "A3 8E x"]
    assert [piece["says"] for piece in pieces] == [
        "byte 1 of the 2 of é", "byte 2 of the 2 of é, byte 1 of the 3 of 风", "bytes 2 to 3 of the 3 of 风",
    ]  # fmt: skip
    assert [piece["isPart"] for piece in page.evaluate(PIECES, ["é风x", [2, 3, 1]])] == [False] * 3
    assert [piece["text"] for piece in page.evaluate(PIECES, ["🪁a", [3, 2]])] == ["F0 9F AA", "81 a"]


def test_pieces_that_are_whole_are_named_as_everywhere_in_the_book(page):
    for char in [" ", "\n", "\t", "a", "风", "🪁", "\u200d", "\u0301", "\ufe0f", "ش", "\ufeff", "\x00", "\ufffd"]:
        assert page.evaluate(PIECES, [char, [len(char.encode())]])[0]["text"] == visible(char)


def test_tokens_run_the_way_of_their_first_letter(page):
    ways = page.evaluate("async (texts) => { const { directionOf } = await import('/token_pieces.js'); return texts.map(directionOf); }",
                         ["kite שלום", "؟ أين kite", "שלום", "123", "风筝", "\U00010900"])  # fmt: skip
    assert ways == ["ltr", "rtl", "rtl", "ltr", "ltr", "rtl"]
