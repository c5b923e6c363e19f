"""Invented lives through the protocols: with the real commands on an in-memory database, or on the agenda alone.

A seed gives the same lives each time. No Temporal: the agenda's items are carried out as the workflow would, at their
time or, in an outage, late.
"""
