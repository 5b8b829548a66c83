"""Benchmarks of speed, memory and sentence splitting, in comparison with other tools."""
