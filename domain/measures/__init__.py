"""The measures that managers track (docs/measures.md), each defined once: what counts, of whom, and who is left out.

They are pure functions of what the journal says (`journey.py`), so that every figure can be reproduced from it and
leads to its cases. `catalog.py` lists them.
"""
