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
        "a file of the gallery ends after {met} bytes, so that acknowledged impressions are gone",
        "all that its commit file counts",
        _RESTORE,
    ),
    "column": (
        "GAL-006",
        "a file of the gallery is damaged",
        "elements that add up to the sum in the commit file",
        _RESTORE,
    ),
    "mixed": (
        "GAL-007",
        "the files of this folder belong to two different galleries, or to two generations of one",
        "files of one",
        _RESTORE,
    ),
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
        "a template with {met} minutiae was given",
        "at most {expected}",
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
        "a sound copy of each half",
        _RESTORE,
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
    "first": (
        "GAL-040",
        "the gallery is written in the first format",
        "format 2",
        "run `mithaq gallery upgrade` on its folder",
    ),
    "descriptor": (
        "GAL-041",
        "the gallery's codes are of descriptor {met}",
        "descriptor {expected}",
        "run `mithaq gallery upgrade` on its folder, which describes its minutiae anew",
    ),
    "template-descriptor": (
        "GAL-042",
        "a template whose codes are of descriptor {met} was given",
        "descriptor {expected}",
        "extract the print again",
    ),
    "up-to-date": (
        "GAL-043",
        "there is nothing to upgrade: the gallery is of this format and descriptor already",
        "an older gallery",
        "use it as it is",
    ),
    "attributes": (
        "GAL-044",
        "attributes or filters were given that a gallery does not take",
        "sex F, M or X, a year of birth from 1870, sets 0 to 15, finger positions",
        "correct them",
    ),
    "other-attributes": (
        "GAL-045",
        "this impression is in the gallery with other attributes",
        "the same ones",
        "remove the person and enrol again with the new attributes",
    ),
    "large": (
        "GAL-046",
        "the gallery would grow past what its files can number",
        "at most 4,294,967,295 rows, blocks, persons and letters",
        "divide it into several",
    ),
    "first-record": (
        "GAL-047",
        "the gallery of the first format is damaged at byte {met} of its log, so that it is not upgraded",
        "records whose checksums hold",
        "nothing was changed; " + _RESTORE,
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
