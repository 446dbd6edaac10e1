"""Template -> Candidates: who in the file has this finger?

    Gallery(path)               our own files: add, remove, search; survives a crash
    RemoteGallery(socket_path)  the same questions to another process, as to an AFIS that stands in the gallery's place
    Shards([folder, …])         one gallery in several folders, a process each (extra `cluster`)
    Searcher                    the interface that a node needs; all of these have it

The names below are imported when they are first used, so that `import mithaq.search` does not load numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mithaq.search.gallery import Gallery
    from mithaq.search.remote import RemoteGallery, serve_gallery
    from mithaq.search.shape import Counts, Impression, Searcher
    from mithaq.search.shards import Shards

_HOMES = {
    "Counts": "shape",
    "Gallery": "gallery",
    "Impression": "shape",
    "RemoteGallery": "remote",
    "Searcher": "shape",
    "Shards": "shards",
    "serve_gallery": "remote",
}

__all__ = ["Counts", "Gallery", "Impression", "RemoteGallery", "Searcher", "Shards", "serve_gallery"]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
