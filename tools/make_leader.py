"""Makes src/mithaq/finger/leader.onnx from the LEADER weights that the pyfing wheel carries (MIT, Raffaele Cappelli).

    python -m venv V && V/bin/pip install onnx h5py numpy
    V/bin/python tools/make_leader.py pyfing-0.7.3-py2.py3-none-any.whl -o src/mithaq/finger/leader.onnx

The graph is written here after the published architecture (arXiv 2602.15493; pyfing 0.7.3): two encoder-decoders with
an attention gate between them and three heads. What is written is not the layer list but an equal function that costs
about a fifth, because every linear step that stands next to another linear step is multiplied out beforehand:

    concat(conv, dilated conv), minus channel mean     ->  one 9x9 convolution with centred weights
    ... -> 1x1 conv -> 1x1 conv -> minus channel mean  ->  one matrix
    1x1 conv and normalisation after nearest upsampling ->  before it, on a quarter of the pixels
    5x5 conv on nearest-upsampled channels             ->  3x3 conv that makes the four sub-pixels, then DepthToSpace
    normalisation, matrix, GELU, matrix                ->  the same, one row of pixels after the other (in the cache)

Input `pixels` (1, 1, h, w) float32 0..255, h and w multiples of 32. Output `maps` (1, 4, h, w): 0 presence of a minutia
(sigmoid, then the 5x5 binomial blur), 1 and 2 the direction's cosine and sine (not normalised), 3 the type as a logit
(above 0: ridge ending). Peak finding is left to mithaq.finger.extract. The same wheel always gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WEIGHTS = "pyfing/models/LEADER.weights.h5"
WEIGHTS_SHA256 = "0cbf12af936482d10ba54b23f40a9b192ab767df2f81bc96c5954585735fefe6"
NORM_EPSILON = 1e-3  # the framework's default for layer normalisation, with which the weights were trained


def read_weights(wheel: Path) -> dict[str, list[np.ndarray]]:
    """Layer name -> its arrays in float64, in the order in which the layer declares them."""
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(WEIGHTS)
    digest = hashlib.sha256(data).hexdigest()
    if digest != WEIGHTS_SHA256:
        sys.exit(f"{WEIGHTS} has SHA-256 {digest}, expected {WEIGHTS_SHA256}: is this the wheel of pyfing 0.7.3?")
    weights: dict[str, list[np.ndarray]] = {}
    with h5py.File(io.BytesIO(data)) as file:
        for layer in file["layers"].values():
            variables = layer["vars"]
            if len(variables):
                arrays = [np.asarray(variables[str(k)], np.float64) for k in range(len(variables))]
                weights[str(variables.attrs["name"])] = arrays
    return weights


def centred(matrix: np.ndarray) -> np.ndarray:
    """Minus the mean over the output channels (last axis): what layer normalisation does first, done to the weights."""
    return matrix - matrix.mean(axis=-1, keepdims=True)


class Graph:
    """The nodes and constants collected so far; each method appends one operation and returns its output's name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.prefix = ""

    def constant(self, value: np.ndarray, kind: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, kind), name))
        return name

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: object) -> str:
        output = f"{self.prefix}t{len(self.nodes)}"
        node = helper.make_node(kind, list(inputs), [output], domain=domain, **attributes)
        self.nodes.append(node)
        return output

    def conv(self, x: str, kernel: np.ndarray, bias: np.ndarray | None = None, *, groups: int = 1) -> str:
        """Same-size convolution; `kernel` (k, k, in, out), or (k, k, channels, 1) where `groups` = channels."""
        size = kernel.shape[0]
        order = (2, 3, 0, 1) if groups > 1 else (3, 2, 0, 1)
        inputs = [x, self.constant(kernel.transpose(order))]
        if bias is not None:
            inputs.append(self.constant(bias))
        return self.op("Conv", *inputs, kernel_shape=[size, size], pads=[size // 2] * 4, group=groups)

    def linear(self, x: str, matrix: np.ndarray, bias: np.ndarray | None = None) -> str:
        """`matrix` (in, out) on the last axis."""
        x = self.op("MatMul", x, self.constant(matrix))
        return x if bias is None else self.op("Add", x, self.constant(bias))

    def norm(self, x: str, scale: np.ndarray, shift: np.ndarray) -> str:
        """Layer normalisation over the last axis."""
        return self.op(
            "LayerNormalization", x, self.constant(scale), self.constant(shift), axis=-1, epsilon=NORM_EPSILON
        )

    def gelu(self, x: str, bias: np.ndarray | None = None) -> str:
        if bias is not None:
            x = self.op("Add", x, self.constant(bias))
        return self.op("Gelu", x)

    def channels_last(self, x: str) -> str:
        return self.op("Transpose", x, perm=[0, 2, 3, 1])

    def channels_first(self, x: str) -> str:
        return self.op("Transpose", x, perm=[0, 3, 1, 2])

    def channels(self, x: str, start: int, stop: int) -> str:
        bounds = [self.constant(np.array([n]), np.int64) for n in (start, stop, 1)]
        return self.op("Slice", x, bounds[0], bounds[1], bounds[2])

    def join(self, *parts: str, axis: int = 1) -> str:
        return self.op("Concat", *parts, axis=axis)

    def halve(self, x: str, channels: int) -> str:
        """The first half of the channels by maximum, the rest by mean, over 2x2 pixels."""
        split = self.op_many(
            "Split", x, 2, self.constant(np.array([channels // 2, channels - channels // 2]), np.int64)
        )
        high = self.op("MaxPool", split[0], kernel_shape=[2, 2], strides=[2, 2])
        mean = self.op("AveragePool", split[1], kernel_shape=[2, 2], strides=[2, 2])
        return self.join(high, mean)

    def op_many(self, kind: str, x: str, count: int, sizes: str) -> list[str]:
        outputs = [f"t{len(self.nodes)}_{k}" for k in range(count)]
        self.nodes.append(helper.make_node(kind, [x, sizes], outputs, axis=1))
        return outputs

    def double(self, x: str) -> str:
        """Each pixel four times."""
        return self.op(
            "Resize",
            x,
            "",
            self.constant(np.array([1, 1, 2, 2])),
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )


class Leader:
    """Writes the network's blocks into a Graph. Shapes: channels first between blocks, channels last within them."""

    def __init__(self, weights: dict[str, list[np.ndarray]]) -> None:
        self.w = weights
        self.graph = Graph()

    def stem(self, name: str, x: str, pool: str) -> str:
        near, near_bias = self.w[f"{name}_conv"]
        far, far_bias = self.w[f"{name}_dilated_conv"]
        count = near.shape[-1]
        kernel = np.zeros((9, 9, 1, 2 * count))
        kernel[2:7, 2:7, :, :count] = near
        kernel[::2, ::2, :, count:] = far
        g = self.graph
        x = g.conv(x, centred(kernel), centred(np.concatenate([near_bias, far_bias])))
        x = g.gelu(g.norm(g.channels_last(x), *self.w[f"{name}_ln"]))
        return g.op(pool, g.channels_first(x), kernel_shape=[2, 2], strides=[2, 2])

    def separable(self, name: str, x: str) -> tuple[str, int]:
        depth, point, bias = self.w[f"{name}_conv"]
        g = self.graph
        x = g.channels_last(g.conv(x, depth, groups=depth.shape[2]))
        x = g.norm(g.linear(x, point[0, 0], bias), *self.w[f"{name}_ln"])
        return g.channels_first(g.gelu(x)), int(point.shape[-1])

    def feed(self, name: str, x: str, last: np.ndarray) -> str:
        """Depthwise convolution, normalisation, four times the channels, GELU, the matrix `last`; channels last.

        All but the convolution runs row by row: what four times the channels take then stays within the processor's
        cache. The numbers are the same to the last bit. (Channels filled up to 16 for the runtime's blocked convolutions
        save 5 % more, and move one of 24,000 minutiae by a pixel, where two pixels of a peak are equal: not done.)
        """
        depth = self.w[f"{name}_depthwise_conv"][0]
        matrix, bias = self.w[f"{name}_conv_exp"]
        g = self.graph
        x = g.channels_last(g.conv(x, depth, groups=depth.shape[2]))
        row = Graph()
        row.constants, row.prefix = g.constants, f"{name}_"
        y = row.gelu(row.linear(row.norm(f"{name}_row", *self.w[f"{name}_ln"]), matrix[0, 0]), bias)
        y = row.linear(y, last)
        ends = [helper.make_tensor_value_info(end, TensorProto.FLOAT, None) for end in (f"{name}_row", y)]
        body = helper.make_graph(row.nodes, f"{name}_rows", ends[:1], ends[1:])
        return g.op("Scan", x, body=body, num_scan_inputs=1, scan_input_axes=[1], scan_output_axes=[1])

    def reduce(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The block's rest is linear: (matrix for the expanded channels, matrix for the input, bias)."""
        reduce, reduce_bias = self.w[f"{name}_conv_red"]
        adjust, adjust_bias = self.w[f"{name}_conv_adj"]
        matrix = adjust[0, 0]
        return reduce[0, 0] @ matrix, matrix, reduce_bias @ matrix + adjust_bias

    def bottleneck(self, name: str, x: str) -> tuple[str, int]:
        expanded, through, bias = self.reduce(name)
        g = self.graph
        y = self.feed(name, x, expanded)
        y = g.op("Add", y, g.linear(g.channels_last(x), through, bias))
        return g.channels_first(y), int(through.shape[-1])

    def attention(self, x: str) -> str:
        g = self.graph
        parts = []
        for dilation in (1, 3, 6):
            kernel, bias = self.w[f"attention_conv_d{dilation}"]
            inputs = (x, g.constant(kernel.transpose(3, 2, 0, 1)), g.constant(bias))
            y = g.op("Conv", *inputs, kernel_shape=[3, 3], pads=[dilation] * 4, dilations=[dilation] * 2)
            parts.append(y)
        gate = g.conv(g.gelu(g.join(*parts)), *self.w["attention_s"])
        return g.op("Mul", x, g.op("Sigmoid", gate))

    def head(self, k: int, x: str, x_last: str) -> str:
        """Four channels at half size (channels last) that the upsampling and the last convolution would read."""
        expanded, through, bias = self.reduce(f"head_{k}_ibc")
        first, first_bias = self.w[f"head_{k}_conv1"]
        second, second_bias = self.w[f"head_{k}_conv2"]
        to_first = centred(first[0, 0])
        g = self.graph
        y = self.feed(f"head_{k}_ibc", x, expanded @ to_first)
        y = g.op("Add", y, g.linear(x_last, through @ to_first, bias @ to_first + centred(first_bias)))
        return g.gelu(g.linear(g.norm(y, *self.w[f"head_{k}_ln"]), second[0, 0]), second_bias)

    def subpixels(self) -> tuple[np.ndarray, np.ndarray]:
        """(3, 3, 12, 16) and (16,): the three last 5x5 convolutions on doubled pixels, as one on the pixels themselves.

        Output pixel 2i + a reads input pixel (2i + a + o) // 2 at offset o; channel order is DepthToSpace's, DCR.
        """
        kernel = np.zeros((3, 3, 12, 16))
        bias = np.zeros(16)
        channel = 0
        for k, name in enumerate(("head_conv_pos", "head_conv_dir", "head_conv_typ")):
            weights, offset = self.w[name]
            for c in range(weights.shape[-1]):
                for a in range(2):
                    for b in range(2):
                        out = (a * 2 + b) * 4 + channel
                        bias[out] = offset[c]
                        for dy in range(-2, 3):
                            for dx in range(-2, 3):
                                row, column = (a + dy) // 2 + 1, (b + dx) // 2 + 1
                                kernel[row, column, 4 * k : 4 * k + 4, out] += weights[dy + 2, dx + 2, :, c]
                channel += 1
        return kernel, bias

    def write(self) -> None:
        g = self.graph
        x = self.stem("stem0", "pixels", "MaxPool")
        fine = self.stem("stem1", "pixels", "AveragePool")
        skips = []
        for k in range(4):
            x, channels = self.separable(f"enc0_{k}", x)
            skips.append(x)
            x = g.halve(x, channels)
        for k in (3, 2, 1, 0):
            x, _ = self.separable(f"dec0_{k}", x)
            x = g.join(g.double(x), skips[k])
        x = g.join(self.attention(x), fine)
        skips = []
        for k in range(4):
            x, channels = self.bottleneck(f"enc1_{k}", x)
            skips.append(x)
            x = g.halve(x, channels)
        for k in (3, 2, 1, 0):
            x, _ = self.bottleneck(f"dec1_{k}", x)
            x = g.join(g.double(x), skips[k])
        x_last = g.channels_last(x)
        heads = g.join(*(self.head(k, x, x_last) for k in range(3)), axis=3)
        kernel, bias = self.subpixels()
        maps = g.op("DepthToSpace", g.conv(g.channels_first(heads), kernel, bias), blocksize=2, mode="DCR")
        presence, rest = g.op_many("Split", maps, 2, g.constant(np.array([1, 3]), np.int64))
        blur = self.w["nms_Gaussian_blur"][0]
        presence = g.conv(g.op("Sigmoid", presence), blur)
        g.nodes.append(helper.make_node("Concat", [presence, rest], ["maps"], axis=1))


def make(wheel: Path) -> bytes:
    """The model's bytes."""
    leader = Leader(read_weights(wheel))
    leader.write()
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 1, "h", "w"])
    maps = helper.make_tensor_value_info("maps", TensorProto.FLOAT, [1, 4, "h", "w"])
    graph = helper.make_graph(leader.graph.nodes, "LEADER", [pixels], [maps], leader.graph.constants)
    model = helper.make_model(graph, producer_name="mithaq", opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    model.doc_string = "LEADER minutia extractor, weights of pyfing 0.7.3 (MIT, Copyright (c) 2023 Raffaele Cappelli)"
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def main() -> None:
    parser = argparse.ArgumentParser(description="Make leader.onnx from the pyfing 0.7.3 wheel.")
    parser.add_argument("wheel", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    data = make(options.wheel)
    options.output.write_bytes(data)
    print(f"{options.output}: {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
