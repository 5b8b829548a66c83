"""Make our encoders: tokenizer, masked language model, cards."""
