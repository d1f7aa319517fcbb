"""What is hidden before words leave, what stays, and the way back to the text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.redact import hide


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我的电话是幺三八 一二三四,五六七八", "我的电话是〔电话〕"),
        ("电话138-1234-5678", "电话〔电话〕"),
        ("打 400 820 8820 就行", "打 〔号码〕 就行"),
        ("卡号六二二二零二零二零零零一二三四五六七八", "卡号〔银行卡〕"),
        ("身份证11010119900307123X", "身份证〔身份证〕"),
        ("幺三八", "〔号码〕"),
        ("嗯,五六", "嗯,〔号码〕"),
        ("工号1024为您服务", "工号〔号码〕为您服务"),
        ("订单号是AB12345678", "订单号是〔订单号〕"),
        ("邮箱是 li.lei@example.com", "邮箱是 〔邮箱〕"),
        ("车牌是京A·12345", "车牌是〔车牌〕"),
        ("微信号wang_xm加一下", "微信号〔账号〕加一下"),
        ("住在朝阳区建国路88号2单元301室", "住在〔地址〕"),
        ("我叫李雷", "我叫〔姓名〕"),
        ("免贵姓欧阳", "免贵姓〔姓名〕"),
        ("王女士您好", "〔姓名〕女士您好"),
        ("请问是王小明先生本人吗", "请问是〔姓名〕先生本人吗"),
        ("收件人写张三丰", "收件人写〔姓名〕"),
        ("小李说明天到", "〔姓名〕说明天到"),
    ],
)
def test_what_is_personal_is_hidden(text: str, expected: str) -> None:
    assert hide(text, names=("小李",)).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "一共500元,3天内退到您卡里",
        "二零二五年十月十二号下午三点",
        "等了一个星期,一共打了三次电话",
        "优惠了三百五十块",
        "我是来投诉的",
        "你们经理叫什么",
        "统一一个标准",
        "马上给您处理",
    ],
)
def test_what_is_not_personal_stays(text: str) -> None:
    assert hide(text).text == text


@settings(derandomize=True, database=None, deadline=None)
@given(st.text(alphabet="您好王李先生一二三八0159aX@.京路号 ，。", max_size=40))
def test_every_span_leads_back_into_the_text(text: str) -> None:
    told = hide(text)
    assert len(told.text) == len(told.offsets) == len(told.ends)
    for start in range(len(told.text)):
        first, last = told.span(start, start + 1)
        assert 0 <= first < last <= len(text)
        if told.text[start : start + 1] != text[first:last]:
            assert "〔" in told.text
