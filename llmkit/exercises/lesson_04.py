r"""Lesson 04, from recurrence to attention: five exercises, from one step of a network to the layers of a dilated convolution.

Each is a solution and a card. The wrong answers are in `lesson_04_mistakes.py`, the numbers they are tried on in
`lesson_04_cases.py`. Shapes: B batch, T steps, S letters read, E width of a letter, C width of a state.
"""

import torch

import llmkit.exercises.lesson_04_cases as cases
import llmkit.exercises.lesson_04_mistakes as wrong
from llmkit.exercises.card import Exercise, Lesson

# 04.1 -----------------------------------------------------------------------------------------------


def last_state(letters, read, keep):
    """The state (..., C) after a whole string of letters (..., T, E)."""
    state = letters.new_zeros(*letters.shape[:-2], keep.shape[0])
    for t in range(letters.shape[-2]):
        state = torch.tanh(letters[..., t, :] @ read.T + state @ keep.T)
    return state  # (..., C)


LAST_STATE = Exercise(
    id="04.1",
    title="Read a string",
    stars=1,
    minutes=8,
    task=r"""
Write `last_state(letters, read, keep)`: start from a state of zeros, read the letters one after another, and return the
state after the last.

$$h_t = \tanh(U x_t + W h_{t-1})$$

`letters` has shape `(..., T, E)`, a row for each $x_t$; `read` is $U$, `(C, E)`; `keep` is $W$, `(C, C)`. The answer has
shape `(..., C)`.
""",
    hints=(
        "A loop over `t`, with one state that is replaced in every round.",
        "$U x$ for rows of a batch is `x @ read.T`, since the numbers of $x$ lie in the last axis.",
        "The state to begin with: `letters.new_zeros(*letters.shape[:-2], keep.shape[0])`.",
    ),
    solution=last_state,
    mistakes=(wrong.forgets, wrong.keep_transposed, wrong.from_the_end, wrong.no_tanh, wrong.tanh_apart, wrong.starts_with_ones),
    cases=cases.string_cases,
    returns=("state",),
    afterword="Look at the loop: no round can begin before the one before it has ended. That is what “sequential” means.",
)


# 04.2 -----------------------------------------------------------------------------------------------


def mixed_state(reset, update, read, kept, state):
    """The next state of a GRU, (..., C), from its two gates."""
    proposal = torch.tanh(read + reset * kept)
    return (1 - update) * proposal + update * state  # (..., C)


GATES = Exercise(
    id="04.2",
    title="Two gates",
    stars=1,
    minutes=8,
    task=r"""
The gates of a GRU are worked out already. Write `mixed_state(reset, update, read, kept, state)`: the proposal, and the
mixture of it with the old state. In PyTorch's convention

$$n = \tanh(a + r \odot b), \qquad h = (1 - z) \odot n + z \odot h_{\text{old}}$$

where `reset` is $r$, `update` is $z$, `read` is $a$ (what comes from the letter), `kept` is $b$ (what comes from the old
state through its matrix) and `state` is $h_{\text{old}}$. All have shape `(..., C)`, and so has the answer.
""",
    hints=(
        "$\\odot$ is number by number, which in torch is `*`.",
        "The reset gate stands on what comes from the old state alone.",
        "With `update` at 1 the old state stays as it is: check this with a pencil.",
    ),
    solution=mixed_state,
    mistakes=(wrong.gates_swapped, wrong.reset_on_all, wrong.no_reset, wrong.proposal_not_squashed, wrong.old_state_forgotten, wrong.gates_exchanged),
    cases=cases.gate_cases,
    returns=("state",),
    afterword="Where the update gate is 1, the state is copied, and its gradient with it. Nothing vanishes on that path.",
)


# 04.3 -----------------------------------------------------------------------------------------------


def reach_of_a_nudge(states, keep):
    """For each step: the largest stretch of the product, (..., T)."""
    product = torch.eye(keep.shape[0], dtype=keep.dtype)
    norms = []
    for t in range(states.shape[-2]):
        slope = 1 - states[..., t, :] ** 2  # (..., C)
        product = slope[..., None] * (keep @ product)
        norms.append(torch.linalg.matrix_norm(product, ord=2))
    return torch.stack(norms, dim=-1)  # (..., T)


GRADIENT = Exercise(
    id="04.3",
    title="How far a nudge is felt",
    stars=2,
    minutes=15,
    task=r"""
A plain recurrent network went through the states $h_1, \dots, h_T$. Write `reach_of_a_nudge(states, keep)`: for each step
$t$ the largest factor by which a nudge to $h_0$ can be stretched on its way to $h_t$,

$$\Big\lVert \frac{\partial h_t}{\partial h_0} \Big\rVert_2 = \big\lVert\, D_t W \cdots D_2 W \, D_1 W \,\big\rVert_2, \qquad D_s = \mathrm{diag}(1 - h_s^2)$$

`states` has shape `(..., T, C)`, `keep` is $W$, `(C, C)`. The answer has shape `(..., T)`.
""",
    hints=(
        "Keep one product, and multiply a new factor to its *left* in every step.",
        "`diag(d) @ A` is `d[..., None] * A`: each row of A times its number.",
        "The largest stretch of a matrix: `torch.linalg.matrix_norm(product, ord=2)`.",
    ),
    solution=reach_of_a_nudge,
    mistakes=(wrong.one_step_only, wrong.slope_left_out, wrong.slope_not_squared, wrong.frobenius, wrong.product_of_norms, wrong.wrong_side),
    cases=cases.nudge_cases,
    returns=("norms",),
    afterword="With every factor below 1 this falls like a power. Training needs the same product, from the other end.",
)


# 04.4 -----------------------------------------------------------------------------------------------


def look_back(query, states, match):
    """Weights (..., S) of the states, and their mixture (..., C)."""
    scores = (states @ (match @ query[..., None]))[..., 0]  # (..., S)
    weights = torch.softmax(scores, dim=-1)
    context = (weights[..., None] * states).sum(-2)  # (..., C)
    return weights, context


LOOK = Exercise(
    id="04.4",
    title="Look back",
    stars=2,
    minutes=12,
    task=r"""
The writer stands in state $q$ and may look at every state $h_1, \dots, h_S$ of the reader. Write
`look_back(query, states, match)`, which returns the weights and the mixture:

$$\alpha_s = \frac{e^{h_s^\top M q}}{\sum_u e^{h_u^\top M q}}, \qquad c = \sum_s \alpha_s h_s$$

`query` has shape `(..., C)`, `states` `(..., S, C)`, `match` is $M$, `(C, C)`. Return `weights`, `(..., S)`, and `context`,
`(..., C)`.
""",
    hints=(
        "First $Mq$: `match @ query[..., None]` has shape `(..., C, 1)`. Then `states @ ...` gives a score for each state.",
        "The softmax goes over the S states, the last axis of the scores.",
        "The mixture: `(weights[..., None] * states).sum(-2)`.",
    ),
    solution=look_back,
    mistakes=(wrong.match_transposed, wrong.match_left_out, wrong.scaled, wrong.last_only, wrong.all_alike, wrong.not_normalized),
    cases=cases.look_cases,
    returns=("weights", "context"),
    afterword="Lesson 05 begins here: take away the recurrence, and let every token ask like this.",
)


# 04.5 -----------------------------------------------------------------------------------------------


def layers_needed(tokens, kernel, growth):
    """Layers until the last token sees the first."""
    layers = torch.zeros_like(tokens)
    sees, step = torch.ones_like(tokens), torch.ones_like(tokens)
    while (sees < tokens).any():
        short = sees < tokens
        layers = layers + short
        sees = sees + step * (kernel - 1)
        step = step * growth
    return layers


LAYERS = Exercise(
    id="04.5",
    title="Convolutions with gaps",
    stars=3,
    minutes=15,
    task=r"""
A causal convolution with kernel $k$ looks at $k$ tokens, itself and those before it. *Dilated*, it leaves gaps: layer 0
looks at neighbors, layer 1 at every $g$-th token, layer 2 at every $g^2$-th, and so on. After $n$ layers a token sees

$$1 + (k - 1)\,(1 + g + g^2 + \dots + g^{n-1})$$

tokens. Write `layers_needed(tokens, kernel, growth)`: the smallest number of layers after which the last of so many tokens
sees the first. With $g = 1$ there are no gaps.

`tokens` has any shape and holds whole numbers from 1 on (as float64); `kernel` and `growth` are single numbers, $k \ge 2$
and $g \ge 1$. The answer has the shape of `tokens`.
""",
    hints=(
        "Count upwards: start with what no layer sees (one token), and add a layer while that is too few.",
        "The first layer adds $k - 1$ tokens, the next $g\\,(k - 1)$.",
        "For many lengths at once: `while (sees < tokens).any()`, and add the comparison itself to the count.",
    ),
    solution=layers_needed,
    mistakes=(wrong.no_gaps, wrong.whole_kernel, wrong.one_too_many, wrong.gaps_at_once, wrong.power_of_kernel),
    cases=cases.layer_cases,
    returns=("layers",),
    afterword="With g = k the path grows with the logarithm of the length: WaveNet and ByteNet. Attention needs one layer, for any length.",
)


LESSON = Lesson("04", "From recurrence to attention", (LAST_STATE, GATES, GRADIENT, LOOK, LAYERS))
