"""A text with its source, read from files one at a time, and the split it belongs to."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
SUFFIXES = (".txt", ".md", ".rst", ".text")
BY = ("paragraph", "line", "file")


@dataclass(frozen=True)
class Document:
    """One text and where it came from."""

    text: str
    source: str  # such as "notes.txt:12" (file and line) or "pydoc:with"
    title: str = ""


def read(path: str | Path, by: str = "paragraph", encoding: str = "utf-8", errors: str = "strict") -> Iterator[Document]:
    """The texts of a file, or of the text files in a folder and below it, one at a time and never all at once.

    `by` cuts a file into paragraphs (blank lines between them), lines, or not at all ("file").
    Raises FileNotFoundError when there is nothing to read, and ValueError for a file that is no text or is in another
    encoding than `encoding`; with errors="replace" what cannot be decoded becomes U+FFFD.
    """
    if by not in BY:
        raise ValueError(f"by is one of {', '.join(BY)}; got {by!r}.")
    return _documents(files(path), by, encoding, errors)


def files(path: str | Path) -> list[Path]:
    """The file itself, or the text files of a folder in the order of their names; hidden ones are left out."""
    path = Path(path)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise FileNotFoundError(f"There is no file or folder {path}. Python looks from {Path.cwd()}.")
    found = [
        file for file in sorted(path.rglob("*"))
        if file.suffix.lower() in SUFFIXES and file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    if not found:
        raise FileNotFoundError(f"The folder {path} has no text file ({', '.join(SUFFIXES)}). Other files can be read by name.")
    return found


def split_of(key: str, shares: dict[str, float] = SHARES) -> str:
    """The split that a key belongs to, by its hash alone: the same today, tomorrow and on every machine.

    Give `document.source` to keep a file together, `document.text` to spread it. Near copies may land in different
    splits, so deduplicate first.

    >>> split_of("One cold afternoon")
    'train'
    """
    if not shares or min(shares.values()) < 0 or abs(sum(shares.values()) - 1) > 1e-9:
        raise ValueError(f"shares are at least 0 and add up to 1; got {shares}.")
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    point, total = int.from_bytes(digest, "little") / 2**64, 0.0
    for name, share in shares.items():
        total += share
        if point < total:
            return name
    return max(shares, key=shares.__getitem__)  # the sum may fall short of 1 by a rounding


def _documents(paths: Iterable[Path], by: str, encoding: str, errors: str) -> Iterator[Document]:
    found = False
    for path in paths:
        _refuse_binary(path, encoding)
        try:
            with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, errors=errors) as lines:
                for number, text in _cut(lines, by):
                    found = True
                    yield Document(text, str(path) if by == "file" else f"{path}:{number}")
        except UnicodeDecodeError as problem:
            raise ValueError(_undecodable(path, encoding)) from problem
    if not found:
        raise ValueError(f"There is no text in {', '.join(map(str, paths))}: only white space, or nothing at all.")


def _cut(lines: Iterable[str], by: str) -> Iterator[tuple[int, str]]:
    """The parts of a file, each with the number of its first line."""
    held: list[str] = []
    first = 1
    for number, line in enumerate(lines, 1):
        if held and (by == "line" or (by == "paragraph" and not line.strip())):
            yield first, "".join(held).strip()
            held = []
        if held or line.strip():
            first = first if held else number
            held.append(line)
    if held:
        yield first, "".join(held).strip()


def _refuse_binary(path: Path, encoding: str) -> None:
    """Text in UTF-8, and in every encoding of one byte a character, has no byte 0."""
    with path.open("rb") as file:
        start = file.read(8192)
    if b"\0" in start and not encoding.lower().startswith(("utf-16", "utf-32", "utf16", "utf32")):
        hint = ' It begins like UTF-16; try encoding="utf-16".' if start[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        raise ValueError(f"{path} is no text file: it holds a byte 0 at position {start.index(0)}.{hint}")


def _undecodable(path: Path, encoding: str) -> str:
    """Where a file stops being text in this encoding: file, line, byte."""
    ways = 'Give its own encoding, such as encoding="latin-1", or errors="replace" to read the rest.'
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as problem:
                byte = f"byte 0x{line[problem.start]:02x} at position {problem.start + 1} of line {number}"
                return f"{path} is not {encoding}: {byte} does not fit. {ways}"
    return f"{path} is not {encoding}. {ways}"
