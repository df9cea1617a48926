"""Real text that is already on the machine: the Python documentation, this book, your own files; filtered and deduplicated.

>>> cleaner = Cleaner(Rules(min_characters=400))
>>> next(cleaner(python_docs())).title
'The assert statement'
>>> print(cleaner.report)
read  1
kept  1

Used from lesson 02 on. The story language is `llmkit.tales`.
"""

from llmkit.corpora.book import book
from llmkit.corpora.cleaning import Cleaner, Rules, letter_share, repetition
from llmkit.corpora.document import Document, read, split_of
from llmkit.corpora.near import MinHash, NearCopies, candidate_probability, jaccard, shingles, similarity
from llmkit.corpora.python_docs import python_docs
from llmkit.corpora.report import Report

__all__ = [
    "Cleaner", "Document", "MinHash", "NearCopies", "Report", "Rules", "book", "candidate_probability", "jaccard",
    "letter_share", "python_docs", "read", "repetition", "shingles", "similarity", "split_of",
]
