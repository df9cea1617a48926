"""A promise: a thing is needed for a play on a certain day. The promise is kept, kept with trouble, or forgotten."""

from llmkit.tales.grammar import Ask, Branch, End, Fact, Plot, Say
from llmkit.tales.plots.common import ABOUT

ASKED = [
    Say(
        ("{A} the {A_kind} was eating {food} when {A_his} {friend} {B} the {B_kind} came by.", "{A_kind}{A}正在吃{food}，{friend}、{B_kind}{B}来了。"),
        ("{A} the {A_kind} and {B} the {B_kind} had known each other all their lives.", "{A_kind}{A}和{B_kind}{B}从小就认识。"),
        ("One {weather} afternoon {A} the {A_kind} heard {A_his} {friend} {B} the {B_kind} call from the street.", "一个{weather}的下午，{A_kind}{A}听见{friend}、{B_kind}{B}在街上喊。"),
    ),
    Say(
        ('"For our play on {day} we need {color_a} {thing}," said {B}.|"May we use yours?"', "“{day}我们要演戏，需要一{thing_mw}{color}的{thing}，”{B}说。|“能用你的吗？”"),
        ('"Would you lend me your {color} {thing} on {day}?" asked {B}.|"We cannot put on our play without it."', "“{day}能把你那{thing_mw}{color}的{thing}借给我吗？”{B}问。|“没有它，我们的戏就演不成了。”"),
    ),
    Say(
        ('"I promise to bring it to the {place} myself," said {A}.', "“我保证亲自送到{place}去。”{A}说。"),
        ('"Of course," said {A}.|"I will be at the {place} before it begins."', "“当然可以，”{A}说。|“开演以前，我一定赶到{place}。”"),
        ("{A} promised to be at the {place} in time.", "{A}答应准时把它送到{place}。"),
    ),
    Say(
        ("The {thing} was {inside}, and there {A_he} left it for the moment.", "那{thing_mw}{thing}就在{inside}，{A_he}暂时没有动它。"),
        ("{A_He} put the {thing} {inside}, so that nothing could happen to it.", "{A_he}把{thing}放在{inside}，免得出什么差错。"),
        ("So that {A_he} would not have to look for it, {A_he} kept the {thing} {inside}.", "为了到时候不用找，{A_he}把{thing}放在了{inside}。"),
    ),
]

OUTCOME = {
    "kept": [
        Say(
            ("When {~day} came, {A} took it from its place {~inside} and left an hour early.", "到了{day}，{A}从{inside}取出它，提前一个钟头就出了门。"),
            ("On {~day} it was the first thing {A_he} thought of when {A_he} woke up.", "{day}那天，{A_he}一醒来，最先想到的就是它。"),
        ),
        Say(
            ("{B} was waiting at the {~place} and waved when {B_he} saw the {~color} {thing}.", "{B}等在{place}，一看见那{thing_mw}{color}的{thing}就挥起手来。"),
            ("{A_He} was at the {~place} before anybody else, with the {~color} {thing}.", "{A_he}带着那{thing_mw}{color}的{thing}，第一个到了{place}。"),
        ),
        Say(
            ("The play was a success, and {B} bowed three times.", "演出非常成功，{B}谢了三次幕。"),
            ("The audience laughed, cried and clapped until late.", "观众又是笑又是哭，掌声一直响到很晚。"),
        ),
        Say(
            ('"I knew that you would come," {B_he} said.', "“我就知道你会来的。”{B_he}说。"),
            ("Afterwards {B_he} thanked {A} in front of everyone, and {A_he} was {happy}.", "散场以后，{B_he}当着大家的面感谢{A}，{A}心里很{happy}。"),
        ),
        Fact("{A}", "kept", "the promise"),
        Ask("Who wrote the play?"),
        End("{A} kept {A_his} promise and brought {color_a} {thing} to the {place} for {B}'s play.", "positive"),
    ],
    "trouble": [
        Say(
            ("On {~day} {A} [trouble:had a fever] and could hardly stand.", "到了{day}，{A}发起烧来，站都站不稳。"),
            ("On {~day} {A} [trouble:twisted {A_his} ankle] on the stairs.", "到了{day}，{A}下楼时扭伤了脚。"),
            ("On {~day} it [trouble:snowed so hard] that no cart could drive.", "到了{day}，雪下得太大，马车都走不了。"),
        ),
        Say(
            ('"A promise is a promise," {A_he} said, and {A_he} went out with the {~color} {thing}.', "“说话要算话。”{A_he}说着，带上那{thing_mw}{color}的{thing}出了门。"),
            ("{A_He} did not stay at home, but took the {~color} {thing} and went, step by step.", "{A_he}没有待在家里，而是带上那{thing_mw}{color}的{thing}，一步一步往前走。"),
        ),
        Say(
            ("At the {~place} the first scene had begun, but {B} saw {A_him} in time.", "{A_he}到{place}的时候，第一幕已经开始了，幸好{B}及时看见了{A_he}。"),
            ("{A_He} reached the {~place} at the last minute, and {B} could breathe again.", "{A_he}在最后一刻赶到了{place}，{B}这才松了一口气。"),
        ),
        Say(
            ('"You should have stayed at home," whispered {B}, but {B_he} was {happy}.', "“你该待在家里的。”{B}悄声说，心里却很{happy}。"),
            ("After the play {B} brought {A_him} home and did not leave until {A_he} was asleep.", "演出结束后，{B}把{A_he}送回家，等{A_he}睡着了才离开。"),
        ),
        Ask("What went wrong on {day}?", "trouble"),
        Ask("How many came to see the play?"),
        Fact("{A}", "kept", "the promise"),
        End("{A} brought {color_a} {thing} to the {place} for {B}, although it was hard to keep the promise.", "positive"),
    ],
    "forgot": [
        Say(
            ("On {~day} {A} [instead:went fishing] and did not think of anything.", "到了{day}，{A}去钓鱼，什么都没想起来。"),
            ("On {~day} {A} [instead:slept until evening], because nobody woke {A_him}.", "到了{day}，谁也没有叫{A}，{A_he}一觉睡到了傍晚。"),
            ("On {~day} {A} [instead:played cards] and lost all sense of time.", "到了{day}，{A}玩起了纸牌，把时间全忘了。"),
        ),
        Say(
            ("At the {~place} {B} waited, and in the end they had to begin without the {~color} {thing}.", "{B}在{place}一直等着，最后没有那{thing_mw}{color}的{thing}，他们也只好开演了。"),
            ("{B} looked out for {A_him} at the {~place} until the last minute, but nobody brought the {~color} {thing}.", "{B}在{place}一直等到最后一刻，可谁也没有把那{thing_mw}{color}的{thing}送来。"),
        ),
        Say(
            ("The {thing} was still {~inside} when {A} remembered, and it was too late.", "等{A}想起来的时候，{thing}还在{inside}，可是已经晚了。"),
            ("When {A} at last saw it {~inside}, {A_he} felt {sad} and ran, but the lights were already out.", "等{A}终于在{inside}看见它，心里一阵{sad}，赶紧跑去，可灯已经熄了。"),
        ),
        Say(
            ('"I counted on you," said {B}, and {B_he} walked past {A_him}.', "“我本来指望着你的。”{B}说完，从{A_he}身边走了过去。"),
            ('"Do not promise me anything again," said {B}.', "“以后别再答应我什么了。”{B}说。"),
        ),
        Ask("What did {A} do on {day} instead?", "instead"),
        Ask("Why did {B} forget the play?"),
        Fact("{A}", "broke", "the promise"),
        End("{A} forgot to bring {color_a} {thing} to the {place} and let {B} down.", "negative"),
    ],
}

PROMISE = Plot("promise", "a promise", [
    *ASKED,
    Branch("outcome", OUTCOME, weights={"kept": 1, "trouble": 1, "forgot": 2}),
    Ask("Who made a promise?", "=A"),
    Ask("What did {A} promise to bring?", "=thing"),
    Ask("Where should {A} bring it?", "=place"),
    Ask("On which day was the play?", "=day"),
    Ask("Where did {A} keep the {thing}?", "=inside"),
    Fact("{A}", "promised to bring", "the {thing} to the {place} on {day}"),
    *ABOUT,
])
