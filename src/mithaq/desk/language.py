"""The two languages of the desk: texts from GNU gettext catalogues, read at start, and the direction of the page.

Keys are short English ids ("queue.title"); both catalogues hold every key, which a test checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

from babel.messages.pofile import read_po

from mithaq.pact.terms import Bilingual

LANGUAGES = ("en", "ar")


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All texts of a language by their id."""
    path = resources.files("mithaq.desk").joinpath(f"locale/{language}/LC_MESSAGES/messages.po")
    with path.open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file, locale=language) if message.id}


class Texts:
    """What a template speaks with: `t("queue.title")`, `t.of(bilingual)`, `t.direction`."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else "en"
        self.direction = "rtl" if self.language == "ar" else "ltr"
        self._texts = catalogue(self.language)

    def __call__(self, key: str) -> str:
        return self._texts[key]

    def known(self, key: str, otherwise: str = "") -> str:
        """A text that may be missing: of an error's code, of a value in a record."""
        return self._texts.get(key, otherwise)

    def of(self, text: Bilingual | Mapping[str, str] | None) -> str:
        """The side of a bilingual text that this language reads."""
        if text is None:
            return ""
        return text.in_language(self.language) if isinstance(text, Bilingual) else str(text.get(self.language, ""))
