"""Reading files: every way in which a file can be something else than a text is told in a sentence."""

import pytest

from llmkit.corpora import Document, read, split_of
from llmkit.corpora.document import files


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_paragraphs_lines_and_files_come_with_where_they_stood(tmp_path):
    file = write(tmp_path / "a.txt", "\ufeffOne\r\ntwo\r\n\r\n \r\n\r\nthree 风筝\n")
    assert list(read(file)) == [Document("One\ntwo", f"{file}:1"), Document("three 风筝", f"{file}:6")]
    assert [document.source for document in read(file, by="line")] == [f"{file}:1", f"{file}:2", f"{file}:6"]
    assert [document.source for document in read(file, by="file")] == [str(file)]
    with pytest.raises(ValueError, match="by is one of paragraph, line, file; got 'page'"):
        read(file, by="page")


def test_a_folder_gives_its_text_files_in_order_without_hidden_ones(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("b/2.md", "a.TXT", ".git/x.txt", "c.png", ".hidden.txt"):
        write(tmp_path / name, name)
    assert [file.name for file in files(tmp_path)] == ["a.TXT", "2.md"]
    assert [document.text for document in read(tmp_path)] == ["a.TXT", "b/2.md"]


def test_only_what_is_asked_for_is_read(tmp_path):
    write(tmp_path / "a.txt", "one")
    write(tmp_path / "b.txt", b"\xff\xff")
    stream = read(tmp_path)
    assert next(stream).text == "one"  # the broken file has not been met yet
    with pytest.raises(ValueError, match=r"b\.txt is not utf-8"):
        next(stream)


def test_a_byte_that_is_not_utf8_is_told_with_its_place_and_the_ways_out(tmp_path):
    file = write(tmp_path / "a.txt", "fine\n" * 5_000 + "caf" + "\n" + "x" * 9 + "é")
    file.write_bytes(file.read_bytes()[:-2] + "é".encode("latin-1"))
    with pytest.raises(ValueError, match=r'byte 0xe9 at position 10 of line 5002 does not fit.*errors="replace"'):
        list(read(file))
    assert [*read(file, by="line", errors="replace")][-1].text == "x" * 9 + "\ufffd"
    assert [*read(file, by="line", encoding="latin-1")][-1].text == "x" * 9 + "é"


def test_a_binary_file_is_refused_and_utf16_recognized(tmp_path):
    with pytest.raises(ValueError, match="no text file: it holds a byte 0 at position 3"):
        list(read(write(tmp_path / "a.txt", b"GIF\0\1")))
    file = write(tmp_path / "b.txt", "\ufeffkite".encode("utf-16-le"))
    with pytest.raises(ValueError, match='try encoding="utf-16"'):
        list(read(file))
    assert next(read(file, encoding="utf-16")).text == "kite"


@pytest.mark.parametrize("content", ["", " \n\t\n"])
def test_an_empty_file_is_an_error_that_names_it(tmp_path, content):
    with pytest.raises(ValueError, match=r"no text in .*a\.txt: only white space, or nothing"):
        list(read(write(tmp_path / "a.txt", content)))


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file or folder nowhere\.txt"):
        read("nowhere.txt")
    with pytest.raises(FileNotFoundError, match="has no text file"):
        read(tmp_path)


def test_splits_go_by_hash_and_keep_their_shares():
    keys = [f"story {number}" for number in range(5_000)]
    found = [split_of(key) for key in keys]
    for name, share in {"train": 0.8, "validation": 0.1, "test": 0.1}.items():
        assert abs(found.count(name) / len(keys) - share) < 4 * (share * (1 - share) / len(keys)) ** 0.5
    assert found == [split_of(key) for key in keys]
    grown = {"train": 0.9, "validation": 0.05, "test": 0.05}
    assert all(split_of(key, grown) == "train" for key, split in zip(keys, found, strict=True) if split == "train")


@pytest.mark.parametrize("shares", [{}, {"train": 0.5}, {"train": 1.5, "test": -0.5}])
def test_shares_that_do_not_add_up_are_refused(shares):
    with pytest.raises(ValueError, match="add up to 1"):
        split_of("key", shares)
