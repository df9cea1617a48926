r"""Lesson 02, learning from data: five exercises, from a layer of neurons to examples for a language model.

Each is a solution and a card. The wrong answers are in `lesson_02_mistakes.py`, the numbers they are tried on in
`lesson_02_cases.py`. Shapes: N examples, D numbers in each, H hidden neurons, T tokens.
"""

import torch

import llmkit.exercises.lesson_02_cases as cases
import llmkit.exercises.lesson_02_mistakes as wrong
from llmkit.exercises.card import Exercise, Lesson

# 02.1 -----------------------------------------------------------------------------------------------


def layer(x, weight, bias):
    """A layer of tanh neurons: (..., H) from x (..., D)."""
    return torch.tanh(x @ weight.T + bias)  # (..., H)


LAYER = Exercise(
    id="02.1",
    title="A layer of neurons",
    stars=1,
    minutes=5,
    task=r"""
Write `layer(x, weight, bias)`, a row of neurons that all look at the same inputs:

$$h_j = \tanh\Bigl(\sum_i W_{ji}\, x_i + b_j\Bigr)$$

`x` has shape `(..., D)`, `weight` is $W$ with shape `(H, D)`, one row for each neuron, and `bias` has shape `(H,)`. The
answer has shape `(..., H)`.
""",
    hints=(
        "Each neuron is a dot product of the input with one *row* of the weights, plus its bias, and then tanh.",
        "All dot products at once are a matrix product. Which of the two has to be transposed, so that D meets D?",
        "`x @ weight.T` has shape `(..., H)`; the bias, `(H,)`, is added to every row by broadcasting.",
    ),
    solution=layer,
    mistakes=(wrong.no_bend, wrong.bias_outside, wrong.bias_forgotten, wrong.sigmoid_neurons, wrong.weights_not_transposed),
    cases=cases.layer_cases,
    returns=("hidden",),
    afterword="Stack two of these, and you have the network in the picture.",
)


# 02.2 -----------------------------------------------------------------------------------------------


def neuron_gradient(x, y, w, b):
    """Gradients (..., D) and (...) of the mean loss by w and b."""
    p = torch.sigmoid(x @ w + b)     # (..., N): the chance of a yes
    error = (p - y) / y.shape[-1]    # (..., N): each is one part in N
    return (error[..., None] * x).sum(dim=-2), error.sum(dim=-1)


NEURON = Exercise(
    id="02.2",
    title="Which way is down",
    stars=2,
    minutes=12,
    task=r"""
One neuron says $p = \sigma(w^\top x + b)$, the chance that an example is a yes. Its loss is the mean surprise over $N$
examples with labels $y$ of 0 or 1,

$$L = -\frac1N \sum_{n=1}^{N} \bigl[\, y_n \ln p_n + (1 - y_n) \ln (1 - p_n) \,\bigr]$$

Write `neuron_gradient(x, y, w, b)`, which returns $\partial L/\partial w$ and $\partial L/\partial b$, without autograd.

`x` has shape `(..., N, D)`, `y` has `(..., N)`, `w` has `(D,)` and `b` is a single number. The answers have shapes `(..., D)`
and `(...)`: where there are batch dimensions, a gradient for each batch of N examples.
""",
    hints=(
        "Go back through the formula one step at a time: from the loss to the logit $z = w^\\top x + b$, then from $z$ to $w$ and $b$.",
        "For one example the first step is short: $\\partial L/\\partial z = p - y$.",
        "$z$ grows by $x_i$ when $w_i$ grows by 1, so $\\partial L/\\partial w = (p - y)\\,x$; and it grows by 1 with $b$. Then take the mean over the examples.",
        "`error[..., None] * x` has shape `(..., N, D)`; the examples are its last axis but one.",
    ),
    solution=neuron_gradient,
    mistakes=(wrong.sum_not_mean, wrong.uphill_and_downhill, wrong.logit_for_chance, wrong.squared_error),
    cases=cases.neuron_cases,
    returns=("grad_w", "grad_b"),
    afterword="Subtract a little of these from w and b, again and again, and the neuron learns. There is no more to it.",
)


# 02.3 -----------------------------------------------------------------------------------------------


def network_gradient(x, y, weight, bias, v, c):
    """Gradients of weight, bias, v and c, in each batch."""
    h = torch.tanh(x @ weight.T + bias)                   # (..., N, H)
    error = (torch.sigmoid(h @ v + c) - y) / y.shape[-1]  # (..., N)
    back = error[..., None] * v * (1 - h**2)              # (..., N, H)
    grad_v = (error[..., None] * h).sum(-2)
    return back.mT @ x, back.sum(-2), grad_v, error.sum(-1)


NETWORK = Exercise(
    id="02.3",
    title="All the way back",
    stars=3,
    minutes=20,
    task=r"""
The network of the picture, with $H$ hidden neurons: $h = \tanh(W x + b)$ and $p = \sigma(v^\top h + c)$, with the mean
surprise as its loss. Write `network_gradient(x, y, weight, bias, v, c)`, which returns the gradients of $W$, $b$, $v$ and $c$,
in this order, without autograd.

`x` has shape `(..., N, D)`, `y` has `(..., N)`, `weight` is $W$ with `(H, D)`, `bias` is $b$ and has `(H,)` like `v`, and `c` is
a single number. Each gradient has the shape of what it belongs to; where there are batch dimensions, they come first.
""",
    hints=(
        "The output neuron is that of exercise 02.2, with h in the place of x. That gives the gradients of v and c.",
        "What arrives at hidden neuron j is the error $p - y$ times $v_j$, the weight that it was sent through.",
        "To get inside the tanh, multiply by its slope. The slope of tanh is $1 - \\tanh^2$, and $\\tanh$ of it all is $h$: $1 - h_j^2$.",
        "Then W and b are once more like w and b of a single neuron: multiply by x, and by 1, and add up the examples.",
    ),
    solution=network_gradient,
    mistakes=(wrong.slope_forgotten, wrong.slope_of_sigmoid, wrong.not_through_v, wrong.v_meets_the_input_slope, wrong.network_summed),
    cases=cases.network_cases,
    returns=("grad_weight", "grad_bias", "grad_v", "grad_c"),
    afterword="This is backpropagation. Autograd does the same for every layer of every model in this book.",
)


# 02.4 -----------------------------------------------------------------------------------------------


def precision_and_recall(scores, truth, threshold):
    """Precision (...) and recall (...), from scores and truth (..., N)."""
    said = scores >= threshold          # (..., N): where it says yes
    hits = (said & truth).sum(dim=-1)   # (...)
    precision = hits / said.sum(dim=-1).clamp(min=1)
    recall = hits / truth.sum(dim=-1).clamp(min=1)
    return precision, recall


METRICS = Exercise(
    id="02.4",
    title="Precision and recall",
    stars=2,
    minutes=10,
    task=r"""
A detector gives each example a score and says yes where the score is at least `threshold`. Write
`precision_and_recall(scores, truth, threshold)`: how many of its yeses are right, and how many of those that it should
find it finds.

`scores` has shape `(..., N)`; `truth` has the same shape and is True where yes is right; `threshold` is a single number.
Both answers have shape `(...)`. Where there is nothing to divide by (it never says yes, or there is nothing to find), the
answer is 0, not NaN.
""",
    hints=(
        "Both have the same numerator, the hits: where it says yes *and* yes is right. `&` does that for tensors of True and False.",
        "Precision divides by how often it says yes, recall by how often yes is right. `.sum(dim=-1)` counts the Trues.",
        "`.clamp(min=1)` on a count turns 0 / 0 into 0 / 1.",
    ),
    solution=precision_and_recall,
    mistakes=(wrong.swapped, wrong.accuracy_for_precision, wrong.never_yes_is_nan, wrong.strictly_above, wrong.all_examples_counted),
    cases=cases.score_cases,
    returns=("precision", "recall"),
    afterword="Move the threshold down and recall can only rise. What precision does is up to the detector.",
)


# 02.5 -----------------------------------------------------------------------------------------------


def next_word_examples(tokens):
    """Inputs (..., T-4, 4) and targets (..., T-4), from (..., T)."""
    runs = tokens.unfold(-1, 5, 1)  # (..., T-4, 5): five in a row
    return runs[..., :4], runs[..., 4]


EXAMPLES = Exercise(
    id="02.5",
    title="From a text to examples",
    stars=2,
    minutes=10,
    task=r"""
A language model that sees four words learns from every place of a text: four tokens in a row are the input, and the token
after them is the target. Write `next_word_examples(tokens)`, which returns all of them, in the order of the text.

`tokens` has shape `(..., T)` with T at least 5. The inputs have shape `(..., T-4, 4)` and the targets `(..., T-4)`. From the
text 7 1 4 2 9 3 come two examples: 7 1 4 2 → 9 and 1 4 2 9 → 3.
""",
    hints=(
        "Example number i has the tokens i, i+1, i+2 and i+3 as its input. Which one is its target?",
        "`torch.stack([tokens[..., 0 : T - 4], tokens[..., 1 : T - 3], ...], dim=-1)` puts shifted copies side by side.",
        "`tokens.unfold(-1, 5, 1)` gives every run of five in a row, shape `(..., T-4, 5)`. Cut it into four and one.",
    ),
    solution=next_word_examples,
    mistakes=(wrong.answer_in_the_input, wrong.the_word_before, wrong.one_further, wrong.read_backwards, wrong.last_example_lost, wrong.without_overlap),
    cases=cases.text_cases,
    returns=("inputs", "targets"),
    afterword="Nobody had to label anything: the text is its own answer. That is why there is so much to learn from.",
)


LESSON = Lesson("02", "Learning from data", (LAYER, NEURON, NETWORK, METRICS, EXAMPLES))
