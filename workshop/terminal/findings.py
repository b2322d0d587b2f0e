"""What `doctor` and `check` find: a verdict on one line, and how to fix a problem."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from textwrap import indent
from typing import Any, Literal

from rich.text import Text

from workshop.terminal.console import WARNING, out, plain, plain_lines, wrapped

Verdict = Literal["ok", "warning", "problem"]

_STYLES: dict[Verdict, str] = {"ok": "green", "warning": WARNING, "problem": "bold red"}

_SUBJECT = 9
"""The column of the subject."""

_SAYS = _SUBJECT + 15
"""The column of what was found; on a narrow terminal, that is on the next line."""

_NARROW = 64


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked. `fix` says how to fix it, or is None."""

    subject: str
    verdict: Verdict
    says: str
    fix: str | None = None

    def to_document(self) -> dict[str, Any]:
        """The finding as plain values, for --json."""
        return asdict(self)


def show(finding: Finding) -> None:
    """Print the finding on stdout, in columns. A fix is on a line of its own, to be copied."""
    narrow = out.is_terminal and out.width < _NARROW
    line = Text(f"{finding.verdict:<{_SUBJECT}}", style=_STYLES[finding.verdict])
    line.append(finding.subject if narrow else f"{finding.subject:<{_SAYS - _SUBJECT}}", style="bold")
    says = _indented(plain(finding.says), _SUBJECT if narrow else _SAYS)
    line.append(f"\n{says}" if narrow else says.lstrip(), style="none")
    out.print(line, soft_wrap=True)
    for fix in plain_lines(finding.fix).splitlines() if finding.fix else ():
        mark = f"{'':{_SUBJECT}}→ "
        out.print(mark + _indented(fix, len(mark)).lstrip(), soft_wrap=True)


def _indented(text: str, column: int) -> str:
    lines = wrapped(text, out.width - column) if out.is_terminal else [text]
    return indent("\n".join(lines), " " * column)


def any_problem(findings: Iterable[Finding]) -> bool:
    """Whether something must be fixed first."""
    return any(finding.verdict == "problem" for finding in findings)
