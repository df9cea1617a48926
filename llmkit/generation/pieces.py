"""Token ids to text while they come, without ever showing half a character. Built in lesson 16."""

from collections.abc import Sequence
from typing import Any

UNFINISHED = "\ufffd"  # what a decoder writes for bytes that are no character (yet)


class Pieces:
    """Takes tokens one by one and gives back the text that is certain by now.

    A byte-level token may hold a part of a character: its text waits for the rest. A text that may be the beginning
    of a stop text waits too; the stop text itself is never given back. `prompt` is what stood before, because some
    tokenizers write a token differently at the beginning of a text.

    >>> class Bytes:
    ...     def decode(self, ids, skip_special_tokens=True): return bytes(ids).decode("utf-8", "replace")
    >>> pieces = Pieces(Bytes())
    >>> [pieces.add(byte) for byte in "né".encode()]
    ['n', '', 'é']
    """

    def __init__(self, tokenizer: Any, prompt: Sequence[int] = (), stop_texts: Sequence[str] = ()):
        self.tokenizer, self.stop_texts = tokenizer, tuple(stop_texts)
        self.ids = list(prompt)[-8:]  # more than any character and any joining rule needs
        self.before, self.given = 0, len(self.ids)  # ids[before:given] are known text, ids[given:] are not yet
        self.waiting = ""  # text that may begin a stop text
        self.is_stopped = False

    def add(self, token: int) -> str:
        """The text that is certain now that `token` has come; empty when all of it must wait."""
        self.ids.append(token)
        text = decode(self.tokenizer, self.ids[self.before :])
        if text.endswith(UNFINISHED):
            return ""
        new = self._new_in(text)
        self.before, self.given = self.given, len(self.ids)
        return self._hold_back(new)

    def finish(self) -> str:
        """What is still waiting when no more tokens come."""
        if self.is_stopped:
            return ""
        text = self._hold_back(self._new_in(decode(self.tokenizer, self.ids[self.before :])))
        self.given = len(self.ids)
        text, self.waiting = text + self.waiting, ""
        return text

    def _new_in(self, text: str) -> str:
        """What ids[given:] add to the text of ids[before:given], which a prompt may have ended in mid-character."""
        known = decode(self.tokenizer, self.ids[self.before : self.given])
        return text[len(known if text.startswith(known) else known.rstrip(UNFINISHED)) :]

    def _hold_back(self, text: str) -> str:
        """Cut at a stop text, and keep back the longest end that could still become one."""
        text = self.waiting + text
        found = [text.find(stop) for stop in self.stop_texts if stop in text]
        if found:
            self.is_stopped, self.waiting = True, ""
            return text[: min(found)]
        held = max((overlap(text, stop) for stop in self.stop_texts), default=0)
        self.waiting = text[len(text) - held :]
        return text[: len(text) - held]


def overlap(text: str, stop: str) -> int:
    """How many characters at the end of `text` are also the beginning of `stop`.

    >>> overlap("it is the e", "the end")
    5
    """
    return next((n for n in range(min(len(text), len(stop)), 0, -1) if text.endswith(stop[:n])), 0)


def decode(tokenizer: Any, ids: Sequence[int]) -> str:
    """The text of ids without special tokens, by our tokenizers, those of `transformers` or the library `tokenizers`."""
    if hasattr(tokenizer, "special"):
        return tokenizer.decode(ids, skip_special=True)
    return tokenizer.decode(ids, skip_special_tokens=True)
