r"""Lesson 07, the transformer block: five exercises, from a norm to the gradient that goes back through one.

Each is a solution and a card. The wrong answers are in `lesson_07_mistakes.py`, the numbers they are tried on in
`lesson_07_cases.py`. Shapes: T tokens, C model width, F inner width of the feed-forward part.
"""

import torch

import llmkit.exercises.lesson_07_cases as cases
import llmkit.exercises.lesson_07_mistakes as wrong
from llmkit.exercises.card import Exercise, Lesson

# 07.1 -----------------------------------------------------------------------------------------------


def rms_norm(x, gain):
    """Each row of x (..., C) over its root mean square, times gain (C,)."""
    mean_square = (x * x).mean(-1, keepdim=True)
    return gain * x / mean_square.sqrt()


RMS = Exercise(
    id="07.1",
    title="RMSNorm",
    stars=1,
    minutes=6,
    task=r"""
Write `rms_norm(x, gain)`. Each row of `x` is divided by the root of the mean of its squares, then each of its $C$ numbers
is multiplied by its own gain:

$$\mathrm{RMSNorm}(x)_c = g_c\,\frac{x_c}{\sqrt{\frac{1}{C}\sum_{k} x_k^2}}$$

`x` has shape `(..., C)`, `gain` `(C,)`. Leave the small $\varepsilon$ out: no row here is all zeros. The answer has the shape
of `x`.
""",
    hints=(
        "`(x * x).mean(-1, keepdim=True)` is one mean square for each row, with an axis of length 1 left to divide by.",
        "The order is in the name, read backwards: square, mean, root.",
    ),
    solution=rms_norm,
    mistakes=(wrong.centered, wrong.summed, wrong.no_root, wrong.down_the_tokens, wrong.no_gain, wrong.mean_of_sizes),
    cases=cases.rms_cases,
    returns=("normed",),
    afterword="One mean less than LayerNorm, and nothing is lost that anybody has missed. Llama and T5 use it.",
)


# 07.2 -----------------------------------------------------------------------------------------------


def gated(x, gate, up, down):
    """SwiGLU: (..., C) to (..., C), by way of F numbers."""
    opened = x @ gate  # (..., F)
    opened = opened * torch.sigmoid(opened)  # SiLU
    return (opened * (x @ up)) @ down


GATED = Exercise(
    id="07.2",
    title="A gate that opens",
    stars=1,
    minutes=8,
    task=r"""
Write `gated(x, gate, up, down)`, the feed-forward part of Llama. Two projections of the same row are multiplied, number by
number; one of them first goes through $\mathrm{SiLU}(z) = z\,\sigma(z)$, where $\sigma(z) = 1 / (1 + e^{-z})$:

$$\big(\mathrm{SiLU}(x W_{\mathrm{gate}}) \odot x W_{\mathrm{up}}\big)\, W_{\mathrm{down}}$$

`x` has shape `(..., C)`, `gate` and `up` `(C, F)`, `down` `(F, C)`. The answer has the shape of `x`.
""",
    hints=(
        "`torch.sigmoid` is the function with the sigma.",
        "$\\odot$ is `*` between two tensors of shape `(..., F)`.",
    ),
    solution=gated,
    mistakes=(wrong.gate_on_up, wrong.gates_added, wrong.sigmoid_only, wrong.no_bend, wrong.rectified, wrong.no_up),
    cases=cases.gated_cases,
    returns=("written",),
    tolerance=1e-9,
    afterword="Three matrices in place of two: with F = 8/3 C, and not 4 C, they hold as many numbers as a plain part.",
)


# 07.3 -----------------------------------------------------------------------------------------------


def block(x, weights, value, inner, outer):
    """A pre-norm block over x (..., T, C), its attention weights given."""
    norm = torch.nn.functional.layer_norm
    h = x + weights @ norm(x, x.shape[-1:]) @ value  # (..., T, C)
    return h + torch.relu(norm(h, h.shape[-1:]) @ inner) @ outer


BLOCK = Exercise(
    id="07.3",
    title="A block, with its attention given",
    stars=2,
    minutes=12,
    task=r"""
Write `block(x, weights, value, inner, outer)`, a pre-norm block. Its one head has been computed as far as the attention
weights $A$; what is left is

$$h = x + A\,\mathrm{LN}(x)\,W_V \qquad\qquad y = h + \mathrm{ReLU}\big(\mathrm{LN}(h)\,W_1\big)\,W_2$$

`x` has shape `(..., T, C)`, `weights` `(..., T, T)`, `value` `(C, C)`, `inner` `(C, F)`, `outer` `(F, C)`. For
$\mathrm{LN}$ you may use `torch.nn.functional.layer_norm(x, x.shape[-1:])`. The answer, $y$, has the shape of `x`.
""",
    hints=(
        "First line: norm a copy, look around, add to the stream as it was: `h = x + weights @ norm(x) @ value`.",
        "Second line: the same with `h` in place of `x`, and the two matrices with `torch.relu` between them.",
        "What is normed is read, not kept: nothing that was normed is added to itself.",
    ),
    solution=block,
    mistakes=(wrong.post_norm, wrong.first_add_missing, wrong.second_add_missing, wrong.normed_stream, wrong.side_by_side, wrong.second_norm_missing, wrong.first_norm_missing),
    cases=cases.block_cases,
    returns=("y",),
    tolerance=1e-9,
    afterword="With more heads, and with W_O folded into W_V, this is the whole block. Everything else in a model is around it.",
)


# 07.4 -----------------------------------------------------------------------------------------------


def forward_flops(tokens, width, inner, layers):
    """FLOPs of one pass over a text through plain blocks."""
    projections = 4 * 2 * width * width  # query, key, value, output
    thinking = 2 * 2 * width * inner
    looking = 2 * 2 * tokens * width  # scores, and the mix of values
    return layers * tokens * (projections + thinking + looking)


FLOPS = Exercise(
    id="07.4",
    title="What does a pass cost?",
    stars=2,
    minutes=10,
    task=r"""
Write `forward_flops(tokens, width, inner, layers)`: how many multiplications and additions the matrix products of one pass
take, for a text of $T$ tokens through $L$ plain blocks. A product of an $n \times k$ with a $k \times m$ matrix takes
$2nkm$. In each block there are

- four projections, $C \times C$: query, key, value and output,
- the two matrices of the feed-forward part, $C \times F$ and $F \times C$,
- the scores, every query with every key, and the mix of the values. Over all heads together both are as if there were one
  head of width $C$.

Count all $T \times T$ scores, masked or not. `tokens` holds the lengths of texts, in any shape, and is a single number in the
first case; the others are single numbers. The answer has the shape of `tokens`: a count for each text.
""",
    hints=(
        "A token times a `C` by `C` matrix takes `2 * C * C`.",
        "One query of width `C` against `T` keys takes `2 * T * C`; mixing `T` values takes as much again.",
        "All of it happens for each of the `T` tokens and in each of the `L` blocks.",
    ),
    solution=forward_flops,
    mistakes=(wrong.once_each, wrong.no_looking, wrong.scores_only, wrong.three_projections, wrong.one_token, wrong.one_layer),
    cases=cases.flops_cases,
    returns=("flops",),
    afterword="A pass forward is about 2 FLOPs for every weight and token. A step of training takes three times that: lesson 12 builds on it.",
)


# 07.5 -----------------------------------------------------------------------------------------------


def layer_norm_backward(x, grad):
    """Gradient of x (..., C), from that of its LayerNorm."""
    centered = x - x.mean(-1, keepdim=True)
    deviation = (centered * centered).mean(-1, keepdim=True).sqrt()
    n = centered / deviation  # what the norm gave
    shift = grad.mean(-1, keepdim=True)
    stretch = (grad * n).mean(-1, keepdim=True)
    return (grad - shift - n * stretch) / deviation


BACKWARD = Exercise(
    id="07.5",
    title="Back through a norm",
    stars=3,
    minutes=15,
    task=r"""
A gradient $g$ arrives at the output $n = (x - \mu)/\sigma$ of a LayerNorm without gain and bias. Write
`layer_norm_backward(x, grad)`, the gradient of the input:

$$\frac{\partial L}{\partial x_c} = \frac{1}{\sigma}\Big(g_c - \frac{1}{C}\sum_k g_k - n_c\,\frac{1}{C}\sum_k g_k n_k\Big)$$

`x` and `grad` have shape `(..., C)`; $\mu$ and $\sigma$ are those of each row, and $\varepsilon$ is left out. The answer has
the shape of `x`. Write it from means and products; autograd is for checking.
""",
    hints=(
        "Compute n first, as in the forward pass, and keep sigma.",
        "Both sums are means over the last axis: `.mean(-1, keepdim=True)`.",
        "Mean and deviation depend on x too. The two terms that are subtracted are their share.",
    ),
    solution=layer_norm_backward,
    mistakes=(wrong.constants, wrong.no_stretch, wrong.no_shift, wrong.sums_for_means, wrong.undivided, wrong.sample_deviation),
    cases=cases.backward_cases,
    returns=("grad_x",),
    tolerance=1e-8,
    afterword="The gradient is at right angles to all-ones and to n: what would only shift or stretch the row cannot change its norm.",
)


LESSON = Lesson("07", "The transformer block", (RMS, GATED, BLOCK, FLOPS, BACKWARD))
