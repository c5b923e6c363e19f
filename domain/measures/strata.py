"""Figures compared by group, without letting anybody be found in a small one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.measures.figure import Figure

SMALLEST_CELL = 11
"""Groups of fewer people are not shown (CMS cell size suppression policy: 1 to 10)."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """One group of a comparison. `figure` is None where the group is too small to be shown."""

    name: str
    figure: Figure | None


def strata(figure: Figure, group_of: Mapping[str, str]) -> list[Stratum]:
    """The figure for each group of referrals, small groups hidden.

    `group_of` maps a referral's id to the name of its group. When only one group is hidden it could be told from the
    total, so the next smallest is hidden too.
    """
    groups = figure.split(lambda case: group_of.get(case.referral_id, "Not known"))
    sizes = {name: _people(part) for name, part in groups.items()}
    hidden = {name for name, size in sizes.items() if 0 < size < SMALLEST_CELL}
    if len(hidden) == 1:
        rest = [name for name in sizes if name not in hidden and sizes[name]]
        hidden.update(sorted(rest, key=lambda name: (sizes[name], name))[:1])
    return [Stratum(name, None if name in hidden else groups[name]) for name in sorted(groups)]


def _people(figure: Figure) -> int:
    return len({case.referral_id for case in figure.cases if case.part.is_counted})
