"""Writes ONNX graphs by hand, with weights that stay where they are: in the safetensors file beside the graph."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 18
IR_VERSION = 9
MICROSOFT = "com.microsoft"
"""Domain of onnxruntime's own operators: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md"""

_DTYPES = {"F16": TensorProto.FLOAT16, "F32": TensorProto.FLOAT, "BF16": TensorProto.BFLOAT16}


class GraphBuilder:
    """Collects the nodes and weights of a graph.

    Args:
        weights: The safetensors file whose tensors the graph refers to; it must lie beside the graph at run time.
    """

    def __init__(self, weights: Path) -> None:
        self._file = weights.name
        with weights.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            self._header: dict[str, Any] = json.loads(file.read(length))
        self._data = 8 + length
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, TensorProto] = {}

    def shape(self, tensor: str) -> list[int]:
        """Return the shape of a tensor of the weights file."""
        return list(self._header[tensor]["shape"])

    def weight(self, tensor: str) -> str:
        """Refer to a tensor of the weights file, as it is stored there."""
        if tensor not in self._initializers:
            entry = self._header[tensor]
            begin, end = entry["data_offsets"]
            proto = TensorProto(name=tensor, data_type=_DTYPES[entry["dtype"]], dims=entry["shape"])
            proto.data_location = TensorProto.EXTERNAL
            for key, value in (("location", self._file), ("offset", self._data + begin), ("length", end - begin)):
                proto.external_data.add(key=key, value=str(value))
            self._initializers[tensor] = proto
        return tensor

    def wide(self, tensor: str) -> str:
        """Refer to a tensor of the weights file as 32-bit floats; onnxruntime folds the cast when a session opens."""
        return self.add("Cast", self.weight(tensor), to=TensorProto.FLOAT)

    def constant(self, value: NDArray[Any]) -> str:
        """Add a small constant."""
        name = f"constant_{len(self._initializers)}"
        self._initializers[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def integers(self, *values: int) -> str:
        """Add a constant of shape (len(values),) of 64-bit integers."""
        return self.constant(np.array(values, dtype=np.int64))

    def float(self, value: float) -> str:
        """Add a constant 32-bit number."""
        return self.constant(np.array(value, dtype=np.float32))

    def add(self, operator: str, *inputs: str, output: str | None = None, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output and return its name."""
        return self.add_many(operator, *inputs, outputs=[output] if output else 1, domain=domain, **attributes)[0]

    def add_many(
        self, operator: str, *inputs: str, outputs: int | list[str], domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs and return their names."""
        name = f"{operator}_{len(self._nodes)}"
        names = [f"{name}_{i}" for i in range(outputs)] if isinstance(outputs, int) else outputs
        self._nodes.append(helper.make_node(operator, list(inputs), names, name=name, domain=domain, **attributes))
        return names

    def save(
        self, path: Path, inputs: dict[str, list[int | str]], outputs: dict[str, list[int | str]], name: str
    ) -> None:
        """Check the graph and write it.

        Args:
            path: The file, in the folder of the weights.
            inputs: Shape of each input, of 64-bit integers.
            outputs: Shape of each output, of 32-bit floats.
            name: Name of the graph.
        """
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info(n, TensorProto.INT64, shape) for n, shape in inputs.items()],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in outputs.items()],
            list(self._initializers.values()),
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION), path)
        onnx.checker.check_model(str(path))
