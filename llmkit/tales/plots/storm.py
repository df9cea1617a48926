"""A storm: something was left outside. It is saved in time, or the wind takes it, or it is all that is left standing."""

from llmkit.tales.grammar import Ask, Branch, End, Fact, Plot, Say
from llmkit.tales.plots.common import ABOUT

CLOUDS = [
    Say(
        ("{A} the {A_kind} was on the way home from the {place} when the sun disappeared.", "{A_kind}{A}从{place}往家走，太阳忽然不见了。"),
        ("The day had been {weather}, and in the evening {A} the {A_kind} saw dark clouds above the {place}.", "白天天气很{weather}，到了傍晚，{A_kind}{A}看见{place_bare}的方向乌云密布。"),
        ("It was {day}, and {A} the {A_kind} heard thunder from the direction of the {place}.", "那天是{day}，{A_kind}{A}听见{place_bare}的方向传来雷声。"),
    ),
    Say(
        ('"A storm is coming," said {A_his} {friend} {B} the {B_kind}.', "“暴风雨要来了。”{A_he}的{friend}、{B_kind}{B}说。"),
        ('"Bring everything in," {B} the {B_kind} told {A_him}.', "“快把东西都搬进屋去。”{B_kind}{B}对{A_he}说。"),
    ),
    Say(
        ("{A_He} closed the windows, but {A_he} forgot {A_his} {color} {thing}, which was {outside}.", "{A_he}关好了窗户，却忘了自己那{thing_mw}{color}的{thing}，它还在{outside}。"),
        ("{A_He} carried in all {A_he} could see, but not the {color} {thing} that was {outside}.", "{A_he}把看得见的都搬了进去，却漏掉了{outside}的那{thing_mw}{color}的{thing}。"),
        ("{A_He} locked the doors, and yet {A_his} {color} {thing} stayed {outside}, because it slipped {A_his} mind.", "{A_he}锁好了门，可那{thing_mw}{color}的{thing}还留在{outside}，{A_he}把它忘得一干二净。"),
    ),
    Say(
        ("Soon the wind howled and the rain beat against the roof.", "不久，狂风呼啸，大雨敲打着屋顶。"),
        ("Then lightning split the sky, and it began to pour.", "接着一道闪电划破天空，大雨倾盆而下。"),
        ("An hour later branches were flying through the air.", "一个钟头以后，树枝被刮得满天飞。"),
    ),
]

NIGHT = {
    "saved": [
        Say(
            ('"My {thing} is still out there," {A} cried.', "“我的{thing}还在外面呢。”{A}叫道。"),
            ("{A} jumped up, because {A_he} had remembered the {thing}.", "{A}跳了起来，{A_he}想起了那{thing_mw}{thing}。"),
        ),
        Say(
            ("{B} did not want {A_him} to go alone, so {B_he} tied a [help:rope] around them both.", "{B}不放心{A_he}一个去，就用一根绳子把他们俩拴在一起。"),
            ('"You will not find it without a [help:light]," said {B}, and {B_he} went along.', "“没有灯你找不着的。”{B}说着，提了灯跟{A_he}一起去。"),
        ),
        Say(
            ("They crawled through the mud and found the {~color} {thing} {~outside}, wet but whole.", "他们在泥里摸索着前进，在{outside}找到了那{thing_mw}{color}的{thing}，它湿淋淋的，却没有坏。"),
            ("The {~color} {thing} was where {A_he} had left it, {~outside}, and they brought it in before the worst came.", "那{thing_mw}{color}的{thing}还在{outside}，他们赶在风雨最猛之前把它拿进了屋。"),
        ),
        Say(
            ("Then they sat by the fire and ate {food} until the storm was over.", "然后他们坐在炉火边吃{food}，一直等到暴风雨过去。"),
            ("They were cold and dirty, but they were {happy}.", "他们又冷又脏，心里却很{happy}。"),
            ('"Thank you," said {A}.|"I was afraid, but not with you beside me."', "“谢谢你，”{A}说。|“我害怕极了，幸好有你在身边。”"),
        ),
        Ask("What did {B} bring along to help?", "help"),
        Fact("{B}", "helped", "{A}"),
        End("{A} left {A_his} {color} {thing} outside in a storm, and {B} helped {A_him} to save it.", "positive"),
    ],
    "taken": [
        Say(
            ("{A} remembered the {thing} only when {A_he} was in bed.", "{A}直到上了床才想起那{thing_mw}{thing}。"),
            ("When {A} looked out, {A_he} could not see anything at all.", "{A}朝外面看去，什么也看不见。"),
        ),
        Say(
            ("{A_He} did not dare to go out, because the trees were falling.", "外面的树一棵棵倒下，{A_he}不敢出去。"),
            ("{A_He} opened the door, but the wind pushed {A_him} back.", "{A_he}打开门，却被风推了回来。"),
        ),
        Say(
            ("In the morning there was nothing {~outside}: [storm:the storm] had taken the {~color} {thing}.", "第二天早上，{outside}什么也没有了，暴风雨卷走了那{thing_mw}{color}的{thing}。"),
            ("At sunrise {A_he} ran out, but [storm:the wind] had carried the {~color} {thing} away, and {~outside} lay only leaves.", "天一亮，{A_he}就跑了出去，可那{thing_mw}{color}的{thing}已经被风刮走，{outside}只剩下一地落叶。"),
        ),
        Say(
            ("{B} helped {A_him} to search for two days, and they did not find it.", "{B}帮{A_he}找了两天，还是没有找到。"),
            ("{A} was {sad}, and not even {B} could comfort {A_him}.", "{A}很{sad}，连{B}也安慰不了{A_he}。"),
            ('"If only I had listened," {A} said to {B}, and {A_he} was {sad} all week.', "“我要是听你的话就好了。”{A}对{B}说，整整一个星期都很{sad}。"),
        ),
        Ask("What took the {thing}?", "storm"),
        Ask("Who found the {thing} after the storm?"),
        Fact("the storm", "took", "the {thing}"),
        End("{A} left {A_his} {color} {thing} outside, and a storm took it.", "negative"),
    ],
    "homeless": [
        Say(
            ("At midnight the wind tore the roof off {A_his} house.", "半夜里，大风掀走了{A_he}家的屋顶。"),
            ("Before dawn a tree fell on {A_his} house, and {A_he} only just got out.", "天还没亮，一棵树倒下来砸中了{A_he}家的房子，{A_he}好不容易才逃出来。"),
        ),
        Say(
            ("{A} ran through the rain and knocked on {~B}'s door.", "{A}冒雨跑去敲{B}家的门。"),
            ("{A} had nowhere to go but to {~B}.", "{A}无处可去，只好去找{B}。"),
        ),
        Say(
            ('"Come in and stay as long as you like," {B_he} said.', "“快进来，想住多久就住多久。”{B_he}说。"),
            ("{B_He} asked no questions and gave {A_him} dry clothes and some {food}.", "{B_he}什么也没问，给{A_he}拿来了干衣服和一些{food}。"),
        ),
        Say(
            ("In the morning little was left, but {~outside} stood the {~color} {thing}, and nothing had happened to it.", "早上一看，东西已经所剩无几，可是{outside}的那{thing_mw}{color}的{thing}却安然无恙。"),
            ("When the sun rose, the {~color} {thing} was the only thing that was not broken, and it was still {~outside}.", "太阳出来了，只有那{thing_mw}{color}的{thing}没有坏，它还在{outside}。"),
        ),
        Say(
            ("They built the house again, and it took them until autumn.", "他们一起重新盖房子，一直盖到秋天。"),
            ('"A house can be built again," said {A}, "but where would I find such a friend?"', "“房子可以再盖，”{A}说，“可是这样的朋友上哪儿找呢？”"),
        ),
        Ask("Who took {A} in?", "=B"),
        Ask("How long did {A} stay with {B}?"),
        Fact("{B}", "took in", "{A}"),
        End("A storm destroyed {A}'s house, {B} took {A_him} in, and the {color} {thing} was saved.", "positive"),
    ],
}

STORM = Plot("storm", "a storm", [
    *CLOUDS,
    Branch("night", NIGHT, weights={"saved": 2, "taken": 3, "homeless": 1}),
    Ask("Where was the {thing} during the storm?", "=outside"),
    Ask("What did {A} leave outside?", "=thing"),
    Ask("Who warned {A} of the storm?", "=B"),
    Ask("What did {B} lose in the storm?"),
    Fact("the {thing}", "was left", "{outside}"),
    *ABOUT,
])
