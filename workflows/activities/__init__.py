"""What workflows have done for them, outside of replay: each is safe to run again."""
