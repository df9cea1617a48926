"""The type checker of the stage `unit`: beartype, which here lets an int stand for a float, as readers do."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
