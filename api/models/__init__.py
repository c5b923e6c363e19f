"""What goes in and out of the JSON API: models of their own, so that a new column never leaks by itself."""
