"""Invented people brought to a deadline, and what must come of it: for the benches and for an operator's own drill."""
