"""What makes and judges models: pretraining, fine-tuning, calibration, export and evaluation."""
