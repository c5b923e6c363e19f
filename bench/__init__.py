"""What things cost: `make bench`. Every figure also as a ratio within one run, since machines are noisy."""
