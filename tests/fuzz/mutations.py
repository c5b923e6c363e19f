"""Real samples, changed: in their structure, and then perhaps in their bytes."""

from __future__ import annotations

import copy
import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 10**18, "", " ", "x" * 5000, "\u0000", "\ud83d", "\u202egnp", "=1+1", "\r\n", [],
    {}, "ﬀ",
    [[]], [None], {"a": {"a": {"a": {}}}}, "2026-02-30", "9999-12-31T23:59:60Z", "0000-01-01", "2026-11-01T01:30:00",
    "2026-11-03T10:00:00+99:00", "1990", "-0001", "urn:uuid:x", "Patient/../..", "http://[::1", "%00", "'; DROP TABLE",
    "<script>", "{{7*7}}", "${x}", "٣",
)  # fmt: skip
"""Values that have broken parsers."""
TEXTS = tuple(value for value in ODD if isinstance(value, str))
values = st.sampled_from(ODD) | st.text(max_size=20) | st.integers() | st.dates().map(str)


@st.composite
def changed_json(draw: st.DrawFn, samples: Sequence[Any]) -> bytes:
    """A sample with one to five places replaced, left out, doubled, swapped or put deeper; sometimes with its bytes
    cut or changed."""
    made = copy.deepcopy(draw(st.sampled_from(list(samples))))
    for _ in range(draw(st.integers(1, 5))):
        places = list(_places(made))
        if places:
            _change(draw, made, places)
    text = json.dumps(made, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    return draw(changed_bytes(text)) if draw(st.integers(0, 9)) == 0 else text


def _places(within: Any) -> Any:
    """Every list or object in the tree with each of its keys."""
    if isinstance(within, dict | list):
        for key in list(within) if isinstance(within, dict) else range(len(within)):
            yield within, key
            yield from _places(within[key])


def _change(draw: st.DrawFn, made: Any, places: list[tuple[Any, Any]]) -> None:
    holder, key = draw(st.sampled_from(places))
    how = draw(st.sampled_from(("odd", "odd", "left out", "doubled", "another's", "deeper", "listed", "more")))
    if how == "odd":
        holder[key] = copy.deepcopy(draw(values))
    elif how == "left out":
        del holder[key]
    elif how == "doubled" and isinstance(holder, list):
        holder.extend(copy.deepcopy(holder[key]) for _ in range(draw(st.sampled_from((1, 2, 300)))))
    elif how == "another's":
        other, its = draw(st.sampled_from(places))
        holder[key] = copy.deepcopy(other[its]) if _is_in(other, its) else None
    elif how == "deeper":
        for _ in range(draw(st.sampled_from((1, 45)))):
            holder[key] = {"resource": holder[key]}
    elif how == "listed":
        holder[key] = [holder[key]]
    elif isinstance(holder, dict):
        holder[draw(st.sampled_from(("id", "extension", "__proto__", "reference", "resourceType")))] = copy.deepcopy(
            draw(values)
        )


def _is_in(holder: Any, key: Any) -> bool:
    return key in holder if isinstance(holder, dict) else key < len(holder)


@st.composite
def changed_bytes(draw: st.DrawFn, text: bytes) -> bytes:
    """The same cut off, with bytes changed or put in, or in another encoding."""
    how = draw(st.sampled_from(("cut", "changed", "put in", "utf-16", "mark", "twice")))
    at = draw(st.integers(0, max(len(text) - 1, 0)))
    if how == "cut":
        return text[:at]
    if how == "changed":
        return text[:at] + draw(st.binary(min_size=1, max_size=3)) + text[at + 1 :]
    if how == "put in":
        return text[:at] + draw(st.sampled_from((b"\x00", b"\xff", b'"', b"\r", b"\xed\xa0\x80", b"\x1a"))) + text[at:]
    if how == "utf-16":
        return text.decode("utf-8", "replace").encode("utf-16")
    return b"\xef\xbb\xbf" + text if how == "mark" else text + text


@st.composite
def changed_csv(draw: st.DrawFn, sample: bytes) -> bytes:
    """A release list with cells, rows, columns, separators or bytes changed."""
    rows = list(csv.reader(io.StringIO(sample.decode("utf-8-sig"))))
    for _ in range(draw(st.integers(1, 4))):
        row = draw(st.integers(0, len(rows) - 1))
        column = draw(st.integers(0, max(len(rows[row]) - 1, 0)))
        how = draw(st.sampled_from(("cell", "cell", "cell", "short", "long", "doubled", "heading", "gone", "column")))
        if how == "cell" and rows[row]:
            rows[row][column] = draw(st.sampled_from(TEXTS) | st.text(max_size=30))
        elif how == "short":
            rows[row] = rows[row][:column]
        elif how == "long":
            rows[row] = rows[row] + ["x"] * draw(st.sampled_from((1, 300)))
        elif how == "doubled":
            rows.append(list(rows[row]))
        elif how == "heading":
            rows[0] = [name.upper() for name in reversed(rows[0])]
        elif how == "gone" and len(rows) > 1:
            del rows[row]
        elif how == "column":
            rows[0] = [*rows[0], rows[0][0] if rows[0] else "x"]
    text, between, end = io.StringIO(), draw(st.sampled_from(",,,;\t")), draw(st.sampled_from(("\n", "\r\n")))
    csv.writer(text, delimiter=between, lineterminator=end).writerows(rows)
    made = text.getvalue().encode("utf-8", "surrogatepass")
    return draw(changed_bytes(made)) if draw(st.integers(0, 4)) == 0 else made


@st.composite
def changed_text(draw: st.DrawFn, sample: str) -> str:
    """A token, cursor or code with a character changed, put in, left out or doubled; or something else altogether."""
    how = draw(st.sampled_from(("changed", "cut", "put in", "twice", "odd", "upper", "same")))
    at = draw(st.integers(0, max(len(sample) - 1, 0)))
    other = draw(st.sampled_from("Aa0-_.=é\u0660 \t/"))
    if how == "odd":
        return str(draw(values))
    made = {
        "changed": sample[:at] + other + sample[at + 1 :],
        "cut": sample[:at],
        "put in": sample[:at] + other + sample[at:],
        "twice": sample + sample,
        "upper": sample.swapcase(),
    }
    return made.get(how, sample)


@st.composite
def changed_form(draw: st.DrawFn, sample: dict[str, Any]) -> list[tuple[str, str]]:
    """The fields of a form, some of them odd, left out, doubled, renamed, or new."""
    fields = [(name, str(value)) for name, value in sample.items()]
    for _ in range(draw(st.integers(1, 4))):
        how = draw(st.sampled_from(("odd", "odd", "odd", "left out", "doubled", "renamed", "new", "row")))
        at = draw(st.integers(0, len(fields) - 1)) if fields else 0
        if how == "new" or not fields:
            fields.append((draw(st.sampled_from(("version", "once", "next", "x", "phones.0.number", "on_month"))), "x"))
        elif how == "odd":
            fields[at] = (fields[at][0], draw(st.sampled_from(TEXTS) | st.text(max_size=30)))
        elif how == "left out":
            del fields[at]
        elif how == "doubled":
            fields.append(fields[at])
        elif how == "renamed":
            fields[at] = (draw(changed_text(fields[at][0])), fields[at][1])
        else:
            fields += [
                (f"phones.{number}.number", "(212) 555-0123") for number in range(draw(st.sampled_from((1, 40))))
            ]
    return fields


@st.composite
def as_sent(draw: st.DrawFn, fields: Sequence[tuple[str, str]], token: str) -> tuple[bytes, str]:
    """A form as a browser sends it, either way, and now and then broken; the body and its type."""
    whole = [*fields, ("csrf_token", token)]
    if draw(st.booleans()):
        parts = [
            b'--edge\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
            % (_raw(name).replace(b'"', b"%22").replace(b"\r", b"").replace(b"\n", b""), _raw(value))
            for name, value in whole
        ]
        body, kind = b"".join(parts) + b"--edge--\r\n", "multipart/form-data; boundary=edge"
    else:
        body, kind = (
            b"&".join(_quoted(name) + b"=" + _quoted(value) for name, value in whole),
            ("application/x-www-form-urlencoded"),
        )
    return (draw(changed_bytes(body)) if draw(st.integers(0, 5)) == 0 else body), kind


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _quoted(text: str) -> bytes:
    return "".join(f"%{byte:02X}" for byte in _raw(text)).encode()
