"""The inference graph of BERT-like models (CamemBERT, RoBERTa, XLM-RoBERTa), built for speed on CPUs.

- No work for padding: the tokens of a batch are packed into one matrix (tokens, hidden); only attention sees rows. See
  Zhai et al., "ByteTransformer" (2023), https://arxiv.org/abs/2210.03052.
- The top layer is computed for `<s>` alone where no head reads its other tokens.
- The three projections of attention are one product; attention and GELU are onnxruntime's fused operators.
  Its fused `SkipLayerNormalization` is left out: it took six times as long as an addition and `LayerNormalization`.
- The weights stay in `model.safetensors`; casts and concatenations are folded when a session opens.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from onnx import TensorProto

from certainty.engines.base import Logits
from certainty.finetuning.export.graph_builder import MICROSOFT, GraphBuilder
from certainty.model_folder import WEIGHTS_FILE
from certainty.modeling import HEADS_PREFIX

MODEL_TYPES = ("camembert", "roberta", "xlm-roberta")

Linear = Callable[[GraphBuilder, str, list[str]], str]
"""Adds the product of a (tokens, features) matrix and linear layers, by their names, side by side."""


def is_supported(config: Any) -> bool:
    """Tell whether this graph computes what a model of such a configuration computes."""
    return config.model_type in MODEL_TYPES and config.hidden_act == "gelu" and not config.is_decoder


def linear(graph: GraphBuilder, x: str, layers: list[str]) -> str:
    """Add a product in 32-bit floats."""
    weights, biases = ([graph.wide(f"{layer}.{part}") for layer in layers] for part in ("weight", "bias"))
    return graph.add("Gemm", x, side_by_side(graph, weights), side_by_side(graph, biases), transB=1)


def write_graph(config: Any, path: Path, product: Linear = linear) -> None:
    """Write the graph of the model in the file's folder: inputs and outputs as in `certainty.finetuning.export.onnx`.

    Args:
        config: The model's configuration, of one of `MODEL_TYPES`.
        path: The file to write, beside `model.safetensors`.
        product: How the encoder's linear layers are computed; the heads are in 32-bit floats always.
    """
    graph = GraphBuilder(path.with_name(WEIGHTS_FILE))
    packing = _Packing(graph)
    encoder = _Encoder(graph, config, packing, product)
    first, tokens = encoder.run()
    _classification_head(graph, first)
    for head in ("claim", "attributed"):
        hidden = graph.add("Tanh", linear(graph, first, [f"{HEADS_PREFIX}{head}.0"]))
        logits = linear(graph, hidden, [f"{HEADS_PREFIX}{head}.2"])
        graph.add("Squeeze", logits, graph.integers(1), output=head)
    cue = linear(graph, tokens, [f"{HEADS_PREFIX}cue"])
    graph.add("Squeeze", packing.rows(cue), graph.integers(2), output="cue")
    rows: list[int | str] = ["rows"]
    shapes = {"label": [*rows, 4], "claim": rows, "attributed": rows, "cue": [*rows, "length"]}
    inputs = {name: [*rows, "length"] for name in ("input_ids", "attention_mask")}
    graph.save(path, inputs, {name: shapes[name] for name in Logits._fields}, config.model_type)


class _Packing:
    """The way between the rows (rows, length) of a padded batch and its packed tokens (tokens,)."""

    def __init__(self, graph: GraphBuilder) -> None:
        self._graph = graph
        self._shape = graph.add("Shape", "input_ids")
        mask = graph.add("Reshape", "attention_mask", graph.integers(-1))
        self._kept = graph.add("Reshape", graph.add("NonZero", mask), graph.integers(-1))
        # The packed place of each padded token; padding points to some other token, which attention masks.
        place = graph.add("Sub", graph.add("CumSum", mask, graph.integers(0)), graph.integers(1))
        self._place = graph.add("Max", place, graph.integers(0))
        places = graph.add("Reshape", self._place, self._shape)
        self._first = graph.add("Reshape", graph.add("Gather", places, graph.integers(0), axis=1), graph.integers(-1))
        self.mask = graph.add("Cast", "attention_mask", to=TensorProto.INT32)

    def packed(self, flat: str) -> str:
        """Keep the entries of (rows × length, …) that are tokens."""
        return self._graph.add("Gather", flat, self._kept)

    def packed_input(self, name: str) -> str:
        """Pack a (rows, length) matrix to (tokens,)."""
        return self.packed(self._graph.add("Reshape", name, self._graph.integers(-1)))

    def rows(self, packed: str) -> str:
        """Spread (tokens, features) over (rows, length, features)."""
        shape = self._graph.add("Concat", self._shape, self._graph.integers(-1), axis=0)
        return self._graph.add("Reshape", self._graph.add("Gather", packed, self._place), shape)

    def first(self, packed: str) -> str:
        """Return each row's first token, (rows, features)."""
        return self._graph.add("Gather", packed, self._first)


class _Encoder:
    def __init__(self, graph: GraphBuilder, config: Any, packing: _Packing, product: Linear) -> None:
        self._graph, self._config, self._packing, self._product = graph, config, packing, product
        self._prefix = "roberta."

    def run(self) -> tuple[str, str]:
        """Return `<s>` of the top layer, (rows, hidden), and the tokens that the cue head reads, (tokens, hidden)."""
        states = [self._embeddings()]
        top = self._config.num_hidden_layers - 1
        read = top + 1 + getattr(self._config, "cue_layer", -1) + 1
        for layer in range(top):
            states.append(self._layer(layer, states[-1]))
        if read <= top:
            return self._top_layer(top, states[-1]), states[read]
        states.append(self._layer(top, states[-1]))
        return self._packing.first(states[-1]), states[-1]

    def _embeddings(self) -> str:
        graph, prefix = self._graph, f"{self._prefix}embeddings."
        ids = self._packing.packed_input("input_ids")
        # Positions count from pad_token_id + 1, as in fairseq; CumSum starts at 1.
        count = self._packing.packed_input(graph.add("CumSum", "attention_mask", graph.integers(1)))
        position = graph.add("Add", count, graph.integers(self._config.pad_token_id))
        words = graph.add("Gather", graph.weight(f"{prefix}word_embeddings.weight"), ids)
        table = graph.add(
            "Add",
            graph.wide(f"{prefix}position_embeddings.weight"),
            graph.wide(f"{prefix}token_type_embeddings.weight"),
        )
        positions = graph.add("Gather", table, position)
        return self._norm(graph.add("Cast", words, to=TensorProto.FLOAT), positions, f"{prefix}LayerNorm")

    def _layer(self, index: int, x: str) -> str:
        attention = f"{self._prefix}encoder.layer.{index}.attention."
        projections = [f"{attention}self.{name}" for name in ("query", "key", "value")]
        rows = self._packing.rows(self._product(self._graph, x, projections))
        query, key, value = self._graph.add_many("Split", rows, outputs=3, axis=2, num_outputs=3)
        return self._after_attention(index, x, self._packing.packed(self._attention(query, key, value)))

    def _top_layer(self, index: int, x: str) -> str:
        """Compute a layer for the first token of each row alone."""
        attention = f"{self._prefix}encoder.layer.{index}.attention."
        rows = self._packing.rows(
            self._product(self._graph, x, [f"{attention}self.{name}" for name in ("key", "value")])
        )
        key, value = self._graph.add_many("Split", rows, outputs=2, axis=2, num_outputs=2)
        first = self._packing.first(x)
        query = self._product(self._graph, first, [f"{attention}self.query"])
        query = self._graph.add("Unsqueeze", query, self._graph.integers(1))
        return self._after_attention(index, first, self._attention(query, key, value))

    def _attention(self, query: str, key: str, value: str) -> str:
        """Return (rows × length of the queries, hidden)."""
        heads = self._config.num_attention_heads
        inputs = (query, key, value, "", self._packing.mask)
        attended = self._graph.add("MultiHeadAttention", *inputs, domain=MICROSOFT, num_heads=heads)
        return self._graph.add("Reshape", attended, self._graph.integers(-1, self._config.hidden_size))

    def _after_attention(self, index: int, x: str, attended: str) -> str:
        layer = f"{self._prefix}encoder.layer.{index}."
        attended = self._product(self._graph, attended, [f"{layer}attention.output.dense"])
        x = self._norm(attended, x, f"{layer}attention.output.LayerNorm")
        wide = self._graph.add("Gelu", self._product(self._graph, x, [f"{layer}intermediate.dense"]), domain=MICROSOFT)
        return self._norm(self._product(self._graph, wide, [f"{layer}output.dense"]), x, f"{layer}output.LayerNorm")

    def _norm(self, x: str, residual: str, name: str) -> str:
        graph = self._graph
        total = graph.add("Add", x, residual)
        scale, bias = graph.wide(f"{name}.weight"), graph.wide(f"{name}.bias")
        return graph.add("LayerNormalization", total, scale, bias, epsilon=self._config.layer_norm_eps)


def _classification_head(graph: GraphBuilder, first: str) -> None:
    hidden = graph.add("Tanh", linear(graph, first, ["classifier.dense"]))
    graph.add("Identity", linear(graph, hidden, ["classifier.out_proj"]), output="label")


def side_by_side(graph: GraphBuilder, tensors: list[str]) -> str:
    """Concatenate weights or biases along their outputs."""
    return graph.add("Concat", *tensors, axis=0) if len(tensors) > 1 else tensors[0]
