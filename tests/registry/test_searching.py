from __future__ import annotations

import unicodedata

import pytest

from services.registry.searching import searchable


@pytest.mark.parametrize("written", ["Hoàn Kiếm", unicodedata.normalize("NFD", "Hoàn Kiếm"), "hoan kiem", "HOÀN KIẾM", " hoàn kiêm "])
def test_marks_case_and_unicode_form_do_not_matter(written: str) -> None:
    assert searchable(written) == "hoan kiem"


def test_the_letter_d_with_stroke_is_found_as_d() -> None:
    assert searchable("Đường Điện Biên Phủ, ngõ đỏ") == "duong dien bien phu, ngo do"
