"""A secret: a surprise, or something taken. It is kept, or it is told and soon everyone knows."""

from llmkit.tales.grammar import Ask, Branch, By, End, Fact, Plot, Say
from llmkit.tales.plots.common import ABOUT

TELLING = [
    Say(
        ("One {weather} evening {A} the {A_kind} met {A_his} {friend} {B} the {B_kind} near the {place}.", "一个{weather}的傍晚，{A_kind}{A}在{place_near}遇见了{friend}、{B_kind}{B}。"),
        ("{A} the {A_kind} found {B} the {B_kind} near the {place}, all alone.", "{A_kind}{A}看见{B_kind}{B}独自待在{place_near}。"),
        ("{A} the {A_kind} and {B} the {B_kind} walked home from the {place} together.", "{A_kind}{A}和{B_kind}{B}一起从{place}走回家。"),
    ),
    Say(
        ('"Can you keep a secret?" asked {B}.', "“你能保守秘密吗？”{B}问。"),
        ("{B} wanted to tell {A_him} something that nobody else was to know.", "{B}想告诉{A_he}一件不能让别人知道的事。"),
        ("{B} looked around and spoke very softly.", "{B}四下看了看，压低了声音。"),
    ),
    Branch("matter", {
        "surprise": [
            Say(
                ('"I keep {color_a} {thing} {inside}," {B_he} whispered, "and on {day} I will give it to my {relative}."', "“我有一{thing_mw}{color}的{thing}，放在{inside}，”{B_he}悄声说，“{day}要送给我{relative}。”"),
                ('"There is {color_a} {thing} {inside}," {B_he} said, "and it is a surprise for my {relative}."', "“{inside}有一{thing_mw}{color}的{thing}，”{B_he}说，“是要给我{relative}的惊喜。”"),
            ),
            Ask("Who was the surprise for?", "=relative"),
            Fact("{B}", "had a surprise for", "{B_his} {relative}"),
        ],
        "guilt": [
            Say(
                ('"I took {color_a} {thing} from my {relative}," {B_he} whispered, "and now it is {inside}."', "“我偷偷拿了{relative}的一{thing_mw}{color}的{thing}，”{B_he}悄声说，“现在放在{inside}。”"),
                ('"My {relative} is looking for {color_a} {thing}," {B_he} said, "and I am the one who put it {inside}."', "“我{relative}在找一{thing_mw}{color}的{thing}，”{B_he}说，“其实是我把它藏在了{inside}。”"),
            ),
            Ask("Whose {thing} had {B} taken?", "=relative"),
            Fact("{B}", "took the {thing} from", "{B_his} {relative}"),
        ],
    }),
    Say(
        ('"I promise to be silent," said {A}.', "“我保证不说出去。”{A}说。"),
        ("{A} promised to be silent, and {B} believed {A_him}.", "{A}答应不说出去，{B}相信了{A_he}。"),
        ('"You can trust me," said {A}.', "“你可以相信我。”{A}说。"),
    ),
    Say(
        ("The next morning everybody wanted to know what {B_he} had said.", "第二天早上，大家都想知道{B_he}说了什么。"),
        ('"What did {B_he} tell you?" asked a curious goose the next day.', "“{B_he}跟你说什么了？”第二天，一只好奇的鹅问。"),
        ('"You know something," said the ducks, and they came closer.', "“你一定知道点儿什么。”鸭子们说着，凑了过来。"),
    ),
]

KEPT = [
    Say(
        ('"It is not mine to tell," answered {A}.', "“这事轮不到我来说。”{A}回答。"),
        ("They offered {A} {food}, but {A_he} shook {A_his} head and said nothing.", "他们拿{food}来收买{A}，可{A_he}摇摇头，什么也没说。"),
        ("{A} talked about the {weather} weather until they gave up.", "{A}一个劲儿地说天气多么{weather}，直到他们不再追问。"),
    ),
    By("matter", {
        "surprise": [
            Say(
                ("On {~day} {B_his} {~relative} unwrapped the {~color} {thing} and could not believe it.", "到了{day}，{B_he}{relative}拆开那{thing_mw}{color}的{thing}，简直不敢相信。"),
                ("So the {~color} {thing} stayed {~inside}, and {B_his} {~relative} suspected nothing until {~day}.", "于是那{thing_mw}{color}的{thing}一直放在{inside}，{B_he}{relative}直到{day}都没有起疑心。"),
            ),
            Say(
                ('"Without you it would not have been a surprise," {B} told {A}.', "“没有你，就没有这个惊喜。”{B}对{A}说。"),
                ("{B} looked at {A} and smiled, and they were both {happy}.", "{B}看着{A}笑了，他们俩都很{happy}。"),
            ),
            End("{A} kept {B}'s secret, and {color_a} {thing} became a surprise for {B}'s {relative}.", "positive"),
        ],
        "guilt": [
            Say(
                ("But when they were alone, {A_he} told {B} to give it back.", "可是等到只剩他们俩的时候，{A_he}劝{B}把东西还回去。"),
                ('Later {A_he} told {B}: "I will be silent, but you should not be."', "后来{A_he}对{B}说：“我不会说，可是你该自己说出来。”"),
            ),
            Say(
                ("On {day} {B} carried the {~color} {thing} back to {B_his} {~relative}, who was not angry at all.", "到了{day}，{B}把那{thing_mw}{color}的{thing}还给了{relative}，{relative}一点儿也没生气。"),
                ("So {B} fetched the {~color} {thing} and told {B_his} {~relative} everything.", "于是{B}取出那{thing_mw}{color}的{thing}，向{relative}说出了一切。"),
            ),
            End("{A} kept {B}'s secret, and {B} gave the {color} {thing} back to {B_his} {relative}.", "positive"),
        ],
    }),
    Ask("Who told the secret?"),
    Fact("{A}", "kept", "the secret"),
]

TOLD = [
    Say(
        ('"I will tell only you," {A} whispered, and by noon [heard:the whole village] knew.', "“我只告诉你一个。”{A}悄声说，可不到中午，全村都知道了。"),
        ("{A} was proud of knowing something, and before evening [heard:everyone] knew it too.", "{A}知道点儿事就得意，天还没黑，大家就全知道了。"),
        ("{A} said too much, and soon [heard:every child in the village] knew.", "{A}说漏了嘴，没过多久，连村里的小孩子都知道了。"),
    ),
    By("matter", {
        "surprise": [
            Say(
                ("On {~day} {B_his} {~relative} only nodded at the {~color} {thing}.", "到了{day}，{B_he}{relative}看到那{thing_mw}{color}的{thing}，只是点了点头。"),
                ("Somebody asked {B_his} {~relative} about the {~color} {thing}, and the surprise was spoiled.", "有人向{B_he}{relative}问起那{thing_mw}{color}的{thing}，惊喜就这样泡了汤。"),
            ),
            End("{A} told {B}'s secret about {color_a} {thing}, and the surprise was spoiled.", "negative"),
        ],
        "guilt": [
            Say(
                ("{B} had wanted to give back the {~color} {thing}, but {B_his} {~relative} heard it from strangers first.", "{B}本来想归还那{thing_mw}{color}的{thing}，可{relative}先从别人嘴里听说了。"),
                ("By {day} {B_his} {~relative} knew where the {~color} {thing} was, and there was a great quarrel.", "还没到{day}，{B_he}{relative}就知道了那{thing_mw}{color}的{thing}在哪儿，家里大吵了一场。"),
            ),
            End("{A} told everyone that {B} had taken the {color} {thing}, although {A_he} had promised to be silent.", "negative"),
        ],
    }),
    Say(
        ('"You promised," said {B}, and {B_he} did not say anything else.', "“你答应过我的。”{B}说，别的什么也没说。"),
        ("{B} was {sad} and never told {A} anything again.", "{B}很{sad}，再也没有跟{A}说过心里话。"),
        ('"I thought that I could trust you," said {B}, who was very {sad}.', "“我还以为可以相信你呢。”{B}说，心里很{sad}。"),
    ),
    Say(
        ("{A} wanted to take it back, but a word is not a bird that comes home.", "{A}想把话收回来，可是说出去的话，收不回来了。"),
        ("{A} was ashamed, and it was too late.", "{A}很羞愧，可是已经晚了。"),
    ),
    Ask("Who heard the secret?", "heard"),
    Ask("How did {A} make up for it?"),
    Fact("{A}", "told", "the secret"),
]

SECRET = Plot("secret", "a secret", [
    *TELLING,
    Branch("silence", {"kept": KEPT, "told": TOLD}),
    Ask("Where was the {thing}?", "=inside"),
    Ask("Who had the secret?", "=B"),
    Ask("Who promised to be silent?", "=A"),
    Ask("How long had {B} had the {thing}?"),
    Fact("{A}", "promised", "to be silent"),
    *ABOUT,
])
