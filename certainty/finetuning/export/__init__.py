"""Export a fine-tuned torch model to a fused ONNX graph, also with 8-bit integers."""
