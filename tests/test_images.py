"""The pictures of lesson 02: the digits that are always there, and FashionMNIST with and without torchvision."""

import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch

from llmkit.images import INKS, as_text, digits, fashion_mnist


def test_the_digits_are_ten_classes_of_gray_pictures():
    images = digits()
    assert images.pixels.shape == (1797, 64) and images.pixels.min() == 0 and images.pixels.max() == 1
    counts = images.labels.bincount(minlength=10)
    assert counts.min() > 170 and counts.sum() == 1797 and images.names == tuple("0123456789")


def test_without_torchvision_one_sentence_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)
    with pytest.raises(FileNotFoundError, match=r"^FashionMNIST comes through torchvision, which is not installed here\.$"):
        fashion_mnist()


def stand_in(monkeypatch, dataset):
    """A module with torchvision's own names, since the real one is not among the book's packages."""
    module = ModuleType("torchvision.datasets")
    module.FashionMNIST = dataset
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.datasets", module)


def test_with_torchvision_and_without_the_files_it_says_how_to_get_them(monkeypatch, tmp_path):
    def missing(root, train, download):
        assert not download, "nothing is fetched without being asked for"
        raise RuntimeError("Dataset not found. You can use download=True to download it")

    stand_in(monkeypatch, missing)
    with pytest.raises(FileNotFoundError, match=r"the files of FashionMNIST are not: .*download=True"):
        fashion_mnist(tmp_path)


def test_with_both_the_pictures_are_rows_from_0_to_1(monkeypatch, tmp_path):
    data = torch.randint(0, 256, (7, 28, 28), dtype=torch.uint8)
    found = SimpleNamespace(data=data, targets=torch.arange(7), classes=["Coat", "Bag"])
    stand_in(monkeypatch, lambda root, train, download: found)
    images = fashion_mnist(tmp_path)
    assert images.pixels.shape == (7, 784) and torch.equal(images.pixels[3].view(28, 28), data[3] / 255)
    assert images.labels.tolist() == list(range(7)) and images.names == ("Coat", "Bag")


def test_a_picture_in_characters_has_two_for_each_pixel_and_darker_ones_for_more_ink():
    drawn = as_text(torch.linspace(0, 1, 9).repeat(2, 1), gap="|").splitlines()
    assert len(drawn) == 3 and len(drawn[-1]) == 13
    inks = "".join(line.split("|")[0].ljust(6)[::2] for line in drawn)
    assert [INKS.index(ink) for ink in inks] == sorted(INKS.index(ink) for ink in inks)
