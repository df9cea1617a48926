"""The lists that tales draw from. Within a list every entry has the same number of tokens, and none begins another."""

from llmkit.tales.vocabulary import people, places, relatives, things, words

WOMEN = people("she", """Nora 诺拉,Mila 米拉,Ada 艾达,Ruby 露比,Ivy 艾薇,Lucy 露西,Hazel 黑兹尔,Clara 克拉拉,Emma 艾玛,
Alice 爱丽丝,Rosa 罗莎,Lily 莉莉,Daisy 黛西,Nina 妮娜,Tess 苔丝,Flora 芙洛拉,Maya 玛雅,Ella 埃拉,Anna 安娜,Stella 斯黛拉,
Wanda 旺达,Greta 格蕾塔,Zoe 佐伊,Betty 贝蒂""")
MEN = people("he", """Otto 奥托,Max 麦克斯,Leo 里奥,Finn 芬恩,Hugo 雨果,Oscar 奥斯卡,Felix 菲利克斯,Sven 斯文,Toby 托比,
Jack 杰克,Boris 鲍里斯,Theo 西奥,Milo 米洛,Bruno 布鲁诺,Noah 诺亚,Ned 内德,Paul 保罗,Victor 维克多,Simon 西蒙,Peter 彼得,
Henry 亨利,Arthur 亚瑟,Carl 卡尔,Rex 雷克斯""")
NAMES = WOMEN + MEN
THE_OTHER = {"she": MEN, "he": WOMEN}  # two characters never share a pronoun, so every pronoun is clear

KINDS = words("""fox 狐狸,bear 小熊,rabbit 兔子,hedgehog 刺猬,badger 獾,mouse 小老鼠,squirrel 松鼠,mole 鼹鼠,deer 小鹿,
wolf 小狼,goat 山羊,sheep 绵羊,cat 小猫,dog 小狗,pony 小马,pig 小猪,raccoon 浣熊,panda 熊猫,monkey 猴子,koala 考拉,
donkey 毛驴,camel 骆驼,tiger 老虎,lion 狮子,elephant 大象,zebra 斑马,giraffe 长颈鹿,kangaroo 袋鼠,hamster 仓鼠,
otter 水獭,lynx 猞猁,moose 驼鹿""")

COLORS = words("red 红色,blue 蓝色,green 绿色,yellow 黄色,white 白色,black 黑色,brown 棕色,purple 紫色,orange 橙色,gray 灰色")

THINGS = (
    *things("cloth", ("torn", "破了"), """scarf 围巾 条,hat 帽子 顶,blanket 毯子 条,coat 外套 件,cap 便帽 顶,shawl 披肩 条,
        bag 布包 个,flag 旗子 面,cushion 坐垫 个,quilt 被子 床,rug 小地毯 块,apron 围裙 条,cloak 斗篷 件,tent 小帐篷 顶"""),
    *things("paper", ("torn", "破了"), """kite 风筝 只,fan 扇子 把,map 地图 张,notebook 笔记本 个,poster 海报 张,
        diary 日记 本,album 相册 本,book 图画书 本,mask 纸面具 个,umbrella 纸伞 把"""),
    *things("wood", ("cracked", "裂了"), """drum 小鼓 面,violin 小提琴 把,flute 木笛 支,guitar 吉他 把,sled 雪橇 架,
        wagon 小拖车 辆,stool 凳子 张,chair 椅子 把,puppet 木偶 个,box 木盒 个,tray 木托盘 个,boat 玩具船 条,
        harp 竖琴 架,birdhouse 鸟屋 个,basket 篮子 个,bowl 木碗 个,chest 小箱子 个,easel 画架 个"""),
    *things("clay", ("chipped", "坏了"), """vase 花瓶 个,teapot 茶壶 把,cup 茶杯 个,mug 杯子 个,plate 盘子 个,
        jar 陶罐 个,pitcher 水罐 个,dish 碟子 个,pot 陶锅 口,whistle 陶哨 个,figurine 小瓷像 个"""),
    *things("metal", ("dented", "坏了"), """lantern 灯笼 盏,bell 铃铛 个,trumpet 小号 把,horn 号角 把,telescope 望远镜 架,
        bucket 水桶 个,kettle 水壶 把,lamp 台灯 盏,scooter 滑板车 辆,bicycle 自行车 辆,birdcage 鸟笼 个,watch 手表 块"""),
)
TOOLS = {  # what mends what
    "cloth": words("thread 线,wool 毛线"),
    "paper": words("paste 糨糊,tape 胶带"),
    "wood": words("glue 胶水,wax 蜂蜡"),
    "clay": words("clay 黏土,plaster 石膏"),
    "metal": words("pliers 钳子,solder 焊锡"),
}

PLACES = places("""barn 谷仓,mill 磨坊,bridge 石桥边,well 水井边,garden 花园,market 集市,school 学校,library 图书馆,
bakery 面包房,station 火车站,harbor 港口,lighthouse 灯塔,church 教堂,orchard 果园,meadow 草地,forest 树林,river 小河边,
lake 湖边,pond 池塘边,hill 山坡上,cave 山洞口,beach 海边,farm 农场,castle 城堡,fountain 喷泉边,park 公园,museum 博物馆,
theater 剧院,inn 旅馆,tower 钟楼""")

OUTSIDE = words("""under the bench 长椅下面,beside the gate 大门旁边,behind the woodpile 柴堆后面,under the hedge 树篱下面,
behind the haystack 干草堆后面,under the porch 门廊下面,beside the pump 水泵旁边,behind the shed 棚子后面,under the oak 橡树下面,
in the wheelbarrow 手推车里,among the ferns 蕨丛里,beside the wall 围墙边,under the pine 松树下面,beside the path 小路边""")
INSIDE = words("""behind the stove 炉子后面,under the stairs 楼梯下面,in the cellar 地窖里,in the attic 阁楼里,behind the door 门后面,
under the table 桌子下面,behind the couch 沙发后面,behind the curtain 窗帘后面,in the cupboard 橱柜里,under the bed 床底下""")
SPOTS = OUTSIDE + INSIDE
TURNS = words("left 左,right 右")

DAYS = words("Monday 星期一,Tuesday 星期二,Wednesday 星期三,Thursday 星期四,Friday 星期五,Saturday 星期六,Sunday 星期天")
WEATHERS = words("sunny 晴朗,cloudy 阴沉,warm 暖和,cold 寒冷,cool 凉爽,mild 温和,damp 潮湿,dry 干爽")
SAD = words("sad 难过,upset 伤心,unhappy 不开心,gloomy 郁闷,downcast 沮丧,miserable 难受")
HAPPY = words("happy 高兴,glad 开心,cheerful 快活,delighted 欢喜,joyful 快乐,merry 欢快")
RELATIVES = relatives("she", "mother 妈妈,sister 姐姐,grandmother 奶奶,aunt 姑姑") + relatives(
    "he", "father 爸爸,brother 哥哥,grandfather 爷爷,uncle 叔叔")
JOBS = words("doctor 医生,teacher 老师,mayor 村长,baker 面包师,tailor 裁缝,postman 邮差")
FRIENDS = words("friend 朋友,neighbor 邻居,classmate 同学,playmate 玩伴")
FOODS = words("""soup 汤,bread 面包,cake 蛋糕,cheese 奶酪,porridge 粥,pie 馅饼,stew 炖菜,rice 米饭,pudding 布丁,
honey 蜂蜜,jam 果酱,fruit 水果""")
