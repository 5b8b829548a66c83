"""Comparisons with other tools: speed, memory and sentence splitting."""
