"""A small table that reads well in a terminal and in a notebook."""

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Table:
    """Columns and rows of text; numbers (columns named in `right`) stand on the right.

    >>> Table(("model", "MB"), (("tales-gpt", "5.4"), ("minilm", "91")), right=("MB",))
    model       MB
    tales-gpt  5.4
    minilm      91
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[str, ...] = ()

    def __repr__(self) -> str:
        widths = [max(len(row[k]) for row in (self.columns, *self.rows)) for k in range(len(self.columns))]
        lines = []
        for row in (self.columns, *self.rows):
            cells = [
                cell.rjust(width) if name in self.right else cell.ljust(width)
                for cell, width, name in zip(row, widths, self.columns, strict=True)
            ]
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        def line(tag: str, row: tuple[str, ...]) -> str:
            cells = [
                f'<{tag} style="text-align: {"right" if name in self.right else "left"}">{escape(cell)}</{tag}>'
                for cell, name in zip(row, self.columns, strict=True)
            ]
            return f"<tr>{''.join(cells)}</tr>"

        body = "".join(line("td", row) for row in self.rows)
        return f"<table><thead>{line('th', self.columns)}</thead><tbody>{body}</tbody></table>"
