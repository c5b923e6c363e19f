"""Questions to the records. Nothing here writes."""
