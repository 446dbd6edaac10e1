"""Small capitals and digits, five dots by seven, for pictures made without an imaging library."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, STEP = 5, 7, 6

# One letter a line: its seven rows from the top, each five bits with the leftmost dot as 16, in base 32.
_ROWS = """
A EHHVHHH
B UHHUHHU
C EHGGGHE
D UHHHHHU
E VGGUGGV
F VGGUGGG
G EHGNHHF
H HHHVHHH
I E44444E
J 72222IC
K HIKOKIH
L GGGGGGV
M HRLLHHH
N HHPLJHH
O EHHHHHE
P UHHUGGG
Q EHHHLID
R UHHUKIH
S FGGE11U
T V444444
U HHHHHHE
V HHHHHA4
W HHHLLRH
X HHA4AHH
Y HHA4444
Z V1248GV
0 EHJLPHE
1 4C4444E
2 EH1248V
3 V2421HE
4 26AIV22
5 VGU11HE
6 68GUHHE
7 V124888
8 EHHEHHE
9 EHHF12C
. 00000CC
, 0000C48
: 0CC0CC0
- 000V000
/ 011248G
% OP248J3
( 2488842
) 8422248
= 00V0V00
"""


def _glyphs() -> dict[str, NDArray[np.bool_]]:
    found = {" ": np.zeros((HEIGHT, WIDTH), np.bool_)}
    for line in _ROWS.split("\n"):
        if line:
            rows = [int(row, 32) for row in line[2:]]
            found[line[0]] = np.array([[bool(row & (16 >> k)) for k in range(WIDTH)] for row in rows])
    return found


GLYPHS = _glyphs()


def letters(text: str, dot_px: int = 2) -> NDArray[np.bool_]:
    """(7 dots, 6 dots a letter) where ink falls; letters are written as capitals. KeyError for one that is not here."""
    wide = np.zeros((HEIGHT, STEP * len(text)), np.bool_)
    for k, letter in enumerate(text.upper()):
        wide[:, STEP * k : STEP * k + WIDTH] = GLYPHS[letter]
    return np.kron(wide, np.ones((dot_px, dot_px), np.bool_))
