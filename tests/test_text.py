import pytest

from pipeline.text import matching_form, near_sound, normalise, simplified, sounds, spoken_length, syllables


def test_normalise_gives_simplified_half_width_text() -> None:
    assert normalise("請問，有什麼ＡＢＣ１２３  可以幫您？") == "请问，有什么ABC123 可以帮您？"


def test_normalise_keeps_chinese_punctuation() -> None:
    assert normalise("您好，请讲！（稍等）……") == "您好，请讲！（稍等）……"


def test_simplified_text_is_returned_as_it_is() -> None:
    assert simplified("感谢您的来电，再见。") == "感谢您的来电，再见。"


def test_matching_form_drops_punctuation_blanks_case_and_fillers() -> None:
    assert matching_form("嗯， VIP 客户，呃……那个请稍等！").text == "vip客户请稍等"


@pytest.mark.parametrize(("spoken", "written"), [("一零二四", "1024"), ("幺三八", "138"), ("〇五", "05")])
def test_matching_form_writes_spoken_digits_as_digits(spoken: str, written: str) -> None:
    assert matching_form(spoken).text == written


def test_matching_form_knows_the_way_back() -> None:
    text = "嗯，那个我的工号是幺零二四。"
    form = matching_form(text)
    start, end = form.span(form.text.index("1024"), form.text.index("1024") + 4)
    assert text[start:end] == "幺零二四"


def test_matching_form_span_covers_dropped_signs_in_between() -> None:
    text = "给您，添、麻烦了"
    form = matching_form(text)
    assert text[slice(*form.span(0, len(form.text)))] == text


def test_matching_form_of_nothing_but_fillers_is_empty() -> None:
    assert matching_form("嗯，啊……").text == ""


def test_empty_span_is_refused() -> None:
    with pytest.raises(IndexError):
        matching_form("您好").span(1, 1)


def test_spoken_length_counts_characters_without_punctuation() -> None:
    assert spoken_length("好的，请讲。") == 4


def test_syllables_depend_on_the_neighbours() -> None:
    assert syllables("银行") == ("yin", "hang")


def test_syllables_give_one_entry_a_character() -> None:
    assert syllables("工号10a") == ("gong", "hao", "yi", "ling", "")


@pytest.mark.parametrize(
    ("one", "other"), [("ni", "li"), ("zhi", "zi"), ("chen", "ceng"), ("shi", "si"), ("xing", "xin")]
)
def test_near_sounds_are_the_same(one: str, other: str) -> None:
    assert near_sound(one) == near_sound(other)


@pytest.mark.parametrize(("one", "other"), [("ba", "pa"), ("ni", "mi"), ("hao", "gao")])
def test_other_sounds_differ(one: str, other: str) -> None:
    assert near_sound(one) != near_sound(other)


def test_homophones_have_equal_sounds() -> None:
    assert sounds("工号", near=False)[::2] == sounds("公号", near=False)[::2]


def test_near_sounds_count_only_where_asked_for() -> None:
    assert sounds("您", near=True)[0] == sounds("林", near=True)[0]
    assert sounds("您", near=False)[0] != sounds("林", near=False)[0]
