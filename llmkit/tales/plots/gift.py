"""A gift: a birthday present is bought or put right, hidden, and given. It is loved, or there are two, or nobody cares."""

from llmkit.tales.grammar import Ask, Branch, End, Fact, Plot, Say
from llmkit.tales.plots.common import ABOUT

SEARCH = [
    Say(
        ("{A} the {A_kind} needed a present, because on {day} {A_his} {friend} {B} the {B_kind} would have a birthday.",
         "{A_kind}{A}要准备一份礼物，因为{day}是{A_he}的{friend}、{B_kind}{B}的生日。"),
        ("{A} the {A_kind} counted the days until {day}, the birthday of {A_his} {friend} {B} the {B_kind}.",
         "{A_kind}{A}数着日子盼{day}，那天是{A_he}的{friend}、{B_kind}{B}的生日。"),
        ("{A} the {A_kind} had a good {friend}, {B} the {B_kind}, whose birthday was on {day}.",
         "{A_kind}{A}有个要好的{friend}，是{B_kind}{B}，{B_he}的生日在{day}。"),
    ),
    Branch("way", {
        "bought": [
            Say(
                ("In a shop near the {place} {A_he} saw {color_a} {thing}.", "在{place_near}的一家铺子里，{A_he}看中了一{thing_mw}{color}的{thing}。"),
                ("One afternoon, on the way to the {place}, {A_he} noticed {color_a} {thing} in a shop window.", "一天下午，{A_he}去{place}的路上，看见橱窗里摆着一{thing_mw}{color}的{thing}。"),
            ),
            Say(
                ("It was not cheap, so {A_he} [paid:swept the shop] for three days to pay for it.", "它可不便宜，{A_he}给店主扫了三天地才买下来。"),
                ("{A_He} did not have enough money, so {A_he} [paid:washed dishes] every evening until {A_he} did.", "{A_he}的钱不够，就每天晚上去洗碗，一直洗到钱够了为止。"),
                ("To pay for it, {A_he} [paid:emptied {A_his} purse], and not one coin was left.", "为了买下它，{A_he}把钱包倒了个底朝天，一枚硬币也没剩下。"),
            ),
            Ask("What did {A} do to pay for the {thing}?", "paid"),
        ],
        "found": [
            Say(
                ("{A_He} had no money, but at a yard sale near the {place} {A_he} was given an old {thing} for nothing.",
                 "{A_he}没有钱，不过在{place_near}的旧货摊上，有人白送了{A_he}一{thing_mw}旧{thing}。"),
                ("{A_He} could not buy anything, so {A_he} asked everyone, and near the {place} somebody gave {A_him} an old {thing}.",
                 "{A_he}什么也买不起，就到处去问，在{place_near}，有人给了{A_he}一{thing_mw}旧{thing}。"),
            ),
            Say(
                ("{A_He} cleaned it for hours, and in the end it was a beautiful {color} {thing}.", "{A_he}收拾了好几个钟头，最后它成了一{thing_mw}漂亮的{color}{thing}。"),
                ("It was dusty, but below the dust it was {color}, and after an hour of work it shone.", "它落满了灰，可灰尘底下是漂亮的{color}，忙了一个钟头，它就焕然一新了。"),
            ),
            Ask("Why had nobody wanted the old {thing}?"),
        ],
    }),
    Say(
        ("{A_He} wrapped it in paper and hid it {inside}.", "{A_he}用纸把它包好，藏在{inside}。"),
        ("{A_He} told nobody and kept it {inside}.", "{A_he}谁也没告诉，把它放在{inside}。"),
        ("So that {B} would not see it, {A_he} put it {inside}.", "为了不让{B}看见，{A_he}把它放在{inside}。"),
    ),
    Say(
        ("{day} was {weather}, and all the guests were already there when {A} arrived.", "{day}那天天气很{weather}，{A}到的时候，客人都到齐了。"),
        ("When {~day} came, {A} fetched the present, which was still {~inside}, and set out.", "到了{day}，{A}取出还藏在{inside}的礼物，出发了。"),
        ("On {~day}, in {weather} weather, {A} carried the present to {B_his} house.", "{day}那天天气很{weather}，{A}带着礼物去了{B_he}家。"),
    ),
]

WELCOME = {
    "loved": [
        Say(
            ('"How did you know that I wanted {color_a} {thing}?" cried {B}.', "“你怎么知道我想要一{thing_mw}{color}的{thing}？”{B}叫了起来。"),
            ("{B} opened it, and for a moment {B_he} could not speak.", "{B}打开礼物，好一会儿说不出话来。"),
        ),
        Say(
            ("{B_He} did not let go of the {~color} {thing} all evening.", "整个晚上，{B_he}都舍不得放下那{thing_mw}{color}的{thing}。"),
            ("{B_He} showed the {~color} {thing} to everyone and thanked {A} twice.", "{B_he}把那{thing_mw}{color}的{thing}拿给大家看，还向{A}道了两次谢。"),
        ),
        Say(
            ("{A} was just as {happy} as {B_he} was.", "{A}跟{B_he}一样{happy}。"),
            ("When {A} walked home under the stars, {A_he} was {happy} and not tired at all.", "{A}顶着星星走回家，心里很{happy}，一点儿也不累。"),
        ),
        Ask("How did {A} feel in the end?", "=happy"),
        Fact("{B}", "loved", "the {thing}"),
        End("{A} gave {B} {color_a} {thing} for {B_his} birthday, and {B} loved it.", "positive"),
    ],
    "two": [
        Say(
            ("But another guest had brought {B} {thing_a} too.", "可是另一位客人也送了{B}一{thing_mw}{thing}。"),
            ("But {B} already had {thing_a}, and it was not old.", "可是{B}已经有一{thing_mw}{thing}了，而且还不旧。"),
        ),
        Say(
            ("{A} was {sad} and wanted to take the {~color} one back.", "{A}很{sad}，想把{color}的那{thing_mw}拿回去。"),
            ("{A} looked at the {~color} one, felt {sad}, and did not know what to say.", "{A}看着{color}的那{thing_mw}，心里很{sad}，不知道说什么好。"),
        ),
        Say(
            ('"No," said {B}.|"Now there is one for me and one for you."', "“别呀，”{B}说。|“这下你一{thing_mw}，我一{thing_mw}，正好。”"),
            ('"Two are better than one," said {B}.|"Keep mine, and I will keep yours."', "“两{thing_mw}比一{thing_mw}好，”{B}说。|“我的给你，你的归我。”"),
        ),
        Ask("How did {A} feel when there were two?", "=sad"),
        Fact("{B}", "already had", "{thing_a}"),
        End("{A} gave {B} {color_a} {thing} although {B_he} already had one, so they had one each.", "positive"),
    ],
    "ignored": [
        Say(
            ("{B} hardly looked at the {~color} {thing} before {B_he} opened the next present.", "{B}没怎么看那{thing_mw}{color}的{thing}，就去拆下一份礼物了。"),
            ('"I asked for something else," said {B}, and {B_he} put the {~color} {thing} aside.', "“我要的不是这个。”{B}说着，把那{thing_mw}{color}的{thing}放到了一边。"),
        ),
        Say(
            ("{A} did not stay for supper.", "{A}没有留下来吃晚饭。"),
            ("Nobody noticed when {A} left.", "{A}走的时候，谁也没有注意到。"),
        ),
        Say(
            ("On the way home {A_he} was so {sad} that {A_he} did not see the stars.", "回家的路上，{A_he}{sad}得连天上的星星都没看见。"),
            ("{A_He} lay awake that night and felt {sad}.", "那天夜里，{A_he}睡不着，心里很{sad}。"),
        ),
        Ask("How did {A} feel that night?", "=sad"),
        Fact("{B}", "did not care for", "the {thing}"),
        End("{A} gave {B} {color_a} {thing} for {B_his} birthday, but {B} did not care for it.", "negative"),
    ],
}

GIFT = Plot("gift", "a gift", [
    *SEARCH,
    Branch("welcome", WELCOME),
    Ask("On which day was {B}'s birthday?", "=day"),
    Ask("What did {A} give to {B}?", "=thing"),
    Ask("Where did {A} hide the present?", "=inside"),
    Ask("How old was {B}?"),
    Ask("How many guests came?"),
    Fact("{A}", "gave {B}", "{color_a} {thing}"),
    Fact("{B}", "had a birthday", "on {day}"),
    *ABOUT,
])
