"""Bar charts in plain text."""

from collections.abc import Sequence

_WIDTH = 44


def plot(title: str, xs: Sequence[float], ys: Sequence[float]) -> str:
    """One bar for each x, as long as its y; beside it what a line through the first and the last point would say.

    A y that is above that line in between bends the wrong way only if those after it do not: linear growth makes the
    two columns equal.
    """
    longest = max(ys)
    slope = (ys[-1] - ys[0]) / (xs[-1] - xs[0])
    lines = [title, f"{'':>6}  {'':{_WIDTH}} {'measured':>9} {'straight line':>14}"]
    for x, y in zip(xs, ys, strict=True):
        bar = "█" * max(1, round(_WIDTH * y / longest))
        lines.append(f"{x:>6g}  {bar:{_WIDTH}} {y:>9.0f} {ys[0] + slope * (x - xs[0]):>14.0f}")
    return "\n".join(lines)
