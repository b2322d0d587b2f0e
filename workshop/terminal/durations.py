"""A length of time as a person writes it: `45s`, `15m`, `2h`, `7d`."""

import re
from datetime import timedelta

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Duration(click.ParamType[timedelta]):
    """A number with its unit s, m, h or d, from one second up to `longest`."""

    name = "duration"

    def __init__(self, longest: timedelta) -> None:
        self.longest = longest

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The length of time; a usage error for anything else."""
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"(\d{1,9})\s*([smhd])", value.strip().lower())
        if not match:
            self.fail(
                f"{value!r} is not a length of time: write a number and its unit, such as 15m, 2h or 7d.", param, ctx
            )
        length = timedelta(**{_UNITS[match[2]]: int(match[1])})
        if not timedelta(seconds=1) <= length <= self.longest:
            self.fail(f"{value} is not between 1 second and {self.longest.days} days.", param, ctx)
        return length
