"""From the bytes of a spreadsheet export to rows of text, or a sentence that says how to save the file instead.

A wrong guess about the encoding garbles names without anybody noticing, so nothing is guessed: UTF-8 and UTF-16 say
what they are, anything else is refused.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

MAX_BYTES = 32 * 1024 * 1024
"""Bytes of one file: about 200,000 releases."""
MAX_ROWS = 200_000
"""Rows of one file, the header not counted."""

_SAVE_AS = "In Excel choose Save as, then 'CSV UTF-8 (comma delimited)', and send that file."
_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file as a whole was not taken. `column` is empty unless one column is to blame."""

    code: str
    sentence: str
    column: str = ""


class FileRefused(Exception):
    """A file cannot be read; carries the problem."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.problem = Problem(code, sentence)


def decode(data: bytes) -> str:
    """The text of the file. Raises `FileRefused`: too large, no CSV, or an encoding that we cannot tell."""
    if len(data) > MAX_BYTES:
        raise FileRefused("too_large", f"The file is larger than {MAX_BYTES // 2**20} MB. Split it and send the parts.")
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise FileRefused("not_csv", f"This is an Excel workbook, not a CSV file. {_SAVE_AS}")
    if data.startswith(b"%PDF"):
        raise FileRefused("not_csv", "This is a PDF, not a CSV file. Ask for the list as CSV.")
    mark = data[:2]
    try:
        text = data[2:].decode(_UTF16[mark]) if mark in _UTF16 else data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefused(
            "encoding", f"The letters of this file cannot be read safely, so names could be garbled. {_SAVE_AS}"
        ) from None
    if "\x00" in text:
        raise FileRefused("encoding", f"This file is not text in an encoding that we can tell. {_SAVE_AS}")
    return text


def read_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with its number in the spreadsheet (the first is 1).

    The first line decides whether commas, semicolons or tabs separate the cells. Raises `FileRefused` where a
    quotation mark is left open: what follows it could belong to anybody.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader, None)
        except csv.Error:
            raise FileRefused(
                "quoting",
                f"Row {number} cannot be read: a quotation mark is not closed, or stands inside a cell alone. "
                "Write a quotation mark within a cell twice.",
            ) from None
        if cells is None:
            return
        if number > MAX_ROWS + 1:
            raise FileRefused(
                "too_many_rows", f"The file has more than {MAX_ROWS:,} rows. Split it and send the parts."
            )
        if any(cell.strip() for cell in cells):
            yield number, cells


def _delimiter(text: str) -> str:
    header = text.lstrip("\r\n")[:10_000].partition("\n")[0]
    return max(",;\t", key=header.count)
