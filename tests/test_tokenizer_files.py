"""Tokenizer files: what is written whole or not at all, and what stands around a text."""

import json
from pathlib import Path

import pytest

from llmkit import tokenizer_files as files

VOCAB = {"<pad>": 0, "<s>": 1, "</s>": 2, "<user>": 3}


def test_of_two_special_tokens_that_start_together_the_longer_counts():
    assert files.split_special("a<|x|>b<|x|>>", ("<|x|>", "<|x|>>")) == ["a", "<|x|>", "b", "<|x|>>"]
    assert files.split_special("a.c abc", ("a.c",)) == ["a.c", " abc"]  # a dot is a dot
    assert files.split_special("plain", ()) == ["plain"]


def test_roles_are_told_by_name_and_the_rest_is_extra(tmp_path):
    files.save(tmp_path / "new" / "folder", {"model": {}}, VOCAB, {})
    read = json.loads((tmp_path / "new" / "folder" / "special_tokens_map.json").read_text())
    assert read == {
        "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "additional_special_tokens": ["<user>"],
    }


def test_a_full_disk_leaves_the_old_file_whole(tmp_path, monkeypatch):
    files.save(tmp_path, {"model": {"old": 1}}, VOCAB, {})
    before = (tmp_path / "tokenizer.json").read_text()

    def no_space(self, *_, **__):
        with self.open("w") as file:
            file.write("{")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", no_space)
    with pytest.raises(OSError, match="No space left"):
        files.save(tmp_path, {"model": {"new": 2}}, VOCAB, {})
    assert (tmp_path / "tokenizer.json").read_text() == before


def test_a_pair_of_texts_is_framed_with_segments_or_without():
    bert = files.template(["<s>"], ["</s>"], VOCAB, pair=True)
    assert [next(iter(part.values())) for part in bert["pair"]] == [
        {"id": "<s>", "type_id": 0}, {"id": "A", "type_id": 0}, {"id": "</s>", "type_id": 0},
        {"id": "B", "type_id": 1}, {"id": "</s>", "type_id": 1},
    ]
    assert files.template([], [], VOCAB) is None
