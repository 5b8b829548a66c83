"""Evaluation of models on held-out sentences: metrics, baselines, report."""
