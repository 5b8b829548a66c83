"""Linear layers in 8-bit integers for the BERT graph; a score does not depend on the other rows of its batch.

Weights have one scale per output and activations one per token, so no scale is shared across a batch. The range of each
input feature is first balanced between activations and weights: Xiao et al., "SmoothQuant" (2023),
https://arxiv.org/abs/2211.10438. What comes out of GELU is never below `GELU_MINIMUM`, so it is moved up by that and
uses the steps of both signs.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx_ir as ir
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from certainty.engines.modeling import CertaintyModel
from certainty.finetuning.export.bert_graph import Linear, side_by_side
from certainty.finetuning.export.graph_builder import GraphBuilder

LARGEST = 127.0
SMALLEST = np.float32(1e-12)
"""Least scale of the weights of an output, of which all may be 0."""
GELU_MINIMUM = -0.17
SMOOTHING = 0.5
"""Share of a feature's range that is moved from the activations to the weights; 0.3 and 0.65 were no better."""

Ranges = dict[str, NDArray[np.float32]]


@torch.inference_mode()
def input_ranges(model: CertaintyModel, batches: Iterable[tuple[Tensor, Tensor]]) -> Ranges:
    """Return the largest absolute value of each input feature, for each linear layer of the encoder by name.

    Args:
        model: The model.
        batches: Token ids and attention masks of typical sentences, each of shape (rows, length).
    """
    ranges: dict[str, Tensor] = {}

    def watch(name: str) -> torch.utils.hooks.RemovableHandle:
        def note(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            largest = inputs[0].abs().flatten(0, -2).amax(dim=0)
            ranges[name] = torch.maximum(ranges[name], largest) if name in ranges else largest

        return modules[name].register_forward_pre_hook(note)

    modules = {n: m for n, m in model.classifier.named_modules() if isinstance(m, nn.Linear) and ".encoder." in f".{n}"}
    handles = [watch(name) for name in modules]
    for ids, mask in batches:
        model(ids, mask)
    for handle in handles:
        handle.remove()
    return {name: largest.numpy() for name, largest in ranges.items()}


def int8_linear(model: CertaintyModel, ranges: Ranges) -> Linear:
    """Return the 8-bit version of `Linear` for the layers of a model, whose inputs have the given ranges.

    Scales and biases are computed here and stored, since they are small; the weights would double the model's size, and
    are quantised when a session opens.
    """
    tensors = model.classifier.state_dict()

    def stored(layers: list[str], part: str) -> NDArray[np.float32]:
        return torch.cat([tensors[f"{layer}.{part}"] for layer in layers]).half().float().numpy()

    def product(graph: GraphBuilder, x: ir.Value, layers: list[str]) -> ir.Value:
        op = graph.op
        weight, bias = stored(layers, "weight"), stored(layers, "bias")
        largest_input = np.maximum(ranges[layers[0]], 1e-3)
        smooth = (largest_input / np.maximum(np.abs(weight).max(axis=0), 1e-3)) ** np.float32(SMOOTHING)
        weight *= smooth
        weight_scale = np.maximum(np.abs(weight).max(axis=1) / np.float32(LARGEST), SMALLEST)
        quantised = np.rint(weight / weight_scale[:, None])

        x = op.Mul(x, graph.constant(1 / smooth))
        if _follows_gelu(layers[0]):
            shift = -np.float32(GELU_MINIMUM) / smooth
            # The shift adds the same to each output, whatever the token, so it is taken off the bias.
            bias -= (quantised @ shift) * weight_scale
            x = op.Add(x, graph.constant(shift))
            scale, middle = op.Div(op.ReduceMax(x, [1], keepdims=0), 2 * LARGEST + 1), 0
        else:
            scale, middle = op.Div(_largest(graph, x), LARGEST), 128
        # Unsigned activations times signed weights is the fastest product.
        zero_point = graph.constant(np.array([middle], dtype=np.uint8))
        tokens = op.QuantizeLinear(x, scale, op.Expand(zero_point, op.Shape(scale)), axis=0)
        sums = graph.fused(
            "MatMulIntegerToFloat",
            tokens,
            _columns(graph, layers, smooth, weight_scale),
            1.0,
            graph.constant(weight_scale),
            graph.constant(np.array(middle, dtype=np.uint8)),
        )
        return op.Add(op.Mul(sums, op.Unsqueeze(scale, [1])), graph.constant(bias))

    return product


def _columns(
    graph: GraphBuilder, layers: list[str], smooth: NDArray[np.float32], scale: NDArray[np.float32]
) -> ir.Value:
    """Return the quantised weights, (features, outputs); onnxruntime computes them when a session opens."""
    op = graph.op
    weight = op.Mul(side_by_side(graph, layers, "weight"), graph.constant(smooth))
    zero = graph.constant(np.zeros(len(scale), dtype=np.int8))
    return op.Transpose(op.QuantizeLinear(weight, graph.constant(scale), zero, axis=0), perm=[1, 0])


def _follows_gelu(layer: str) -> bool:
    return layer.endswith(".output.dense") and ".attention." not in layer


def _largest(graph: GraphBuilder, x: ir.Value) -> ir.Value:
    return graph.op.ReduceMax(graph.op.Abs(x), [1], keepdims=0)
