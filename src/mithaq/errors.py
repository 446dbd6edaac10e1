"""Every error that leaves a room of mithaq, on one page.

    MithaqError
    ├── FormatError     a file or message that is not what it claims to be   exit 3
    ├── ImageError      a picture that cannot be read, or not be trusted     exit 3
    ├── TrustError      a key, certificate, signature or agreement           exit 3
    ├── PartnerError    the other node: down, slow, or refusing              exit 1
    ├── StorageError    a disk, database or gallery that cannot be used      exit 1
    └── SettingsError   a setting, option or environment to be mended        exit 2

An expected refusal is a value (`mithaq.pact.Refused`), never one of these. Each error has a stable code that is never
reused, the place, what was expected, what was met and what to do; none carries personal data or biometric bytes.
"""

from __future__ import annotations

from typing import ClassVar


class MithaqError(Exception):
    """One clear sentence about what went wrong, with the parts it was made of.

    `code` is stable ("REC-004"); `problem` says what was met; `place` where (file, record, field, key); `expected` what
    should have been there; `remedy` what the reader can do about it.
    """

    exit_status: ClassVar[int] = 1

    def __init__(self, code: str, problem: str, *, place: str = "", expected: str = "", remedy: str = "") -> None:
        self.code = code
        self.problem = problem
        self.place = place
        self.expected = expected
        self.remedy = remedy
        super().__init__(code, problem)

    def __str__(self) -> str:
        sentence = f"{self.place}: {self.problem}" if self.place else self.problem
        if self.expected:
            sentence += f"; expected {self.expected}"
        if self.remedy:
            sentence += f"; {self.remedy}"
        return f"{self.code}: {sentence}."

    def as_dict(self) -> dict[str, str]:
        """The same parts, for `--json`."""
        return {
            "code": self.code,
            "problem": self.problem,
            "place": self.place,
            "expected": self.expected,
            "remedy": self.remedy,
        }


class FormatError(MithaqError):
    """A file or message is not what it claims to be. `offset` counts bytes from its start; `field` reads "14.013"."""

    exit_status = 3

    def __init__(
        self,
        code: str,
        problem: str,
        *,
        place: str = "",
        expected: str = "",
        remedy: str = "",
        offset: int | None = None,
        record: int | None = None,
        field: str | None = None,
        clause: str | None = None,
    ) -> None:
        self.offset = offset
        self.record = record
        self.field = field
        self.clause = clause
        parts = [place] if place else []
        if record is not None:
            parts.append(f"record {record}")
        if field is not None:
            parts.append(f"field {field}")
        if offset is not None:
            parts.append(f"byte {offset}")
        super().__init__(code, problem, place=", ".join(parts), expected=expected, remedy=remedy)


class ImageError(MithaqError):
    """A picture cannot be decoded, is outside the limits, or has a resolution that cannot be believed."""

    exit_status = 3


class TrustError(MithaqError):
    """A key, certificate, signature or agreement does not hold. The partner learns the code alone; `detail` is for our log."""

    exit_status = 3

    def __init__(
        self, code: str, problem: str, *, place: str = "", expected: str = "", remedy: str = "", detail: str = ""
    ) -> None:
        self.detail = detail
        super().__init__(code, problem, place=place, expected=expected, remedy=remedy)


class PartnerError(MithaqError):
    """The other node did not do its part. `may_retry` says whether trying again can help, `retry_after_s` when."""

    exit_status = 1

    def __init__(
        self,
        code: str,
        problem: str,
        *,
        place: str = "",
        expected: str = "",
        remedy: str = "",
        may_retry: bool = True,
        retry_after_s: float | None = None,
    ) -> None:
        self.may_retry = may_retry
        self.retry_after_s = retry_after_s
        super().__init__(code, problem, place=place, expected=expected, remedy=remedy)


class StorageError(MithaqError):
    """A disk, database or gallery cannot be used: full, of another version, damaged, or held by another process."""

    exit_status = 1


class SettingsError(MithaqError):
    """A setting, option or part of the environment must be mended before anything can start."""

    exit_status = 2

    def __init__(
        self, code: str, problem: str, *, file: str = "", key: str = "", expected: str = "", remedy: str = ""
    ) -> None:
        self.file = file
        self.key = key
        place = ", ".join(part for part in (file, f"key {key}" if key else "") if part)
        super().__init__(code, problem, place=place, expected=expected, remedy=remedy)
