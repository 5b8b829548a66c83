"""Teachers label unlabelled text, for a smaller student to learn from."""
