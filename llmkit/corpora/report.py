"""What came in, what stayed, and what was dropped by which rule: counted, so that nothing is lost in silence."""

import html
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Report:
    """Counts that grow while a corpus is read. `kept` plus everything in `dropped` is `read`.

    >>> report = Report(read=3, kept=2)
    >>> report.drop("too short", "Hm.")
    >>> print(report)
    read       3
    too short  1   such as: Hm.
    kept       2
    """

    read: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)  # the first text that each rule dropped, shortened

    def drop(self, rule: str, text: str) -> None:
        """Count one text that `rule` dropped."""
        self.dropped[rule] += 1
        short = " ".join(text.split())
        self.examples.setdefault(rule, short if len(short) <= 60 else short[:59] + "…")

    def rows(self) -> list[tuple[str, int, str]]:
        """What happened, how often, and an example."""
        dropped = [(rule, count, self.examples.get(rule, "")) for rule, count in self.dropped.most_common()]
        return [("read", self.read, ""), *dropped, ("kept", self.kept, "")]

    def __str__(self) -> str:
        names = max(len(name) for name, _, _ in self.rows())
        digits = max(len(f"{count:,}") for _, count, _ in self.rows())
        lines = [
            f"{name:{names}}  {count:>{digits},}" + (f"   such as: {example}" if example else "")
            for name, count, example in self.rows()
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        body = "".join(
            f"<tr><th scope='row' style='text-align:left'>{html.escape(name)}</th>"
            f"<td>{count:,}</td><td style='text-align:left'>{html.escape(example)}</td></tr>"
            for name, count, example in self.rows()
        )
        head = "<tr><th style='text-align:left'>texts</th><th>number</th><th style='text-align:left'>for example</th></tr>"
        return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
