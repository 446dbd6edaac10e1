"""names: a person's name and dates, in Arabic and in Latin letters. A lead aid: the hit decision cannot reach this room.

    text ──parse_name──► Name (parts, each with its original and romanised forms)
      ├──icao_key──► "MXHMD"                    one stable key without vowels (ICAO 9303), back again by `from_icao`
      └──compare_names──► Comparison            how close two names are, and which rule says so, in both languages
    DocumentDate ──convert──► Converted         the same day in the other calendar, with the method and its uncertainty

Whoever decides about prints must not know a name (Law 6, REQ-175): an import contract in `pyproject.toml` keeps
`search`, `finger`, the gate, the state table and the node's hit step from importing anything here.
"""

from mithaq.pact.names.compare import Comparison, Pairing, alike, compare_names
from mithaq.pact.names.dates import Converted, DateComparison, DocumentDate, compare_dates, convert
from mithaq.pact.names.icao import from_icao, icao_key, icao_name, icao_search_key
from mithaq.pact.names.letters import matching_key
from mithaq.pact.names.parts import Name, NamePart, Romanised, add_romanised, name_from_json, name_to_json, parse_name

__all__ = [
    "Comparison", "Converted", "DateComparison", "DocumentDate", "Name", "NamePart", "Pairing", "Romanised",
    "add_romanised", "alike", "compare_dates", "compare_names", "convert", "from_icao", "icao_key", "icao_name",
    "icao_search_key", "matching_key", "name_from_json", "name_to_json", "parse_name",
]  # fmt: skip
