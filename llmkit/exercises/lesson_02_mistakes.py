"""Lesson 02: wrong answers that readers give, each with the sentence that names it."""

import torch

# 02.1 -----------------------------------------------------------------------------------------------


def no_bend(x, weight, bias):
    """These are the sums inside the neurons; the tanh is missing. Without it two layers are no more than one."""
    return x @ weight.T + bias


def bias_outside(x, weight, bias):
    """You added the bias after the tanh. It belongs inside: it decides *where* a neuron changes its mind."""
    return torch.tanh(x @ weight.T) + bias


def bias_forgotten(x, weight, bias):
    """The bias has no part in your answer. Without it every neuron changes its mind at a line through 0."""
    return torch.tanh(x @ weight.T)


def sigmoid_neurons(x, weight, bias):
    """These are sigmoid neurons, between 0 and 1. The exercise asks for tanh, between -1 and 1."""
    return torch.sigmoid(x @ weight.T + bias)


def weights_not_transposed(x, weight, bias):
    """Each neuron took a *column* of the weights. Row j of W belongs to neuron j: `x @ weight.T`."""
    if weight.shape[0] != weight.shape[1]:
        return torch.tanh(x @ weight.reshape(weight.shape[1], weight.shape[0]) + bias)
    return torch.tanh(x @ weight + bias)


# 02.2 -----------------------------------------------------------------------------------------------


def gathered(error, x):
    """What both gradients of a neuron are made of."""
    return (error[..., None] * x).sum(-2), error.sum(-1)


def sum_not_mean(x, y, w, b):
    """Your gradient is that of the *sum* of the losses, N times too large. The loss is their mean."""
    return gathered(torch.sigmoid(x @ w + b) - y, x)


def uphill_and_downhill(x, y, w, b):
    """The size is right and the sign is not: you have y - p. The gradient points uphill, p - y; the minus comes with the step."""
    return gathered((y - torch.sigmoid(x @ w + b)) / y.shape[-1], x)


def logit_for_chance(x, y, w, b):
    """You subtracted the label from the logit z. The error is p - y, with p = sigmoid(z)."""
    return gathered((x @ w + b - y) / y.shape[-1], x)


def squared_error(x, y, w, b):
    """There is a factor p (1 - p) too many. It belongs to the squared error; with the surprise as loss it cancels, and that is why
    a neuron that is sure and wrong still learns.
    """
    p = torch.sigmoid(x @ w + b)
    return gathered((p - y) * p * (1 - p) / y.shape[-1], x)


# 02.3 -----------------------------------------------------------------------------------------------


def returned(x, h, error, back):
    """The four gradients, from the error (..., N, 1) at the output and from what came back (..., N, H)."""
    return back.mT @ x, back.sum(-2), (h * error).sum(-2), error.sum((-2, -1))


def outward(x, y, weight, bias, v, c):
    """The hidden layer (..., N, H) and the error (..., N, 1) of the output."""
    h = torch.tanh(x @ weight.T + bias)
    return h, ((torch.sigmoid(h @ v + c) - y) / y.shape[-1])[..., None]


def slope_forgotten(x, y, weight, bias, v, c):
    """The gradients of v and c are right; W and b miss the slope of the tanh, 1 - h², on the way."""
    h, error = outward(x, y, weight, bias, v, c)
    return returned(x, h, error, error * v)


def slope_of_sigmoid(x, y, weight, bias, v, c):
    """You took h (1 - h), the slope of a sigmoid. These neurons are tanh, whose slope is 1 - h²."""
    h, error = outward(x, y, weight, bias, v, c)
    return returned(x, h, error, error * v * h * (1 - h))


def not_through_v(x, y, weight, bias, v, c):
    """The error has to come back through v: a neuron that counts twice as much gets twice the blame."""
    h, error = outward(x, y, weight, bias, v, c)
    return returned(x, h, error, error * (1 - h**2))


def v_meets_the_input_slope(x, y, weight, bias, v, c):
    """The gradient of v has a factor 1 - h² too many: v comes after the tanh, so nothing of its slope gets there."""
    h, error = outward(x, y, weight, bias, v, c)
    grad_w, grad_b, _, grad_c = returned(x, h, error, error * v * (1 - h**2))
    return grad_w, grad_b, (h * (1 - h**2) * error).sum(-2), grad_c


def network_summed(x, y, weight, bias, v, c):
    """Everything is N times too large: the loss is the mean over the examples, not their sum."""
    h, error = outward(x, y, weight, bias, v, c)
    error = error * y.shape[-1]
    return returned(x, h, error, error * v * (1 - h**2))


# 02.4 -----------------------------------------------------------------------------------------------


def swapped(scores, truth, threshold):
    """The two have changed places. Precision divides the hits by the yeses it said, recall by those there were to find."""
    said = scores >= threshold
    hits = (said & truth).sum(-1)
    return hits / truth.sum(-1).clamp(min=1), hits / said.sum(-1).clamp(min=1)


def accuracy_for_precision(scores, truth, threshold):
    """Your precision is the accuracy: it also counts every right no. Precision looks only at where the detector says yes."""
    said = scores >= threshold
    hits = (said & truth).sum(-1)
    return (said == truth).double().mean(-1), hits / truth.sum(-1).clamp(min=1)


def never_yes_is_nan(scores, truth, threshold):
    """A detector that never says yes gives NaN: 0 / 0. The exercise asks for 0 there."""
    said = scores >= threshold
    hits = (said & truth).sum(-1)
    return hits / said.sum(-1), hits / truth.sum(-1)


def strictly_above(scores, truth, threshold):
    """A score exactly at the threshold is a yes here: *at least*, `>=`, not `>`."""
    said = scores > threshold
    hits = (said & truth).sum(-1)
    return hits / said.sum(-1).clamp(min=1), hits / truth.sum(-1).clamp(min=1)


def all_examples_counted(scores, truth, threshold):
    """You divided the hits by the number of all examples. Neither precision nor recall does that."""
    said = scores >= threshold
    hits = (said & truth).double().mean(-1)
    return hits, hits


# 02.5 -----------------------------------------------------------------------------------------------


def answer_in_the_input(tokens):
    """Your target is the last token of the input: the answer stands in the question. Such a model learns to copy, looks perfect, and
    can do nothing. The target is the token *after* the four.
    """
    runs = tokens.unfold(-1, 5, 1)
    return runs[..., :4], runs[..., 3]


def the_word_before(tokens):
    """Your target stands *before* the four tokens. This model would write from right to left."""
    runs = tokens.unfold(-1, 5, 1)
    return runs[..., 1:], runs[..., 0]


def one_further(tokens):
    """You left one token out: the target should follow the input at once."""
    runs = torch.cat([tokens, tokens[..., -1:]], -1).unfold(-1, 6, 1)
    return runs[..., :4], runs[..., 5]


def read_backwards(tokens):
    """The targets are right, and the inputs stand in the wrong order: the token next to the target comes last."""
    runs = tokens.unfold(-1, 5, 1)
    return runs[..., :4].flip(-1), runs[..., 4]


def last_example_lost(tokens):
    """One example is missing at the end: T tokens give T - 4 examples, and the last target is the last token."""
    runs = tokens.unfold(-1, 5, 1)[..., :-1, :]
    return runs[..., :4], runs[..., 4]


def without_overlap(tokens):
    """You cut the text into pieces that do not overlap. A new example begins at *every* token, so that every token is a target once."""
    runs = tokens.unfold(-1, 5, 5)
    return runs[..., :4], runs[..., 4]
