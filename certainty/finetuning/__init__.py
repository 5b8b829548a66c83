"""Retraining: labelled sentences and an encoder → a model folder that `certainty.load` opens."""
