"""Lost and found: a thing is missing. A friend hid it, or its owner forgot where it lay; it comes back, or it does not."""

from llmkit.tales.grammar import Ask, Branch, End, Fact, Plot, Say
from llmkit.tales.plots.common import ABOUT

MISSING = [
    Say(
        ("{A} the {A_kind} woke early, because it was the day of the fair.", "这天要办游园会，{A_kind}{A}早早就醒了。"),
        ("It was a {weather} morning, and {A} the {A_kind} wanted to go out.", "这是一个{weather}的早晨，{A_kind}{A}想出门去。"),
        ("One {weather} morning, {A} the {A_kind} could not sit still.", "一个{weather}的早晨，{A_kind}{A}怎么也坐不住。"),
        ("The morning was {weather}, and {A} the {A_kind} was already dressed.", "早晨天气很{weather}，{A_kind}{A}已经穿戴好了。"),
    ),
    Say(
        ("{A_His} {color} {thing} was not in its usual place.", "可是{A_he}那{thing_mw}{color}的{thing}不在老地方。"),
        ("But {A_his} {color} {thing} was gone.", "可是{A_he}那{thing_mw}{color}的{thing}不见了。"),
        ("{A_He} looked for {A_his} {color} {thing}, but it was not there.", "{A_he}去找自己那{thing_mw}{color}的{thing}，它却不在那儿。"),
    ),
]

SEARCH = Say(
    ("{A} ran to the {place} and asked there, but nobody knew anything.", "{A}跑到{place}去打听，可是谁也不知道。"),
    ("{A} searched all the way to the {place} and came home {sad}.", "{A}一路找到{place}，回家时心里很{sad}。"),
    ("{A} looked near the {place}, found nothing, and felt {sad}.", "{A}到{place_near}找了一遍，什么也没找到，心里很{sad}。"),
    ("{A} even went to the {place}, but it was not there either.", "{A}连{place}都去了，那儿也没有。"),
)

HIDDEN = [
    Say(
        ('"Who took my {thing}?" {A_he} asked.', "“谁拿了我的{thing}？”{A_he}问。"),
        ('"My {thing} did not walk away by itself," {A_he} said.', "“我的{thing}总不会自己走掉吧。”{A_he}说。"),
        ('"Where is my {thing}?" {A_he} called.', "“我的{thing}到哪儿去了？”{A_he}喊道。"),
    ),
    Say(
        ("{A_His} {friend} {B} the {B_kind} did not answer.", "{A_he}的{friend}、{B_kind}{B}没有吭声。"),
        ("{B} the {B_kind} looked at the floor and said nothing.", "{B_kind}{B}低头看着地板，什么也没说。"),
    ),
    Say(
        ("{B_He} had played with it [when:the night before], and now it was {thing_hurt} and hidden {spot}.",
         "前一天晚上，{B_he}拿它来玩，把它弄{thing_hurt}，就藏到了{spot}。"),
        ("It was {thing_hurt}, because {B_he} had fallen over it [when:in the dark], and {B_he} had hidden it {spot}.",
         "{B_he}摸黑时绊倒在上面，把它弄{thing_hurt}，就藏到了{spot}。"),
        ("{B_He} had borrowed it [when:on {day}] without asking, and now it was {thing_hurt} and lay {spot}.",
         "{day}那天，{B_he}没问一声就借走了它，结果弄{thing_hurt}，只好藏到{spot}。"),
    ),
    SEARCH,
    Say(
        ("When {B} saw that, {B_he} could not keep quiet any longer.", "{B}看见了，再也不忍心瞒下去。"),
        ("{B} saw {A_his} face, and {B_he} was ashamed.", "{B}看到{A_he}的神情，心里十分惭愧。"),
        ("{B} felt worse and worse.", "{B}心里越来越不是滋味。"),
    ),
    Say(
        ('"I am sorry," {B_he} said.|"Your {thing} is {~spot}."', "“对不起，”{B_he}说。|“你的{thing}在{spot}。”"),
        ('"It was me," {B_he} said.|"Look {~spot}."', "“是我干的，”{B_he}说。|“你去{spot}看看吧。”"),
    ),
    Branch("anger", {
        "forgave": [
            Say(
                ("{A} was not angry for long.", "{A}没有生气多久。"),
                ('"Thank you for telling me," said {A}.', "“谢谢你告诉我。”{A}说。"),
                ("{A} was glad that {B_he} had told the truth.", "{B_he}说了实话，{A}心里很宽慰。"),
            ),
            Say(
                ("They mended it with {tool}, and before the sun went down the {~color} {thing} was as good as new.",
                 "他们用{tool}把它修好，太阳还没下山，那{thing_mw}{color}的{thing}就跟新的一样了。"),
                ("{B} brought some {tool}, and together they made the {~color} {thing} whole again.",
                 "{B}拿来了{tool}，他们一起把那{thing_mw}{color}的{thing}修好了。"),
            ),
            Ask("What did they mend the {thing} with?", "=tool"),
            Fact("{A}", "forgave", "{B}"),
            End("{B} hid {A}'s {color} {thing} after damaging it, told the truth, and helped to mend it.", "positive"),
        ],
        "left": [
            Say(
                ('"You should have told me at once," said {A}.', "“你应该马上告诉我的。”{A}说。"),
                ('"I trusted you," {A} said quietly.', "“我本来很信任你。”{A}轻声说。"),
                ("{A} did not say that it was all right.", "{A}没有说“没关系”。"),
            ),
            Say(
                ("{A_He} carried the {~color} {thing} home alone and did not speak to {B} for a week.",
                 "{A_he}独自把那{thing_mw}{color}的{thing}拿回家，整整一个星期没有跟{B}说话。"),
                ("{B} wanted to mend the {~color} {thing} with {tool}, but {A_he} shook {A_his} head and closed the door.",
                 "{B}想用{tool}修好那{thing_mw}{color}的{thing}，可{A_he}摇摇头，关上了门。"),
            ),
            Ask("Who helped {A} to forgive {B}?"),
            Fact("{A}", "did not forgive", "{B}"),
            End("{B} damaged and hid {A}'s {color} {thing}, and {A} did not forgive {B_him}.", "negative"),
        ],
    }, weights={"forgave": 2, "left": 1}),
    Ask("Who had hidden the {thing}?", "=B"),
    Ask("Where was the {thing} hidden?", "=spot"),
    Ask("When did {B} damage the {thing}?", "when"),
    Ask("Who gave the {thing} to {A}?"),
    Fact("{B}", "hid the {thing}", "{spot}"),
]

FORGOTTEN = [
    Say(
        ("{A_He} had left it {outside} on {day}, but {A_he} did not remember that.", "其实{day}那天，{A_he}把它落在了{outside}，可自己想不起来了。"),
        ("Nobody had taken it: it lay {outside}, where {A_he} had put it down on {day}.", "谁也没有拿：它就在{outside}，是{A_he}{day}自己放下的。"),
    ),
    SEARCH,
    Say(
        ("At noon {B} the {B_kind} came by and heard about it.", "中午，{B_kind}{B}走过来，听说了这件事。"),
        ("Then {A_his} {friend} {B} the {B_kind} knocked on the door.", "这时，{A_he}的{friend}、{B_kind}{B}来敲门了。"),
    ),
    Say(
        ('"When did you last have it?" {B_he} asked.|"On {~day}," said {A}.', "“你最后一次用它是什么时候？”{B_he}问。|“{day}。”{A}说。"),
        ('"Think," {B_he} said.|"Where were you on {~day}?"', "“好好想想，”{B_he}说。|“{day}那天你在哪儿？”"),
    ),
    Branch("memory", {
        "remembered": [
            Say(
                ("{A_He} thought hard, and suddenly {A_he} laughed and ran.", "{A_he}使劲想了想，忽然笑了，拔腿就跑。"),
                ("{A_He} closed {A_his} eyes, and then {A_he} remembered.", "{A_he}闭上眼睛，想了起来。"),
            ),
            Say(
                ("The {~color} {thing} was still {~outside}.", "那{thing_mw}{color}的{thing}还在{outside}。"),
                ("There the {~color} {thing} was, {~outside}, and nothing had happened to it.", "那{thing_mw}{color}的{thing}就在{outside}，好好的，一点儿事也没有。"),
            ),
            Say(
                ('"Next time I will think before I run," said {A}, and {B} smiled.', "“下次我一定先想一想再跑。”{A}说，{B}笑了。"),
                ("{A} was so {happy} that {A_he} invited {B} to supper.", "{A}{happy}得不得了，请{B}来家里吃晚饭。"),
                ("They went home together, and both of them were {happy}.", "他们一起回家，一路上都很{happy}。"),
            ),
            Fact("{A}", "found the {thing}", "{outside}"),
            End("{A} could not find {A_his} {color} {thing} until {B} helped {A_him} to remember that it was {outside}.", "positive"),
        ],
        "gone": [
            Say(
                ("{A_He} could not remember, although {A_he} tried all afternoon.", "{A_he}想了一个下午，还是想不起来。"),
                ('"I do not know any more," {A_he} said.', "“我记不清了。”{A_he}说。"),
            ),
            Say(
                ("That night [thief:somebody] came past, saw the {~color} {thing} {~outside}, and took it away.", "那天夜里，有人路过，看见{outside}有{thing_mw}{color}的{thing}，就把它拿走了。"),
                ("When they at last looked {~outside} a week later, [thief:somebody] had taken the {~color} {thing}.", "一个星期后，他们才想到去{outside}看看，那{thing_mw}{color}的{thing}已经被人拿走了。"),
            ),
            Say(
                ("{A} never saw it again.", "{A}再也没有见到它。"),
                ("{A} cried, and {B} did not know what to say.", "{A}哭了，{B}不知道说什么才好。"),
            ),
            Ask("What was the name of the one who took the {thing}?"),
            Fact("{A}", "never got back", "the {thing}"),
            End("{A} forgot that {A_his} {color} {thing} was {outside}, and somebody took it away.", "negative"),
        ],
    }, weights={"remembered": 2, "gone": 1}),
    Ask("Where had {A} left the {thing}?", "=outside"),
    Ask("On which day had {A} left it?", "=day"),
    Ask("Who had broken the {thing}?"),
    Fact("{A}", "left the {thing}", "{outside}"),
]

LOST = Plot("lost", "lost and found", [
    *MISSING,
    Branch("cause", {"hidden": HIDDEN, "forgotten": FORGOTTEN}),
    Ask("Where did {A} look for the {thing}?", "=place"),
    *ABOUT,
])
