"""Compare settings, data and encoders by short fine-tuning runs."""
