"""Lesson 04: the wrong answers that readers give, written out, each with the sentence it gets.

Shapes: T steps, S letters read, E width of a letter, C width of a state.
"""

import torch

# 04.1 -----------------------------------------------------------------------------------------------


def walked(letters, read, keep, step, start=0.0):
    """The state after every letter has been read with `step(x, state)`."""
    state = letters.new_full((*letters.shape[:-2], keep.shape[0]), start)
    for t in range(letters.shape[-2]):
        state = step(letters[..., t, :], state)
    return state


def forgets(letters, read, keep):
    """Your last state depends on the last letter alone. What was known must go in again: `state @ keep.T`."""
    return walked(letters, read, keep, lambda x, state: torch.tanh(x @ read.T))


def keep_transposed(letters, read, keep):
    """The state is multiplied by W transposed. For states in the last axis, $W h$ is `state @ keep.T`."""
    return walked(letters, read, keep, lambda x, state: torch.tanh(x @ read.T + state @ keep))


def from_the_end(letters, read, keep):
    """You read the string from its end. The first letter comes first."""
    return walked(letters.flip(-2), read, keep, lambda x, state: torch.tanh(x @ read.T + state @ keep.T))


def no_tanh(letters, read, keep):
    """The tanh is missing, so that states can grow without end. It belongs around the whole sum, in every step."""
    return walked(letters, read, keep, lambda x, state: x @ read.T + state @ keep.T)


def tanh_apart(letters, read, keep):
    """You squashed the two parts one by one and then added them. First the sum, then one tanh around it."""
    return walked(letters, read, keep, lambda x, state: torch.tanh(x @ read.T) + torch.tanh(state @ keep.T))


def starts_with_ones(letters, read, keep):
    """Your state begins with ones. Nothing has been read yet: begin with zeros."""
    return walked(letters, read, keep, lambda x, state: torch.tanh(x @ read.T + state @ keep.T), 1.0)


# 04.2 -----------------------------------------------------------------------------------------------


def gates_swapped(reset, update, read, kept, state):
    """Your update gate lets the proposal in where it should keep the old state. Papers write it both ways; in PyTorch's
    convention z = 1 keeps."""
    return update * torch.tanh(read + reset * kept) + (1 - update) * state


def reset_on_all(reset, update, read, kept, state):
    """Your reset gate also stands on what comes from the letter. It decides only how much of the old state is heard."""
    return (1 - update) * torch.tanh(reset * (read + kept)) + update * state


def no_reset(reset, update, read, kept, state):
    """The reset gate does nothing in your answer. Multiply it with `kept`, inside the tanh."""
    return (1 - update) * torch.tanh(read + kept) + update * state


def proposal_not_squashed(reset, update, read, kept, state):
    """Your proposal has no tanh, so the state can leave the range from -1 to 1."""
    return (1 - update) * (read + reset * kept) + update * state


def old_state_forgotten(reset, update, read, kept, state):
    """You returned the gated proposal alone. The part that the gate keeps, `update * state`, is missing."""
    return (1 - update) * torch.tanh(read + reset * kept)


def gates_exchanged(reset, update, read, kept, state):
    """You took one gate for the other: `reset` belongs inside the tanh, `update` mixes old and new."""
    return (1 - reset) * torch.tanh(read + update * kept) + reset * state


# 04.3 -----------------------------------------------------------------------------------------------


def factors(states, keep):
    return [(1 - states[..., t, :] ** 2)[..., None] * keep for t in range(states.shape[-2])]


def norms_of(products, order=2):
    return torch.stack([torch.linalg.matrix_norm(product, ord=order) for product in products], -1)


def running(parts):
    products = [parts[0]]
    for part in parts[1:]:
        products.append(part @ products[-1])
    return products


def one_step_only(states, keep):
    """You measured each step by itself, from one state to the next. The nudge goes through all steps up to there: multiply."""
    return norms_of(factors(states, keep))


def slope_left_out(states, keep):
    """The slope of tanh is missing: each factor is $(1 - h^2)$ times $W$, row by row."""
    return norms_of(running([keep.expand(*states.shape[:-2], *keep.shape)] * states.shape[-2]))


def slope_not_squared(states, keep):
    """You took 1 - h for the slope of tanh. It is 1 - h squared."""
    return norms_of(running([(1 - states[..., t, :])[..., None] * keep for t in range(states.shape[-2])]))


def frobenius(states, keep):
    """You took the Frobenius norm, which adds up all directions. Asked for is the largest stretch, `ord=2`."""
    return norms_of(running(factors(states, keep)), "fro")


def product_of_norms(states, keep):
    """You multiplied the norms. That is an upper limit; the norm of the product is smaller, as the directions differ."""
    return one_step_only(states, keep).cumprod(-1)


def wrong_side(states, keep):
    """Your factors are multiplied in the wrong order. The latest step stands on the left."""
    parts = factors(states, keep)
    products = [parts[0]]
    for part in parts[1:]:
        products.append(products[-1] @ part)
    return norms_of(products)


# 04.4 -----------------------------------------------------------------------------------------------


def looked(scores, states):
    weights = torch.softmax(scores, -1)
    return weights, (weights[..., None] * states).sum(-2)


def match_transposed(query, states, match):
    """You used M transposed: the query went in where the state belongs. The score is state times M times query."""
    return looked((states @ (match.T @ query[..., None]))[..., 0], states)


def match_left_out(query, states, match):
    """You compared query and states without the matrix M. They come from two different networks; M translates."""
    return looked((states @ query[..., None])[..., 0], states)


def scaled(query, states, match):
    """You divided the scores by the root of the width. That comes in lesson 05; this score has none."""
    return looked((states @ (match @ query[..., None]))[..., 0] / query.shape[-1] ** 0.5, states)


def last_only(query, states, match):
    """All your weight is on the last state. That is the model without attention."""
    weights = torch.zeros_like(states[..., 0])
    weights[..., -1] = 1
    return weights, states[..., -1, :]


def all_alike(query, states, match):
    """All your weights are the same. The scores should decide: put them through the softmax."""
    return looked(torch.zeros_like(states[..., 0]), states)


def not_normalized(query, states, match):
    """Your weights are exponentials that do not sum to 1. Divide by their sum, or use `torch.softmax`."""
    weights = (states @ (match @ query[..., None]))[..., 0].exp()
    return weights, (weights[..., None] * states).sum(-2)


# 04.5 -----------------------------------------------------------------------------------------------


def counted(tokens, first, growth, sees=1):
    """Layers needed when the first adds `first` tokens and each further one `growth` times as many."""
    layers, total, step = torch.zeros_like(tokens), torch.full_like(tokens, sees), first
    while (total < tokens).any():
        layers = layers + (total < tokens)
        total = total + step
        step = step * growth
    return layers


def no_gaps(tokens, kernel, growth):
    """Your layers all look at neighbors. With every layer the gaps grow by the factor g."""
    return counted(tokens, kernel - 1, 1)


def whole_kernel(tokens, kernel, growth):
    """Each of your layers adds k tokens. One of the k is the token itself, so the first layer adds k - 1."""
    return counted(tokens, kernel, growth)


def one_too_many(tokens, kernel, growth):
    """You count one layer too many where the fit is exact: seeing as many as there are tokens is enough."""
    return counted(tokens + 1, kernel - 1, growth)


def gaps_at_once(tokens, kernel, growth):
    """Your first layer has gaps already. Layer 0 looks at neighbors, layer 1 at every g-th token."""
    return counted(tokens, growth * (kernel - 1), growth)


def power_of_kernel(tokens, kernel, growth):
    """You took k to the power of the layers for what they see. That holds where the gaps grow by k; here they grow by g."""
    return counted(tokens, kernel - 1, kernel)
