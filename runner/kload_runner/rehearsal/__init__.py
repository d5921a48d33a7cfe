"""`kload run --once`: every phase and one iteration of each scenario, told as it happens. No load, no verdict."""
