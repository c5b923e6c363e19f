"""The demonstration program: invented people at every stage, brought there by the commands themselves.

Names are the word “example” in many languages, so that nobody is meant. History is played with a moved clock, from some
months ago up to now: journal, contacts, escalations, messages and measures are what real use would have left.
"""

from __future__ import annotations

from pathlib import Path

SAMPLE = Path(__file__).parent / "releases-sample.csv"
"""A jail's release list to begin from; with today's dates by `domain.interop.release_sample`."""
