"""Pure translation between what other systems send and our own types."""
