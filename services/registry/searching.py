"""How names are compared when somebody searches: marks, case and Unicode form do not matter (VL-17)."""
from __future__ import annotations

import unicodedata


def searchable(text: str) -> str:
    """Lower case without marks: "Hoàn Kiếm", the same decomposed, and "hoan kiem" become one text. đ is a letter of its own and becomes d."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).replace("đ", "d").strip()
