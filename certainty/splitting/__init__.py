"""How a text is cut into sentences: first by its lines, then, within what they leave together, by its stops."""
