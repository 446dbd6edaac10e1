"""Trains the small extractor on synthetic fingers and public-domain prints, and writes it as ONNX.

    python -m venv V && V/bin/pip install torch numpy scipy onnx      # never a run-time dependency
    python tools/label_prints.py LABELS --fingers 0 600 --prints FILES       # in mithaq's own environment
    PYTHONPATH=src V/bin/python tools/train_extractor.py LABELS STATE --steps 9000 --stage-minutes 100
    PYTHONPATH=src V/bin/python tools/train_extractor.py LABELS STATE --export src/mithaq/finger/swift.onnx

The first command is given again until it says that it is done: each stage goes on from STATE/checkpoint.pt, and the
sequence of batches depends on the seed and the step alone, not on the clock or on how a run was cut into stages (floats
may still round differently on another processor). `--from FILE` starts a new run from the weights of an older one,
a checkpoint or the shipped ONNX file.

    capture ─► 224 x 224 pixels, minutiae ─► turned, mirrored, gamma ─► net ─► maps at every 4th pixel ─► loss

What the maps mean is said at `Net`, what is fed at `samples`, what is asked at `loss_of`.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing as mp
import time
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, grey_dilation, grey_erosion, map_coordinates
from torch import nn
from torch.nn import functional as F

from mithaq.demo.capture import Capture, capture, coded
from mithaq.demo.ridges import HEIGHT_PX, WIDTH_PX, Master, Pattern, finger

SIDE = 224  # pixels of a training crop
STRIDE = 4  # pixels between outputs
CELLS = SIDE // STRIDE
MOST = 96  # minutiae in one crop
SPREAD_PX = 3.0  # of the presence target around a minutia
FADE = 0.15, 0.35  # a minutia whose ridges correlate less with the pixels is not asked for; FADE[0] + FADE[1]: in full
BATCH = 16
SHARD = 128  # crops made at once
REUSE = 4  # times that each crop is shown on average, turned and toned anew
WINDOW = 32  # shards drawn from at a time
FIRST = 10  # shards before the first step
REAL_SHARE = 0.25
RATE, DECAY, AVERAGE, WARM = 2e-3, 0.02, 0.995, 200


def conv(into: int, out: int, size: int = 3, stride: int = 1, spread: int = 1) -> nn.Sequential:
    pad = size // 2 * spread
    return nn.Sequential(
        nn.Conv2d(into, out, size, stride, pad, spread, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    def __init__(self, channels: int, spread: int = 1) -> None:
        super().__init__()
        self.first = conv(channels, channels, spread=spread)
        self.second = nn.Conv2d(channels, channels, 3, 1, spread, spread, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.norm(self.second(self.first(x))))


class Net(nn.Module):
    """(n, 1, h, w) pixels 0..255, h and w multiples of 16, to (n, 6, h / 4, w / 4): presence as a logit; the minutia's
    place from the cell's middle, right and down, in cells; cosine and sine of its direction; type as a logit (ending > 0).
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(1, 16, 5, 2), conv(16, 32, 3, 2))
        self.eighth = nn.Sequential(conv(32, 48, 3, 2), Residual(48))
        self.sixteenth = nn.Sequential(conv(48, 96, 3, 2), Residual(96), Residual(96, 2))
        self.to_eighth, self.at_eighth = nn.Conv2d(96, 48, 1), conv(48, 48)
        self.to_fourth, self.at_fourth = nn.Conv2d(48, 32, 1), conv(32, 32)
        self.head = nn.Sequential(conv(32, 32, 1), nn.Conv2d(32, 6, 1))
        nn.init.constant_(self.head[1].bias[:1], -4.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        fourth = self.stem(x)
        eighth = self.eighth(fourth)
        low = F.interpolate(self.to_eighth(self.sixteenth(eighth)), scale_factor=2.0, mode="nearest")
        low = F.interpolate(self.to_fourth(self.at_eighth(eighth + low)), scale_factor=2.0, mode="nearest")
        return self.head(self.at_fourth(fourth + low))


def standardised(pixels: torch.Tensor) -> torch.Tensor:
    """Mean 0, deviation 1 in each picture."""
    mean = pixels.mean(dim=(1, 2, 3), keepdim=True)
    centred = pixels - mean
    deviation = (centred * centred).mean(dim=(1, 2, 3), keepdim=True).sqrt()
    return centred / (deviation + 4.0)


# Supply of crops.


class Supply:
    """Fingers with their labels, and real prints with theirs."""

    def __init__(self, folder: Path, held_out: int = 0) -> None:
        files = sorted(folder.glob("finger-*.npz"))
        files = files[-held_out:] if held_out else files[:-24]  # the last 24 are for checking only
        self.fingers = [(finger(int(file.stem[7:])), dict(np.load(file))) for file in files]
        self.prints = [dict(np.load(file)) for file in sorted(folder.glob("print-*.npz"))]
        for one in self.prints:
            grey = one["pixels"].astype(np.float32)
            low = gaussian_filter(grey, 8)
            deviation = np.sqrt(gaussian_filter((grey - low) ** 2, 12))
            one["ridges"] = np.clip((low - grey) / (1.3 * np.maximum(deviation, 12)), -1, 1) * 127

    def sample(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Pixels uint8 (224, 224) and minutiae float32 (96, 6): x, y, cos, sin, target, ending; target -1 where unused."""
        if self.prints and rng.random() < REAL_SHARE:
            skin, known, raw = self._window(rng)
            made = capture(skin, rng, SIDE, SIDE)
            if rng.random() < 0.65:
                made = _as_it_was(made, raw, rng)
        else:
            skin, known = self.fingers[int(rng.integers(len(self.fingers)))]
            other = self.fingers[int(rng.integers(len(self.fingers)))][0]
            made = capture(skin, rng, SIDE, SIDE, ghost=other)
        x, y, angle, inside = made.places(known["x"], known["y"], known["angle"])
        at = np.flatnonzero(inside)[:MOST]
        row, column = (np.clip(place[at] // STRIDE, 0, CELLS - 1).astype(int) for place in (y, x))
        seen = np.clip((made.shown[row, column] - FADE[0]) / FADE[1], 0, 1)
        found = np.full((MOST, 6), -1, np.float32)
        parts = x[at], y[at], np.cos(angle[at]), np.sin(angle[at]), seen * known["presence"][at], known["ending"][at]
        found[: len(at)] = np.stack(parts, axis=1)
        return made.pixels, found

    def _window(self, rng: np.random.Generator) -> tuple[Master, dict[str, np.ndarray], np.ndarray]:
        """A window of a real print as if it were a finger's skin, its minutiae there, and its pixels."""
        one = self.prints[int(rng.integers(len(self.prints)))]
        k = int(rng.integers(len(one["x"])))
        left = round(float(one["x"][k] + rng.normal(0, 30))) - WIDTH_PX // 2
        top = round(float(one["y"][k] + rng.normal(0, 30))) - HEIGHT_PX // 2
        rows = np.arange(top, top + HEIGHT_PX)
        columns = np.arange(left, left + WIDTH_PX)
        height, width = one["pixels"].shape
        place = np.ix_(np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1))
        inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))[None, :]
        ridges = np.where(inside, one["ridges"][place], 0).astype(np.int8)
        none = np.zeros(ridges.shape, np.uint8)
        known = {**one, "x": one["x"] - left, "y": one["y"] - top}
        raw = np.where(inside, one["pixels"][place], np.median(one["pixels"][0])).astype(np.float32)
        return Master(0, Pattern.ARCH, ridges, none, none), known, raw


def _as_it_was(made: Capture, raw: np.ndarray, rng: np.random.Generator) -> Capture:
    """The real picture through the same warp, with tones, thickness, blur, noise and coding changed only."""
    grey = map_coordinates(raw, np.stack([made.rows, made.columns]), order=1, mode="nearest", output=np.float32)
    fault = rng.random()
    if fault < 0.2:
        grey = grey_erosion(grey, (2, 2))
    elif fault < 0.4:
        grey = grey_dilation(grey, (2, 2))
    grey = 255 * np.clip(grey / 255, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.4)))
    grey = (grey - 128) * np.float32(rng.uniform(0.3, 1.4)) + np.float32(rng.uniform(90, 160))
    if rng.random() < 0.4:
        grey = gaussian_filter(grey, rng.uniform(0.4, 1.4))
    grey = grey + rng.standard_normal(grey.shape, dtype=np.float32) * np.float32(rng.uniform(0, 22) * rng.random())
    if rng.random() < 0.05:
        grey = 255 - grey
    pixels = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        pixels = coded(pixels.astype(np.float32), int(rng.integers(20, 80))).astype(np.uint8)
    return Capture(pixels, made.rows, made.columns, np.ones_like(made.shown))


Shard = tuple[np.ndarray, np.ndarray]


def shard(supply: Supply, seed: int, number: int, size: int = SHARD) -> Shard:
    made = [supply.sample(np.random.default_rng((seed, number, k))) for k in range(size)]
    return np.stack([pixels for pixels, _ in made]), np.stack([found for _, found in made])


def _work(folder: Path, seed: int, first: int, step: int, queue: mp.Queue) -> None:  # type: ignore[type-arg]
    supply = Supply(folder)
    for number in range(first, 1 << 30, step):
        queue.put(shard(supply, seed, number))


def shards_at(step: int) -> int:
    """How many shards a run has made use of by this step."""
    return FIRST + step * BATCH // (SHARD * REUSE)


# What is asked.


def turned(pixels: np.ndarray, found: np.ndarray, quarter: int, mirror: bool) -> tuple[np.ndarray, np.ndarray]:
    """The crop mirrored and turned by quarters, and its minutiae with it."""
    found = found.copy()
    if mirror:
        pixels = pixels[:, ::-1]
        found[:, 0], found[:, 2] = SIDE - 1 - found[:, 0], -found[:, 2]
    for _ in range(quarter):  # counter-clockwise: (x, y) to (y, side - 1 - x), direction + 90 degrees
        pixels = np.rot90(pixels)
        x, y, cosine, sine = found[:, 0].copy(), found[:, 1].copy(), found[:, 2].copy(), found[:, 3].copy()
        found[:, 0], found[:, 1], found[:, 2], found[:, 3] = y, SIDE - 1 - x, -sine, cosine
    return pixels, found


_MIDDLES = (np.arange(CELLS, dtype=np.float32) + 0.5) * STRIDE - 0.5


def asked(found: np.ndarray) -> np.ndarray:
    """float32 (8, 56, 56): presence, dx, dy in cells, cosine, sine, ending, weight of the four before, weight of presence."""
    target = np.zeros((8, CELLS, CELLS), np.float32)
    target[7] = 1
    live = found[found[:, 4] >= 0]
    if not len(live):
        return target
    dx = live[:, 0, None, None] - _MIDDLES[None, None, :]
    dy = live[:, 1, None, None] - _MIDDLES[None, :, None]
    near = np.exp(-(dx * dx + dy * dy) / (2 * SPREAD_PX**2))
    height = near * live[:, 4, None, None]
    best = height.argmax(axis=0)[None]
    pick = lambda field: np.take_along_axis(field, best, axis=0)[0]  # noqa: E731
    target[0] = pick(height)
    target[1], target[2] = pick(dx) / STRIDE, pick(dy) / STRIDE
    for k in (2, 3, 5):
        target[k + 1 if k < 5 else 5] = live[best[0], k]
    target[6] = target[0] * (pick(near) > 0.2)
    # Where a minutia lies that can hardly be read, either answer is right.
    lost = live[:, 4] < 0.12
    if lost.any():
        target[7] = np.where((near[lost].max(axis=0) > 0.2) & (target[0] < 0.2), 0.0, 1.0)
    return target


def loss_of(out: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, list[float]]:
    """Presence by cross-entropy weighted by the error to the power 1.5; place, direction and type near minutiae only."""
    presence, weight = target[:, 0], target[:, 6]
    p = torch.sigmoid(out[:, 0])
    focus = (p - presence).abs().detach().clamp(min=1e-4) ** 1.5 * target[:, 7]
    count = weight.sum() + 1
    crossed = F.binary_cross_entropy_with_logits(out[:, 0], presence, reduction="none")
    there = (crossed * focus).sum() / count
    place = ((out[:, 1:3] - target[:, 1:3]).abs().sum(1) * weight).sum() / count
    direction = (((out[:, 3:5] - target[:, 3:5]) ** 2).sum(1) * weight).sum() / count
    kind = (F.binary_cross_entropy_with_logits(out[:, 5], target[:, 5], reduction="none") * weight).sum() / count
    total = 4 * there + 0.5 * place + direction + 0.15 * kind
    return total, [float(part) for part in (there, place, direction, kind)]


def batch_at(step: int, seed: int, kept: dict[int, Shard]) -> tuple[torch.Tensor, torch.Tensor]:
    """The crops of that step, from the shards that a run has at that step."""
    rng = np.random.default_rng((seed, step, 0x62617463))
    newest = shards_at(step)
    pictures, targets = [], []
    for _ in range(BATCH):
        pixels, found = kept[int(rng.integers(max(0, newest - WINDOW), newest))]
        k = int(rng.integers(len(pixels)))
        one, minutiae = turned(pixels[k], found[k], int(rng.integers(4)), bool(rng.integers(2)))
        grey = one.astype(np.float32)
        if rng.random() < 0.5:
            grey = 255 * (grey / 255) ** np.float32(np.exp(rng.normal(0, 0.25)))
        pictures.append(grey)
        targets.append(asked(minutiae))
    x = standardised(torch.from_numpy(np.stack(pictures))[:, None])
    # A whole picture has more plain ground than a crop: its deviation and mean differ.
    gain = torch.from_numpy(np.exp(rng.normal(0, 0.22, (BATCH, 1, 1, 1))).astype(np.float32))
    shift = torch.from_numpy(rng.normal(0, 0.35, (BATCH, 1, 1, 1)).astype(np.float32))
    return x * gain + shift, torch.from_numpy(np.stack(targets))


# Runs.


def train(
    folder: Path, state: Path, steps: int, minutes: float, seed: int, start: Path | None, workers: int, peak: float
) -> None:
    state.mkdir(parents=True, exist_ok=True)
    checkpoint = state / "checkpoint.pt"
    torch.manual_seed(seed)
    net = Net().to(memory_format=torch.channels_last)
    if start:
        net.load_state_dict(from_onnx(start, net) if start.suffix == ".onnx" else torch.load(start)["average"])
    mean = {name: value.clone() for name, value in net.state_dict().items()}
    optimiser = torch.optim.AdamW(net.parameters(), lr=peak, weight_decay=DECAY)
    step = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        net.load_state_dict(saved["net"])
        optimiser.load_state_dict(saved["optimiser"])
        mean, step, seed = saved["average"], saved["step"], saved["seed"]
    oldest = max(0, shards_at(step) - WINDOW)
    queues: list[mp.Queue] = [mp.Queue(2) for _ in range(workers)]  # type: ignore[type-arg]
    makers = [
        mp.Process(target=_work, args=(folder, seed, oldest + k, workers, queue), daemon=True)
        for k, queue in enumerate(queues)
    ]
    for maker in makers:
        maker.start()
    held = shard(Supply(folder, held_out=24), seed + 1, 0, 64)
    held_x = standardised(torch.from_numpy(held[0].astype(np.float32))[:, None])
    held_y = torch.from_numpy(np.stack([asked(found) for found in held[1]]))
    kept: dict[int, Shard] = {}
    made = oldest
    began = saved_at = told = time.time()
    parts: list[list[float]] = []
    net.train()
    while step < steps and time.time() - began < 60 * minutes:
        while made < shards_at(step):
            kept[made] = queues[(made - oldest) % workers].get()
            kept.pop(made - WINDOW - 1, None)
            made += 1
        x, target = batch_at(step, seed, kept)
        rate = peak * min(1.0, (step + 1) / WARM) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        for group in optimiser.param_groups:
            group["lr"] = max(rate, 1e-5)
        with torch.autocast("cpu", torch.bfloat16):
            out = net(x.to(memory_format=torch.channels_last))
        loss, told_parts = loss_of(out.float(), target)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        step += 1
        parts.append(told_parts)
        faster = min(AVERAGE, (step + 1) / (step + 10))
        for name, value in net.state_dict().items():
            if value.is_floating_point():
                mean[name].lerp_(value, 1 - faster)
        if step % 250 == 0 or step == steps:
            took = (time.time() - told) / len(parts)
            seen = " ".join(f"{part:.3f}" for part in np.mean(parts, axis=0))
            print(f"step {step} loss {seen} | held out {check(mean, held_x, held_y)} | {took:.2f} s", flush=True)
            parts, told = [], time.time()
        if time.time() - saved_at > 240 or step == steps:
            _save(checkpoint, net, optimiser, mean, step, seed)
            saved_at = time.time()
    _save(checkpoint, net, optimiser, mean, step, seed)
    for maker in makers:
        maker.terminate()
    print("done" if step >= steps else f"stage ended at step {step} of {steps}", flush=True)


def _save(path: Path, net: Net, optimiser: torch.optim.Optimizer, mean: dict, step: int, seed: int) -> None:  # type: ignore[type-arg]
    parts = {"net": net.state_dict(), "optimiser": optimiser.state_dict(), "average": mean, "step": step, "seed": seed}
    torch.save(parts, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


@torch.no_grad()
def check(mean: dict[str, torch.Tensor], x: torch.Tensor, target: torch.Tensor) -> str:
    """Losses on fingers that the weights have not seen, and how many sure minutiae are found at 0.3 and how many peaks are one."""
    net = Net().to(memory_format=torch.channels_last)
    net.load_state_dict(mean)
    net.eval()
    out = net(x)
    _, parts = loss_of(out, target)
    p = torch.sigmoid(out[:, 0])
    peak = (p >= 0.3) & (p == F.max_pool2d(p[:, None], 3, 1, 1)[:, 0])
    reach = lambda mask: F.max_pool2d(mask[:, None].float(), 3, 1, 1)[:, 0] > 0  # noqa: E731
    truth = (target[:, 0] > 0.4) & (target[:, 0] == F.max_pool2d(target[:, :1], 3, 1, 1)[:, 0])
    recall = (truth & reach(peak)).sum() / truth.sum()
    precision = (peak & reach(target[:, 0] > 0.15)).sum() / peak.sum().clamp(min=1)
    return " ".join(f"{part:.3f}" for part in parts) + f" found {recall:.3f} true {precision:.3f}"


class Shipped(nn.Module):
    """What the ONNX file holds: pixels in, standardised; presence as a probability."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        out = self.net(standardised(pixels))
        return torch.cat([torch.sigmoid(out[:, :1]), out[:, 1:]], dim=1)


def export(state: Path, path: Path) -> None:
    net = Net()
    net.load_state_dict(torch.load(state / "checkpoint.pt")["average"])
    axes = {"pixels": {2: "height", 3: "width"}, "maps": {2: "rows", 3: "columns"}}
    torch.onnx.export(
        Shipped(net).eval(),
        (torch.zeros(1, 1, 64, 64),),
        str(path),
        dynamo=False,
        opset_version=17,
        input_names=["pixels"],
        output_names=["maps"],
        dynamic_axes=axes,
    )
    print(path, path.stat().st_size, "bytes")


def from_onnx(path: Path, net: Net) -> dict[str, torch.Tensor]:
    """The state of a net that computes what the shipped file does: its normalisations are in its convolutions already."""
    import onnx

    graph = onnx.load(str(path)).graph
    arrays = {one.name: torch.from_numpy(onnx.numpy_helper.to_array(one).copy()) for one in graph.initializer}
    shipped = [node for node in graph.node if node.op_type == "Conv"]
    state = {name: value.clone() for name, value in net.state_dict().items()}
    for name, module in order_of_convolutions(net):
        weight, bias = (arrays[part] for part in shipped.pop(0).input[1:3])
        state[f"{name}.weight"] = weight
        if module.bias is not None:
            state[f"{name}.bias"] = bias
            continue
        norm = norm_after(name)
        state[f"{norm}.weight"] = torch.full_like(bias, math.sqrt(1 + 1e-5))
        state[f"{norm}.bias"] = bias
        state[f"{norm}.running_mean"], state[f"{norm}.running_var"] = torch.zeros_like(bias), torch.ones_like(bias)
    return state


def norm_after(name: str) -> str:
    """The normalisation that follows a convolution without bias."""
    stem, last = name.rsplit(".", 1)
    return f"{stem}.norm" if last == "second" else f"{stem}.{int(last) + 1}"


def order_of_convolutions(net: Net) -> list[tuple[str, nn.Conv2d]]:
    """In the order in which the net runs them, which is that of the file."""
    seen: list[tuple[str, nn.Conv2d]] = []
    hooks = [
        module.register_forward_hook(lambda m, i, o, name=name: seen.append((name, m)))
        for name, module in net.named_modules()
        if isinstance(module, nn.Conv2d)
    ]
    training = net.training
    net.eval()(torch.zeros(1, 1, 64, 64))
    net.train(training)
    for hook in hooks:
        hook.remove()
    return seen


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("labels", type=Path)
    arguments.add_argument("state", type=Path)
    arguments.add_argument("--steps", type=int, default=9000)
    arguments.add_argument("--stage-minutes", type=float, default=100)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--from", dest="start", type=Path)
    arguments.add_argument("--rate", type=float, default=RATE, help="greatest learning rate; 1e-3 with --from")
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--workers", type=int, default=1)
    arguments.add_argument("--export", type=Path)
    chosen = arguments.parse_args()
    torch.set_num_threads(chosen.threads)
    if chosen.export:
        export(chosen.state, chosen.export)
        return
    train(
        chosen.labels,
        chosen.state,
        chosen.steps,
        chosen.stage_minutes,
        chosen.seed,
        chosen.start,
        chosen.workers,
        chosen.rate,
    )


if __name__ == "__main__":
    main()
