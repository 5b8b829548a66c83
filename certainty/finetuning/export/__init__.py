"""Export of a fine-tuned model: torch → a fused ONNX graph → 8-bit integers."""
