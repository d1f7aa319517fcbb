import pytest

from pipeline.criteria.patterns import PatternError, Patterns, check
from pipeline.text import matching_form


def quotes(pattern: str, text: str, **lists: tuple[str, ...]) -> list[str]:
    form = matching_form(text)
    found = Patterns((pattern,), tuple(sorted(lists.items()))).search(form.text)
    return [text[slice(*form.span(place.start, place.end))] for place in found]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("请问[有]什么[可以|能](帮|帮到)您", "请问有什么可以帮到您？"),
        ("请问[有]什么[可以|能](帮|帮到)您", "请问，什么能帮您"),
        ("给您…(不便|麻烦)", "给您添了很多麻烦"),
        ("给您...麻烦", "给您添麻烦"),
        ("工号<digits>", "工号一零二四"),
        ("<number>分钟", "三十分钟"),
        ("我是<any 2-3>", "我是小李"),
        ("^您好", "您好，请讲"),
        ("再见$", "感谢来电，再见！"),
        ("請稍等", "请稍等"),
        ("a\\[b", "ab"),
    ],
)
def test_pattern_matches(pattern: str, text: str) -> None:
    assert quotes(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("请问[有]什么[可以|能](帮|帮到)您", "请问什么事"),
        ("给您…麻烦", "给您办好了，如果以后还有别的什么事不要怕麻烦"),
        ("工号<digits>", "工号是多少"),
        ("^您好", "喂，您好"),
        ("再见$", "再见到您很高兴"),
        ("我是<any 2-3>号", "我是号"),
    ],
)
def test_pattern_does_not_match(pattern: str, text: str) -> None:
    assert not quotes(pattern, text)


@pytest.mark.parametrize(
    "text",
    [
        "三十分钟内回复",
        "48小时之内",
        "两个工作日内",
        "明天下午",
        "今晚八点前",
        "下周三",
        "十一月三号",
        "三点前",
        "3号之前",
    ],
)
def test_time_slot_takes_named_times(text: str) -> None:
    assert quotes("<time>", text)


@pytest.mark.parametrize("text", ["尽快给您回复", "过一会儿", "有一点麻烦", "近期会处理"])
def test_time_slot_takes_no_vague_times(text: str) -> None:
    assert not quotes("<time>", text)


def test_list_slot_stands_for_any_of_its_patterns() -> None:
    assert quotes("<sorry>给您添麻烦了", "对不起，给您添麻烦了", sorry=("抱歉", "对不起"))


def test_quote_covers_the_written_characters() -> None:
    assert quotes("工号1024", "我是工号 一零二四 的小李") == ["工号 一零二四"]


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ("[有", "pattern_unclosed"),
        ("(有", "pattern_unclosed"),
        ("<number", "pattern_unclosed"),
        ("有]", "pattern_closes_nothing"),
        ("<nummer>", "pattern_slot"),
        ("嗯，啊", "pattern_empty"),
        ("[您好]", "pattern_empty"),
        ("…", "pattern_empty"),
    ],
)
def test_wrong_pattern_is_explained(pattern: str, key: str) -> None:
    with pytest.raises(PatternError) as caught:
        check(pattern, {})
    assert caught.value.key == key


def test_lists_that_refer_to_one_another_are_refused() -> None:
    with pytest.raises(PatternError) as caught:
        check("<a>", {"a": ("<b>",), "b": ("<a>",)})
    assert caught.value.key == "pattern_circle"


def test_sounds_find_a_homophone() -> None:
    form = matching_form("公号是多少")
    assert Patterns(("工号是",)).search_sounds(form.text, near=False, least=3)


def test_sounds_find_a_near_sound_only_where_asked_for() -> None:
    form = matching_form("林好请讲")
    assert Patterns(("您好请讲",)).search_sounds(form.text, near=True, least=3)
    assert not Patterns(("您好请讲",)).search_sounds(form.text, near=False, least=3)


def test_short_sounds_do_not_count() -> None:
    assert not Patterns(("工号",)).search_sounds("公号", near=False, least=3)


def test_what_a_wildcard_took_does_not_make_a_sound_long_enough() -> None:
    form = matching_form("这里是旅行社为您服务")
    assert not Patterns(("姓<any 2-4>",)).search_sounds(form.text, near=True, least=3)
    assert not Patterns(("女…社",)).search_sounds(form.text, near=True, least=3)


@pytest.mark.parametrize("surnames", [("李", "王"), ("(王|李|张|刘|陈|杨|赵|黄)",)])
def test_sets_of_single_characters_are_matched_as_written(surnames: tuple[str, ...]) -> None:
    patterns = Patterns(("客服<surname>经理",), (("surname", surnames),))
    assert patterns.search_sounds("客服李经理", near=True, least=3)
    assert not patterns.search_sounds("客服里经理", near=True, least=3)


def test_number_slot_is_not_fooled_by_homophones() -> None:
    assert not Patterns(("工号<number>",)).search_sounds(matching_form("公号是").text, near=True, least=3)
