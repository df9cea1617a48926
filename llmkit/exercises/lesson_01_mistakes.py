"""Lesson 01: wrong answers that readers give, each with the sentence that names it, and what right answers have in common."""

import math

import torch

# 01.1 -----------------------------------------------------------------------------------------------


def product_first(chances):
    """You multiplied the chances and took the logarithm at the end. For short texts that is right; the product of 2,000
    chances is too small for a computer and becomes 0, and log 0 is minus infinity. Take logarithms first, then add.
    """
    return torch.log(chances.prod(dim=-1))


def sum_of_chances(chances):
    """You took the logarithm of the *sum* of the chances. Probabilities of things that all have to happen are multiplied;
    their logarithms are added.
    """
    return torch.log(chances.sum(dim=-1))


def mean_of_logarithms(chances):
    """This is the mean of the logarithms, the log-probability per token. The whole text has their sum."""
    return torch.log(chances).mean(dim=-1)


def sign_changed(chances):
    """The number is right and its sign is not: this is the surprise, minus the log-probability. A probability below 1 has a
    logarithm below 0.
    """
    return -torch.log(chances).sum(dim=-1)


def in_bits(chances):
    """These are logarithms to base 2. The exercise asks for the natural logarithm, `torch.log`."""
    return torch.log2(chances).sum(dim=-1)


# 01.2 -----------------------------------------------------------------------------------------------


def inverse_of_the_mean(chances):
    """You took the mean of the chances and inverted it. One token at 0.9 then hides one at 0.001. Take logarithms first: it
    is the mean *surprise* that is exponentiated.
    """
    return 1 / chances.mean(dim=-1)


def mean_of_inverses(chances):
    """This is the arithmetic mean of 1/P. Perplexity is the geometric one: the exponential of the mean logarithm. A single
    very unlikely token would otherwise drown all others.
    """
    return (1 / chances).mean(dim=-1)


def two_to_the_nats(chances):
    """You raised 2 to a surprise that is in nats. Either $e$ to the nats, or 2 to the bits; mixed, the number comes out too small."""
    return 2 ** (-torch.log(chances)).mean(dim=-1)


def exponential_of_the_sum(chances):
    """You summed the surprise and did not divide by the number of tokens. This is 1 over the probability of the whole text,
    and it grows with every token.
    """
    return torch.exp(-torch.log(chances).sum(dim=-1))


def not_exponentiated(chances):
    """This is the mean surprise, the cross-entropy in nats. Perplexity is $e$ to that power."""
    return -torch.log(chances).mean(dim=-1)


# 01.3 -----------------------------------------------------------------------------------------------


def still_in_nats(nats, num_bytes):
    """These are nats per byte. One bit is 0.693 nats: divide by $\\ln 2$ to count in bits."""
    return nats.sum(dim=-1) / num_bytes.sum(dim=-1)


def times_ln_2(nats, num_bytes):
    """You multiplied by $\\ln 2$; divide by it. A bit is less than a nat, so there must be more bits than nats."""
    return nats.sum(dim=-1) * math.log(2) / num_bytes.sum(dim=-1)


def bits_per_token(nats, num_bytes):
    """These are bits per token. Divide by the number of bytes, not of tokens, so that it does not matter how the text was cut."""
    return nats.mean(dim=-1) / math.log(2)


def mean_of_ratios(nats, num_bytes):
    """You averaged the bits per byte of each token, so a token of one byte counts as much as one of nine. Sum both first, then
    divide once.
    """
    return (nats / num_bytes).mean(dim=-1) / math.log(2)


# 01.4 -----------------------------------------------------------------------------------------------


def nothing_given_back(counts, shorter, discount):
    """The discount was taken off the counts, and nobody received it: rows sum to less than 1, and a token that was not seen
    has no chance at all. The shorter context gets the weight $\\delta N / C$.
    """
    total = counts.sum(dim=-1, keepdim=True)
    return torch.where(total > 0, (counts - discount).clamp(min=0) / total.clamp(min=1), shorter)


def given_for_every_token(counts, shorter, discount):
    """The weight of the shorter context counts every token of the vocabulary. Only tokens that were *seen* here gave
    something: N is the number of counts above 0.
    """
    total = counts.sum(dim=-1, keepdim=True)
    kept = (counts - discount).clamp(min=0)
    return torch.where(total > 0, (kept + discount * counts.shape[-1] * shorter) / total.clamp(min=1), shorter)


def not_clipped(counts, shorter, discount):
    """A count of 0 went below 0: nothing can be taken where there is nothing. Clip at 0, `.clamp(min=0)`."""
    total = counts.sum(dim=-1, keepdim=True)
    kinds = (counts > 0).sum(dim=-1, keepdim=True)
    return torch.where(total > 0, (counts - discount + discount * kinds * shorter) / total.clamp(min=1), shorter)


def weight_of_the_discount(counts, shorter, discount):
    """The shorter context got the weight $\\delta$. It should get what was taken: $\\delta$ from each of the N seen tokens,
    out of a total of C, so $\\delta N / C$.
    """
    total = counts.sum(dim=-1, keepdim=True)
    kept = (counts - discount).clamp(min=0) / total.clamp(min=1)
    return torch.where(total > 0, kept + discount * shorter, shorter)


def empty_row_nan(counts, shorter, discount):
    """A context that was never seen gives NaN: its total is 0, and 0 / 0 is no number. There the shorter context decides alone."""
    total = counts.sum(dim=-1, keepdim=True)
    kinds = (counts > 0).sum(dim=-1, keepdim=True)
    return ((counts - discount).clamp(min=0) + discount * kinds * shorter) / total


def empty_row_zero(counts, shorter, discount):
    """A context that was never seen gives only zeros, as if nothing could follow. There the shorter context decides alone."""
    total = counts.sum(dim=-1, keepdim=True)
    kinds = (counts > 0).sum(dim=-1, keepdim=True)
    return ((counts - discount).clamp(min=0) + discount * kinds * shorter) / total.clamp(min=1)


def sums_to_one(chances):
    """Each row should sum to 1; yours do not all. What is taken off the counts must all be given away."""
    return torch.allclose(chances.sum(dim=-1), torch.ones_like(chances.sum(dim=-1)))


# 01.5 -----------------------------------------------------------------------------------------------


def nan_where_impossible(truth, model):
    """Tokens that cannot come give NaN: 0 times log 0. Such a term counts as 0; `torch.xlogy` knows that."""
    return (truth * torch.log(truth / model)).sum(dim=-1)


def the_other_way_round(truth, model):
    """The two have changed places: this is what the *truth* would pay if tokens came from the *model*. The weights and the
    numerator are the truth's.
    """
    return (torch.xlogy(model, model) - torch.xlogy(model, truth)).sum(dim=-1)


def floor_not_subtracted(truth, model):
    """This is all that the model pays, the cross-entropy. Subtract what the perfect model pays, the entropy of the truth."""
    return -torch.xlogy(truth, model).sum(dim=-1)


def entropy_of_the_model(truth, model):
    """You subtracted the entropy of the model. The floor is the entropy of the truth: it belongs to the language, whoever
    reads it.
    """
    return (torch.xlogy(model, model) - torch.xlogy(truth, model)).sum(dim=-1)


def never_negative(excess):
    """No model pays less than the perfect one; some of your numbers are below 0."""
    return bool((excess > -1e-9).all())
