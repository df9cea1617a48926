"""Lesson 09: the wrong answers that readers give, written out, each with the sentence it gets.

Shapes: T tokens, D head width, C model width, H heads.
"""

import math

import torch

# 09.1 -----------------------------------------------------------------------------------------------


def distances(scores):
    """Query minus key, (T, T)."""
    place = torch.arange(scores.shape[-1], dtype=scores.dtype)
    return place[:, None] - place


def rewarded(scores, slope):
    """You added the line, so what is far is preferred. It should be subtracted: near tokens count for more."""
    return scores + slope * distances(scores).abs()


def signed(scores, slope):
    """The distance has a sign in your answer, so keys after the query are rewarded for being far. Take `.abs()`."""
    return scores - slope * distances(scores)


def from_the_start(scores, slope):
    """You took the key's position from the start of the text. What counts is its distance from the query, |i - j|."""
    return scores - slope * torch.arange(scores.shape[-1], dtype=scores.dtype)


def squared(scores, slope):
    """You squared the distance. It is a line: slope times distance."""
    return scores - slope * distances(scores) ** 2


def multiplied(scores, slope):
    """You multiplied the score by its line. The line is added to the score (with a minus), whatever the score is."""
    return scores * -slope * distances(scores).abs()


# 09.2 -----------------------------------------------------------------------------------------------


def angles_of(positions, frequencies):
    angles = positions[..., None] * frequencies
    return angles.cos(), angles.sin()


def woven(x, y):
    return torch.stack([x, y], dim=-1).flatten(-2)


def backwards(vectors, positions, frequencies):
    """Your pairs turn the other way round. The minus belongs to the first number of a pair: x cos - y sin."""
    cos, sin = angles_of(positions, frequencies)
    x, y = vectors[..., 0::2], vectors[..., 1::2]
    return woven(x * cos + y * sin, y * cos - x * sin)


def halves(vectors, positions, frequencies):
    """You paired number j with j + D/2, as Llama in transformers does. This exercise asks for neighbors, 2j and 2j + 1.
    Both are RoPE; the weights of one are not the weights of the other."""
    cos, sin = angles_of(positions, frequencies)
    x, y = vectors.chunk(2, -1)
    return torch.cat([x * cos - y * sin, x * sin + y * cos], -1)


def both_plus(vectors, positions, frequencies):
    """Both of your lines have a plus, so a pair does not keep its length. One of them has a minus: x cos - y sin."""
    cos, sin = angles_of(positions, frequencies)
    x, y = vectors[..., 0::2], vectors[..., 1::2]
    return woven(x * cos + y * sin, x * sin + y * cos)


def overwritten(vectors, positions, frequencies):
    """The second number of a pair was made from the new first one. Both must be made from the old pair."""
    cos, sin = angles_of(positions, frequencies)
    x, y = vectors[..., 0::2], vectors[..., 1::2]
    x = x * cos - y * sin
    return woven(x, x * sin + y * cos)


def sinusoids_added(vectors, positions, frequencies):
    """You added the table of lesson 08 to the vectors. RoPE adds nothing: it turns them."""
    cos, sin = angles_of(positions, frequencies)
    return vectors + woven(sin, cos)


def same_speed(vectors, positions, frequencies):
    """All pairs turn at the speed of the first. Each pair has its own: `positions[..., None] * frequencies`."""
    return woven(*_turn(vectors, *angles_of(positions, frequencies[:1].expand_as(frequencies))))


def _turn(vectors, cos, sin):
    x, y = vectors[..., 0::2], vectors[..., 1::2]
    return x * cos - y * sin, x * sin + y * cos


# 09.3 -----------------------------------------------------------------------------------------------


def past(frequencies, trained, length):
    return ((length - trained) * frequencies).clamp(min=0)


def lengths_for_distances(frequencies, trained, length):
    """You took the lengths for the farthest distances. In a text of 32 tokens the farthest two are 31 apart, so a pair went
    all the way round when (trained - 1) times its frequency reaches a full turn, and the new part begins there."""
    all_round = (trained - 1) * frequencies >= 2 * math.pi
    return torch.where(all_round, 0.0, (length * frequencies - (trained - 1) * frequencies).clamp(min=0))


def never_all_round(frequencies, trained, length):
    """You left out that an angle comes round. A pair that made a full turn in training has shown every angle."""
    return past(frequencies, trained, length)


def half_a_turn(frequencies, trained, length):
    """You stopped at half a turn. A pair has shown every angle after a whole one, 2 pi."""
    return torch.where((trained - 1) * frequencies >= math.pi, 0.0, past(frequencies, trained, length))


def below_zero(frequencies, trained, length):
    """For a text that is shorter than in training you get less than nothing. Use `.clamp(min=0)`."""
    return torch.where((trained - 1) * frequencies >= 2 * math.pi, 0.0, (length - trained) * frequencies)


def wrapped(frequencies, trained, length):
    """You gave the whole angle at the farthest distance. Asked for is the part that lies beyond training."""
    longer = (length > trained) & ((trained - 1) * frequencies < 2 * math.pi)
    return torch.where(longer, (length - 1) * frequencies, 0.0)


# 09.4 -----------------------------------------------------------------------------------------------


def other_way(weight, heads):
    """This is the way back, from halves to neighbors. Row j of a head must be its old row 2j."""
    count = int(heads)
    head_dim = weight.shape[-2] // count
    return weight.unflatten(-2, (count, 2, head_dim // 2)).transpose(-3, -2).flatten(-4, -2)


def across_heads(weight, heads):
    """You put all even rows first, across all heads, so the heads are mixed. Reorder each head by itself."""
    return torch.cat([weight[..., 0::2, :], weight[..., 1::2, :]], -2)


def columns(weight, heads):
    """You reordered the columns. They belong to the stream that is read; the numbers of a query are the rows."""
    width = weight.shape[-1] // int(heads)
    parts = weight.unflatten(-1, (int(heads), width // 2, 2)).transpose(-2, -1)
    return parts.flatten(-3)


def odd_first(weight, heads):
    """The second numbers of the pairs come first in your answer, so every pair is mirrored and turns the wrong way."""
    count = int(heads)
    return weight.unflatten(-2, (count, -1, 2)).flip(-2).transpose(-3, -2).flatten(-4, -2)


def left_alone(weight, heads):
    """The rows stand where they stood. The two pairings need the rows in different orders."""
    return weight.clone()


# 09.5 -----------------------------------------------------------------------------------------------


def far_bucket(distance, num_buckets, max_distance):
    exact = num_buckets // 2
    return exact + torch.log(distance / exact) / torch.log(max_distance / exact) * (num_buckets - exact)


def no_last_bucket(distance, num_buckets, max_distance):
    """Beyond max_distance your buckets go on. All that is farther shares the last one, B - 1."""
    far = far_bucket(distance, num_buckets, max_distance).floor()
    return torch.where(distance < num_buckets // 2, distance, far)


def straight(distance, num_buckets, max_distance):
    """The far buckets are equally wide in your answer. They should grow with the distance: take logarithms."""
    exact = num_buckets // 2
    share = (distance - exact) / (max_distance - exact)
    far = (exact + share * (num_buckets - exact)).floor().clamp(max=num_buckets - 1)
    return torch.where(distance < exact, distance, far)


def rounded(distance, num_buckets, max_distance):
    """You rounded to the nearest bucket. The formula rounds down."""
    far = far_bucket(distance, num_buckets, max_distance).round().clamp(max=num_buckets - 1)
    return torch.where(distance < num_buckets // 2, distance, far)


def all_logarithm(distance, num_buckets, max_distance):
    """You left out the first line: up to E each distance has a bucket of its own."""
    return far_bucket(distance.clamp(min=1), num_buckets, max_distance).floor().clamp(min=0, max=num_buckets - 1)


def not_shared(distance, num_buckets, max_distance):
    """Each distance has a bucket of its own in your answer, up to the last. From E on, several share one."""
    return distance.clamp(max=num_buckets - 1)
