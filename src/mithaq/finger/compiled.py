"""numba's decorators with types: compiled at first call, kept on disk, free of the interpreter lock, exact floats."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
from numba.core import types
from numba.core.caching import FunctionCache
from numba.extending import intrinsic

P = ParamSpec("P")
R = TypeVar("R")


class _Cache(FunctionCache):
    """numba's, which looks at the file's date alone; numbers are frozen in the machine code, so they are in the key here."""

    def _index_key(self, signature: Any, codegen: Any) -> Any:
        theirs = super()._index_key(signature, codegen)  # type: ignore[no-untyped-call]
        return (*theirs, _numbers(self._py_func.__globals__))


def _numbers(names: dict[str, Any]) -> str:
    """A digest of the numbers, tuples and arrays among a module's names, and among those of a `parameters` module."""
    known = hashlib.sha256()
    for name, value in sorted(names.items()):
        if isinstance(value, ModuleType) and value.__name__.endswith(".parameters"):
            value = _numbers(vars(value))
        if isinstance(value, np.ndarray):
            value = (value.dtype.str, value.shape, value.tobytes())
        if isinstance(value, int | float | str | bytes | tuple | np.generic) and not name.startswith("__"):
            known.update(f"{name}={value!r};".encode())
    return known.hexdigest()


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """The same function as machine code. No fast-math: the same inputs give the same bits in every order of calls.

    A kernel is compiled anew when its file or a number that its module takes from elsewhere has changed. It calls kernels of
    its own file only: of those in others numba's disk cache sees no change. An account that can write neither beside the
    package nor in its home compiles anew in each process (NUMBA_CACHE_DIR mends that).
    """
    kernel: Any = numba.njit(nogil=True)(function)
    try:
        kernel._cache = _Cache(function)  # type: ignore[no-untyped-call]
    except RuntimeError:  # there is no place for the cache
        pass
    return cast("Callable[P, R]", kernel)


def _count_bits(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


count_bits = cast("Callable[[Any], int]", intrinsic(_count_bits))
"""Set bits of a uint64, one machine instruction; only within compiled functions."""
