"""Lesson 06: the wrong answers that readers give, written out, each with the sentence it gets.

Shapes: T tokens, C model width, H heads, G key-value heads, D head width, E width of values.
"""

import math

import torch

# 06.1 -----------------------------------------------------------------------------------------------


def causal(is_token):
    tokens = is_token.shape[-1]
    return torch.ones(tokens, tokens, dtype=torch.bool).tril()


def one_is_enough(is_token):
    """You joined the two with "or", so a later token may be looked at as long as it is real. Both must hold: `&`."""
    return causal(is_token) | is_token[..., None, :]


def rows_for_columns(is_token):
    """You forbade padding to look, and everybody may still look at it. Keys are the columns: `is_token[..., None, :]`."""
    return causal(is_token) & is_token[..., :, None]


def both_sides(is_token):
    """You hid padding as keys and forbade it to look as well. Its rows are now empty, and softmax of an empty row is 0/0.
    Hide it as keys only."""
    return causal(is_token) & is_token[..., None, :] & is_token[..., :, None]


def turned_over(is_token):
    """Your mask says True where a query may NOT look. That is how torch.nn.MultiheadAttention wants it; in this book True
    means "may look"."""
    return ~(causal(is_token) & is_token[..., None, :])


def not_itself(is_token):
    """Your tokens may not look at themselves. "Not later" includes the token itself: `.tril()` without a number."""
    return causal(is_token).tril(-1) & is_token[..., None, :]


def future(is_token):
    """Your tokens see the future and not the past. Rows are queries: `.tril()` keeps the keys at or before each."""
    return causal(is_token).mT & is_token[..., None, :]


# 06.2 -----------------------------------------------------------------------------------------------


def cut(x, heads):
    return x.unflatten(-1, (int(heads), -1)).transpose(-3, -2)


def joined(x):
    return x.transpose(-3, -2).flatten(-2)


def mixed(q, k, v, width=None):
    return torch.softmax(q @ k.mT / math.sqrt(width or q.shape[-1]), dim=-1) @ v


def root_of_the_model_width(hidden, w_query, w_key, w_value, w_output, heads):
    """You divided by the root of the model width C. A head's dot product has D terms, so its scores are divided by the
    root of D = C / H."""
    q, k, v = (cut(hidden @ w, heads) for w in (w_query, w_key, w_value))
    return joined(mixed(q, k, v, hidden.shape[-1])) @ w_output


def reshaped_without_swapping(hidden, w_query, w_key, w_value, w_output, heads):
    """You reshaped to (H, T, D) in one go, so a head holds pieces of different tokens. Cut the last axis first, (T, H, D),
    then swap: `.unflatten(-1, (H, D)).transpose(-3, -2)`."""
    tokens, width = hidden.shape[-2:]
    shape = (*hidden.shape[:-2], int(heads), tokens, width // int(heads))
    q, k, v = ((hidden @ w).reshape(shape) for w in (w_query, w_key, w_value))
    return joined(mixed(q, k, v)) @ w_output


def interleaved(hidden, w_query, w_key, w_value, w_output, heads):
    """Your heads take every H-th column. A head's columns stand side by side: h D to (h + 1) D - 1."""
    count = int(heads)
    q, k, v = ((hidden @ w).unflatten(-1, (-1, count)).movedim(-1, -3) for w in (w_query, w_key, w_value))
    return mixed(q, k, v).movedim(-3, -1).flatten(-2) @ w_output


def not_swapped_back(hidden, w_query, w_key, w_value, w_output, heads):
    """The heads are not laid side by side again: you flattened (H, T, D) as it stands. Swap back to (T, H, D) first."""
    q, k, v = (cut(hidden @ w, heads) for w in (w_query, w_key, w_value))
    return mixed(q, k, v).reshape(hidden.shape) @ w_output


def no_output_matrix(hidden, w_query, w_key, w_value, w_output, heads):
    """The heads stand side by side in your answer, and nothing mixes them. Multiply by `w_output` at the end."""
    q, k, v = (cut(hidden @ w, heads) for w in (w_query, w_key, w_value))
    return joined(mixed(q, k, v))


def one_wide_head(hidden, w_query, w_key, w_value, w_output, heads):
    """You attended once with the whole width: that is one head. Cut queries, keys and values into H of them first."""
    return mixed(*(hidden @ w for w in (w_query, w_key, w_value))) @ w_output


def averaged_weights(hidden, w_query, w_key, w_value, w_output, heads):
    """You averaged the weights over the heads before mixing. Each head mixes its values with its own weights; that is what
    several are for."""
    q, k, v = (cut(hidden @ w, heads) for w in (w_query, w_key, w_value))
    weights = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), dim=-1).mean(-3, keepdim=True)
    return joined(weights @ v) @ w_output


# 06.3 -----------------------------------------------------------------------------------------------


def steps(step, layers):
    heard = torch.eye(step.shape[-1], dtype=torch.double).expand(step.shape)
    for _ in range(layers):
        heard = (step.double() @ heard > 0).double()
    return heard > 0


def kept(mask):
    return mask | torch.eye(mask.shape[-1], dtype=torch.bool)


def not_what_it_carries(mask, layers):
    """You left out what a token carries already. A layer adds to it, so a token always hears of itself, and of whatever
    it heard before: `mask | torch.eye(T, dtype=torch.bool)`."""
    return steps(mask, int(layers))


def one_layer(mask, layers):
    """This is what one layer can hear. In the next, a token looks at others that have heard of more."""
    return kept(mask)


def other_direction(mask, layers):
    """Rows and columns are swapped: your answer says whom token i can reach. Asked is of whom it can hear."""
    return steps(kept(mask), int(layers)).mT


def a_layer_less(mask, layers):
    """You are one layer short. Begin with what a token knows before the first layer, itself, and take `layers` steps."""
    return steps(kept(mask), int(layers) - 1)


def a_layer_more(mask, layers):
    """You took one layer too many. The mask itself is the first layer."""
    return steps(kept(mask), int(layers) + 1)


# 06.4 -----------------------------------------------------------------------------------------------


def round_and_round(query, key):
    """Your heads go round the keys: 0, 1, 0, 1. Heads that follow each other share one: 0, 0, 1, 1. That is
    `repeat_interleave`, not `repeat`."""
    heads, groups = query.shape[-2], key.shape[-2]
    return (query * key[..., torch.arange(heads) % groups, :]).sum(-1) / math.sqrt(query.shape[-1])


def first_key_for_all(query, key):
    """All your heads use the first key. Each group has one of its own."""
    return (query * key[..., :1, :]).sum(-1) / math.sqrt(query.shape[-1])


def averaged_keys(query, key):
    """You averaged the keys. Each group of heads has one key to itself."""
    return (query * key.mean(-2, keepdim=True)).sum(-1) / math.sqrt(query.shape[-1])


def root_forgotten(query, key):
    """The keys are shared rightly; the root is missing. Divide by the root of the head's width D."""
    return shared(query, key)


def one_for_each_group(query, key):
    """You averaged the queries of a group, so its heads ask the same. Only keys and values are shared: each head keeps a
    query of its own."""
    groups = key.shape[-2]
    means = query.unflatten(-2, (groups, -1)).mean(-2, keepdim=True).expand_as(query.unflatten(-2, (groups, -1)))
    return shared(means.flatten(-3, -2), key) / math.sqrt(query.shape[-1])


def shared(query, key):
    keys = key.repeat_interleave(query.shape[-2] // key.shape[-2], dim=-2)
    return (query * keys).sum(-1)


# 06.5 -----------------------------------------------------------------------------------------------


def added_as_they_are(top_a, total_a, mix_a, top_b, total_b, mix_b):
    """You added the sums as they are. Each was made from its own largest score; bring both to the common one first, with
    the factors exp(top_a - top) and exp(top_b - top)."""
    return torch.maximum(top_a, top_b), total_a + total_b, mix_a + mix_b


def divided_already(top_a, total_a, mix_a, top_b, total_b, mix_b):
    """Your third number is the finished output, mix / total. Keep the mix undivided, so that a third part can be joined to it."""
    top = torch.maximum(top_a, top_b)
    a, b = torch.exp(top_a - top), torch.exp(top_b - top)
    total = a * total_a + b * total_b
    return top, total, (a * mix_a + b * mix_b) / total


def upside_down(top_a, total_a, mix_a, top_b, total_b, mix_b):
    """Your factors are upside down: exp(top - top_a) is 1 or more and blows up. The sums must shrink: exp(top_a - top)."""
    top = torch.maximum(top_a, top_b)
    a, b = torch.exp(top - top_a), torch.exp(top - top_b)
    return top, a * total_a + b * total_b, a * mix_a + b * mix_b


def smaller_top(top_a, total_a, mix_a, top_b, total_b, mix_b):
    """You kept the smaller of the two largest scores, so exponentials can overflow. Keep the larger: `torch.maximum`."""
    top = torch.minimum(top_a, top_b)
    a, b = torch.exp(top_a - top), torch.exp(top_b - top)
    return top, a * total_a + b * total_b, a * mix_a + b * mix_b


def averaged(top_a, total_a, mix_a, top_b, total_b, mix_b):
    """You took the mean of both parts, as if each weighed the same. How much a part weighs follows from its largest score
    and its total: shrink both to the common top, then add."""
    return torch.maximum(top_a, top_b), (total_a + total_b) / 2, (mix_a + mix_b) / 2
