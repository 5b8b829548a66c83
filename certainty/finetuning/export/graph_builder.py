"""Extend onnxscript's graph builder with weights that are read from a safetensors file next to the graph."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import onnxscript
from numpy.typing import NDArray
from onnx_ir.passes.common import ClearMetadataAndDocStringPass

OPSET = 18
IR_VERSION = 9
MICROSOFT = "com.microsoft"
"""Domain of onnxruntime's own operators: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md"""

_DTYPES = {"F16": ir.DataType.FLOAT16, "F32": ir.DataType.FLOAT, "BF16": ir.DataType.BFLOAT16}


class GraphBuilder(onnxscript.GraphBuilder):
    """Builds a graph: `op` adds ONNX operators, `fused` adds operators of onnxruntime; numbers become constants.

    Args:
        weights: The safetensors file whose tensors the graph refers to; at run time it must be in the graph's folder.
        name: Name of the graph.
    """

    def __init__(self, weights: Path, name: str) -> None:
        super().__init__(ir.Graph([], [], nodes=[], opset_imports={"": OPSET, MICROSOFT: 1}, name=name))
        self._file = weights.name
        with weights.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            self._header: dict[str, Any] = json.loads(file.read(length))
        self._data = 8 + length

    def weight(self, tensor: str) -> ir.Value:
        """Refer to a tensor of the weights file, in its stored type."""
        if tensor in self.graph.initializers:
            return self.graph.initializers[tensor]
        entry = self._header[tensor]
        begin, end = entry["data_offsets"]
        place = (self._file, self._data + begin, end - begin)
        return self.initializer(
            ir.ExternalTensor(*place, _DTYPES[entry["dtype"]], shape=ir.Shape(entry["shape"]), name=tensor)
        )

    def shape(self, tensor: str) -> list[int] | None:
        """Return the shape of a tensor of the weights file, or None if the file has no such tensor."""
        entry = self._header.get(tensor)
        return None if entry is None else list(entry["shape"])

    def wide(self, tensor: str) -> ir.Value:
        """Refer to a tensor of the weights file, cast to 32-bit floats; onnxruntime folds the cast on loading."""
        return self.widened(self.weight(tensor))

    def widened(self, value: ir.Value) -> ir.Value:
        """Cast a value to 32-bit floats."""
        return self.op.Cast(value, to=ir.DataType.FLOAT)

    def fused(self, operator: str, *inputs: ir.Value | float | None, **attributes: Any) -> ir.Value:
        """Add an operator of onnxruntime that has one output of 32-bit floats."""
        value = self.call_op(operator, inputs, attributes, domain=MICROSOFT, version=1)
        assert isinstance(value, ir.Value)  # several outputs would be a sequence
        value.type = ir.TensorType(ir.DataType.FLOAT)  # without a schema it is not inferred, and constants need it
        return value

    def constant(self, value: NDArray[Any]) -> ir.Value:
        """Add a small constant array."""
        name = f"constant_{len(self.graph.initializers)}"
        return self.initializer(ir.tensor(np.ascontiguousarray(value), name=name))

    def output(self, value: ir.Value, name: str, shape: list[int | str]) -> None:
        """Make a value an output of 32-bit floats."""
        value.type, value.shape = ir.TensorType(ir.DataType.FLOAT), ir.Shape(shape)
        self.add_output(value, name)

    def save(self, path: Path) -> None:
        """Write the graph, which must go into the folder of the weights, and check it."""
        model = ir.Model(self.graph, ir_version=IR_VERSION)
        ClearMetadataAndDocStringPass()(model)
        for node in self.graph:
            for value in node.outputs:
                if not value.is_graph_output():
                    value.type = value.shape = None  # onnxruntime infers them again
        onnx.save(ir.to_proto(model), path)
        onnx.checker.check_model(str(path))
