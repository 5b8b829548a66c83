"""How our encoders are made: tokenizer, masked language model, cards."""
