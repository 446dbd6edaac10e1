"""Trains src/mithaq/finger/descriptor.npz on fingers that this program invents: minutiae only, no print of anyone.

    python -m venv V && V/bin/pip install -r requirements/train.txt
    V/bin/python tools/train_descriptor.py --seed 1 --minutes 12 -o descriptor.npz      (again: it goes on where it ended)

    finger: cores and deltas ─► orientation field ─► minutiae a Poisson disc apart, along the ridges
      └─► two views: turned, bent, jittered, cut, thinned, false ones added, a threshold each ─► 20 neighbours a minutia
             └─► network ─► bits (sign, gradient straight through) and reliability ─► mates near, all others far

A run is one seed; a state file beside the output holds everything, so an interrupted run ends as an undisturbed one would
(the same bytes on the same machine with the same number of threads). The schedule counts steps, `--steps`, not minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import math
import time
import zipfile
from pathlib import Path

import numba
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

NEIGHBOURS, REACH, EXTENT = 20, 110.0, 160.0  # as src/mithaq/finger/parameters.py
BITS, WAVES, NEAR, WIDE = 128, 64, 96, 384
PAIRS, MATES, OTHERS = 32, 14, 6  # pairs of views a step; minutiae of each view whose mate is there, and without
MOST = 320  # minutiae of a finger, and of a view
RAW = 7
SIDES = 10


# ---- invented fingers ---------------------------------------------------------------------------------------------


@numba.njit
def finger(seed: int) -> np.ndarray:
    """(n, 5): x, y (up), direction, quality 0..1, kind 1 or 2, of all minutiae of one invented finger of 500 ppi."""
    np.random.seed(seed)
    width, height = np.random.uniform(300.0, 420.0), np.random.uniform(380.0, 520.0)
    # Orientation: half the angle to each core less half the angle to each delta, plus a smooth bend.
    cores = np.random.choice(np.array([0, 1, 1, 1, 2, 2]))
    cx, cy = np.empty(2), np.empty(2)
    dx, dy = np.empty(2), np.empty(2)
    for k in range(cores):
        cx[k] = np.random.normal(0.0, 35.0)
        cy[k] = np.random.normal(20.0, 50.0) - 60.0 * k
        dx[k] = (np.random.uniform(70.0, 190.0)) * (1.0 if (np.random.random() < 0.5) != (k == 1) else -1.0)
        dy[k] = np.random.uniform(-210.0, -60.0)
    if cores == 2 and dx[0] * dx[1] > 0.0:
        dx[1] = -dx[1]
    base = np.random.normal(0.0, 0.15)
    arch = np.random.uniform(0.2, 0.9)
    waves = np.empty((3, 4))
    for k in range(3):
        waves[k, 0] = np.random.normal(0.0, 0.12)
        waves[k, 1] = np.random.normal(0.0, 2.0 * np.pi / 350.0)
        waves[k, 2] = np.random.normal(0.0, 2.0 * np.pi / 350.0)
        waves[k, 3] = np.random.uniform(0.0, 2.0 * np.pi)
    spacing = np.random.uniform(26.0, 42.0)  # a print of 300 x 300 px shows some 35
    flip_x, flip_y, flip_p = np.random.normal(0.0, 0.02), np.random.normal(0.0, 0.02), np.random.uniform(0.0, 6.28)
    flip_by = np.random.uniform(0.0, 0.4)
    result = np.empty((MOST, 5))
    count = 0
    wanted = min(MOST, int(width * height * np.pi / 4.0 / np.random.uniform(1050.0, 2100.0)))
    for _ in range(4000):
        x, y = np.random.uniform(-width / 2, width / 2), np.random.uniform(-height / 2, height / 2)
        if (2.0 * x / width) ** 2 + (2.0 * y / height) ** 2 > 1.0:
            continue
        # Near a core or delta minutiae stand closer.
        local = spacing
        for k in range(cores):
            local *= 1.0 - 0.35 * math.exp(-((x - cx[k]) ** 2 + (y - cy[k]) ** 2) / 6000.0)
            local *= 1.0 - 0.25 * math.exp(-((x - dx[k]) ** 2 + (y - dy[k]) ** 2) / 6000.0)
        apart = local * max(0.25, np.random.normal(0.62, 0.2))
        free = True
        for t in range(count):
            if (result[t, 0] - x) ** 2 + (result[t, 1] - y) ** 2 < apart * apart:
                free = False
                break
        if not free:
            continue
        way = base
        for k in range(cores):
            way += 0.5 * math.atan2(x - cx[k], -(y - cy[k])) * -1.0
            way -= 0.5 * math.atan2(x - dx[k], (y - dy[k])) * -1.0
        if cores == 0:
            way += -arch * math.atan(x / 80.0) * math.exp(-((y / 200.0) ** 2))
        for k in range(3):
            way += waves[k, 0] * math.sin(waves[k, 1] * x + waves[k, 2] * y + waves[k, 3])
        way += np.random.normal(0.0, 0.06)
        if np.random.random() < 0.5 + flip_by * math.sin(flip_x * x + flip_y * y + flip_p):
            way += math.pi
        result[count, 0], result[count, 1], result[count, 2] = x, y, way
        result[count, 3] = min(1.0, max(0.1, 1.0 - 0.22 * abs(np.random.normal()) - 0.1 * np.random.random()))
        result[count, 4] = 1.0 + (np.random.random() < 0.45)
        count += 1
        if count == wanted:
            break
    return result[:count].copy()


@numba.njit
def view(whole: np.ndarray, seed: int, hard: float, cx: float, cy: float, cut: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows x, y (up), angle in 256ths, quality 0..100, kind (0 unknown) of one view, and each one's number, -1 if false.

    The view is about (cx, cy): all within `cut` px where that is not 0, else a window of a usual size.
    """
    np.random.seed(seed)
    turn = np.random.normal(0.0, 0.25)
    cosine, sine = math.cos(turn), math.sin(turn)
    bend = np.empty((2, 3, 4))
    size = np.random.uniform(0.3, 1.0) * (1.0 + 1.6 * hard) * 1.5
    for axis in range(2):
        for k in range(3):
            length, to = np.random.uniform(120.0, 400.0), np.random.uniform(0.0, 2.0 * np.pi)
            bend[axis, k, 0] = size * np.random.normal()
            bend[axis, k, 1] = 2.0 * np.pi / length * math.cos(to)
            bend[axis, k, 2] = 2.0 * np.pi / length * math.sin(to)
            bend[axis, k, 3] = np.random.uniform(0.0, 2.0 * np.pi)
    grow = 1.0 + np.random.normal(0.0, 0.012)
    jitter, wobble = np.random.uniform(0.8, 1.6 + hard), np.random.uniform(0.04, 0.09 + 0.04 * hard)
    missing = np.random.uniform(0.02, 0.12 + 0.22 * hard)
    false_share = np.random.uniform(0.0, 0.1 + 0.22 * hard)
    half_turns = np.random.uniform(0.0, 0.03)
    threshold = np.random.uniform(0.30, 0.5)
    half_width, half_height = np.random.uniform(110.0, 190.0), np.random.uniform(120.0, 220.0)
    plane = np.random.uniform(0.0, 2.0 * np.pi)
    plane_at = np.random.uniform(20.0, 160.0) if np.random.random() < 0.3 else 1e9
    round_ = np.random.random() < 0.5
    quality_form = np.random.random()
    gamma = math.exp(np.random.normal(0.0, 0.3))
    kinds_known = np.random.random() < 0.9
    # A patch of bad skin: there minutiae are weaker.
    bad_x, bad_y, bad_r = (
        cx + np.random.normal(0.0, 90.0),
        cy + np.random.normal(0.0, 90.0),
        np.random.uniform(20.0, 80.0),
    )
    badness = np.random.uniform(0.0, 0.8) if np.random.random() < 0.5 else 0.0
    rows = np.empty((MOST, 5))
    names = np.empty(MOST, np.int64)
    count = 0
    true_count = len(whole)
    for t in range(true_count + int(false_share * 60)):
        if count == 250:
            break
        is_false = t >= true_count
        if is_false:  # along a ridge of a minutia that exists, with its direction: a break in a ridge
            near = np.random.randint(0, true_count)
            step = np.random.uniform(6.0, 40.0) * (1.0 if np.random.random() < 0.5 else -1.0)
            side = np.random.normal(0.0, 9.0)
            way = whole[near, 2]
            x = whole[near, 0] + step * math.cos(way) - side * math.sin(way)
            y = whole[near, 1] + step * math.sin(way) + side * math.cos(way)
            way += np.random.normal(0.0, 0.15) + (math.pi if np.random.random() < 0.5 else 0.0)
            sure = min(0.9, 0.30 + 0.3 * abs(np.random.normal()))
            kind = 1.0 + (np.random.random() < 0.3)
        else:
            x, y, way, kind = whole[t, 0], whole[t, 1], whole[t, 2], whole[t, 4]
            sure = whole[t, 3] + np.random.normal(0.0, 0.06 + 0.08 * hard)
        rx, ry = x - cx, y - cy
        if cut > 0.0:
            if rx * rx + ry * ry > cut * cut:
                continue
        elif round_:
            if (rx / half_width) ** 2 + (ry / half_height) ** 2 > 1.0:
                continue
        elif abs(rx) > half_width or abs(ry) > half_height:
            continue
        if rx * math.cos(plane) + ry * math.sin(plane) > plane_at:
            continue
        if (x - bad_x) ** 2 + (y - bad_y) ** 2 < bad_r * bad_r:
            sure -= badness * np.random.random()
        # The weak are missed first.
        if not is_false and np.random.random() < missing * 2.0 * (1.15 - min(1.0, max(0.15, sure))) + 0.25 * missing:
            continue
        if sure < threshold:
            continue
        mx = my = 0.0
        for k in range(3):
            mx += bend[0, k, 0] * math.sin(bend[0, k, 1] * x + bend[0, k, 2] * y + bend[0, k, 3])
            my += bend[1, k, 0] * math.sin(bend[1, k, 1] * x + bend[1, k, 2] * y + bend[1, k, 3])
        spread = jitter * (1.4 - 0.5 * sure)
        px = grow * rx + mx + np.random.normal(0.0, spread)
        py = grow * ry + my + np.random.normal(0.0, spread)
        way += np.random.normal(0.0, wobble * (1.4 - 0.5 * sure))
        if np.random.random() < half_turns:
            way += math.pi
        rows[count, 0] = round(cosine * px - sine * py)
        rows[count, 1] = round(sine * px + cosine * py)
        rows[count, 2] = round((way + turn) * 128.0 / math.pi) % 256
        shown = min(1.0, max(0.0, sure)) ** gamma
        rows[count, 3] = 100.0 if quality_form < 0.08 else round(100.0 * shown)
        if np.random.random() < 0.12:
            kind = 3.0 - kind
        rows[count, 4] = kind if kinds_known else 0.0
        names[count] = -1 if is_false else t
        count += 1
    return rows[:count].copy(), names[:count].copy()


@numba.njit
def surroundings(rows: np.ndarray, m: int, near: np.ndarray, sides: np.ndarray) -> int:
    """Fills near (20, 7): along, across, turned 256ths, quality, kind, distance, 1; and sides (10); how many neighbours."""
    count = len(rows)
    squares = np.full(NEIGHBOURS, 1e9)
    found = np.zeros(NEIGHBOURS, np.int64)
    neighbours = 0
    angle = rows[m, 2] * (np.pi / 128.0)
    cosine, sine = math.cos(angle), math.sin(angle)
    sides[:] = 0.0
    for t in range(count):
        right, up = rows[t, 0] - rows[m, 0], rows[t, 1] - rows[m, 1]
        along, across = right * cosine + up * sine, up * cosine - right * sine
        for k in range(8):
            reach = (along * math.cos(k * np.pi / 4) + across * math.sin(k * np.pi / 4)) / EXTENT
            sides[k] = max(sides[k], min(reach, 1.0))
        square = right * right + up * up
        if t == m or square > REACH * REACH or (neighbours == NEIGHBOURS and square >= squares[NEIGHBOURS - 1]):
            continue
        place = neighbours if neighbours < NEIGHBOURS else NEIGHBOURS - 1
        while place > 0 and squares[place - 1] > square:
            squares[place], found[place] = squares[place - 1], found[place - 1]
            place -= 1
        squares[place], found[place] = square, t
        neighbours = min(neighbours + 1, NEIGHBOURS)
    for k in range(neighbours):
        t = found[k]
        right, up = rows[t, 0] - rows[m, 0], rows[t, 1] - rows[m, 1]
        near[k, 0], near[k, 1] = right * cosine + up * sine, up * cosine - right * sine
        near[k, 2] = (rows[t, 2] - rows[m, 2]) % 256
        near[k, 3] = rows[t, 3] * 0.01
        near[k, 4] = 0.0 if rows[t, 4] == 0.0 else 3.0 - 2.0 * rows[t, 4]
        near[k, 5] = math.sqrt(squares[k]) / REACH
        near[k, 6] = 1.0
    sides[8] = neighbours / NEIGHBOURS
    sides[9] = rows[m, 3] * 0.01
    return neighbours


@numba.njit
def batch(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """near (2, PAIRS * each, 20, 7), sides (2, .., 10), angle (2, ..), name (2, ..; -1 false, -2 an empty place), pair."""
    each = MATES + OTHERS
    near = np.zeros((2, PAIRS * each, NEIGHBOURS, 7), np.float32)
    sides = np.zeros((2, PAIRS * each, SIDES), np.float32)
    angle = np.zeros((2, PAIRS * each), np.float32)
    name = np.full((2, PAIRS * each), -2)
    pair = np.empty(PAIRS * each, np.int64)
    one_near, one_sides = np.zeros((NEIGHBOURS, 7)), np.zeros(SIDES)
    for p in range(PAIRS):
        own = seed * 4096 + p * 16
        pair[p * each : (p + 1) * each] = p
        np.random.seed((own + 1) % 2147483647)
        whole = finger(np.random.randint(0, 2000000000))
        for _ in range(6):
            cx, cy = np.random.normal(0.0, 50.0), np.random.normal(0.0, 65.0)
            hard = np.random.random()
            cut = np.random.random() < 0.45
            one_cut = np.random.uniform(70.0, 125.0) if cut else 0.0
            other_cut = np.random.uniform(70.0, 125.0) if cut and np.random.random() < 0.7 else 0.0
            drift = 38.0 if cut else 26.0
            s, t = np.random.randint(0, 2000000000), np.random.randint(0, 2000000000)
            ra, na = view(whole, s, hard, cx, cy, one_cut)
            rb, nb = view(
                whole, t, hard, cx + np.random.normal(0.0, drift), cy + np.random.normal(0.0, drift), other_cut
            )
            mates = np.zeros((min(len(ra), len(rb)) + 1, 2), np.int64)
            found = 0
            for i in range(len(ra)):
                if na[i] < 0:
                    continue
                for j in range(len(rb)):
                    if na[i] == nb[j]:
                        mates[found, 0], mates[found, 1] = i, j
                        found += 1
            if found >= 5:
                break
        order = np.random.permutation(found)[:MATES]
        for side in range(2):
            rows, names = (ra, na) if side == 0 else (rb, nb)
            taken = np.zeros(len(rows), np.bool_)
            at = p * each
            chosen = np.full(each, -1)
            for k in range(len(order)):
                chosen[k] = mates[order[k], side]
                taken[chosen[k]] = True
            rest = np.random.permutation(len(rows))
            filled = len(order)
            for k in rest:
                if not taken[k] and filled < each and filled < len(order) + OTHERS:
                    chosen[filled] = k
                    filled += 1
            for k in range(filled):
                one_near[:] = 0.0
                if surroundings(rows, chosen[k], one_near, one_sides) < 2:
                    continue
                near[side, at + k], sides[side, at + k] = one_near, one_sides
                angle[side, at + k] = rows[chosen[k], 2]
                name[side, at + k] = names[chosen[k]]
    return near, sides, angle, name, pair


# ---- the network --------------------------------------------------------------------------------------------------


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        waves = torch.zeros(4, WAVES)
        length = torch.exp(torch.empty(WAVES).uniform_(math.log(18.0), math.log(160.0)))
        to = torch.empty(WAVES).uniform_(0.0, 2.0 * math.pi)
        waves[0], waves[1] = torch.cos(to) / length, torch.sin(to) / length
        self.turns = nn.Buffer(torch.arange(WAVES).remainder(5).sub(2).float())  # whole, so that a turn is a turn
        waves[3].uniform_(0.0, 1.0)
        self.waves = nn.Parameter(waves * torch.tensor([100.0, 100.0, 1.0, 1.0])[:, None])
        self.near = nn.Linear(WAVES + RAW, NEAR)
        self.gate = nn.Parameter(torch.tensor([2.0, 0.0, -2.0, 1.0]))
        self.norm = nn.BatchNorm1d(2 * NEAR + SIDES)
        self.wide = nn.Linear(2 * NEAR + SIDES, WIDE)
        self.wide_norm = nn.BatchNorm1d(WIDE)
        self.bits = nn.Linear(WIDE, BITS)
        self.skip = nn.Linear(2 * NEAR + SIDES, BITS, bias=False)
        self.bits_norm = nn.BatchNorm1d(BITS)
        self.trust = nn.Linear(WIDE, 1)
        nn.init.constant_(self.trust.bias, 1.0)
        self.temperature = nn.Parameter(torch.tensor(math.log(0.06)))

    def forward(self, near: Tensor, sides: Tensor) -> tuple[Tensor, Tensor]:
        """(n, BITS) before the sign, (n) reliability 0..1."""
        turned = near[..., 2] / 256.0
        w = self.waves / torch.tensor([100.0, 100.0, 1.0, 1.0])[:, None]
        phase = near[..., :2] @ w[:2] + turned[..., None] * self.turns + w[3]
        turned = 2.0 * math.pi * turned
        raw = [near[..., 0] / REACH, near[..., 1] / REACH, turned.cos(), turned.sin(), *near[..., 3:6].unbind(-1)]
        seen = torch.cat([torch.cos(2.0 * math.pi * phase), torch.stack(raw, -1)], -1)
        away, sure = near[..., 5], near[..., 3]
        opened = torch.sigmoid(self.gate[0] + self.gate[1] * away + self.gate[2] * away**2 + self.gate[3] * sure)
        one = functional.relu(self.near(seen)) * (opened * near[..., 6])[..., None]
        pooled = self.norm(torch.cat([0.1 * one.sum(1), one.amax(1), sides], -1))
        wide = functional.relu(self.wide_norm(self.wide(pooled)))
        return self.bits_norm(self.bits(wide) + self.skip(pooled)), torch.sigmoid(self.trust(wide)[:, 0])


def loss_of(net: Net, data: tuple[np.ndarray, ...]) -> tuple[Tensor, dict[str, float]]:
    near, sides, angle, name, pair = data
    kept = [np.flatnonzero(name[side] != -2) for side in range(2)]
    inputs = [torch.from_numpy(np.concatenate([part[0][kept[0]], part[1][kept[1]]])) for part in (near, sides)]
    raw, trust = net(*inputs)
    soft = torch.tanh(raw)
    code = soft + (torch.sign(raw) - soft).detach()
    first = len(kept[0])
    same = (code[:first] @ code[first:].T) / BITS
    apart = np.abs((angle[0][kept[0]][:, None] - angle[1][kept[1]] + 128) % 256 - 128)
    own_pair = pair[kept[0]][:, None] == pair[kept[1]]
    is_mate = own_pair & (name[0][kept[0]][:, None] == name[1][kept[1]]) & (name[0][kept[0]][:, None] >= 0)
    compared = torch.from_numpy((apart <= 64) | is_mate)
    mate = torch.from_numpy(is_mate)
    temperature = net.temperature.exp()
    scaled = same * trust[:first, None] * trust[None, first:] / temperature
    null = 0.25 / temperature
    # Rows and columns: the mate before all others, none before a mate that is not there.
    masked = scaled.masked_fill(~compared, -1e4)
    contrast = 0.0
    for table, hits in ((masked, mate), (masked.T, mate.T)):
        full = torch.cat([table, null.expand(len(table), 1)], 1)
        target = torch.where(hits.any(1), hits.float().argmax(1), table.shape[1])
        contrast = contrast + functional.cross_entropy(full, target)
    # Every mate against the hardest of all strangers in the batch: the impostor tail.
    strangers = torch.logsumexp(scaled.masked_fill(~compared | mate, -1e4).flatten(), 0)
    mates = scaled[mate]
    tail = functional.softplus(strangers - math.log(len(kept[0])) - mates).mean()
    centred = soft - soft.mean(0)
    covariance = (centred.T @ centred) / len(soft)
    across = (covariance - torch.diag(covariance.diag())).pow(2).mean()
    total = 0.5 * 0.5 * contrast + 0.5 * tail + 0.02 * BITS * across
    with torch.no_grad():
        best = masked.argmax(1)
        hit = mate.any(1)
        right = mate[torch.arange(len(best)), best][hit].float().mean()
        off = (1 - same[mate]).mean() * BITS / 2
    return total, {
        "loss": float(total.detach()),
        "first": float(right),
        "bits apart": float(off),
        "T": float(temperature.detach()),
    }


def arrays_of(net: Net) -> dict[str, np.ndarray]:
    """The network as descriptor.Network holds it: normalisation multiplied out, in double precision."""
    w = {name: value.detach().double().numpy() for name, value in net.state_dict().items()}

    def norm(name: str) -> tuple[np.ndarray, np.ndarray]:
        scale = w[f"{name}.weight"] / np.sqrt(w[f"{name}.running_var"] + 1e-5)
        return scale, w[f"{name}.bias"] - w[f"{name}.running_mean"] * scale

    waves = w["waves"] / np.array([100.0, 100.0, 1.0, 1.0])[:, None]
    waves[2] = w["turns"]
    in_scale, in_shift = norm("norm")
    mid_scale, mid_shift = norm("wide_norm")
    out_scale, out_shift = norm("bits_norm")
    wide = w["wide.weight"].T * mid_scale
    wide_bias = w["wide.bias"] * mid_scale + mid_shift
    skip = w["skip.weight"].T * out_scale
    trust_rows = np.concatenate([w["trust.weight"].T, np.zeros((len(skip), 1))])
    bits = np.concatenate([w["bits.weight"].T * out_scale, in_scale[:, None] * skip])
    return {
        "waves": waves,
        "near": w["near.weight"].T,
        "near_bias": w["near.bias"],
        "gate": w["gate"],
        "wide": in_scale[:, None] * wide,
        "wide_bias": wide_bias + in_shift @ wide,
        "bits": np.concatenate([bits, trust_rows], 1),
        "bits_bias": np.append(w["bits.bias"] * out_scale + out_shift + in_shift @ skip, w["trust.bias"]),
    }


def packed(arrays: dict[str, np.ndarray]) -> bytes:
    """An .npz whose bytes depend on the arrays alone."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            one = io.BytesIO()
            np.lib.format.write_array(one, np.ascontiguousarray(array, np.float32), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), one.getvalue())
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the descriptor on invented fingers.")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so many; the next call goes on")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--export-every", type=int, default=1000)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    net = Net()
    mean = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995), use_buffers=True
    )
    best = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-4)
    state = options.output.with_suffix(".state")
    step = 0
    if state.exists():
        kept = torch.load(state, weights_only=True)
        if (kept["seed"], kept["steps"]) != (options.seed, options.steps):
            raise SystemExit(f"{state} is of seed {kept['seed']} and {kept['steps']} steps")
        net.load_state_dict(kept["net"])
        mean.load_state_dict(kept["mean"])
        best.load_state_dict(kept["best"])
        step = kept["step"]
    begin = time.monotonic()
    while step < options.steps:
        rate = 2e-3 * min(1.0, (step + 1) / 200) * 0.5 * (1.0 + math.cos(math.pi * step / options.steps))
        for group in best.param_groups:
            group["lr"] = max(rate, 1e-5)
        loss, shown = loss_of(net, batch(options.seed * 1_000_003 + step))
        best.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        best.step()
        mean.update_parameters(net)
        step += 1
        over = time.monotonic() - begin > 60.0 * options.minutes
        if step % 100 == 0:
            told = "  ".join(f"{name} {value:.3f}" for name, value in shown.items())
            print(f"{step}/{options.steps}  {time.monotonic() - begin:.0f} s  {told}", flush=True)
        if step % options.export_every == 0 or step == options.steps or over:
            torch.save(
                {"seed": options.seed, "steps": options.steps, "step": step, "net": net.state_dict()}
                | {"mean": mean.state_dict(), "best": best.state_dict()},
                state,
            )
            data = packed(arrays_of(mean.module))
            options.output.write_bytes(data)
            print(f"{options.output}: {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}", flush=True)
        if over:
            break


if __name__ == "__main__":
    main()
