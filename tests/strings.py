"""Strings that no tokenizer's author had in mind: every plane of Unicode, and the sequences that break careless code."""

import sys
import unicodedata
from random import Random

SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2003\u2009\u2028\u2029\u202f\u205f\u3000"
INVISIBLE = [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u00ad", "\u200b", "\u200d", "\u200e", "\u202e", "\ufeff", "\ufffd"]
PHRASES = [
    "Once upon a time", "don't we'll I'd", "IT'S they'RE", " the kite", "snake_case = f(x[0]) # 3.14e-10", "<s>", "</s>", "[CLS]", "[MASK]",
    "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇺🇳🇯🇵", "1️⃣", "e\u0301\u0323\u0489", "Z̴̡̛͓͌a̵͎͑l̸̰̅g̶̜̈o̷̘͐", "Crème BRÛLÉE", "ǅ ﬁ ﬄ ß İstanbul ΣΑΣ",
    "السَّلَامُ عَلَيْكُمْ", "שָׁלוֹם", "नमस्ते दुनिया", "สวัสดีชาวโลก", "风筝在谷仓上飞。", "𠀀𪛖豈", "日本語のカタカナ", "한국어 한", "Привет, мир",
    "½ ² Ⅷ ٣ १ ㊿ 一二", "$100 ^ ~ `", "“quoted” — … ¿qué?", "a" * 120, "ab" * 60, "   ", "\n\n\n", " \t \n", "x\x00y\x1cz", "\U0010ffff\ufffe",
]


def characters(seed: int, count: int) -> list[str]:
    """Half drawn from all 17 planes alike, half from the characters that Unicode has assigned."""
    random = Random(seed)
    anywhere = [chr(random.randrange(sys.maxunicode + 1)) for _ in range(count // 2)]
    assigned = []
    while len(assigned) < count - count // 2:
        char = chr(random.randrange(0x20000))
        assigned += [char] * (unicodedata.category(char) not in ("Cn", "Co", "Cs"))
    return [char for char in anywhere + assigned if unicodedata.category(char) != "Cs"]  # no lone surrogates


def strings(count: int, pool: list[str], seed: int) -> list[str]:
    """Texts of 0 to 7 parts each: a phrase, a run of spaces, something invisible, or characters of the pool."""
    random = Random(seed)
    kinds = [
        lambda: random.choice(PHRASES),
        lambda: "".join(random.choices(SPACES, k=random.randint(1, 5))),
        lambda: random.choice(INVISIBLE),
        lambda: "".join(random.choices(pool, k=random.randint(1, 6))),
        lambda: "".join(random.choices("abcdefghijklmnopqrstuvwxyz' ", k=random.randint(1, 9))),
    ]
    return ["".join(random.choice(kinds)() for _ in range(random.randint(0, 7))) for _ in range(count)]
