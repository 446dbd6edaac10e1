"""What records, fields and items are called, in English and in Arabic, for people who read a file.

    record type, number ──► Name(mnemonic, en, ar) and its items' names

From the field dictionary, and for Type-2 from the profile whose domain the transaction names. Where no Arabic name is
known the English one stands, and where none is known at all the number must do. Not done here: values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mithaq.record.choose import profile_for
from mithaq.record.dictionary import code_table, entry, field_name
from mithaq.record.model import Transaction
from mithaq.record.profile import load_profile
from mithaq.record.rules.file import BASE

RECORDS: Mapping[int, tuple[str, str]] = {
    1: ("transaction information", "معلومات المعاملة"),
    2: ("descriptive text", "نص وصفي"),
    3: ("low-resolution grey fingerprint", "بصمة إصبع رمادية منخفضة الدقة"),
    4: ("high-resolution grey fingerprint", "بصمة إصبع رمادية عالية الدقة"),
    5: ("low-resolution bilevel fingerprint", "بصمة إصبع ثنائية اللون منخفضة الدقة"),
    6: ("high-resolution bilevel fingerprint", "بصمة إصبع ثنائية اللون عالية الدقة"),
    7: ("user-defined image", "صورة يعرّفها المستخدم"),
    8: ("signature", "توقيع"),
    9: ("minutiae", "نقاط مميِّزة"),
    10: ("face, other body part, scar, mark or tattoo", "وجه أو جزء من الجسم أو ندبة أو علامة أو وشم"),
    11: ("voice", "صوت"),
    12: ("dental record", "سجل الأسنان"),
    13: ("latent friction ridge image", "صورة بصمة خفية"),
    14: ("fingerprint image", "صورة بصمة إصبع"),
    15: ("palm print image", "صورة بصمة راحة اليد"),
    16: ("user-defined test image", "صورة اختبار يعرّفها المستخدم"),
    17: ("iris image", "صورة القزحية"),
    18: ("DNA", "الحمض النووي"),
    19: ("plantar print image", "صورة بصمة القدم"),
    20: ("source representation", "التمثيل الأصلي"),
    21: ("associated context", "السياق المرافق"),
    22: ("non-photographic imagery", "صور غير فوتوغرافية"),
    98: ("information assurance", "ضمان المعلومات"),
    99: ("CBEFF biometric data", "بيانات قياسات حيوية بصيغة CBEFF"),
}


@dataclass(frozen=True, slots=True)
class Name:
    """Mnemonic and names; "" where none is known. `codes` names the table of codes that an item's value is of."""

    mnemonic: str = ""
    en: str = ""
    ar: str = ""
    codes: str = ""


class Names:
    """The names that hold in one transaction."""

    def __init__(self, tx: Transaction) -> None:
        chosen = profile_for(tx)[0]
        self._profile = None if chosen == BASE else load_profile(chosen)
        self._edition = tx.version or ""
        self._known: dict[tuple[int, int], tuple[Name, tuple[Name, ...]]] = {}

    def field(self, record_type: int, number: int) -> tuple[Name, tuple[Name, ...]]:
        """The field's name, and those of its items where it has more than one."""
        key = (record_type, number)
        if key not in self._known:
            self._known[key] = self._look_up(record_type, number)
        return self._known[key]

    def meaning(self, table: str, code: str) -> str:
        """What a code means in this transaction's edition; "" where that is not known."""
        if not table:
            return ""
        known = code_table(table, self._edition)
        return known.get(code) or known.get(code.lstrip("0") or "0", "")  # some writers pad a code to two digits

    def _look_up(self, record_type: int, number: int) -> tuple[Name, tuple[Name, ...]]:
        own = () if self._profile is None or record_type != 2 else self._profile.by_field.get((record_type, number), ())
        for rule in own:
            parts = tuple(Name("", part.name) for part in rule.items)
            return Name(rule.mnemonic, rule.name), parts if len(parts) > 1 else ()
        found = entry(record_type, number)
        if found is None:
            return Name(*field_name(record_type, number)), ()
        items = tuple(Name(item.mnemonic, item.name, codes=item.codes) for item in found.items)
        codes = items[0].codes if len(items) == 1 else ""
        return Name(found.mnemonic, found.name, found.name_ar, codes), items if len(items) > 1 else ()


def record_name(record_type: int) -> tuple[str, str]:
    """What records of that type are, in English and in Arabic."""
    return RECORDS.get(record_type, ("record of no known type", "سجل من نوع غير معروف"))
