"""Linear layers in 8-bit integers for the BERT graph; a score does not depend on the other rows of its batch.

Weights have one scale per output and activations one per token, so no scale is shared across a batch. The range of each
input feature is first balanced between activations and weights: Xiao et al., "SmoothQuant" (2023),
https://arxiv.org/abs/2211.10438. What comes out of GELU is never below `GELU_MINIMUM`, so it is moved up by that and
uses the steps of both signs. onnxruntime quantises the stored weights when a session opens.
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


def int8_linear(ranges: Ranges) -> Linear:
    """Return the 8-bit version of `Linear` for inputs with the given ranges."""

    def product(graph: GraphBuilder, x: ir.Value, layers: list[str]) -> ir.Value:
        op = graph.op
        weight, bias = (side_by_side(graph, layers, part) for part in ("weight", "bias"))
        largest_input = graph.constant(np.maximum(ranges[layers[0]], 1e-3))
        largest_weight = op.Max(_largest(graph, weight, axis=0), 1e-3)
        smooth = op.Pow(op.Div(largest_input, largest_weight), SMOOTHING)
        weight = op.Mul(weight, smooth)
        weight_scale = op.Div(_largest(graph, weight, axis=1), LARGEST)
        zero = op.Cast(op.Mul(weight_scale, 0.0), to=ir.DataType.INT8)
        quantised = op.QuantizeLinear(weight, weight_scale, zero, axis=0)

        x = op.Mul(x, op.Reciprocal(smooth))
        if _follows_gelu(layers[0]):
            shift = op.Div(-GELU_MINIMUM, smooth)
            # The shift adds the same to each output, whatever the token, so it is taken off the bias.
            added = op.ReduceSum(op.Mul(op.Cast(quantised, to=ir.DataType.FLOAT), shift), [1], keepdims=0)
            bias = op.Sub(bias, op.Mul(added, weight_scale))
            x = op.Add(x, shift)
            scale, middle = op.Div(op.ReduceMax(x, [1], keepdims=1), 2 * LARGEST + 1), 0
        else:
            scale, middle = op.Div(_largest(graph, x, axis=1, keepdims=1), LARGEST), 128
        # Unsigned activations times signed weights is the fastest product.
        zero_point = graph.constant(np.array(middle, dtype=np.uint8))
        tokens = op.QuantizeLinear(op.Div(x, scale), 1.0, zero_point)
        columns = op.Transpose(quantised, perm=[1, 0])
        sums = graph.fused("MatMulIntegerToFloat", tokens, columns, 1.0, weight_scale, zero_point)
        return op.Add(op.Mul(sums, scale), bias)

    return product


def _follows_gelu(layer: str) -> bool:
    return layer.endswith(".output.dense") and ".attention." not in layer


def _largest(graph: GraphBuilder, x: ir.Value, axis: int, keepdims: int = 0) -> ir.Value:
    return graph.op.ReduceMax(graph.op.Abs(x), [axis], keepdims=keepdims)
