"""The Chinese term stands beside the English one."""

import pytest

PAGE = "# Words\n\n```{{glossary}}\nattention\n    Mixing values, see {{term}}`attention`.{}\n```\n"


def test_the_chinese_term_moves_beside_the_english_one_and_says_its_language(build):
    page, warnings = build(PAGE.format(" In Chinese: 注意力."))
    assert warnings == ""
    term = page.split("<dt")[1].split("</dt>")[0]
    assert 'lang="zh-Hans">注意力</span>' in term and "attention" in term
    assert "In Chinese" not in page


@pytest.mark.parametrize("end", ["", " In Chinese: ."])
def test_a_term_without_one_is_a_warning_with_its_place(build, end):
    _, warnings = build(PAGE.format(end))
    assert "the glossary's 'attention' has no Chinese term" in warnings and "index.md" in warnings
