"""JSON: the text of a file → its value, each node with its place.

JSON as RFC 8259 has it, and nothing more: comments, trailing commas, single quotes, `NaN` and halves of surrogate
pairs are refused, each with its own sentence (RB102). Duplicate keys and depth are treated as in YAML. Nothing
raises, nothing recurses, and every text ends in time that grows with its length.
"""

from __future__ import annotations

import re
from contextlib import suppress
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]

from .build import Builder, Stop, as_route_file
from .core import read_float, read_integer
from .file import SourceFile
from .node import Parsed

_BLANK = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[\w.+-]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONSTANTS: dict[str, bool | None] = {"null": None, "true": True, "false": False}
_MEANT = {
    "none": "null",
    "nil": "null",
    "undefined": "null",
    "yes": "true",
    "no": "false",
    "on": "true",
    "off": "false",
}
_NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity", "+Infinity", "nan", "inf", "-inf"})
_CLOSING = {"{": "}", "[": "]"}


def read_json(file: SourceFile) -> Parsed:
    """Read a route file: its mapping, or None with at least one diagnostic (RB102, RB103, RB105, RB109, RB202)."""
    return as_route_file(read_json_value(file))


def read_json_value(file: SourceFile) -> Parsed:
    """Read a JSON text whose top may be anything."""
    scanner = _Scanner(file)
    with suppress(Stop):
        scanner.run()
    return scanner.builder.result()


class _Scanner:
    """Reads one text from left to right.

    `at` is the offset of what comes next, `open` holds those of the open brackets, and `fresh` is true right after
    an opening one.
    """

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.text = file.text
        self.builder = Builder(file)
        self.at = 0
        self.open: list[int] = []
        self.fresh = False

    def run(self) -> None:
        """Read the whole text; raise Stop at the first mistake in its syntax."""
        if not self._next():
            span = self.file.span(0, 0)
            raise self.builder.stop("RB109", span, "file is empty", "write something in it, or remove it")
        self._value()
        while self.open:
            self._inside()
        character = self._next()
        self.builder.is_whole = True
        if character:
            help_text = "a file holds one value; remove the rest"
            raise self._not_here(character, "unexpected text after the end of the document", help_text)

    def _next(self) -> str:
        """Skip blanks and return the next character, empty at the end of the text."""
        blank = _BLANK.match(self.text, self.at)
        self.at = blank.end() if blank else self.at
        return self.text[self.at : self.at + 1]

    def _inside(self) -> None:
        """Read one entry of the innermost list or mapping, or its closing bracket."""
        bracket = self.text[self.open[-1]]
        character = self._next()
        if character == _CLOSING[bracket]:
            self._close()
            return
        if self.fresh:
            self.fresh = False
        elif character == ",":
            self._comma(bracket)
        else:
            raise self._not_an_entry(bracket, character)
        if bracket == "{":
            self._key()
        self._value()

    def _value(self) -> None:
        """Read a scalar, or an opening bracket."""
        character = self._next()
        if character == '"':
            start = self.at
            self.builder.scalar(self._string(), start, self.at)
        elif character == "{":
            self.builder.open({}, self.at)
            self._opened()
        elif character == "[":
            self.builder.open([], self.at)
            self._opened()
        else:
            self._word(character)

    def _opened(self) -> None:
        self.open.append(self.at)
        self.fresh = True
        self.at += 1

    def _close(self) -> None:
        self.open.pop()
        self.fresh = False
        self.at += 1
        self.builder.close(self.at)

    def _comma(self, bracket: str) -> None:
        comma = self.at
        self.at += 1
        character = self._next()
        if character == _CLOSING[bracket]:
            self.at = comma
            raise self._stop(f"',' before the closing {character!r}", "remove the comma; none follows the last entry")

    def _key(self) -> None:
        character = self._next()
        if character != '"':
            raise self._not_a_key(character)
        start = self.at
        self.builder.scalar(self._string(), start, self.at)
        character = self._next()
        if character != ":":
            raise self._not_here(character, "expected ':' after the key", 'write `"key": value`')
        self.at += 1

    def _string(self) -> str:
        start = self.at
        text: str
        try:
            text, self.at = scanstring(self.text, start + 1, True)
        except JSONDecodeError as error:
            raise self._bad_string(error) from error
        half = _SURROGATE.search(text)
        if half:
            message = f"text has half of a surrogate pair, U+{ord(half.group()):04X}"
            span = self.file.span(start, self.at)
            raise self.builder.stop("RB102", span, message, "write the character itself, or both halves")
        return text

    def _word(self, character: str) -> None:
        """Read a number, or `null`, `true` or `false`."""
        start = self.at
        found = _WORD.match(self.text, start)
        word = found.group() if found else ""
        if word not in _CONSTANTS and not _NUMBER.fullmatch(word):
            raise self._not_a_value(character, word)
        self.at = start + len(word)
        self.builder.scalar(self._constant(word, start), start, self.at)

    def _constant(self, word: str, start: int) -> str | int | float | bool | None:
        if word in _CONSTANTS:
            return _CONSTANTS[word]
        try:
            return read_integer(word) if word.lstrip("-").isdigit() else read_float(word)
        except OverflowError as error:
            span = self.file.span(start, start + len(word))
            self.builder.say("RB202", span, str(error), "put it in quotes if it is meant as text")
            return word

    def _stop(self, message: str, help_text: str, width: int = 1) -> Stop:
        return self.builder.stop("RB102", self.file.span(self.at, self.at + width), message, help_text)

    def _not_here(self, character: str, message: str, help_text: str) -> Stop:
        """Say what is wrong where something else was expected: the text ends, a comment, or else *message*."""
        if not character and self.open:
            self.at = self.open[-1]
            bracket = self.text[self.at]
            return self._stop(
                f"the {bracket!r} that opens here is never closed", f"add the closing {_CLOSING[bracket]!r}"
            )
        if character == "#" or self.text[self.at : self.at + 2] in ("//", "/*"):
            return self._stop("JSON has no comments", "remove it, or write the file as YAML (*.yaml)")
        return self._stop(message, help_text)

    def _not_an_entry(self, bracket: str, character: str) -> Stop:
        closing = _CLOSING[bracket]
        between = "put a ',' between two entries"
        help_text = f"close the {bracket!r} first" if character in _CLOSING.values() else between
        return self._not_here(character, f"expected ',' or {closing!r}", help_text)

    def _not_a_key(self, character: str) -> Stop:
        return self._not_here(character, "a key must be text in double quotes", 'write `"key": value`')

    def _not_a_value(self, character: str, word: str) -> Stop:
        near = _MEANT.get(word.lower(), word.lower())
        if word in _NOT_FINITE:
            return self._stop(f"JSON has no {word}", "write a number, null, or text in double quotes", len(word))
        if near in _CONSTANTS:
            return self._stop(f"unknown word {word!r}", f"write {near}, or put text in double quotes", len(word))
        if word and word[0] in "+-.0123456789":
            help_text = "write digits as in -0.5 or 1e9, without a leading zero or '+'; quote it if it is text"
            return self._stop("this is no JSON number", help_text, len(word))
        if character == "'":
            return self._stop("text stands in double quotes in JSON, not in single ones", 'write "text"')
        if word:
            return self._stop("text without double quotes", 'write "text"', len(word))
        return self._not_here(character, f"unexpected {character!r} where a value belongs", "write a value here")

    def _bad_string(self, error: JSONDecodeError) -> Stop:
        self.at = error.pos
        if error.msg.startswith("Unterminated"):
            return self._stop("the quote that opens here is never closed", 'add the closing "')
        if error.msg.startswith("Invalid control"):
            return self._bad_character(self.text[self.at])
        # Where the digits after `\\u` are wrong, the position is that of the `u`.
        self.at -= 0 if self.text[self.at] == "\\" else 1
        written = self.text[self.at : self.at + 2]
        help_text = 'write \\\\ for a backslash; the escapes are \\n \\t \\r \\b \\f \\/ \\" and \\u with four digits'
        return self._stop(f"{written} is no escape in JSON", help_text, 2)

    def _bad_character(self, character: str) -> Stop:
        if character in "\r\n":
            return self._stop("text goes over the end of its line", "close the quote, or write \\n for a line break")
        return self._stop(f"character U+{ord(character):04X} cannot stand in a text", f"write \\u{ord(character):04x}")
