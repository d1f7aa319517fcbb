"""Which digits belong together when a number is read aloud."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.conversation import Speaker, Turn
from pipeline.spoken_numbers import numbers, rows, within

DIGITS = ("幺三八", "一", "零零零零", "0571", "8888", "六六六", "四个零", "两个八", "要三八一二三四五六", "二一叉")
BESIDE = ("后四位是", "嗯", "好的", "对", "电话", "，", "。", "三天", "您稍等，我看一下")


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.booleans(), st.lists(st.sampled_from(DIGITS + BESIDE), min_size=1, max_size=6)), max_size=5)
)
@example([(True, ["要三八一二三四五六", "六六六"])])
@example([(True, ["电话", "幺三八"]), (False, ["对"]), (True, ["零零零零"]), (True, ["零零零零", "，", "好的"])])
def test_turns_that_are_passed_over_hold_no_number(said: list[tuple[bool, list[str]]]) -> None:
    turns = [
        Turn(i, Speaker.AGENT if agent else Speaker.CUSTOMER, "".join(parts), "".join(parts))
        for i, (agent, parts) in enumerate(said)
    ]
    speaking = [turn.index for turn in turns if turn.speaker is Speaker.AGENT]
    every = [number for row in rows(turns, speaking) for number in within(row)]
    assert list(numbers(turns, speaking)) == every
