"""Errors that carry the call, the argument, the constraint and the value, so that every caller can phrase them."""

from __future__ import annotations


class ArgumentError(Exception):
    """An argument that a public call cannot take.

    The library prints ``call(argument=...) constraint, got value.``; the command line replaces the first part by
    the option that set the argument. `hint` is the way out, a sentence of its own. The text is always one line.
    """

    shows_none = False  # whether a `got` of None is the value that was given; otherwise it stands for no value

    def __init__(self, call: str, argument: str, constraint: str, got: object = None, hint: str = "") -> None:
        self.call, self.argument, self.constraint, self.got, self.hint = call, argument, constraint, got, hint
        super().__init__(str(self))

    def __str__(self) -> str:
        return f"{self.call}({self.argument}=...) {self.statement}"

    def __reduce__(self):
        return type(self), (self.call, self.argument, self.constraint, self.got, self.hint)

    @property
    def statement(self) -> str:
        """The sentence after the argument's name."""
        got = "" if self.got is None and not self.shows_none else f", got {_short(self.got)}"
        return f"{self.constraint}{got}.{' ' + self.hint if self.hint else ''}"


class BadValue(ArgumentError, ValueError):
    """The kind is right, the value is not."""


class BadKind(ArgumentError, TypeError):
    """The value is of the wrong kind."""

    shows_none = True


class NotCovered(ArgumentError, NotImplementedError):
    """The value is legitimate, but this function has no formula or sampler for it."""


def _short(value: object) -> str:
    try:
        text = " ".join((value if isinstance(value, Verbatim) else repr(value)).split())
    except ValueError:  # Python does not print integers of more than 4300 digits
        text = f"{type(value).__name__} that is too long to print"
    return text if len(text) <= 80 else f"{text[:60]}… ({len(text)} characters)"


class Verbatim(str):
    """A value for an error message that is printed as it stands, without quotes."""
