"""The LoadTest resource and everything that can be decided about it without I/O or a clock."""
