"""Template -> Candidates: who in the file has this finger?

    Gallery(path)               our own files: add, remove, search; survives a crash
    RemoteGallery(socket_path)  the same questions to another process, as to an AFIS that stands in the gallery's place
    Shards([folder, …])         one gallery in several folders, a process each (extra `cluster`)
    Searcher                    the interface that a node needs; all of these have it
    upgrade(path)               brings an older gallery's files to this version

The names below are imported when they are first used, so that `import mithaq.search` does not load numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mithaq.search.fields import Fields
    from mithaq.search.filters import Attributes, Filters
    from mithaq.search.gallery import Gallery
    from mithaq.search.remote import RemoteGallery, serve_gallery
    from mithaq.search.shape import Counts, How, Impression, Searcher
    from mithaq.search.shards import Shards
    from mithaq.search.upgrading import Upgraded, upgrade

_HOMES = {
    "Attributes": "filters",
    "Counts": "shape",
    "Fields": "fields",
    "Filters": "filters",
    "Gallery": "gallery",
    "How": "shape",
    "Impression": "shape",
    "RemoteGallery": "remote",
    "Searcher": "shape",
    "Shards": "shards",
    "Upgraded": "upgrading",
    "serve_gallery": "remote",
    "upgrade": "upgrading",
}

__all__ = [
    "Attributes",
    "Counts",
    "Fields",
    "Filters",
    "Gallery",
    "How",
    "Impression",
    "RemoteGallery",
    "Searcher",
    "Shards",
    "Upgraded",
    "serve_gallery",
    "upgrade",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
