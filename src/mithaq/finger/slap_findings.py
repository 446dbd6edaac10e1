"""What can be said of a slap or of a card's sequence, by code, in English and Arabic.

Codes FIN-054 to FIN-063 are about one slap's picture, FIN-064 to FIN-069 about the fingers of a card (sequence.py).
"""

from __future__ import annotations

from dataclasses import dataclass

ERRORS = ("FIN-054", "FIN-055", "FIN-056", "FIN-057", "FIN-058", "FIN-059")
"""With these no finger has a position; the others are for a person to look at."""

SENTENCES: dict[str, tuple[str, str]] = {
    "FIN-054": ("nothing is on the picture", "الصورة فارغة"),
    "FIN-055": ("no finger is on the picture", "لا يظهر أي إصبع في الصورة"),
    "FIN-056": ("fewer fingers than declared", "عدد الأصابع أقل من المصرح به"),
    "FIN-057": ("more fingers than declared", "عدد الأصابع أكثر من المصرح به"),
    "FIN-058": ("one area of ridges too wide for a finger: a palm, or fingers pressed together",
                "مساحة خطوط أعرض من أن تكون إصبعاً: راحة يد أو أصابع ملتصقة"),
    "FIN-059": ("the hand is turned too far", "اليد مائلة أكثر من المقبول"),
    "FIN-060": ("fingers touch; their boxes may hold ridges of one another",
                "أصابع متلامسة؛ قد يحوي إطار أحدها خطوطاً من غيره"),
    "FIN-061": ("fingers are cut by the edge of the picture", "أصابع مقطوعة عند حافة الصورة"),
    "FIN-062": ("no crease of the first joint was found; the base of the box is assumed",
                "لم يُعثر على ثنية المفصل الأول؛ قاعدة الإطار مقدرة"),
    "FIN-063": ("fingers of unusual size", "أصابع بحجم غير معتاد"),
    "FIN-064": ("the prints of two fingers are swapped", "بصمتا إصبعين متبادلتان"),
    "FIN-065": ("the same finger was taken twice", "أُخذ الإصبع نفسه مرتين"),
    "FIN-066": ("a print of a finger that is declared missing, or of another finger than stated",
                "بصمة لإصبع مصرح بفقده أو لإصبع غير المذكور"),
    "FIN-067": ("neither a print nor a reason for its absence", "لا بصمة ولا سبب لغيابها"),
    "FIN-068": ("two good prints of one position show no likeness", "بصمتان جيدتان للموضع نفسه بلا تشابه"),
    "FIN-069": ("it cannot be told whether the prints are of one finger", "لا يمكن الجزم بأن البصمات لإصبع واحد"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SlapFinding:
    """`fingers` count from 1, left to right, where it is about some of them; `expected` and `met` where they are numbers."""

    code: str
    problem: str
    problem_ar: str
    fingers: tuple[int, ...] = ()
    expected: str = ""
    met: str = ""

    @property
    def is_error(self) -> bool:
        return self.code in ERRORS

    def __str__(self) -> str:
        sentence = f"{self.code}: {self.problem}"
        if self.expected:
            sentence += f"; expected {self.expected}"
        if self.met:
            sentence += f"{',' if self.expected else ';'} met {self.met}"
        return sentence + (f" (finger {', '.join(map(str, self.fingers))} from the left)" if self.fingers else "")


def finding(code: str, *, fingers: tuple[int, ...] = (), expected: str = "", met: str = "") -> SlapFinding:
    """The finding of that code with its sentences."""
    english, arabic = SENTENCES[code]
    return SlapFinding(code, english, arabic, fingers, expected, met)
