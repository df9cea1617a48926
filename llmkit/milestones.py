"""From expert systems to models of a trillion parameters: what was published, when, how large, trained with how much.

Every number stands in the source that is named; compute that a source does not give is estimated as 6ND and says so.
"""

from dataclasses import dataclass

KINDS = ("rules", "network", "recurrent", "attention", "transformer")
BRIDGE = 6  # multiplications and additions for each parameter and token, forward and backward: Kaplan et al. 2020, derived in lesson 12


@dataclass(frozen=True)
class Milestone:
    """One publication. A number that its source does not give is None.

    >>> find("GPT-3").parameters, find("GPT-3").compute
    (175000000000.0, 3.14e+23)
    """

    when: str  # "1986" or "2017-06"
    name: str
    kind: str  # of KINDS
    what: str
    source: str  # key in book/references.bib
    url: str
    parameters: float | None = None  # learned numbers in all
    active: float | None = None  # of these, at work for one token, where not all are
    tokens: float | None = None  # read in training
    published: float | None = None  # floating point operations of training, as a source gives them
    given_by: str = ""  # key of that source where it is another one

    @property
    def year(self) -> float:
        """The date as a number: June 2017 is 2017.5; without a month, the middle of the year."""
        year, _, month = self.when.partition("-")
        return int(year) + ((int(month) - 0.5) / 12 if month else 0.5)

    @property
    def is_estimate(self) -> bool:
        """Whether `compute` is 6ND instead of a published figure."""
        return self.published is None and self.compute is not None

    @property
    def compute(self) -> float | None:
        """Floating point operations of training: published, or 6 times active parameters times tokens, or unknown."""
        if self.published is not None or self.parameters is None or self.tokens is None:
            return self.published
        return BRIDGE * (self.active or self.parameters) * self.tokens


def arxiv(number: str) -> str:
    return f"https://arxiv.org/abs/{number}"


def doi(number: str) -> str:
    return f"https://doi.org/{number}"


M = Milestone
MILESTONES = (
    M("1958", "Perceptron", "network", "One layer of weights that are learned from examples.", "rosenblatt1958", doi("10.1037/h0042519")),
    M("1982", "R1 (XCON)", "rules", "An expert system: hand-written rules put computers together at Digital.", "mcdermott1982", doi("10.1016/0004-3702(82)90021-2")),
    M("1982", "Hopfield network", "recurrent", "A network whose outputs are its next inputs, until it settles on a memory.", "hopfield1982", doi("10.1073/pnas.79.8.2554")),
    M("1986", "Backpropagation", "network", "The chain rule, layer by layer, makes hidden layers learn.", "rumelhart1986", doi("10.1038/323533a0")),
    M("1986", "Jordan network", "recurrent", "The last output is fed back, so that a network can produce a sequence.", "jordan1986", doi("10.1016/S0166-4115(97)80111-2")),
    M("1987", "NETtalk", "network", "Learns to read English aloud, through a window of seven letters.", "sejnowski1987", "https://www.complex-systems.com/abstracts/v01_i01_a10/", 18_629.0),
    M("1989", "Zip code reader", "network", "Convolution with shared weights, trained by backpropagation.", "lecun1989", doi("10.1162/neco.1989.1.4.541"), 9_760.0),
    M("1990", "Elman network", "recurrent", "The hidden state is read again at the next word: the simple recurrent network.", "elman1990", doi("10.1207/s15516709cog1402_1")),
    M("1994", "Vanishing gradients", "recurrent", "Why such networks cannot learn what lies far back.", "bengio1994", doi("10.1109/72.279181")),
    M("1997", "LSTM", "recurrent", "Gates, and a memory that is added to instead of multiplied.", "hochreiter1997", doi("10.1162/neco.1997.9.8.1735")),
    M("2003", "Neural language model", "network", "Word vectors and the next word's chances, learned together.", "bengio2003", "https://www.jmlr.org/papers/v3/bengio03a.html"),
    M("2014-06", "GRU encoder and decoder", "recurrent", "One network reads a sentence, another writes its translation.", "cho2014", arxiv("1406.1078")),
    M("2014-09", "Attention", "attention", "The writer looks at every state of the reader, and learns where.", "bahdanau2015", arxiv("1409.0473")),
    M("2014-09", "Sequence to sequence", "recurrent", "Deep LSTMs translate, reading the sentence backwards.", "sutskever2014", arxiv("1409.3215"), 384e6),
    M("2017-06", "Transformer (big)", "transformer", "Attention without recurrence.", "vaswani2017", arxiv("1706.03762"), 213e6, published=2.3e19),
    M("2018-06", "GPT", "transformer", "A decoder is pre-trained on books, then fine-tuned. Its size is as GPT-2's paper gives it.", "radford2018", "https://openai.com/index/language-unsupervised/", 117e6, published=8.3e19),
    M("2018-10", "BERT (large)", "transformer", "An encoder is pre-trained on gaps.", "devlin2019", arxiv("1810.04805"), 340e6, published=5.33e20, given_by="brown2020"),
    M("2019-02", "GPT-2", "transformer", "Thirteen times the size of GPT, and no fine-tuning.", "radford2019", "https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf", 1.542e9),
    M("2019-09", "Megatron-LM", "transformer", "One model cut across many GPUs.", "shoeybi2019", arxiv("1909.08053"), 8.3e9),
    M("2019-10", "T5 (11B)", "transformer", "Every task as text in, text out.", "raffel2020", arxiv("1910.10683"), 11e9, published=3.3e22, given_by="brown2020"),
    M("2020-02", "Turing-NLG", "transformer", "For three months the largest.", "rosset2020", "https://www.microsoft.com/en-us/research/blog/turing-nlg-a-17-billion-parameter-language-model-by-microsoft/", 17e9),
    M("2020-05", "GPT-3", "transformer", "Learns a task from examples in its prompt.", "brown2020", arxiv("2005.14165"), 175e9, tokens=300e9, published=3.14e23),
    M("2021-12", "Gopher", "transformer", "DeepMind's model of 280 billion.", "rae2021", arxiv("2112.11446"), 280e9, tokens=300e9, published=5.76e23, given_by="hoffmann2022"),
    M("2022-01", "Megatron-Turing NLG", "transformer", "The largest dense model of its day.", "smith2022", arxiv("2201.11990"), 530e9, tokens=270e9),
    M("2022-03", "Chinchilla", "transformer", "The compute of Gopher, a quarter of its size, and better.", "hoffmann2022", arxiv("2203.15556"), 70e9, tokens=1.4e12, published=5.76e23),
    M("2022-04", "PaLM", "transformer", "Google's dense model of 540 billion.", "chowdhery2022", arxiv("2204.02311"), 540e9, tokens=780e9),
    M("2022-11", "BLOOM", "transformer", "Open weights, 46 human languages, made by hundreds of researchers.", "scao2022", arxiv("2211.05100"), 176e9, tokens=366e9),
    M("2023-02", "LLaMA (65B)", "transformer", "Smaller, read more, and good.", "touvron2023", arxiv("2302.13971"), 65.2e9, tokens=1.4e12),
    M("2023-03", "GPT-4", "transformer", "Its report gives neither size nor compute.", "openai2023", arxiv("2303.08774")),
    M("2023-07", "Llama 2 (70B)", "transformer", "Open weights, tuned to talk.", "touvron2023llama2", arxiv("2307.09288"), 70e9, tokens=2e12),
    M("2024-07", "Llama 3.1 (405B)", "transformer", "The largest of these with all parameters at work, and its compute is published.", "dubey2024", arxiv("2407.21783"), 405e9, tokens=15.6e12, published=3.8e25),
    M("2024-12", "DeepSeek-V3", "transformer", "A mixture of experts: a small part works for each token.", "deepseek2024", arxiv("2412.19437"), 671e9, 37e9, 14.8e12),
    M("2025-05", "Qwen3 (235B)", "transformer", "A mixture of experts that read 36 trillion tokens.", "yang2025", arxiv("2505.09388"), 235e9, 22e9, 36e12),
    M("2025-07", "Kimi K2", "transformer", "A trillion parameters, of which one in thirty works for a token.", "kimi2025", arxiv("2507.20534"), 1e12, 32e9, 15.5e12),
)  # fmt: skip


def find(name: str) -> Milestone:
    """The milestone with this name."""
    for one in MILESTONES:
        if one.name == name:
            return one
    raise ValueError(f"There is no milestone {name!r}. They are {', '.join(one.name for one in MILESTONES)}.")
