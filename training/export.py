"""Export to ONNX: one file with the four heads, its weights stored as 16-bit floats."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from certainty.engines import Logits
from certainty.model_folder import ONNX_FILE
from certainty.modeling import CertaintyModel

OPSET = 18


def export_onnx(model: CertaintyModel, folder: Path) -> Path:
    """Write `model.onnx`: inputs `input_ids` and `attention_mask` (rows, length), outputs as in `Logits`.

    The computation is in 32-bit floats; the weights are stored in 16 bits and widened when a session opens, which
    halves the file at no cost to the scores where the weights fit 16 bits, as `save_pretrained` makes them.
    """
    model = model.float().cpu().eval()
    attention = model.config._attn_implementation
    model.classifier.set_attn_implementation("eager")
    rows, length = torch.export.Dim("rows"), torch.export.Dim("length", max=model.config.max_position_embeddings)
    ids = torch.randint(5, 100, (3, 11))
    path = folder / ONNX_FILE
    temporary = path.with_suffix(".tmp")
    for name in ("onnxscript", "onnx_ir", "torch.onnx"):
        logging.getLogger(name).setLevel(logging.ERROR)
    program: Any = torch.onnx.export(
        model,
        (ids, torch.ones_like(ids)),
        dynamo=True,
        opset_version=OPSET,
        input_names=["input_ids", "attention_mask"],
        output_names=list(Logits._fields),
        dynamic_shapes=({0: rows, 1: length}, {0: rows, 1: length}),
        verbose=False,
    )
    model.classifier.set_attn_implementation(attention)
    proto = program.model_proto
    _store_as_float16(proto)
    _strip_debug_info(proto)
    onnx.checker.check_model(proto)
    onnx.save(proto, temporary)
    os.replace(temporary, path)
    return path


def _store_as_float16(proto: onnx.ModelProto, smallest: int = 1024) -> None:
    """Replace each large 32-bit weight by a 16-bit one and a Cast, which onnxruntime folds when a session opens."""
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
