"""The plots: each file is one program, written as data."""

from llmkit.tales.plots.broken import BROKEN
from llmkit.tales.plots.gift import GIFT
from llmkit.tales.plots.journey import JOURNEY
from llmkit.tales.plots.lost import LOST
from llmkit.tales.plots.promise import PROMISE
from llmkit.tales.plots.race import RACE
from llmkit.tales.plots.secret import SECRET
from llmkit.tales.plots.storm import STORM
from llmkit.tales.plots.stranger import STRANGER
from llmkit.tales.plots.trade import TRADE

PLOTS = (LOST, GIFT, RACE, STORM, BROKEN, SECRET, JOURNEY, STRANGER, PROMISE, TRADE)
