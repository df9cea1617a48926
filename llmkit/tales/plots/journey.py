"""A journey: a thing must be carried far to someone who asked for it, and the way must be remembered."""

from llmkit.tales.grammar import Ask, Branch, End, Fact, Plot, Say
from llmkit.tales.plots.common import ABOUT

SETTING_OUT = [
    Say(
        ("{A} the {A_kind} got a letter from {B} the {B_kind}, who lived far away.", "{A_kind}{A}收到一封信，是住在远方的{B_kind}{B}寄来的。"),
        ("One {weather} morning a letter came for {A} the {A_kind} from {B} the {B_kind}.", "一个{weather}的早晨，{A_kind}{A}收到了{B_kind}{B}的来信。"),
        ("{A} the {A_kind} often thought of {B} the {B_kind}, and one day a letter came.", "{A_kind}{A}常常想起{B_kind}{B}，有一天，{B}来了一封信。"),
    ),
    Branch("reason", {
        "ill": [
            Say(
                ('"I am [why:ill]," it said, "and I miss the {color} {thing} that I lent you."', "信上说：“我病了，真想念借给你的那{thing_mw}{color}的{thing}。”"),
                ('It said: "I have been [why:ill] since {day}, so please bring me my {color} {thing}."', "信上说：“我从{day}起就病了，请把我那{thing_mw}{color}的{thing}带来吧。”"),
            ),
        ],
        "wedding": [
            Say(
                ('"I am [why:getting married] on {day}," it said, "so please bring my {color} {thing}."', "信上说：“我{day}结婚，请把我那{thing_mw}{color}的{thing}带来吧。”"),
                ('It said: "My [why:wedding] is on {day}, so please bring me my {color} {thing}."', "信上说：“我的婚礼在{day}，请把我那{thing_mw}{color}的{thing}带来吧。”"),
            ),
        ],
    }),
    Say(
        ("{A} took the {thing}, ate a little {food} and left at once.", "{A}带上{thing}，吃了点儿{food}，马上动身了。"),
        ("{A} had never gone so far, but {A_he} took the {thing} and went.", "{A}从来没有走过那么远的路，可{A_he}还是带上{thing}出发了。"),
        ("{A} did not hesitate for long; {A_he} took the {thing} and set out.", "{A}没有犹豫多久，带上{thing}就出发了。"),
    ),
    Say(
        ('"Walk as far as the {place} and turn {turn} there," said an old crow.', "“一直走到{place}，在那儿往{turn}拐。”一只老乌鸦说。"),
        ('"You must turn {turn} at the {place}," a crow on a fence told {A_him}.', "“你到了{place}要往{turn}拐。”篱笆上的一只乌鸦告诉{A_he}。"),
        ('An old crow pointed down the road and said: "At the {place}, turn {turn}."', "一只老乌鸦指着大路说：“到了{place}，往{turn}拐。”"),
    ),
    Say(
        ("It was a long road, and {A} sang so that {A_he} would not feel lonely.", "路很长，{A}唱着歌，好让自己不觉得孤单。"),
        ("The road was steep, and twice {A} thought of turning back.", "路很陡，{A}有两回都想往回走。"),
        ("{A} slept under the open sky, and {A_he} did not sleep much.", "{A}在露天里过夜，没怎么睡着。"),
    ),
]

END = {
    "arrived": [
        Say(
            ("At the {~place} {A_he} remembered the words of the crow and turned {~turn}.", "到了{place}，{A_he}想起乌鸦的话，往{turn}拐去。"),
            ("{A_He} had not forgotten what the crow had said, and at the {~place} {A_he} turned {~turn}.", "{A_he}没有忘记乌鸦的话，到了{place}就往{turn}拐。"),
        ),
        Say(
            ("By evening {A_he} stood in front of {B_his} house.", "傍晚时分，{A_he}站在了{B}家门前。"),
            ("An hour later {A_he} saw a light in a window, and there was {B}.", "一个钟头以后，{A_he}看见一扇窗里亮着灯，{B}就在那儿。"),
        ),
        Branch("thanks", {
            "tears": [Say(
                ("{B_He} saw the {~color} {thing} and wept for joy.", "{B_he}看见那{thing_mw}{color}的{thing}，高兴得哭了。"),
                ('"My {~color} {thing}," {B_he} cried.|"And you came all this way."', "“是我那{thing_mw}{color}的{thing}，”{B_he}叫道。|“你竟然走了这么远的路。”"),
            )],
            "laughter": [Say(
                ("{B_He} laughed aloud when {B_he} saw the {~color} {thing}, and then {B_he} hugged {A_him}.", "{B_he}一见那{thing_mw}{color}的{thing}就放声大笑，接着拥抱了{A_he}。"),
                ("{B_He} did not look at the {~color} {thing} at first, because {B_he} could only look at {A_him}.", "{B_he}一开始都没顾上看那{thing_mw}{color}的{thing}，因为{B_he}眼里只有{A_he}。"),
            )],
        }),
        Say(
            ("They talked until the stars came out.", "他们一直聊到满天星斗。"),
            ("{A} stayed for a month.", "{A}住了一个月才走。"),
            ("When {A} left, {B} promised to come to {A_him} next time.", "{A}走的时候，{B}答应下次去看{A_he}。"),
        ),
        Ask("How much did the journey cost?"),
        Fact("{A}", "brought", "the {thing} to {B}"),
        End("{A} carried {color_a} {thing} a long way to {B} and arrived, because {A_he} remembered to turn {turn} at the {place}.", "positive"),
    ],
    "lost": [
        Say(
            ("When {A_he} came to the {~place}, {A_he} had forgotten to turn {~turn} and went the other way.", "{A_he}到了{place}，忘了该往{turn}拐，走了另一条路。"),
            ("At the {~place} {A_he} was so tired that {A_he} did not turn {~turn}.", "到了{place}，{A_he}累得没有往{turn}拐。"),
        ),
        Say(
            ("The road became a path, and the path ended in front of a swamp.", "大路变成了小道，小道的尽头是一片沼泽。"),
            ("It grew dark, and there was no light and no house.", "天黑了，没有灯光，也没有人家。"),
        ),
        Say(
            ("It took {A_him} four days to find the way home, and the {~color} {thing} was still with {A_him}.", "{A_he}花了四天才找到回家的路，那{thing_mw}{color}的{thing}还在{A_he}身边。"),
            ("In the end {A_he} had to turn back with the {~color} {thing}, tired and {sad}.", "最后，{A_he}只好带着那{thing_mw}{color}的{thing}往回走，又累又{sad}。"),
        ),
        Say(
            ('"I did not find you," {A_he} wrote to {B}.', "“我没能找到你。”{A_he}写信给{B}说。"),
            ("{B} waited at the window, but nobody came.", "{B}在窗前等着，可是谁也没有来。"),
        ),
        Ask("What did {B} say when {A} arrived?"),
        Fact("{A}", "did not reach", "{B}"),
        End("{A} set out to bring {color_a} {thing} to {B}, but {A_he} did not turn {turn} at the {place} and got lost.", "negative"),
    ],
}

JOURNEY = Plot("journey", "a journey", [
    *SETTING_OUT,
    Branch("arrival", END),
    Ask("Who had sent the letter?", "=B"),
    Ask("What did {B} want {A} to bring?", "=thing"),
    Ask("Where was {A} told to turn?", "=place"),
    Ask("In which direction was {A} told to turn?", "=turn"),
    Ask("Why did {B} want the {thing}?", "why"),
    Ask("How old was the crow?"),
    Fact("the crow", "told {A} to turn", "{turn} at the {place}"),
    *ABOUT,
])
