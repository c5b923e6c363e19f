"""The independent check: every promise of design §5, asked of what is written down, by a reading of its own.

What is checked is never asked for its opinion. The rows are read by SQL, the protocols from their text, the law of
consent and the three clocks in their shortest form; nothing of `domain`, no command and no query is imported, and a
rule of the house (`tests/support/house_rules.py`) holds that. So a mistake of a rule shows here instead of being made
twice.

`dossier` reads a slice of referrals, `story` tells each from its journal, `promises` and its neighbours compare; `run`
does so for all of them. Temporal is asked by `workflows/checking.py`. docs/reliability.md says what is covered.
"""
