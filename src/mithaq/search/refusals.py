"""Every refusal of the search room as one table: key, code, what was met, what was expected, what to do.

No sentence carries a reference or a byte of a template: a reference points to a person, and errors end in logs.
"""

from __future__ import annotations

import errno

from mithaq.errors import StorageError

_RESTORE = "restore the gallery from a backup, or enrol it again"

# Codes are never reused; a refusal that goes leaves its number behind.
_REFUSALS: dict[str, tuple[str, str, str, str]] = {
    "absent": ("GAL-001", "there is no gallery here", "a gallery folder", "make one by enrolling, or correct the path"),
    "foreign": (
        "GAL-002",
        "this folder holds something other than a gallery",
        "a gallery, or an empty folder",
        "give another folder; nothing here was touched",
    ),
    "version": (
        "GAL-003",
        "the gallery is written in version {met} of its format",
        "version {expected}",
        "open it with the mithaq that wrote it, or enrol it again with this one",
    ),
    "commit": (
        "GAL-004",
        "the gallery's commit file is damaged or missing, so that what it holds cannot be vouched for",
        "a commit file with at least one sound half",
        _RESTORE,
    ),
    "short": (
        "GAL-005",
        "the gallery's records end after {met} bytes, so that acknowledged impressions are gone",
        "at least {expected} bytes",
        _RESTORE,
    ),
    "record": (
        "GAL-006",
        "the record at byte {offset} of the gallery is damaged",
        "a record whose checksums hold",
        _RESTORE,
    ),
    "mixed": ("GAL-007", "the files of this folder belong to two different galleries", "files of one", _RESTORE),
    "locked": (
        "GAL-008",
        "another process is writing to this gallery",
        "one writer at a time",
        "end the other one, or open the gallery for reading",
    ),
    "read-only": (
        "GAL-009",
        "this gallery was opened for reading",
        "a gallery opened with writable=True",
        "open it for writing",
    ),
    "reference": (
        "GAL-010",
        "a reference number was given that a gallery does not take",
        "1 to 40 ASCII letters, digits and . _ : @ + -, starting with a letter or digit",
        "correct the reference number; it must not be a path or a name",
    ),
    "impression": (
        "GAL-011",
        "an impression was given whose position or impression code is not one of a single print",
        "a finger position 0 to 12 and an impression code 0 to 255",
        "split a slap into its fingers first",
    ),
    "template-size": (
        "GAL-012",
        "a template of {met} bytes was given",
        "at most {expected} bytes",
        "extract the print again",
    ),
    "full": (
        "GAL-013",
        "there is no room to write to the gallery; nothing of this step was kept, all before it is safe",
        "room on the disk and within the quota and file-size limit",
        "make room and do this step again",
    ),
    "system": (
        "GAL-014",
        "the operating system refused to use the gallery: {reason}",
        "a folder on a local disk that this account may use",
        "check the disk, its permissions and its mount",
    ),
    "failed": (
        "GAL-015",
        "an earlier write to this gallery failed, so that no more is written through it",
        "a sound disk",
        "close the gallery, check the disk and open it again; what was acknowledged is safe",
    ),
    "closed": ("GAL-016", "the gallery was closed", "an open one", "open it again"),
    "template": (
        "GAL-017",
        "the gallery holds a template that this mithaq cannot read ({code})",
        "templates of this mithaq's version",
        "enrol the gallery again with this version",
    ),
    "erasure": (
        "GAL-018",
        "the removal is recorded, but the template could not be overwritten: {reason}",
        "a disk that can be written",
        "check the disk and open the gallery for writing again, which finishes the erasure",
    ),
    "uncertain": (
        "GAL-019",
        "the disk failed while a step was being confirmed ({reason}); that step may or may not have happened",
        "a disk that can be written",
        "close the gallery, check the disk, open it again and repeat the step; all before it is safe",
    ),
    "half": (
        "GAL-020",
        "one half of the gallery's commit file is damaged, and the other may be older than what was acknowledged",
        "two sound halves",
        "open the gallery once for writing, which takes up what is on the disk and mends the file",
    ),
    "down": (
        "GAL-030",
        "the search service does not answer on its socket ({reason})",
        "a running search service",
        "start it, or correct the socket's path in the settings",
    ),
    "slow": (
        "GAL-031",
        "the search service did not answer in {seconds} s",
        "an answer in time",
        "look at its load, or raise the timeout",
    ),
    "nonsense": (
        "GAL-032",
        "the other end of the search socket does not speak this protocol",
        "version {version} of it",
        "check what listens there, and its version",
    ),
    "remote": (
        "GAL-033",
        "the search service could not search ({code})",
        "an answer",
        "look into the service's own log",
    ),
    "socket-path": (
        "GAL-034",
        "a socket cannot be made at this path: {reason}",
        "a path of at most {limit} bytes in a folder that exists, not yet taken",
        "give another path, or end what listens there",
    ),
    "request": (
        "GAL-035",
        "a request for a search was given that the service does not take: {reason}",
        "1 to {probes} templates, a threshold of 0 to 1 and 1 to {persons} persons",
        "correct the request",
    ),
    "busy": ("GAL-036", "the search service has all its places taken", "a free place", "try again in a moment"),
}

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def refusal(key: str, place: str, **facts: object) -> StorageError:
    """The StorageError of `key` at `place`, its sentences filled from `facts`."""
    code, problem, expected, remedy = _REFUSALS[key]
    return StorageError(
        code,
        problem.format_map(facts),
        place=place,
        expected=expected.format_map(facts),
        remedy=remedy.format_map(facts),
    )


def from_os_error(error: OSError, place: str) -> StorageError:
    """What an OSError means for a gallery: "full" for the three ways of having no room, else "system"."""
    if error.errno in _NO_ROOM:
        return refusal("full", place)
    return refusal("system", place, reason=error.strerror or type(error).__name__)
