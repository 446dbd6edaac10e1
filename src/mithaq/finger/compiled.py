"""numba's decorators with types: compiled at first call, kept on disk, free of the interpreter lock, exact floats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba.core import types
from numba.extending import intrinsic

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """The same function as machine code. No fast-math: the same inputs give the same bits in every order of calls.

    numba's disk cache watches the file of the function alone, so a kernel calls kernels of its own file only. An account
    that can write neither beside the package nor in its home compiles anew in each process (NUMBA_CACHE_DIR mends that).
    """
    try:
        kernel = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # there is no place for the cache
        kernel = numba.njit(nogil=True)(function)
    return cast("Callable[P, R]", kernel)


def _count_bits(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


count_bits = cast("Callable[[Any], int]", intrinsic(_count_bits))
"""Set bits of a uint64, one machine instruction; only within compiled functions."""
