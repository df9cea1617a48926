"""The next token on a page with a kernel: Python answers, refuses, and says where it computed."""

import re

import pytest
from bare_page import settle
from kernel_page import open_with_kernel

from llmkit.device import device_name
from llmkit.widgets import NextToken

pytestmark = pytest.mark.browser


def test_with_a_kernel_python_answers_refuses_and_says_where_it_computed(browser, serve, tmp_path, model):
    w = NextToken(text="Nora the fox", temperature=0.0)
    page = open_with_kernel(browser, serve, tmp_path, w)
    status, press = page.locator(".nt-status"), lambda name: page.get_by_role("button", name=name, exact=True).press("Enter")
    assert re.fullmatch(rf"tales-gpt-mini on {re.escape(device_name(w.device))}: \d+ tokens read in [\d.]+ ms\.", status.inner_text())
    page.get_by_label("Your text").fill("Otto the bear 🦊")
    page.wait_for_function(f"document.querySelectorAll('.nt-chip').length === {len(NextToken(text='Otto the bear 🦊').answer['tokens'])}")
    assert w.text == "Otto the bear 🦊"
    best = w.logits.argmax().item()
    press("Step")
    page.wait_for_function("document.querySelector('.nt-status').textContent.includes(': 1 token read')")
    assert w.thought.ids[-1] == best
    press("Run")
    page.wait_for_function("document.querySelectorAll('.nt-chip').length > 18")
    press("Pause")
    page.wait_for_timeout(300)
    assert page.locator(".nt-chip").all_inner_texts() == w.answer["tokens"]
    w.temperature = 1.5
    w._thinker.end = None
    w._thinker.vocab_size = 3  # as if model and tokenizer did not belong together
    page.get_by_label("Your text").fill("Nora")
    page.get_by_text("is not one of the 3 tokens that tales-gpt-mini knows (0 to 2)").wait_for()
    assert page.locator(".nt-chip").all_inner_texts() == w.answer["tokens"]  # the last good answer
    w._thinker.vocab_size = 1536
    w.text = "From another cell"
    page.evaluate("refresh()")
    page.wait_for_function("document.querySelector('.nt textarea').value === 'From another cell' || document.activeElement.matches('.nt textarea')")
    settle(page)
    assert page.locator(".nt-chip").all_inner_texts() == w.answer["tokens"]
    assert page.get_by_role("slider", name="temperature").get_attribute("aria-valuetext") == "1.50"
    assert not page.locator(".llm-notice").is_visible()
    assert page.errors == []
    page.close()
