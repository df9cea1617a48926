"""What readers do to `check`, and what it says; nothing they write may raise in their notebook."""

import functools
import linecache
import re

import pytest
import torch
from torch import softmax as imported_softmax

from llmkit.exercises import check, exercise, progress
from llmkit.exercises.card import message
from llmkit.exercises.lesson_05 import attention_weights


def outcome_and_text(number, function):
    verdict = check(number, function)
    return verdict.outcome, repr(verdict)


def test_an_unknown_exercise_is_answered_with_those_that_exist():
    for answer in (exercise("5.1"), check("5.1", attention_weights)):
        assert repr(answer).startswith("There is no exercise '5.1'. Did you mean \"05.1\"? These exist: ")
        assert "05.1, 05.2, 05.3" in repr(answer)
    for strange in ("99.9", "", None, 7, [], "<script>"):
        assert re.search(r"These exist: .*05\.1, 05\.2", repr(exercise(strange)))


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda query, key: None, "returned None"),
        (lambda query, key: [[1.0]], "returned a list"),
        (lambda query, key: attention_weights(query, key).numpy(), "returned a ndarray"),
        (lambda query, key: (attention_weights(query, key),), "comma"),
        (lambda query, key: attention_weights(query, key).mT, "should have shape (2, 3); yours has (3, 2)"),
        (
            lambda query, key: attention_weights(query, key)[..., 0, 0],
            "should have shape (2, 3); yours has ()",
        ),
        (lambda query, key: attention_weights(query, key) + 0j, "real numbers"),
        (lambda query, key: attention_weights(query, key).to_sparse(), "ordinary tensor"),
        (lambda query, key: attention_weights(query, key) * torch.nan, "NaN, 6 of 6"),
        (lambda query, key: attention_weights(query, key) > 0.2, "should sum to 1"),
        (lambda query, key: torch.zeros(2, 0), "should have shape (2, 3); yours has (2, 0)"),
    ],
)
def test_an_answer_of_the_wrong_kind_gets_a_helpful_sentence(function, words):
    outcome, text = outcome_and_text("05.1", function)
    assert outcome == "incorrect" and words in text


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda *given: given[0], "it returned a Tensor"),
        (lambda *given: given[:2], "it returned 2 things"),
        (
            lambda *given: (given[0], None, *given[2:4]),
            "`grad_key` should be a torch.Tensor; your function returned None",
        ),
        (
            lambda query, key, value, weight: (query, key[0], value, weight),
            "`grad_query` has the right shape, but its numbers differ",
        ),
    ],
)
def test_an_answer_with_missing_parts_gets_a_helpful_sentence(answer, words):
    def bilinear_backward(query, key, value, weight, grad_output):
        return answer(query, key, value, weight)

    outcome, text = outcome_and_text("05.5", bilinear_backward)
    assert outcome == "incorrect" and words in text


@pytest.mark.parametrize("given", [3, None, "attention_weights", torch.zeros(2, 3)])
def test_a_value_in_place_of_the_function_gets_a_helpful_sentence(given):
    outcome, text = outcome_and_text("05.1", given)
    assert outcome == "error" and 'check("05.1", attention_weights)' in text


def test_a_function_with_other_arguments_gets_a_helpful_sentence():
    outcome, text = outcome_and_text("05.1", lambda query: query)
    assert outcome == "error" and "calls `attention_weights(query, key)`" in text


def test_a_function_may_name_its_arguments_as_it_likes_and_have_more_with_defaults():
    assert check("05.1", lambda q, k, dim=-1: attention_weights(q, k)).outcome == "correct"
    assert (
        check("05.1", functools.wraps(attention_weights)(lambda *both: attention_weights(*both))).outcome
        == "correct"
    )


def test_single_precision_and_gradients_are_fine_where_they_do_no_harm():
    assert (
        check("05.1", lambda query, key: attention_weights(query.float(), key.float())).outcome == "correct"
    )
    assert (
        check("05.1", lambda query, key: attention_weights(query, key.requires_grad_())).outcome == "correct"
    )


def test_changing_an_input_is_seen_and_named():
    def in_place(scores):
        scores -= scores.max(dim=-1, keepdim=True).values
        return scores.exp() / scores.exp().sum(dim=-1, keepdim=True)

    outcome, text = outcome_and_text("05.2", in_place)
    assert outcome == "incorrect" and "changed its input `scores`" in text and "0 of 6" in text


def by_module(scores):
    return torch.nn.Softmax(dim=-1)(scores)


def by_logarithms(scores):
    return torch.nn.functional.log_softmax(scores, -1).exp()


@pytest.mark.parametrize(
    "function",
    [
        lambda scores: torch.softmax(scores, -1),
        lambda scores: scores.softmax(-1),
        lambda scores: torch.nn.functional.softmax(scores, dim=-1),
        lambda scores: imported_softmax(scores, -1),
        by_module,
        by_logarithms,
    ],
)
def test_right_numbers_from_torchs_own_softmax_are_not_a_softmax_written(function):
    verdict = check("05.2", function)
    assert verdict.outcome == "incorrect"
    assert verdict.paragraphs == (message(exercise("05.2").shortcut),)
    assert progress().state("05.2") == "tried, 1 attempt"


def test_a_softmax_written_from_parts_may_share_its_name_and_its_parts():
    def softmax(scores):
        exponentials = (scores - scores.amax(-1, keepdim=True)).exp()
        return exponentials / torch.einsum("...s->...", exponentials)[..., None]

    assert check("05.2", lambda scores: softmax(scores)).outcome == "correct"
    assert check("05.1", attention_weights).outcome == "correct"  # elsewhere torch.softmax is welcome


def test_wrong_numbers_from_torchs_own_softmax_are_told_what_is_wrong_with_the_numbers():
    outcome, text = outcome_and_text("05.2", lambda scores: torch.softmax(scores, 0))
    assert outcome == "incorrect" and "should sum to 1" in text and "asked to write" not in text


def test_an_answer_may_use_the_transforms_of_torch():
    """They run through the same machinery that notes which functions are called."""

    def by_jacobian(weights, grad_weights):
        rows = weights.reshape(-1, weights.shape[-1])
        jacobian = torch.vmap(torch.func.jacrev(lambda scores: torch.softmax(scores, -1)))(rows.log())
        return torch.einsum("rj,rjl->rl", grad_weights.reshape(rows.shape), jacobian).reshape(weights.shape)

    assert check("05.4", by_jacobian).outcome == "correct"


def from_a_cell(source, name):
    """A function as a notebook defines it: compiled from a cell, whose lines Python can look up."""
    cell = f"<ipython-input-{abs(hash(source))}>"
    linecache.cache[cell] = (len(source), None, source.splitlines(True), cell)
    scope = {"torch": torch}
    exec(compile(source, cell, "exec"), scope)
    return scope[name]


def test_an_exception_is_told_with_its_line_and_never_as_a_traceback():
    source = "def attention_weights(query, key):\n    d = query.shape[-1]\n    return torch.softmax(query @ key, -1)\n"
    outcome, text = outcome_and_text("05.1", from_a_cell(source, "attention_weights"))
    assert outcome == "error"
    assert "in line 3 of its cell" in text
    assert (
        "return torch.softmax(query @ key, -1)\nRuntimeError: mat1 and mat2 shapes cannot be multiplied (2x4 and 3x4)"
        in text
    )
    assert "`query` of shape (2, 4) and `key` of shape (3, 4)" in text
    assert "Traceback" not in text and "judge.py" not in text


def test_the_line_is_the_readers_own_even_when_the_error_comes_from_deeper():
    source = "def attention_weights(query, key):\n    return torch.cat([query, key], dim=1)\n"
    _, text = outcome_and_text("05.1", from_a_cell(source, "attention_weights"))
    assert "in line 2" in text
    source = "import json\ndef attention_weights(query, key):\n    return json.loads('{')\n"
    _, text = outcome_and_text("05.1", from_a_cell(source, "attention_weights"))
    assert "in line 3" in text and "JSONDecodeError" in text


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, SystemExit, RecursionError, AssertionError, StopIteration]
)
def test_nothing_the_reader_raises_gets_through(error):
    def raises(query, key):
        raise error

    outcome, text = outcome_and_text("05.1", raises)
    assert outcome == "error" and error.__name__ in text


def test_an_interrupted_function_is_not_called_again():
    calls = []

    def interrupted(query, key):
        calls.append(1)
        raise KeyboardInterrupt

    assert "You interrupted your function" in outcome_and_text("05.1", interrupted)[1]
    assert len(calls) == 1


def test_an_exception_that_cannot_even_be_printed_gets_a_sentence():
    class UnprintableError(Exception):
        def __str__(self):
            raise ValueError

    def raises(query, key):
        raise UnprintableError

    assert "UnprintableError" in outcome_and_text("05.1", raises)[1]


def test_a_stub_is_told_from_an_operation_that_torch_does_not_have():
    def stub(query, key):
        raise NotImplementedError("write me")

    def lacks_an_operation(query, key):
        return torch.zeros(2, 3, device="meta").cpu()  # torch refuses under the same name

    assert check("05.1", stub).outcome == "not attempted"
    assert check("05.1", lacks_an_operation).outcome == "error"


def test_one_coincidence_is_not_a_diagnosis():
    """On the first input, where weights are above 0.2 the scaled score happens to be 1, elsewhere 0."""
    text = repr(check("05.1", lambda query, key: (attention_weights(query, key) > 0.2).double()))
    assert "scaled scores" not in text


def test_a_function_right_for_matrices_only_is_told_about_batches():
    def no_batches(query, key):
        return torch.softmax(query @ key.permute(*range(key.ndim)[::-1]) / query.shape[-1] ** 0.5, dim=1)

    outcome, text = outcome_and_text("05.1", no_batches)
    assert outcome == "error" and "Single matrices come out right" in text and "3 of 5" in text


def test_what_the_reader_prints_is_shown_once_and_cut(capsys):
    def chatty(query, key):
        print("scores " * 1000)
        return query @ key.mT

    text = repr(check("05.1", chatty))
    assert capsys.readouterr().out == ""
    assert "Your function printed" in text and "(cut here)" in text and len(text) < 3000


def test_text_from_the_reader_stays_text():
    def nasty(query, key):
        raise ValueError("</details><script>alert(1)</script> ``` $x$")

    text = check("05.1", nasty).markdown()
    assert "````text\n" in text and text.index("````text") < text.index("<script>") < text.rindex("````")


def test_what_is_displayed_is_the_same_every_time():
    for number in ("05.1", "05.5"):
        one = exercise(number)
        assert one._repr_mimebundle_() == exercise(number)._repr_mimebundle_()
        for function in (one.solution, *one.mistakes):
            assert check(number, function)._repr_mimebundle_() == check(number, function)._repr_mimebundle_()


def test_large_answers_are_shown_by_the_row_that_differs_most():
    def wrong_in_one_place(query, key):
        weights = attention_weights(query, key)
        if weights.ndim == 4:
            weights[1, 2, 3] = 0
        return weights

    text = repr(check("05.1", wrong_in_one_place))
    assert "weights[1, 2, 3], the row that differs most" in text and "[0 0 0 0]" in text
    assert "4 of 5 inputs came out right" in text


def test_the_readers_random_numbers_are_left_alone():
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    check("05.1", attention_weights)
    assert torch.equal(torch.rand(1), expected)
