"""Add a top layer that starts as mean pooling, for encoders whose `<s>` was not trained in pretraining.

Masked language modelling does not train `<s>` to summarise a sentence, but the label head reads only `<s>`. The added
layer has the same architecture as the others, so plain transformers can load the result. It starts with uniform
attention and identity values, which gives `<s>` the mean of the sentence, and learns from there which words to attend
to. The cue head reads the layer below, so scoring computes the added layer for `<s>` only.
"""

from __future__ import annotations

from typing import Any

import torch


@torch.no_grad()
def add_pooling_layer(classifier: Any) -> None:
    """Append the layer to a BERT-like sequence classifier, in place.

    Args:
        classifier: A model whose encoder stores its layers in `encoder.layer` (CamemBERT, RoBERTa, BERT).
    """
    layers = classifier.base_model.encoder.layer
    layer = type(layers[-1])(classifier.config, layer_idx=len(layers))
    attention, size = layer.attention, classifier.config.hidden_size
    for module in layer.modules():
        if isinstance(module, torch.nn.Linear):
            module.weight.normal_(std=classifier.config.initializer_range)
            module.bias.zero_()
    attention.self.value.weight.copy_(torch.eye(size))
    attention.output.dense.weight.copy_(2 * torch.eye(size))
    layer.output.dense.weight.zero_()
    layers.append(layer)
    classifier.config.num_hidden_layers += 1
    classifier.config.cue_layer = -2
