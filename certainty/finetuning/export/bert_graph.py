"""Build the inference graph of BERT-like models (CamemBERT, RoBERTa, XLM-RoBERTa), optimised for CPUs.

- Padding is not computed: the tokens of a batch are packed into one matrix (tokens, hidden), and only attention uses
  the padded rows. See Zhai et al., "ByteTransformer" (2023), https://arxiv.org/abs/2210.03052.
- The top layer is computed for `<s>` only, unless a head reads its other tokens.
- The three attention projections are one matrix product; attention and GELU are fused operators of onnxruntime.
  Its fused `SkipLayerNormalization` is not used: it took six times as long as an addition and `LayerNormalization`.
- The weights stay in `model.safetensors`; casts and concatenations are folded when a session opens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import onnx_ir as ir

from certainty.engines.modeling import HEADS_PREFIX
from certainty.finetuning.export.graph_builder import GraphBuilder
from certainty.labels import CUED, LABELS
from certainty.model_folder import WEIGHTS_FILE

MODEL_TYPES = ("camembert", "roberta", "xlm-roberta")

Linear = Callable[[GraphBuilder, ir.Value, list[str]], ir.Value]
"""Applies the named linear layers to a (tokens, features) matrix; their outputs are concatenated."""


def is_supported(config: Any) -> bool:
    """Return whether this graph is equivalent to a model with this configuration."""
    return config.model_type in MODEL_TYPES and config.hidden_act == "gelu" and not config.is_decoder


def linear(graph: GraphBuilder, x: ir.Value, layers: list[str]) -> ir.Value:
    """Apply the linear layers in 32-bit floats."""
    return graph.op.Gemm(x, side_by_side(graph, layers, "weight"), side_by_side(graph, layers, "bias"), transB=1)


def side_by_side(graph: GraphBuilder, layers: list[str], part: str) -> ir.Value:
    """Concatenate the weights or biases of the layers along the output dimension."""
    if len(layers) == 1:
        return graph.wide(f"{layers[0]}.{part}")
    # Concatenated before they are cast, which writes half as much when a session opens.
    return graph.widened(graph.op.Concat(*(graph.weight(f"{layer}.{part}") for layer in layers), axis=0))


def write_graph(config: Any, path: Path, product: Linear = linear) -> None:
    """Write the graph of a model, with the inputs and outputs described in `certainty.finetuning.export.onnx`.

    Args:
        config: The model's configuration; its type must be one of `MODEL_TYPES`.
        path: The file to write, in the folder of `model.safetensors`.
        product: How the encoder's linear layers are computed; the heads always use 32-bit floats.
    """
    graph = GraphBuilder(path.with_name(WEIGHTS_FILE), config.model_type)
    packing = _Packing(graph)
    first, tokens = _Encoder(graph, config, packing, product).run()

    def head(*layers: str) -> ir.Value:
        return linear(graph, graph.op.Tanh(linear(graph, first, [layers[0]])), [layers[1]])

    graph.output(head("classifier.dense", "classifier.out_proj"), "label", ["rows", len(LABELS)])
    for name in ("claim", "attributed"):
        logits = head(f"{HEADS_PREFIX}{name}.0", f"{HEADS_PREFIX}{name}.2")
        graph.output(graph.op.Squeeze(logits, [1]), name, ["rows"])
    cue = packing.rows(linear(graph, tokens, [f"{HEADS_PREFIX}cue"]))
    if graph.shape(f"{HEADS_PREFIX}cue.bias") == [1]:  # a model made before release 0.5
        graph.output(graph.op.Squeeze(cue, [2]), "cue", ["rows", "length"])
    else:
        graph.output(cue, "cue", ["rows", "length", len(CUED)])
    if graph.shape(f"{HEADS_PREFIX}second.0.weight"):
        second = head(f"{HEADS_PREFIX}second.0", f"{HEADS_PREFIX}second.2")
        graph.output(second, "second", ["rows", 1 + len(LABELS)])
    if graph.shape(f"{HEADS_PREFIX}source.weight"):
        source = packing.rows(linear(graph, tokens, [f"{HEADS_PREFIX}source"]))
        graph.output(source, "source", ["rows", "length", 2])
    graph.save(path)


class _Packing:
    """Conversion between a padded batch (rows, length) and its packed tokens (tokens,)."""

    def __init__(self, graph: GraphBuilder) -> None:
        self._op = op = graph.op
        self.ids, self.mask = (
            graph.input(name, ir.DataType.INT64, ["rows", "length"]) for name in ("input_ids", "attention_mask")
        )
        self._shape = op.Shape(self.ids)
        mask = op.Reshape(self.mask, [-1])
        self._kept = op.Reshape(op.NonZero(mask), [-1])
        # Packed index of each position; padding gets the index of some other token, which attention masks.
        self._place = op.Max(op.Sub(op.CumSum(mask, 0), 1), 0)
        self._first = op.Reshape(op.Gather(op.Reshape(self._place, self._shape), [0], axis=1), [-1])
        self.narrow_mask = op.Cast(self.mask, to=ir.DataType.INT32)

    def packed(self, flat: ir.Value) -> ir.Value:
        """Select the entries of (rows × length, …) that are not padding."""
        return self._op.Gather(flat, self._kept)

    def packed_input(self, matrix: ir.Value) -> ir.Value:
        """Pack a (rows, length) matrix into (tokens,)."""
        return self.packed(self._op.Reshape(matrix, [-1]))

    def rows(self, packed: ir.Value) -> ir.Value:
        """Unpack (tokens, features) to (rows, length, features)."""
        return self._op.Reshape(self._op.Gather(packed, self._place), self._op.Concat(self._shape, [-1], axis=0))

    def first(self, packed: ir.Value) -> ir.Value:
        """Return the first token of each row, (rows, features)."""
        return self._op.Gather(packed, self._first)


class _Encoder:
    def __init__(self, graph: GraphBuilder, config: Any, packing: _Packing, product: Linear) -> None:
        self._graph, self._op = graph, graph.op
        self._config, self._packing, self._product = config, packing, product
        self._prefix = "roberta."

    def run(self) -> tuple[ir.Value, ir.Value]:
        """Return `<s>` of the top layer, (rows, hidden), and the input of the token heads, (tokens, hidden)."""
        states = [self._embeddings()]
        top = self._config.num_hidden_layers - 1
        read = top + 1 + getattr(self._config, "cue_layer", -1) + 1
        for layer in range(top):
            states.append(self._layer(layer, states[-1]))
        if read <= top:
            return self._top_layer(top, states[-1]), states[read]
        states.append(self._layer(top, states[-1]))
        return self._packing.first(states[-1]), states[-1]

    def _embeddings(self) -> ir.Value:
        op, packing, prefix = self._op, self._packing, f"{self._prefix}embeddings."
        # Positions count from pad_token_id + 1, as in fairseq; CumSum starts at 1.
        position = op.Add(packing.packed_input(op.CumSum(packing.mask, 1)), self._config.pad_token_id)
        words = op.Gather(self._graph.weight(f"{prefix}word_embeddings.weight"), packing.packed_input(packing.ids))
        tables = (self._graph.wide(f"{prefix}{name}_embeddings.weight") for name in ("position", "token_type"))
        positions = op.Gather(op.Add(*tables), position)
        return self._norm(op.Cast(words, to=ir.DataType.FLOAT), positions, f"{prefix}LayerNorm")

    def _layer(self, index: int, x: ir.Value) -> ir.Value:
        query, key, value = self._projected(index, x, "query", "key", "value")
        return self._after_attention(index, x, self._packing.packed(self._attention(query, key, value)))

    def _top_layer(self, index: int, x: ir.Value) -> ir.Value:
        """Compute a layer for the first token of each row only."""
        key, value = self._projected(index, x, "key", "value")
        first = self._packing.first(x)
        query = self._product(self._graph, first, [self._projection(index, "query")])
        return self._after_attention(index, first, self._attention(self._op.Unsqueeze(query, [1]), key, value))

    def _projection(self, index: int, name: str) -> str:
        return f"{self._prefix}encoder.layer.{index}.attention.self.{name}"

    def _projected(self, index: int, x: ir.Value, *names: str) -> Sequence[ir.Value]:
        """Return the named projections, each (rows, length, hidden), computed as one product."""
        product = self._product(self._graph, x, [self._projection(index, name) for name in names])
        return self._op.Split(self._packing.rows(product), axis=2, num_outputs=len(names), _outputs=len(names))

    def _attention(self, query: ir.Value, key: ir.Value, value: ir.Value) -> ir.Value:
        """Return the output of attention, (rows × length of the queries, hidden)."""
        inputs = (query, key, value, None, self._packing.narrow_mask)
        attended = self._graph.fused("MultiHeadAttention", *inputs, num_heads=self._config.num_attention_heads)
        return self._op.Reshape(attended, [-1, self._config.hidden_size])

    def _after_attention(self, index: int, x: ir.Value, attended: ir.Value) -> ir.Value:
        layer = f"{self._prefix}encoder.layer.{index}."
        attended = self._product(self._graph, attended, [f"{layer}attention.output.dense"])
        x = self._norm(attended, x, f"{layer}attention.output.LayerNorm")
        wide = self._graph.fused("Gelu", self._product(self._graph, x, [f"{layer}intermediate.dense"]))
        return self._norm(self._product(self._graph, wide, [f"{layer}output.dense"]), x, f"{layer}output.LayerNorm")

    def _norm(self, x: ir.Value, residual: ir.Value, name: str) -> ir.Value:
        scale, bias = (self._graph.wide(f"{name}.{part}") for part in ("weight", "bias"))
        total = self._op.Add(x, residual)
        return self._op.LayerNormalization(total, scale, bias, epsilon=self._config.layer_norm_eps)
