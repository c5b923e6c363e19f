"""Doors for other systems in the field's standards."""
