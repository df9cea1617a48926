"""A race for a prize: one is faster, one falls asleep, one falls down and is helped, or one cheats."""

from llmkit.tales.grammar import Ask, Branch, End, Fact, Plot, Say
from llmkit.tales.plots.common import ABOUT

CHALLENGE = [
    Say(
        ("{A} the {A_kind} told everyone that {A_he} was the fastest runner in the valley.", "{A_kind}{A}逢人就说，自己是山谷里跑得最快的。"),
        ("Nobody in the valley ran as fast as {A} the {A_kind}, or so {A_he} said.", "山谷里谁也跑不过{A_kind}{A}，至少{A_he}自己是这么说的。"),
        ("{A} the {A_kind} had never lost a race, and {A_he} talked about it every day.", "{A_kind}{A}赛跑从来没有输过，天天把这事挂在嘴边。"),
    ),
    Say(
        ('"I do not believe it," said {B} the {B_kind}.|"Let us race from the {place} to the {place2} on {day}."',
         "“我才不信呢，”{B_kind}{B}说。|“{day}咱们比一比，从{place}跑到{place2}。”"),
        ('"Then race against me on {day}," said {B} the {B_kind}.|"We start at the {place} and run to the {place2}."',
         "“那{day}你跟我比一场，”{B_kind}{B}说。|“从{place}出发，跑到{place2}。”"),
    ),
    Say(
        ("The winner would get {color_a} {thing}.", "谁赢了，谁就能得到一{thing_mw}{color}的{thing}。"),
        ("The prize was {color_a} {thing}, and both of them wanted it.", "奖品是一{thing_mw}{color}的{thing}，他们俩都很想要。"),
        ("The mayor promised the winner {color_a} {thing}.", "村长答应送给赢家一{thing_mw}{color}的{thing}。"),
    ),
    Say(
        ("{day} was {weather}, and the whole village came to watch.", "{day}那天天气很{weather}，全村都来观看。"),
        ("On {~day} nobody stayed at home.", "到了{day}，谁也没有待在家里。"),
        ("When {~day} came, neither of them had slept well.", "到了{day}，他们俩谁都没有睡好。"),
    ),
]

RESULT = {
    "faster": [
        Say(
            ("{B} was ahead for the first mile, and then {A_he} passed {B_him}.", "头一里路{B}领先，后来{A_he}追了上去。"),
            ("They ran side by side until {B} could not go any faster.", "他们并肩跑着，直到{B}再也快不起来了。"),
            ("When the race began, {A_he} ran without looking back.", "比赛一开始，{A_he}就头也不回地往前跑。"),
        ),
        Say(
            ("{A} reached the {~place2} first and fell into the grass, out of breath.", "{A}第一个跑到{place2}，气喘吁吁地倒在草丛里。"),
            ("When {B} came to the {~place2}, {A} was already there.", "{B}跑到{place2}的时候，{A}已经在那儿了。"),
        ),
        Say(
            ('"You were right, and I was wrong," said {B}, and {B_he} gave {A_him} the {~color} {thing}.', "“你说得对，是我错了。”{B}说着，把那{thing_mw}{color}的{thing}交给了{A_he}。"),
            ("{B} was the first to clap when {A_he} was given the {~color} {thing}.", "{A_he}领到那{thing_mw}{color}的{thing}时，{B}第一个鼓起掌来。"),
        ),
        Say(
            ("They were both {happy}, because it had been a good race.", "他们俩都很{happy}，因为这场比赛实在精彩。"),
            ('"Teach me how you do it," {B_he} said, and they practiced together all summer.', "“教教我怎么跑吧。”{B_he}说，于是他们一起练了整整一个夏天。"),
        ),
        Ask("Who won the race?", "=A"),
        Ask("Why did {A} lose the race?"),
        Fact("{A}", "won", "the race"),
        End("{A} beat {B} in a race to the {place2} and won {color_a} {thing}.", "positive"),
    ],
    "asleep": [
        Say(
            ("{A} was soon so far ahead that {A_he} [why:lay down to rest].", "{A}很快就遥遥领先，于是躺下来歇一会儿。"),
            ("{A} could not see {B} behind {A_him}, so {A_he} [why:stopped for a nap].", "{A}回头看不见{B}，就停下来打个盹儿。"),
        ),
        Say(
            ("{B} was slower, but {B_he} did not stop.", "{B}跑得慢，可{B_he}没有停下来。"),
            ("{B} passed {A_him} without a sound.", "{B}悄悄地从{A_he}身边跑了过去。"),
        ),
        Say(
            ("When {A} woke up and ran to the {~place2}, the {~color} {thing} already belonged to {B}.", "等{A}醒来跑到{place2}，那{thing_mw}{color}的{thing}已经归{B}了。"),
            ("By the time {A} came to the {~place2}, {B} was holding the {~color} {thing}.", "等{A}跑到{place2}，{B}已经把那{thing_mw}{color}的{thing}拿在手里了。"),
        ),
        Say(
            ("{A} was {sad} and did not boast again for a long time.", "{A}很{sad}，好久都没有再吹牛。"),
            ('"It was not fair," {A} said, but nobody listened.', "“这不公平。”{A}说，可是没人理睬。"),
            ("{A} went home alone, {sad} and ashamed.", "{A}独自回家，又{sad}又羞愧。"),
        ),
        Ask("Who won the race?", "=B"),
        Ask("What did {A} do during the race?", "why"),
        Fact("{B}", "won", "the race"),
        End("{A} rested during a race against {B} and lost {color_a} {thing} to {B_him}.", "negative"),
    ],
    "helped": [
        Say(
            ("Halfway, {B} [hurt:fell over a root] and could not get up.", "跑到半路，{B}被树根绊倒，站不起来了。"),
            ("{A} was ahead when {B} [hurt:stepped into a hole] and cried out.", "{A}正跑在前头，{B}一脚踩进坑里，叫了一声。"),
        ),
        Say(
            ("{A} heard it and did not run on.", "{A}听见了，没有再往前跑。"),
            ("{A} thought of the prize for a moment, and then {A_he} turned back.", "{A}想了一下奖品，然后转身跑了回去。"),
        ),
        Say(
            ('"Lean on me," {A_he} said.|"We will go slowly."', "“靠着我，”{A_he}说。|“我们慢慢走。”"),
            ('"The race can wait," {A_he} said.|"Does it hurt?"', "“比赛不要紧，”{A_he}说。|“疼不疼？”"),
        ),
        Say(
            ("They came to the {~place2} together, and the {~color} {thing} belonged to both of them.", "他们一起走到了{place2}，那{thing_mw}{color}的{thing}也就归他们俩了。"),
            ("At the {~place2} the crowd cheered, and {B} said that {A_he} had earned the {~color} {thing}.", "到了{place2}，大家欢呼起来，{B}说，那{thing_mw}{color}的{thing}应该归{A_he}。"),
        ),
        Ask("What happened to {B} during the race?", "hurt"),
        Ask("How long did the race take?"),
        Fact("{A}", "helped", "{B}"),
        End("{A} stopped in the middle of a race to help {B}, and they reached the {place2} together.", "positive"),
    ],
    "cheated": [
        Say(
            ("Halfway, where nobody could see it, {A} [trick:jumped on a passing cart].", "跑到半路，在谁也看不见的地方，{A}跳上了一辆路过的马车。"),
            ("During the race {A} [trick:took a short cut] when nobody was looking.", "比赛当中，{A}趁没人注意抄了近路。"),
        ),
        Say(
            ("{A_He} was at the {~place2} long before {B}, and {A_he} was not even out of breath.", "{A_he}早早就到了{place2}，比{B}快得多，连气都不喘。"),
            ("{B} did {B_his} best, but {A_he} was waiting for {B_him} at the {~place2}.", "{B}拼尽全力，可{A_he}早就在{place2}等着了。"),
        ),
        Say(
            ('"I saw what you did," said an old goose in the crowd.', "“你干的事我都看见了。”人群中一只老鹅说。"),
            ("A duckling pointed and told everyone what {A_he} had done.", "一只小鸭子指着{A_he}，把{A_he}干的事告诉了大家。"),
        ),
        Say(
            ("{A} had to hand over the {~color} {thing}, and nobody ran with {A_him} again that year.", "{A}只好交出那{thing_mw}{color}的{thing}，那一年谁也不再跟{A_he}赛跑。"),
            ("The {~color} {thing} went to {B}, and {A} hid {A_his} face.", "那{thing_mw}{color}的{thing}归了{B}，{A}羞得捂住了脸。"),
        ),
        Ask("How did {A} cheat?", "trick"),
        Ask("Why did {B} cheat?"),
        Fact("{A}", "cheated in", "the race"),
        End("{A} cheated in a race against {B} and had to give up {color_a} {thing}.", "negative"),
    ],
}

RACE = Plot("race", "a race", [
    *CHALLENGE,
    Branch("result", RESULT),
    Ask("Where did the race start?", "=place"),
    Ask("Where did the race end?", "=place2"),
    Ask("On which day was the race?", "=day"),
    Ask("What was the prize?", "=thing"),
    Ask("Who had won the race the year before?"),
    Fact("the race", "went from", "the {place} to the {place2}"),
    *ABOUT,
])
