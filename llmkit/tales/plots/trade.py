"""A trade: a thing that was dear is given for something to eat. It comes back by work, as a gift, or never."""

from llmkit.tales.grammar import Ask, Branch, End, Fact, Plot, Say
from llmkit.tales.plots.common import ABOUT

BARGAIN = [
    Say(
        ("{A} the {A_kind} had not eaten since {day}.", "{A_kind}{A}从{day}起就没有吃过东西。"),
        ("The winter was long, and {A} the {A_kind} had nothing left to eat.", "冬天太长了，{A_kind}{A}家里已经没有吃的了。"),
        ("It was a {weather} day, and {A} the {A_kind} was very hungry.", "那天天气很{weather}，{A_kind}{A}饿极了。"),
    ),
    Say(
        ("Near the {place} {A_he} met {B} the {B_kind}, who was selling {food}.", "在{place_near}，{A_he}碰见{B_kind}{B}在卖{food}。"),
        ("The smell of {food} led {A_him} to the {place}, where {B} the {B_kind} had a stall.", "一阵{food}的香味把{A_he}引到{place}，{B_kind}{B}在那儿摆着摊子。"),
    ),
    Say(
        ('"I have no money," said {A}, "but I have {color_a} {thing}."', "“我没有钱，”{A}说，“不过我有一{thing_mw}{color}的{thing}。”"),
        ('"What do you want for it?" asked {A}.|"Your {color} {thing}," said {B}.', "“你想要什么来换？”{A}问。|“你那{thing_mw}{color}的{thing}。”{B}说。"),
    ),
    Say(
        ("It had been a present from {A_his} {relative}, but hunger hurts, and {A} gave it away.", "那是{A_he}{relative}送的礼物，可是饿肚子太难受了，{A}还是把它换了出去。"),
        ("{A_He} thought of {A_his} {relative}, who had given it to {A_him}, and did it all the same.", "{A_he}想起了送{A_he}这件东西的{relative}，可还是换了。"),
        ("{A_His} {relative} had given it to {A_him} and told {A_him} to keep it, but {A} did not think of that now.", "那是{A_he}{relative}送的，还嘱咐{A_he}好好留着，可{A}这时顾不上了。"),
    ),
    Say(
        ("The {food} was gone in a minute.", "{food}一转眼就吃完了。"),
        ("{A_He} ate the {food} so fast that {A_he} hardly tasted it.", "{A_he}吃得太快，连{food}是什么味道都没尝出来。"),
        ("{A_He} had never liked {food} so much.", "{A_he}从来没觉得{food}这么好吃过。"),
    ),
    Say(
        ("But that night the corner where the {thing} had been was empty, and {A} felt {sad}.", "可是那天夜里，原来放{thing}的角落空空的，{A}心里很{sad}。"),
        ('The next day {A_his} {~relative} came to visit and asked: "Where is your {thing}?"', "第二天，{A_he}{relative}来看{A_he}，问道：“你的{thing}呢？”"),
        ("When {A} was no longer hungry, {A_he} was {sad}.", "{A}肚子不饿了，心里却{sad}起来。"),
    ),
]

RETURN = {
    "worked": [
        Say(
            ('"May I work for it?" {A} asked {B} the next morning.', "“我能用干活儿把它换回来吗？”第二天早上，{A}问{B}。"),
            ("So {A} went to {B} and offered to work until it was paid for.", "于是{A}去找{B}，愿意一直干活儿，直到抵清为止。"),
        ),
        Say(
            ("For a week {A_he} [work:carried water] from morning to night and did not complain.", "整整一个星期，{A_he}从早到晚挑水，没有一句怨言。"),
            ("For a week {A_he} [work:chopped onions] until {A_his} eyes burned.", "整整一个星期，{A_he}切洋葱切得直流眼泪。"),
            ("{A_He} [work:scrubbed the pans] for a week, and they had never been so clean.", "{A_he}刷了一个星期的锅，锅从来没有这么干净过。"),
        ),
        Say(
            ("Then {B} gave {A_him} the {~color} {thing} and some {~food} as well.", "然后{B}把那{thing_mw}{color}的{thing}还给了{A_he}，还请{A_he}吃了些{food}。"),
            ('"You have earned it," said {B}, and {A} carried the {~color} {thing} home.', "“这是你挣来的。”{B}说，{A}把那{thing_mw}{color}的{thing}带回了家。"),
        ),
        Ask("What did {A} do to get it back?", "work"),
        Ask("How much money did {B} pay {A}?"),
        Fact("{A}", "earned back", "the {thing}"),
        End("{A} traded {color_a} {thing} for {food} and worked for {B} to get it back.", "positive"),
    ],
    "returned": [
        Say(
            ("Meanwhile {B} could not forget {A_his} hungry face.", "另一边，{B}怎么也忘不了{A_he}挨饿的样子。"),
            ('At home {B} looked at the {thing} and said: "It does not feel like mine."', "{B}在家里看着{thing}，自言自语地说：“这东西不像是我的。”"),
        ),
        Say(
            ("On the third day {B_he} stood at {A_his} door with the {~color} {thing}.", "到了第三天，{B_he}带着那{thing_mw}{color}的{thing}，站在{A_he}家门口。"),
            ("So {B_he} came one evening and brought back the {~color} {thing}.", "于是一天傍晚，{B_he}把那{thing_mw}{color}的{thing}送了回来。"),
        ),
        Say(
            ('"Friends do not need to pay," {B_he} said.', "“朋友之间用不着付钱。”{B_he}说。"),
            ('"Keep it," {B_he} said, "and come to me when you are hungry."', "“你留着吧，”{B_he}说，“饿了就来找我。”"),
            ("{A} did not know how to thank {B_him}, so {A_he} sang a song.", "{A}不知道怎么感谢{B_he}才好，就唱了一支歌。"),
        ),
        Ask("How did {A} pay for the food in the end?"),
        Fact("{B}", "gave back", "the {thing}"),
        End("{A} traded {color_a} {thing} for {food}, but {B} gave it back.", "positive"),
    ],
    "sold": [
        Say(
            ("So {A} hurried back, but the stall was closed.", "于是{A}急忙赶回去，可是摊子已经收了。"),
            ("So {A} ran back to the {~place} as fast as {A_he} could.", "于是{A}拼命跑回{place}。"),
        ),
        Say(
            ('"I am sorry," said {B} when {A_he} found {B_him}.|"I sold the {~color} {thing} to a sailor."', "“对不起，”{A_he}找到{B}时，{B}说。|“那{thing_mw}{color}的{thing}，我已经卖给了一个水手。”"),
            ('"Too late," said {B}.|"Somebody bought the {~color} {thing} an hour ago."', "“晚了，”{B}说。|“一个钟头前，有人把那{thing_mw}{color}的{thing}买走了。”"),
            ('"A trade is a trade," said {B}, who did not want to give back the {~color} {thing}.', "“换了就是换了。”{B}说，不肯归还那{thing_mw}{color}的{thing}。"),
        ),
        Say(
            ("{A} never told {A_his} {~relative}.", "{A}始终没有告诉{relative}。"),
            ("{A} walked home slowly, and the {food} lay heavy in {A_his} stomach.", "{A}慢慢走回家，肚子里的{food}沉甸甸的。"),
            ("After that {A} did not touch {food} for a whole year.", "从那以后，{A}整整一年没有碰过{food}。"),
        ),
        Ask("What did {A} pay to get it back?"),
        Fact("{A}", "never got back", "the {thing}"),
        End("{A} traded {color_a} {thing} for {food} with {B} and could not get it back.", "negative"),
    ],
}

TRADE = Plot("trade", "a trade", [
    *BARGAIN,
    Branch("return", RETURN, weights={"worked": 1, "returned": 1, "sold": 2}),
    Ask("What did {A} get for the {thing}?", "=food"),
    Ask("Who had given the {thing} to {A}?", "=relative"),
    Ask("Where did the trade take place?", "=place"),
    Ask("Who got the {thing} from {A}?", "=B"),
    Ask("How old was the {thing}?"),
    Fact("{A}", "traded the {thing} for", "{food}"),
    *ABOUT,
])
