"""A stranger at the door: let in or sent away, and not what everyone thought."""

from llmkit.tales.grammar import Ask, Branch, End, Fact, Plot, Say
from llmkit.tales.plots.common import ABOUT

KNOCK = [
    Say(
        ("Late one rainy evening somebody knocked at the door of {A} the {A_kind}.", "一个雨夜，已经很晚了，有人来敲{A_kind}{A}的门。"),
        ("{A} the {A_kind} was eating {food} when there was a knock at the door.", "{A_kind}{A}正在吃{food}，忽然有人敲门。"),
        ("It was almost midnight when {A} the {A_kind} heard steps in front of the house.", "快到半夜了，{A_kind}{A}听见屋前有脚步声。"),
    ),
    Say(
        ("Outside stood {B} the {B_kind}, whom nobody in the village knew.", "门外站着{B_kind}{B}，村里谁也不认识{B_he}。"),
        ('"I am {B}," said a tired {B_kind}, "and I am a stranger here."', "“我叫{B}，”疲惫的{B_kind}说，“我是外地来的。”"),
        ("A stranger was standing there, {B} the {B_kind}.", "门口站着一个陌生的来客，是{B_kind}{B}。"),
    ),
    Say(
        ("{B_He} carried nothing but {color_a} {thing}.", "{B_he}身边只带着一{thing_mw}{color}的{thing}。"),
        ("{B_He} was hungry and dirty, and beside {B_him} lay {color_a} {thing}.", "{B_he}又饿又脏，身旁放着一{thing_mw}{color}的{thing}。"),
    ),
    Say(
        ('"I have walked all the way from the {place}," {B_he} said.|"May I sleep here?"', "“我是从{place}一路走来的，”{B_he}说。|“我能在这儿过夜吗？”"),
        ('"I was robbed near the {place}," {B_he} said.|"Please help me."', "“我在{place_near}被抢了，”{B_he}说。|“请帮帮我吧。”"),
    ),
]

ANSWER = {
    "thanked": [
        Say(
            ("{A} did not ask any questions and put more wood on the fire.", "{A}什么也没问，往炉火里添了些柴。"),
            ('"Come in," said {A}.|"There is enough for two."', "“进来吧，”{A}说。|“够两个吃的。”"),
            ("{A} was a little afraid, but {A_he} opened the door wide.", "{A}心里有点儿害怕，可还是把门敞开了。"),
        ),
        Say(
            ("They talked about faraway lands until the candle had burned down.", "他们聊着远方的事，一直聊到蜡烛燃尽。"),
            ("{B} fell asleep before {A_he} had filled the plates.", "{A_he}还没把盘子盛满，{B}就睡着了。"),
            ("{B} told stories, and {A} laughed as {A_he} had not laughed for years.", "{B}讲起了故事，{A}好多年没有笑得这么开心了。"),
        ),
        Say(
            ("In the morning the guest was gone, but {inside} {A} found the {~color} {thing} and a note.", "第二天早上，客人已经走了，{A}却在{inside}发现了那{thing_mw}{color}的{thing}和一张字条。"),
            ("At sunrise {A} was alone again, and {inside} {A_he} discovered the {~color} {thing} with a note.", "天亮的时候，屋里又只剩下{A}，{A_he}在{inside}发现了那{thing_mw}{color}的{thing}，还有一张字条。"),
        ),
        Say(
            ('"You gave me all you had," it said, "and so do I."', "上面写着：“你倾其所有款待我，我也倾其所有报答你。”"),
            ('"For the only open door in the village," it said.', "上面写着：“送给村里唯一打开的那扇门。”"),
        ),
        Ask("Where did {A} find the {thing} in the morning?", "=inside"),
        Ask("Where did {B} go after that night?"),
        Fact("{A}", "took in", "{B}"),
        End("{A} took in a stranger, {B} the {B_kind}, who left {color_a} {thing} as thanks.", "positive"),
    ],
    "refused": [
        Say(
            ('"I do not know you," said {A}, and {A_he} shut the door.', "“我不认识你。”{A}说着，关上了门。"),
            ('{A} shook {A_his} head.|"Ask somebody else," {A_he} said.', "{A}摇了摇头。|“你去问别家吧。”{A_he}说。"),
            ("{A} closed the door without a word and blew out the candle.", "{A}一句话也没说就关上门，吹灭了蜡烛。"),
        ),
        Say(
            ("The stranger spent the night under a tree.", "陌生的来客在树下过了一夜。"),
            ("Nobody else let {B_him} in, and the night was long.", "别家也没有让{B_he}进门，那一夜真长。"),
        ),
        Say(
            ("A week later the new {job} moved in next door, and when {A} saw the {~color} {thing}, {A_he} knew that it was {B}.", "一个星期后，隔壁搬来了新{job}，{A}一看见那{thing_mw}{color}的{thing}，就知道那是{B}。"),
            ("On {day} everyone gathered to greet the new {job}, and {A} recognized the {~color} {thing} at once.", "{day}那天，大家都来迎接新{job}，{A}一眼就认出了那{thing_mw}{color}的{thing}。"),
        ),
        Branch("grudge", {
            "kind": [
                Say(
                    ("{A} wanted to hide, but {B} did not look away.", "{A}想躲起来，{B}却没有把目光移开。"),
                    ('"I am sorry," said {A}, who did not dare to look up.', "“对不起。”{A}说，连头都不敢抬。"),
                ),
                Say(
                    ('"You were afraid," {B_he} said.|"Let us begin again."', "“你那时候是害怕，”{B_he}说。|“我们重新认识吧。”"),
                    ('"The next time you will know me," {B_he} said with a smile.', "“下次你就认识我了。”{B_he}微笑着说。"),
                ),
                Fact("{B}", "forgave", "{A}"),
                End("{A} sent a stranger away, but {B} turned out to be the new {job} and forgave {A_him}.", "positive"),
            ],
            "cold": [
                Say(
                    ("{B} greeted everyone, but not {A}.", "{B}跟大家一一打招呼，唯独没有理{A}。"),
                    ('"We have met," said {B} coldly.', "“我们见过面。”{B}冷冷地说。"),
                ),
                Say(
                    ("From then on {A} felt {sad} whenever {A_he} heard a knock.", "从那以后，{A}一听见敲门声，心里就一阵{sad}。"),
                    ("{A} was {sad} for a long time, because a door is closed so quickly.", "{A}{sad}了很久，因为关上一扇门实在太容易了。"),
                ),
                Ask("How did {A} feel in the end?", "=sad"),
                Fact("{B}", "did not forgive", "{A}"),
                End("{A} sent a stranger away, but {B} turned out to be the new {job} and did not forget it.", "negative"),
            ],
        }, weights={"kind": 1, "cold": 2}),
        Ask("Who was the new {job}?", "=B"),
        Ask("Where was {B} born?"),
        Fact("{B}", "was the new", "{job}"),
    ],
}

STRANGER = Plot("stranger", "a stranger", [
    *KNOCK,
    Branch("answer", ANSWER, weights={"thanked": 2, "refused": 3}),
    Ask("Which place did {B} speak of?", "=place"),
    Ask("What did {B} have with {B_him}?", "=thing"),
    Ask("Who knocked at the door?", "=B"),
    Ask("Who had robbed {A}?"),
    Fact("{B}", "came to the house of", "{A}"),
    *ABOUT,
])
