"""How names, addresses and numbers become words that can be found."""

import pytest

from jackfield.store.words import (
    digits_of,
    fold,
    number_sort_key,
    sort_key,
    words_of,
)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        pytest.param("Anna Meier", "anna meier", id="case"),
        pytest.param("  O'Néil-Ångström,  Zoë ", "o neil angstrom zoe", id="accents_and_marks"),
        pytest.param("Straße", "strasse", id="sharp_s"),
        pytest.param("Łukasz Øster Æsir Đặng", "lukasz oster aesir dang", id="whole_letters"),
        pytest.param("İstanbul ısı", "istanbul isi", id="turkish_i"),
        pytest.param("Ｆｕｌｌ", "full", id="full_width"),
        pytest.param("ﬁsh", "fish", id="ligature"),
        pytest.param("Иван Ёлкин", "иван елкин", id="cyrillic"),
        pytest.param("김철수", "김철수", id="hangul_stays_whole"),
        pytest.param("हिन्दी", "हिनदी", id="vowel_signs_are_no_word_ends"),
        pytest.param("\u202eabc\u200d\0def\ud800", "abc def", id="controls_and_halves"),
        pytest.param("😀 Party", "party", id="emoji"),
        pytest.param("...", "", id="nothing_left"),
    ],
)
def test_names_are_folded(text: str, folded: str) -> None:
    """Whoever looks for Ögren has a keyboard without ö."""
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("names", "addresses", "numbers", "words"),
    [
        pytest.param(
            ("Anna Meier", "Anna", "Meier"),
            ("anna.meier@x.example",),
            ("+49 (170) 123-4711",),
            " anna meier anna.meier@x.example #11743210719 4".replace(" 4", "4"),
            id="each_once",
        ),
        pytest.param(("",), ("",), ("", "12"), "", id="nothing"),
        pytest.param(("山田太郎",), (), (), " 山田太郎 田太郎 太郎 郎", id="names_without_spaces"),
        pytest.param(
            ("one two three four five six seven eight",), ("a@x",), (), None, id="at_most"
        ),
        pytest.param(("x" * 300,), (), (), " " + "x" * 40, id="very_long"),
        pytest.param((), (), ("٠٣٤٥",), " #543", id="arabic_digits"),
    ],
)
def test_words_of_a_record(
    names: tuple[str, ...], addresses: tuple[str, ...], numbers: tuple[str, ...], words: str | None
) -> None:
    """At most eight rows a record, or the index grows faster than the tenant."""
    found = words_of(names, addresses, numbers)

    assert len(found.split()) <= 8
    if words is None:
        assert found.endswith(" a@x")
    else:
        assert found == words


def test_numbers_are_ordered_as_people_count() -> None:
    """1000 comes after 200, and 0200 is a number of its own."""
    numbers = ["1000", "200", "0200", "99", "0199"]

    assert sorted(numbers, key=number_sort_key) == ["99", "200", "0199", "0200", "1000"]


def test_order_ignores_accents_and_has_an_end() -> None:
    """A list that files Émile behind Zoë looks broken."""
    assert sorted(["Zoë", "Émile", "emil", "Anna"], key=sort_key) == [
        "Anna",
        "emil",
        "Émile",
        "Zoë",
    ]
    assert len(sort_key("x" * 500)) == 64


def test_digits_are_compared_without_the_zeros_before_them() -> None:
    """0170 123, +49 170 123 and 0049170123 end alike."""
    assert digits_of("0170 123") == "170123"
    assert digits_of("+49 170 123") == digits_of("0049170123") == "49170123"
