"""Lesson 06's experiment: the task, and that the number of heads changes no number of weights."""

import torch

from llmkit.recipes import two_looks


def test_the_answers_stand_one_and_four_before():
    letters, answers = two_looks.batch(3)
    assert torch.equal(answers[:, 4:, 0], letters[:, 3:-1]) and torch.equal(answers[:, 4:, 1], letters[:, :-4])
    assert torch.equal(letters, two_looks.batch(3)[0]) and not torch.equal(letters, two_looks.batch(4)[0])


def test_one_head_or_eight_have_as_many_weights():
    counts = {sum(weight.numel() for weight in two_looks.Looker(heads).parameters()) for heads in (1, 2, 8)}
    assert len(counts) == 1


def test_asking_counts_each_letter_by_itself():
    class Knows(torch.nn.Module):
        def forward(self, letters):
            first = torch.nn.functional.one_hot(letters.roll(1, 1), two_looks.LETTERS)
            return torch.stack([first, first], -2).float()

    first, second = two_looks.ask(Knows())
    assert first == 1.0 and second < 0.15


def test_training_is_the_same_every_time():
    one, again = (two_looks.learn(2, seed=1, steps=3).answer.weight for _ in range(2))
    assert torch.equal(one, again)
