"""What `doctor` and `check` found: a verdict in one line, and what to do where it is not well."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rich.text import Text

from workshop.terminal.console import WARNING, out, plain, plain_lines

Verdict = Literal["ok", "warning", "problem"]

_STYLES: dict[Verdict, str] = {"ok": "green", "warning": WARNING, "problem": "bold red"}

_SUBJECT = 9
_SAYS = _SUBJECT + 15


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `fix` is the command or deed that mends it; None where nothing has to be done."""

    subject: str
    verdict: Verdict
    says: str
    fix: str | None = None

    def to_document(self) -> dict[str, Any]:
        """The finding as plain values, for --json."""
        return asdict(self)


def show(finding: Finding) -> None:
    """Print the finding on stdout, in columns that survive a pipe; a fix is on a line of its own, to be copied."""
    line = Text(f"{finding.verdict:<{_SUBJECT}}", style=_STYLES[finding.verdict])
    line.append(f"{finding.subject:<{_SAYS - _SUBJECT}}", style="bold")
    line.append(plain(finding.says), style="none")
    out.print(line, soft_wrap=True)
    if finding.fix:
        for instruction in plain_lines(finding.fix).splitlines():
            out.print(f"{'':{_SUBJECT}}→ {instruction}", soft_wrap=True)


def any_problem(findings: Iterable[Finding]) -> bool:
    """Whether something has to be mended before going on."""
    return any(finding.verdict == "problem" for finding in findings)
