"""Label raw text with teacher models, to train a smaller student on it."""
