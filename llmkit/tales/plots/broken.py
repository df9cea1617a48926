"""A broken thing and an apology: something borrowed is damaged. It is owned up to at once, late, or never."""

from llmkit.tales.grammar import Ask, Branch, By, End, Fact, Plot, Say
from llmkit.tales.plots.common import ABOUT

ACCIDENT = [
    Say(
        ("{A} the {A_kind} was proud, because {B} the {B_kind} had lent {A_him} {color_a} {thing}.", "{A_kind}{A}得意极了，因为{B_kind}{B}借给了{A_he}一{thing_mw}{color}的{thing}。"),
        ("{A} the {A_kind} had borrowed {color_a} {thing} from {A_his} {friend} {B} the {B_kind}.", "{A_kind}{A}向{friend}、{B_kind}{B}借了一{thing_mw}{color}的{thing}。"),
        ("On {day} {A} the {A_kind} asked {B} the {B_kind} for {B_his} {color} {thing} and was allowed to take it home.", "{day}那天，{A_kind}{A}向{B_kind}{B}借那{thing_mw}{color}的{thing}，{B_he}答应让{A_he}带回家。"),
    ),
    Branch("origin", {
        "inherited": [
            Say(
                ('"Be careful," {B_he} had said.|"It belonged to my {relative}."', "“小心一点，”{B_he}当时说。|“这原来是我{relative}的。”"),
                ('"I have it from my {relative}," {B_he} had told {A_him}, "and there is no other like it."', "“这是我{relative}给我的，”{B_he}当时对{A_he}说，“再也没有第二{thing_mw}了。”"),
            ),
            Ask("Who had owned the {thing} before {B}?", "=relative"),
        ],
        "new": [
            Say(
                ('"It is new," {B_he} had said.|"I saved for it [saved:all winter]."', "“这是新的，”{B_he}当时说。|“我攒了一个冬天的钱才买下来。”"),
                ('"I worked [saved:all summer] for it," {B_he} had told {A_him}, "so bring it back soon."', "“我干了一个夏天的活儿才挣来的，”{B_he}当时对{A_he}说，“早点儿还给我。”"),
            ),
            Ask("How long had {B} saved or worked for the {thing}?", "saved"),
        ],
    }),
    Say(
        ("But {A} [how:slipped on the wet stones] near the {place}, and now the {thing} was {thing_hurt}.", "可是{A}在{place_near}的湿石头上滑了一跤，把{thing}弄{thing_hurt}。"),
        ("But {A} [how:ran too fast] near the {place} and fell, and now the {thing} was {thing_hurt}.", "可是{A}在{place_near}跑得太快，摔了一跤，爬起来一看，{thing}{thing_hurt}。"),
        ("But near the {place} {A} [how:did not look where {A_he} was going] and fell, and the {thing} was {thing_hurt}.", "可是在{place_near}，{A}没有看路，摔了一跤，把{thing}弄{thing_hurt}。"),
    ),
]

REASON = By("origin", {
    "inherited": [Say(
        ('"My {~relative} broke things too," said {B}, "and {relative_he} always told the truth."', "“我{relative}也弄坏过东西，”{B}说，“可从来都说实话。”"),
        ('"My {~relative} would not be angry," said {B}, "so I am not."', "“我{relative}是不会生气的，”{B}说，“所以我也不生气。”"),
    )],
    "new": [Say(
        ('"I can work for another one," said {B}, "but not for another friend."', "“东西可以再挣，”{B}说，“朋友可挣不来。”"),
        ('"It was only {thing_a}," said {B}, and {B_he} almost meant it.', "“不过是一{thing_mw}{thing}罢了。”{B}说，{B_he}差不多是真心的。"),
    )],
})

ENDINGS = {
    "at once": [
        Say(
            ("{A_He} wanted to run away, but {A_he} did not.", "{A_he}想一走了之，可是没有那样做。"),
            ("{A_He} was afraid of what {B} would say, and yet {A_he} went to {B_him} at once.", "{A_he}怕{B}会生气，可还是马上去找了{B_he}。"),
            ("For a minute {A_he} sat in the road and felt {sad}, and then {A_he} went to {B}.", "{A_he}在路上坐了一小会儿，心里很{sad}，然后就去找{B}。"),
        ),
        Say(
            ('"I have damaged your {~color} {thing}," {A_he} told {B}.|"I am very sorry."', "“我把你那{thing_mw}{color}的{thing}弄坏了，”{A_he}对{B}说。|“真对不起。”"),
            ('"Look what I did to your {~color} {thing}," {A_he} said to {B}.|"Can you forgive me?"', "“你看我把你那{thing_mw}{color}的{thing}弄成什么样了，”{A_he}对{B}说。|“你能原谅我吗？”"),
        ),
        REASON,
        Say(
            ("{A_He} came every evening with {tool} and worked until the {thing} was whole.", "{A_he}每天晚上都带着{tool}来，一直干到把{thing}修好为止。"),
            ("They took some {tool} and repaired it, and nobody could see where it had been {thing_hurt}.", "他们拿来{tool}把它修好，谁也看不出它坏过。"),
        ),
        Ask("What did they use for the repair?", "=tool"),
        Fact("{A}", "told the truth to", "{B}"),
        End("{A} damaged {B}'s {color} {thing}, told {B_him} at once, and was forgiven.", "positive"),
    ],
    "late": [
        Say(
            ("{A_He} hid it {spot} and told nobody.", "{A_he}把它藏在{spot}，谁也没告诉。"),
            ("{A_He} pushed it out of sight, {spot}, and hoped that {B} would forget.", "{A_he}把它塞到{spot}，盼着{B}会忘掉这件事。"),
        ),
        Say(
            ("But {A_he} could not sleep, and {A_his} {food} had no taste.", "可是{A_he}睡不着觉，{food}吃起来也没有味道。"),
            ("But every time {B} greeted {A_him}, {A_he} felt worse.", "可是{B}每次跟{A_he}打招呼，{A_he}心里就更难受。"),
        ),
        Say(
            ("After three days {A_he} took {B} by the arm and showed {B_him} the {~color} {thing}, which was still {~spot}.", "三天以后，{A_he}拉着{B}去看还藏在{spot}的那{thing_mw}{color}的{thing}。"),
            ("On the fourth day {A_he} told {B} that the {~color} {thing} was {~spot}.", "到了第四天，{A_he}告诉{B}，那{thing_mw}{color}的{thing}在{spot}。"),
        ),
        Say(
            ('"I should have told you before," {A_he} said.|"I am sorry."', "“我早就该告诉你的，”{A_he}说。|“对不起。”"),
            ('"I was a coward," {A_he} said, "and I am sorry."', "“我是个胆小鬼，”{A_he}说，“对不起。”"),
        ),
        REASON,
        Ask("Where did {A} hide the {thing}?", "=spot"),
        Fact("{A}", "told the truth late to", "{B}"),
        End("{A} damaged {B}'s {color} {thing} and hid it, but after some days {A_he} said sorry and was forgiven.", "positive"),
    ],
    "never": [
        Say(
            ("{A_He} hid it {outside} and went home.", "{A_he}把它藏到{outside}，就回家了。"),
            ("{A_He} left it {outside}, where nobody would look.", "{A_he}把它丢在{outside}，心想谁也不会去那儿看。"),
        ),
        Say(
            ('"Where is my {thing}?" asked {B} a week later.|"I gave it back to you," {A_he} lied.', "“我的{thing}呢？”一个星期后，{B}问。|“我早就还给你了。”{A_he}撒谎说。"),
            ('"May I have my {thing} again?" asked {B}.|"Somebody has stolen it," {A_he} lied.', "“可以把{thing}还给我了吗？”{B}问。|“有人把它偷走了。”{A_he}撒谎说。"),
        ),
        Say(
            ("{B} said nothing, because {B_he} had seen the {~color} {thing} {~outside}.", "{B}什么也没说，因为{B_he}早就在{outside}看见了那{thing_mw}{color}的{thing}。"),
            ("But {B} had already found the {~color} {thing} {~outside}.", "可是{B}已经在{outside}找到了那{thing_mw}{color}的{thing}。"),
        ),
        Say(
            ("{B_He} was {sad}, not because of the {thing}, but because of the lie.", "{B_he}很{sad}，不是为了{thing}，而是为了那句谎话。"),
            ("After that day {B_he} never lent {A_him} anything.", "从那天起，{B_he}再也没有借给{A_he}任何东西。"),
            ('"Do not come here any more," {B_he} said, and {A} hung {A_his} head.', "“你别再来了。”{B_he}说，{A}低下了头。"),
        ),
        Ask("Where did {A} hide the {thing}?", "=outside"),
        Ask("When did {A} tell {B} the truth?"),
        Fact("{A}", "lied to", "{B}"),
        End("{A} damaged {B}'s {color} {thing}, hid it and lied, and lost {B_his} trust.", "negative"),
    ],
}

BROKEN = Plot("broken", "a broken thing", [
    *ACCIDENT,
    Branch("confession", ENDINGS, weights={"at once": 1, "late": 1, "never": 2}),
    Ask("Who had lent the {thing} to {A}?", "=B"),
    Ask("Where was the {thing} damaged?", "=place"),
    Ask("How did the accident happen?", "how"),
    Ask("What was the name of {B}'s mother?"),
    Fact("{A}", "borrowed the {thing} from", "{B}"),
    *ABOUT,
])
