"""Lesson 07: the wrong answers that readers give, written out, each with the sentence it gets.

Shapes: T tokens, C model width, F inner width of the feed-forward part.
"""

import torch

# 07.1 -----------------------------------------------------------------------------------------------


def centered(x, gain):
    """You subtracted the mean: that is LayerNorm. RMSNorm only divides."""
    x = x - x.mean(-1, keepdim=True)
    return gain * x / (x * x).mean(-1, keepdim=True).sqrt()


def summed(x, gain):
    """You divided by the root of the sum of squares. Take their mean, so that a number of the result is about 1 in size,
    however wide the row is."""
    return gain * x / (x * x).sum(-1, keepdim=True).sqrt()


def no_root(x, gain):
    """You divided by the mean square itself. Its root has the units of x; without it a row twice as long comes out half as
    long."""
    return gain * x / (x * x).mean(-1, keepdim=True)


def down_the_tokens(x, gain):
    """You took the mean over the tokens. Each token is normed by itself, over its own C numbers: the last axis."""
    return gain * x / (x * x).mean(-2, keepdim=True).sqrt()


def no_gain(x, gain):
    """The gain is missing: each of the C numbers is multiplied by its own."""
    return x / (x * x).mean(-1, keepdim=True).sqrt() + 0 * gain


def mean_of_sizes(x, gain):
    """You divided by the mean of the absolute values. Square, take the mean, then the root."""
    return gain * x / x.abs().mean(-1, keepdim=True)


# 07.2 -----------------------------------------------------------------------------------------------


def silu(z):
    return z * torch.sigmoid(z)


def gate_on_up(x, gate, up, down):
    """SiLU stands on the wrong projection: it belongs to x times gate."""
    return (x @ gate * silu(x @ up)) @ down


def gates_added(x, gate, up, down):
    """You added the two projections. A gate multiplies: where it is 0, nothing passes."""
    return (silu(x @ gate) + x @ up) @ down


def sigmoid_only(x, gate, up, down):
    """Your gate is the sigmoid alone. SiLU is z times sigmoid of z."""
    return (torch.sigmoid(x @ gate) * (x @ up)) @ down


def no_bend(x, gate, up, down):
    """Nothing bends in your answer: the gate is missing its SiLU."""
    return (x @ gate * (x @ up)) @ down


def rectified(x, gate, up, down):
    """Your gate is a ReLU. SiLU is smooth, and lets a little through below 0: z times sigmoid of z."""
    return (torch.relu(x @ gate) * (x @ up)) @ down


def no_up(x, gate, up, down):
    """This is the plain feed-forward part: the second projection, x times up, is missing."""
    return silu(x @ gate) @ down + 0 * (x @ up) @ down


# 07.3 -----------------------------------------------------------------------------------------------


def norm(x):
    return torch.nn.functional.layer_norm(x, x.shape[-1:])


def think(x, inner, outer):
    return torch.relu(x @ inner) @ outer


def post_norm(x, weights, value, inner, outer):
    """Your norms come after the additions. That is the block of 2017 and of BERT; asked for is pre-norm, where each part
    reads a normed copy and the stream itself is never normed."""
    h = norm(x + weights @ x @ value)
    return norm(h + think(h, inner, outer))


def first_add_missing(x, weights, value, inner, outer):
    """The first addition is missing: what attention found takes the place of the stream, and x is lost."""
    h = weights @ norm(x) @ value
    return h + think(norm(h), inner, outer)


def second_add_missing(x, weights, value, inner, outer):
    """The second addition is missing: h is lost, and only what the feed-forward part wrote goes on."""
    h = x + weights @ norm(x) @ value
    return think(norm(h), inner, outer)


def normed_stream(x, weights, value, inner, outer):
    """You added to the normed copy. What is normed is only read; the answer is added to the stream as it was."""
    x = norm(x)
    h = norm(x + weights @ x @ value)
    return h + think(h, inner, outer)


def side_by_side(x, weights, value, inner, outer):
    """Both parts read x in your answer. The second reads h, with what attention has found in it. (Some models do run the two
    side by side, to save time; this one does not.)"""
    return x + weights @ norm(x) @ value + think(norm(x), inner, outer)


def second_norm_missing(x, weights, value, inner, outer):
    """The feed-forward part reads h as it is. It should read a normed copy."""
    h = x + weights @ norm(x) @ value
    return h + think(h, inner, outer)


def first_norm_missing(x, weights, value, inner, outer):
    """Attention reads x as it is. It should read a normed copy."""
    h = x + weights @ x @ value
    return h + think(norm(h), inner, outer)


# 07.4 -----------------------------------------------------------------------------------------------


def parts(tokens, width, inner):
    """FLOPs of a token in a block: projections, feed-forward, scores and mix."""
    return 8 * width * width, 4 * width * inner, 4 * tokens * width


def once_each(tokens, width, inner, layers):
    """You get half of what is asked: a multiply-add is two operations, so an n by k by m product takes 2nkm."""
    return layers * tokens * sum(parts(tokens, width, inner)) / 2


def no_looking(tokens, width, inner, layers):
    """You counted the weights only. Scores and the mix of values are matrix products too, and they grow with the square of
    the text."""
    projections, thinking, _ = parts(tokens, width, inner)
    return layers * tokens * (projections + thinking)


def scores_only(tokens, width, inner, layers):
    """You counted the scores and forgot the mix: the weights times the values take as much again."""
    projections, thinking, looking = parts(tokens, width, inner)
    return layers * tokens * (projections + thinking + looking / 2)


def three_projections(tokens, width, inner, layers):
    """You counted three projections. The fourth lays the heads together again: the output."""
    projections, thinking, looking = parts(tokens, width, inner)
    return layers * tokens * (projections * 3 / 4 + thinking + looking)


def one_token(tokens, width, inner, layers):
    """This is the cost of one token. The text has T of them."""
    return layers * sum(parts(tokens, width, inner))


def one_layer(tokens, width, inner, layers):
    """This is the cost of one block. The model has L of them."""
    return tokens * sum(parts(tokens, width, inner)) + 0 * layers


# 07.5 -----------------------------------------------------------------------------------------------


def forward(x):
    """What the norm gave, and the deviation it divided by."""
    x = x - x.mean(-1, keepdim=True)
    deviation = (x * x).mean(-1, keepdim=True).sqrt()
    return x / deviation, deviation


def constants(x, grad):
    """You took mean and deviation for constants. Both depend on x, and their share has to be subtracted."""
    return grad / forward(x)[1]


def no_stretch(x, grad):
    """The share of the deviation is missing: n times the mean of g n."""
    return (grad - grad.mean(-1, keepdim=True)) / forward(x)[1]


def no_shift(x, grad):
    """The share of the mean is missing: the mean of g."""
    n, deviation = forward(x)
    return (grad - n * (grad * n).mean(-1, keepdim=True)) / deviation


def sums_for_means(x, grad):
    """You took sums where means are asked for: each of the two has a factor 1/C."""
    n, deviation = forward(x)
    return (grad - grad.sum(-1, keepdim=True) - n * (grad * n).sum(-1, keepdim=True)) / deviation


def undivided(x, grad):
    """The division by sigma is missing: a row twice as long answers half as much."""
    n, _ = forward(x)
    return grad - grad.mean(-1, keepdim=True) - n * (grad * n).mean(-1, keepdim=True)


def sample_deviation(x, grad):
    """Your deviation divides by C - 1, as `torch.std` does when nothing else is said. LayerNorm divides by C."""
    deviation = x.std(-1, keepdim=True)
    n = (x - x.mean(-1, keepdim=True)) / deviation
    return (grad - grad.mean(-1, keepdim=True) - n * (grad * n).mean(-1, keepdim=True)) / deviation
