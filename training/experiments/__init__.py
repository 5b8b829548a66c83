"""Short fine-tunings that compare settings, data and encoders."""
