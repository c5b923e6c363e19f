"""The only writers. One module a subject, one function a command: `(session, actor, …) -> result`.

Each checks who may, in which state, writes rows and journal entries, recomputes the agenda, and is refused with a named
error or done in whole. The transaction is the caller's (`records.engine.transaction`).
"""
