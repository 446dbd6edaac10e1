"""The box as a process: what it imports, what it may do, how it ends, and that the next picture is served regardless."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mithaq.errors import ImageError
from mithaq.image import Box, Limits, png_bytes
from mithaq.units import GrayImage

# A worker whose decoder does what the picture tells it to. The process around it is the real one.
OBEDIENT = """
import os, signal, socket
from mithaq.image import headers, worker
def decode(data, *, pixel_limit, wsq):
    order = data.decode()
    if order == "die": os.kill(os.getpid(), signal.SIGSEGV)
    if order == "hang":
        while True: pass
    if order == "hang deaf":
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        while True: pass
    if order == "eat": bytearray(4 << 30)
    if order == "kill worker": os.kill(os.getppid(), signal.SIGKILL); signal.pause()
    if order == "exit": os._exit(7)
    if order == "open": open("/dev/null")
    if order == "connect": socket.socket()
    if order == "environment": raise worker.Unreadable("text" if os.environ.get("MITHAQ_TEST_SECRET") else "unknown")
    return 2, 1, b"ab", None, "PNG"
worker.decode = decode
worker.main()
"""


class ObedientBox(Box):
    command = ("-P", "-c", OBEDIENT)


@pytest.fixture
def pixels() -> Any:
    return np.random.default_rng(5).integers(0, 256, (20, 30), dtype=np.uint8)


def code_of(box: Box, data: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        box.decode(data)
    return caught.value.code


def test_this_process_never_imports_a_decoder(pixels: Any) -> None:
    program = """
import sys
from mithaq.image import Box, gray_image, png_bytes, print_image, ridge_period_px, to_matcher
from mithaq.units import FingerPosition
with Box() as box:
    image = gray_image(box, bytes.fromhex(sys.stdin.read()), user_ppi=1000.0)
    gray_image(box, print_image(to_matcher(image), FingerPosition.UNKNOWN, 0), user_ppi=500.0)
print(sorted(name for name in sys.modules if name.split(".")[0] in {"PIL", "wsq", "_wsq", "imagecodecs", "cv2"}))
"""
    data = png_bytes(GrayImage(pixels, 1000.0)).hex()
    done = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_worker_stays_small() -> None:
    program = "import sys, mithaq.image.worker; print('numpy' in sys.modules, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_worker_starts_at_the_first_picture_and_is_kept(pixels: Any) -> None:
    with Box() as box:
        assert box.pid is None
        box.decode(png_bytes(GrayImage(pixels, 500.0)))
        first = box.pid
        box.decode(png_bytes(GrayImage(pixels, 500.0)))
        assert box.pid == first
        assert box.starts == 1


def test_close_leaves_no_process_and_may_be_repeated(pixels: Any) -> None:
    box = Box()
    box.decode(png_bytes(GrayImage(pixels, 500.0)))
    pid = box.pid
    assert pid is not None
    box.close()
    box.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert code_of(box, b"x") == "IMG-024"


@pytest.mark.parametrize(
    ("order", "code"), [(b"die", "IMG-009"), (b"hang", "IMG-010"), (b"eat", "IMG-011"), (b"exit", "IMG-011")]
)
def test_a_picture_that_ends_its_decoder_is_refused_and_the_next_is_served(order: bytes, code: str) -> None:
    with ObedientBox(Limits(time_s=0.3, memory_mb=512)) as box:
        assert code_of(box, order) == code
        assert box.decode(b"good").pixels.tolist() == [[97, 98]]
        assert box.starts == 1  # the child was replaced, the worker lives


def test_a_decoder_that_outlives_its_alarm_is_ended_with_its_worker() -> None:
    with ObedientBox(Limits(time_s=0.1)) as box:
        assert code_of(box, b"hang deaf") == "IMG-010"
        assert box.pid is None
        assert box.decode(b"good").format == "PNG"
        assert box.starts == 2


def test_a_worker_that_died_while_idle_is_replaced_unseen() -> None:
    with ObedientBox() as box:
        box.decode(b"good")
        assert box.pid is not None
        os.kill(box.pid, signal.SIGKILL)
        box.decode(b"good")
        assert box.starts == 2


def test_a_picture_that_ends_the_worker_twice_is_refused() -> None:
    with ObedientBox(Limits(time_s=0.3)) as box:
        assert code_of(box, b"kill worker") in {"IMG-023", "IMG-010"}
        assert box.decode(b"good").format == "PNG"


@pytest.mark.parametrize("order", [b"open", b"connect"])
def test_a_decoder_opens_no_file_and_no_socket(order: bytes) -> None:
    with ObedientBox() as box:
        assert code_of(box, order) == "IMG-008"


def test_the_worker_does_not_inherit_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MITHAQ_TEST_SECRET", "open sesame")
    with ObedientBox() as box:
        assert code_of(box, b"environment") == "IMG-003"


def test_a_worker_that_cannot_start_is_one_clear_error() -> None:
    class Absent(Box):
        command = ("-P", "-c", "raise SystemExit(1)")

    with Absent() as box:
        assert code_of(box, b"x") == "IMG-023"


def test_many_threads_share_one_box_and_each_gets_its_own_picture() -> None:
    failures: list[int] = []

    def work(box: Box, level: int) -> None:
        pixels = np.full((31, 17 + level), level, np.uint8)
        for _ in range(5):
            if not np.array_equal(box.decode(png_bytes(GrayImage(pixels, 500.0))).pixels, pixels):
                failures.append(level)

    with Box() as box:
        threads = [threading.Thread(target=work, args=(box, level)) for level in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert box.starts == 1
    assert failures == []


def test_a_fork_of_the_owner_starts_a_worker_of_its_own() -> None:
    program = """
import os
from mithaq.image import Box
with Box() as box:
    data = b"P5 2 1 255 ab"
    box.decode(data)
    first = box.pid
    child = os.fork()
    if child == 0:
        box.decode(data)
        os._exit(0 if box.pid != first else 1)
    status = os.waitpid(child, 0)[1]
    box.decode(data)
    print(status, box.pid == first)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "True"]


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this system cannot wait for a process it did not start")
@pytest.mark.parametrize(
    "ending", ["os.kill(os.getpid(), 9)", "del box; import gc; gc.collect(); sys.stdin.read()", "0"]
)
def test_the_worker_ends_with_its_owner_however_that_ends(ending: str) -> None:
    program = f"""
import os, sys
from mithaq.image import Box
box = Box()
box.decode(b"P5 2 1 255 ab")
print(box.pid, flush=True)
sys.stdin.readline()
{ending}
"""
    owner = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert owner.stdin is not None
    assert owner.stdout is not None
    with owner:
        worker = os.pidfd_open(int(owner.stdout.readline()))
        try:
            owner.stdin.write(b"\n")
            owner.stdin.flush()
            ended, _, _ = select.select([worker], [], [], 20.0)
        finally:
            os.close(worker)
    assert ended


def test_ctrl_c_within_a_picture_does_not_mix_it_with_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with ObedientBox() as box:
        status: Callable[..., int] = box._status

        def interrupt(*_: object) -> int:
            raise KeyboardInterrupt

        monkeypatch.setattr(box, "_status", interrupt)
        with pytest.raises(KeyboardInterrupt):
            box.decode(b"good")
        monkeypatch.setattr(box, "_status", status)
        assert code_of(box, b"die") == "IMG-009"
        assert box.decode(b"good").format == "PNG"
