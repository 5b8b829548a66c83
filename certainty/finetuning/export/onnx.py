"""Export a model with its heads to ONNX: a hand-built graph for BERT-like models, a traced one for others."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from certainty.batching import batches, pad
from certainty.engines.modeling import CertaintyModel
from certainty.finetuning.export.bert_graph import is_supported, write_graph
from certainty.finetuning.export.graph_builder import OPSET
from certainty.finetuning.export.int8_graph import input_ranges, int8_linear
from certainty.model_folder import INT8_FILE, ONNX_FILE
from certainty.writing import draft


def export_onnx(model: CertaintyModel, folder: Path) -> Path:
    """Write `model.onnx`, with inputs `input_ids` and `attention_mask` (rows, length) and outputs as in `Logits`.

    The graph computes in 32-bit floats. BERT-like models get the graph of `export.bert_graph`, which reads its weights
    from `model.safetensors` in the folder; other architectures are traced, and their graph contains its own weights.

    Args:
        model: The model, already written to the folder by `save_pretrained`.
        folder: The model folder.

    Returns:
        The path of the graph.
    """
    path = folder / ONNX_FILE
    with draft(path) as unfinished:
        if is_supported(model.config):
            write_graph(model.config, unfinished)
        else:
            onnx.save(_traced(model), unfinished)
    return path


CALIBRATION_TOKENS = 1024


def export_int8(
    model: CertaintyModel, folder: Path, sentences: Sequence[list[int]], pad_token_id: int, fixed_scales: bool = True
) -> Path | None:
    """Write `model.int8.onnx`, which computes in 8-bit integers.

    Args:
        model: The model, already written to the folder by `save_pretrained`.
        folder: The model folder.
        sentences: Token ids of a few hundred typical sentences, including special tokens.
        pad_token_id: Id used to pad shorter rows.
        fixed_scales: See `certainty.finetuning.export.int8_graph.int8_linear`.

    Returns:
        The path of the graph, or None for architectures without an 8-bit graph.
    """
    if not is_supported(model.config):
        return None
    padded = (
        pad([sentences[i] for i in indices], pad_token_id)
        for indices in batches([len(s) for s in sentences], CALIBRATION_TOKENS)
    )
    ranges = input_ranges(model, ((torch.from_numpy(ids), torch.from_numpy(mask)) for ids, mask in padded))
    path = folder / INT8_FILE
    with draft(path) as unfinished:
        write_graph(model.config, unfinished, int8_linear(model, ranges, fixed_scales))
    return path


def _traced(model: CertaintyModel) -> onnx.ModelProto:
    """Trace the model; large weights are stored in 16 bits and widened when a session opens, which halves the file."""
    model = model.float().cpu().eval()
    attention = model.config._attn_implementation
    model.classifier.set_attn_implementation("eager")
    rows, length = torch.export.Dim("rows"), torch.export.Dim("length", max=model.config.max_position_embeddings)
    ids = torch.randint(5, 100, (3, 11))
    for name in ("onnxscript", "onnx_ir", "torch.onnx"):
        logging.getLogger(name).setLevel(logging.ERROR)
    program: Any = torch.onnx.export(
        model,
        (ids, torch.ones_like(ids)),
        dynamo=True,
        opset_version=OPSET,
        input_names=["input_ids", "attention_mask"],
        output_names=model.outputs,
        dynamic_shapes=({0: rows, 1: length}, {0: rows, 1: length}),
        verbose=False,
    )
    model.classifier.set_attn_implementation(attention)
    proto: onnx.ModelProto = program.model_proto
    _store_as_float16(proto)
    _strip_debug_info(proto)
    onnx.checker.check_model(proto)
    return proto


def _store_as_float16(proto: onnx.ModelProto, smallest: int = 1024) -> None:
    """Replace each large 32-bit weight with a 16-bit one and a Cast, which onnxruntime folds when a session opens."""
    casts = []
    for tensor in proto.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < smallest:
            continue
        name = tensor.name
        half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}.float16")
        tensor.CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT, name=f"{name}.widen"))
    for cast in reversed(casts):
        proto.graph.node.insert(0, cast)


def _strip_debug_info(proto: onnx.ModelProto) -> None:
    """Drop the source lines and stack traces that the exporter attaches to every node."""
    for node in proto.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in (*proto.graph.value_info, *proto.graph.input, *proto.graph.output):
        del value.metadata_props[:]
    for tensor in proto.graph.initializer:
        del tensor.metadata_props[:]
    del proto.graph.metadata_props[:], proto.metadata_props[:]
