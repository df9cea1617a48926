"""The model in the page against PyTorch and `tokenizers`: the same ids, the same logits, the same attention."""

import random
import shutil
from base64 import b64encode
from pathlib import Path

import pytest
import tiny_model
import torch

from llmkit.trace import token_texts
from llmkit.widgets import tinylm

pytestmark = pytest.mark.browser

# Puts a model into the page: { model, tokenizer, think } from its file in base64.
OPEN = """async (text) => {
  const [lm, bpe, engine] = await Promise.all(['tinylm', 'bpe', 'tinylm_engine'].map((name) => import(`/${name}.js`)));
  const file = () => lm.readModel(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
  window.js = { ...lm, ...bpe, ...engine, model: lm.makeModel(file()), tokenizer: bpe.makeTokenizer(file().tokenizer), think: engine.makeThinker(file(), 1000, () => false) };
}"""
READ = """(ids) => { js.model.crop(0); return ids.map((id) => {
  const { states, attention } = js.model.step(id);
  return [states.map((state) => Array.from(js.model.logits(state))), Array.from(attention)]; }); }"""
VARIANTS = {
    "grouped queries, tied": {},
    "one key for all, untied": {"num_key_value_heads": 1, "tie_word_embeddings": False},
    "wide heads, another base": {"num_key_value_heads": 4, "head_dim": 10, "rope_parameters": {"rope_theta": 500.0, "rope_type": "default"}, "rms_norm_eps": 1e-3},
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The folder of a tiny model, the model, and its tokenizer."""
    folder = tmp_path_factory.mktemp("tiny")
    return folder, *tiny_model.save(folder)


def put(page, folder, precision="float32"):
    page.evaluate(OPEN, b64encode(tinylm.export(folder, precision)).decode())


def random_strings(count):
    chance = random.Random(5)
    kinds = [(32, 126), (9, 13), (0xA0, 0x17F), (0x590, 0x6FF), (0x900, 0x97F), (0x2000, 0x206F), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0x1F300, 0x1FAFF)]
    return ["".join(chr(chance.randint(*chance.choice(kinds))) for _ in range(chance.randint(1, 40))) for _ in range(count)]


@pytest.mark.parametrize("prefix", [False, True])
def test_the_tokenizer_gives_the_ids_of_the_tokenizers_library_on_any_string(page, tiny, tmp_path, prefix):
    folder = Path(shutil.copytree(tiny[0], tmp_path / "copy"))
    tokenizer = tiny_model.make_tokenizer(prefix=prefix)
    tokenizer.save(str(folder / "tokenizer.json"))
    put(page, folder)
    strings = tiny_model.STRINGS + random_strings(1000)
    got = page.evaluate("(strings) => strings.map(js.tokenizer.encode)", strings)
    wrong = [s for s, ids in zip(strings, got, strict=True) if ids != tokenizer.encode(s, add_special_tokens=False).ids]
    assert wrong == []
    decoded = page.evaluate("(lists) => lists.map(js.tokenizer.decode)", got)
    if not prefix:
        assert decoded == strings


def test_tokens_read_as_they_do_in_python(page, tiny):
    folder, _, tokenizer = tiny
    put(page, folder)
    lists = [tokenizer(s, add_special_tokens=False)["input_ids"] for s in tiny_model.STRINGS]
    assert page.evaluate("(lists) => lists.map(js.tokenizer.names)", lists) == [token_texts(tokenizer, ids) for ids in lists]


@pytest.mark.parametrize("variant", VARIANTS)
def test_logits_of_every_layer_and_attention_of_every_head_agree_with_pytorch(page, tmp_path, variant):
    model, _ = tiny_model.save(tmp_path, **VARIANTS[variant])
    put(page, tmp_path)
    ids = [1, *torch.randint(3, 400, (39,)).tolist()]
    read = page.evaluate(READ, ids)
    with torch.inference_mode():
        seen = model(torch.tensor([ids]), output_attentions=True, output_hidden_states=True)
        lens = [model.lm_head(model.model.norm(state))[0] for state in seen.hidden_states[1:-1]] + [seen.logits[0]]
    assert seen.logits.std() > 1  # strong opinions: an error would show
    ours = torch.tensor([step[0] for step in read])  # (T, L, V)
    worst = (ours - torch.stack(lens, 1)).abs().max().item()
    print(f"\n{variant}: logits differ from PyTorch's by at most {worst:.1e}")
    assert worst <= 1e-4
    for t, (_, attention) in enumerate(read):
        expected = torch.stack([layer[0, :, t, : t + 1] for layer in seen.attentions])  # (L, H, t + 1)
        torch.testing.assert_close(torch.tensor(attention, dtype=torch.float32).view_as(expected), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("precision", "most"), [("float16", 1e-4), ("int8", 2.0)])
def test_smaller_weights_give_nearly_the_same_logits(page, tiny, precision, most):
    folder, model, _ = tiny
    put(page, folder, precision)
    ids = [1, *torch.randint(3, 400, (39,)).tolist()]
    ours = torch.tensor([step[0][-1] for step in page.evaluate(READ, ids)])
    with torch.inference_mode():
        theirs = model(torch.tensor([ids])).logits[0]
    difference = (ours - theirs).abs()
    print(f"\n{precision}: logits (standard deviation {theirs.std():.1f}) differ by {difference.mean():.2g} on average, {difference.max():.2g} at most")
    assert difference.max() <= most


def test_whatever_is_asked_in_whatever_order_the_answer_is_that_of_a_fresh_reading(page, tiny):
    folder, model, tokenizer = tiny
    put(page, folder)
    long = "Nora the fox looked in the garden and by the well, but she found nothing. " * 3
    texts = ["Nora the fox", "Nora the fox woke", "Nora the", "Nora the", "", "Otto", "Otto " + long, "Otto " + long + "x", "Nora the fox"]
    for text in texts:
        answer = page.evaluate("async (text) => { const a = await js.think({ n: 1, text }); return { ...a, order: [...a.order], logits: [...a.logits], attention: [...a.attention] }; }", text)
        ids = [1, *tokenizer(text, add_special_tokens=False)["input_ids"]]
        assert answer["ids"] == ids
        start = answer["start"]
        window = [1, *ids[start + 1 :]] if start else ids
        assert len(window) <= 48
        with torch.inference_mode():
            seen = model(torch.tensor([window]), output_attentions=True)
        torch.testing.assert_close(torch.tensor(answer["logits"], dtype=torch.float32), seen.logits[0, -1], atol=1e-3, rtol=0)
        assert answer["surprise"][0] is None
        losses = torch.nn.functional.cross_entropy(seen.logits[0, :-1], torch.tensor(window[1:], dtype=torch.long), reduction="none")
        torch.testing.assert_close(torch.tensor(answer["surprise"][1:], dtype=torch.float32), losses, atol=1e-3, rtol=0)
        last = torch.stack([layer[0, :, -1] for layer in seen.attentions]).flatten()
        torch.testing.assert_close(torch.tensor(answer["attention"], dtype=torch.float32), last, atol=1e-4, rtol=0)
        assert answer["text"] == text


def test_the_window_slides_a_quarter_at_a_time_and_never_holds_more_than_the_context(page, tiny):
    put(page, tiny[0])
    starts = page.evaluate("Array.from({ length: 400 }, (_, count) => js.windowStart(count, 48))")
    assert starts[:49] == [0] * 49
    assert {count - start for count, start in enumerate(starts) if count > 48} == set(range(37, 49))
    assert {start % 12 for start in starts} == {0}


SPEED = """async () => {
  let { ids } = await js.think({ n: 1, text: 'Nora the fox' });
  const began = performance.now();
  for (let k = 0; k < 100; k++) ({ ids } = await js.think({ n: 1, ids: [...ids, 300 + k] }));
  return 100 / ((performance.now() - began) / 1000); }"""


@pytest.mark.timed
def test_the_model_of_the_page_reads_at_least_60_tokens_a_second(page, tmp_path):
    """In the time that its thread computes: what the clock would say if no other program ran."""
    tiny_model.save(tmp_path, 256, 2.0, 1536, **tiny_model.REAL)
    put(page, tmp_path, "int8")
    tools = page.context.new_cdp_session(page)
    tools.send("Performance.enable", {"timeDomain": "threadTicks"})
    speeds = []
    for _ in range(3):
        before = busy(tools)
        by_clock = page.evaluate(SPEED)
        speeds.append(100 / (busy(tools) - before))
        print(f"\ntinylm: {speeds[-1]:.0f} tokens per second of its thread, {by_clock:.0f} by the clock; attention, logit lens and names included")
    assert max(speeds) >= 60


def busy(tools) -> float:
    """Seconds that the page's thread has computed."""
    return {entry["name"]: entry["value"] for entry in tools.send("Performance.getMetrics")["metrics"]}["TaskDuration"]
