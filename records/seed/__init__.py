"""The demonstration program: invented people at every stage, brought there by the commands themselves.

Names are the word “example” in many languages, so that nobody is meant. History is played with a moved clock, from some
months ago up to now: journal, contacts, escalations, messages and measures are what real use would have left.
"""
