"""Linear layers in 8-bit integers for the BERT graph; a score does not depend on the other rows of its batch.

Weights have one scale per output. Activations after a norm or after attention have one scale for all texts, so that one
operation quantises them and one does all else; what comes out of GELU varies more, and has one scale per token. The
range of each input feature is first balanced between activations and weights: Xiao et al., "SmoothQuant" (2023),
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
LARGEST_SUM = 32767 - 2 * 255
"""Largest sum of two products that fits 16 bits, also where rounding makes each weight larger by up to one step."""
SMALLEST = np.float32(1e-12)
"""Least scale of the weights of an output, of which all may be 0."""
GELU_MINIMUM = -0.17
SMOOTHING = 0.6
"""Share of a feature's range that is moved from the activations to the weights; with 0.4, differences from 32-bit
floats were larger, and 0.5 was no better."""
FIXED_SMOOTHING = 0.75
"""The same where all texts share a scale; with 0.5 and 0.85, the differences from 32-bit floats were larger."""

_VALUE, _AFTER_ATTENTION = ".attention.self.value", ".attention.output.dense"

Ranges = dict[str, NDArray[np.float32]]


@torch.inference_mode()
def input_ranges(model: CertaintyModel, batches: Iterable[tuple[Tensor, Tensor]]) -> Ranges:
    """Return the largest absolute value of each input feature, for each linear layer of the encoder by name.

    Args:
        model: The model.
        batches: Token ids and attention masks of typical sentences, each of shape (rows, length).
    """
    ranges: dict[str, Tensor] = {}
    kept: Tensor

    def watch(name: str) -> torch.utils.hooks.RemovableHandle:
        def note(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            tokens = inputs[0][kept] if inputs[0].shape[:-1] == kept.shape else inputs[0]  # without the padding
            largest = tokens.abs().flatten(0, -2).amax(dim=0)
            ranges[name] = torch.maximum(ranges[name], largest) if name in ranges else largest

        return modules[name].register_forward_pre_hook(note)

    modules = {n: m for n, m in model.classifier.named_modules() if isinstance(m, nn.Linear) and ".encoder." in f".{n}"}
    handles = [watch(name) for name in modules]
    for ids, mask in batches:
        kept = mask.bool()
        model(ids, mask)
    for handle in handles:
        handle.remove()
    return {name: largest.numpy() for name, largest in ranges.items()}


def int8_linear(model: CertaintyModel, ranges: Ranges, fixed_scales: bool = True) -> Linear:
    """Return the 8-bit version of `Linear` for the layers of a model, whose inputs have the given ranges.

    Scales and biases are computed here and stored, since they are small; the weights would double the model's size, and
    are quantised when a session opens.

    Args:
        model: The model.
        ranges: The result of `input_ranges`.
        fixed_scales: Whether inputs other than those after GELU have one scale for all texts. Else each token has its
            own, which is slower and nearer to 32-bit floats.
    """
    tensors = model.classifier.state_dict()

    def stored(layers: list[str], part: str) -> NDArray[np.float32]:
        return torch.cat([tensors[f"{layer}.{part}"] for layer in layers]).half().float().numpy()

    def smoothing(layers: list[str]) -> NDArray[np.float32]:
        """Return what each input feature of the layers is divided by."""
        share = np.float32(FIXED_SMOOTHING if fixed_scales and not _follows_gelu(layers[0]) else SMOOTHING)
        of_weights = np.maximum(np.abs(stored(layers, "weight")).max(axis=0), 1e-3)
        return np.asarray(np.maximum(ranges[layers[0]], 1e-3) ** share / of_weights ** (1 - share))

    def product(graph: GraphBuilder, x: ir.Value, layers: list[str]) -> ir.Value:
        op = graph.op
        smooth = smoothing(layers)
        weight, bias = stored(layers, "weight") * smooth, stored(layers, "bias")
        is_fixed = fixed_scales and not _follows_gelu(layers[0])
        if is_fixed:
            spread = ranges[layers[0]] / smooth
            spread *= LARGEST / spread.max()
            weight_scale = weight_scales(weight, 128 - spread, 128 + spread)
        else:
            weight_scale = weight_scales(weight, np.zeros_like(smooth), np.full_like(smooth, 2 * LARGEST + 1))
        # Attention takes means of values, so what its output is divided by can be taken off the values before.
        divisor = np.ones_like(bias)
        if layers[-1].endswith(_VALUE):
            following = smoothing([layers[-1].removesuffix(_VALUE) + _AFTER_ATTENTION])
            divisor[-len(following) :] = following
        if not layers[0].endswith(_AFTER_ATTENTION):
            x = op.Mul(x, graph.constant(1 / smooth))
        columns, scales = _columns(graph, layers, smooth, weight_scale), weight_scale / divisor
        if is_fixed:
            scale = graph.constant(np.array((ranges[layers[0]] / smooth).max() / LARGEST, dtype=np.float32))
            tokens = op.QuantizeLinear(x, scale, _zero(graph, 128))
            return _multiplied(graph, tokens, columns, scale, scales, 128, bias / divisor)
        if _follows_gelu(layers[0]):
            shift = -np.float32(GELU_MINIMUM) / smooth
            # The shift adds the same to each output, whatever the token, so it is taken off the bias.
            bias -= (np.rint(weight / weight_scale[:, None]) @ shift) * weight_scale
            x = op.Add(x, graph.constant(shift))
            scale, middle = op.Div(op.ReduceMax(x, [1], keepdims=0), 2 * LARGEST + 1), 0
        else:
            scale, middle = op.Div(_largest(graph, x), LARGEST), 128
        zero_points = op.Expand(graph.constant(np.array([middle], dtype=np.uint8)), op.Shape(scale))
        tokens = op.QuantizeLinear(x, scale, zero_points, axis=0)
        sums = _multiplied(graph, tokens, columns, 1.0, scales, middle)
        return op.Add(op.Mul(sums, op.Unsqueeze(scale, [1])), graph.constant(bias / divisor))

    return product


def _multiplied(
    graph: GraphBuilder,
    tokens: ir.Value,
    columns: ir.Value,
    scale: ir.Value | float,
    scales: NDArray[np.float32],
    middle: int,
    bias: NDArray[np.float32] | None = None,
) -> ir.Value:
    """Multiply quantised tokens and weights. Unsigned activations times signed weights is the fastest product."""
    inputs = tokens, columns, scale, graph.constant(scales), _zero(graph, middle)
    further = () if bias is None else (None, graph.constant(bias))
    return graph.fused("MatMulIntegerToFloat", *inputs, *further)


def weight_scales(
    weight: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the scale of each output's weights, for quantised features from `low` to `high`.

    Processors with AVX2 and without VNNI multiply two neighbouring features each, and add the two products in 16 bits,
    which cut off larger sums (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html). With
    these scales they fit, so all processors give the same sums.
    """
    pairs = weight.shape[1] // 2 * 2
    first, second = slice(0, pairs, 2), slice(1, pairs, 2)
    largest, smallest = np.maximum(weight * low, weight * high), np.minimum(weight * low, weight * high)
    sums = np.maximum(largest[:, first] + largest[:, second], -smallest[:, first] - smallest[:, second]).max(axis=1)
    scales = np.maximum(np.abs(weight).max(axis=1) / np.float32(LARGEST), sums / np.float32(LARGEST_SUM))
    return np.maximum(scales, SMALLEST)


def _zero(graph: GraphBuilder, middle: int) -> ir.Value:
    return graph.constant(np.array(middle, dtype=np.uint8))


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
