"""Names where they are said as names: 我叫王芳, 免贵姓李, 收件人刘建国, 张先生 (the title is no part of it)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from pipeline.text import syllables

_DOUBLE = "欧阳|上官|司马|诸葛|司徒|令狐|皇甫|慕容|尉迟|夏侯|东方|西门|南宫|端木|公孙|长孙|宇文|轩辕"
_SINGLE = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石"
    "姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文施洪褚严华戚柳鲍费岑倪滕殷毕邬安乐卞齐伍卜顿"
    "肖章葛庞樊兰辛管祝左涂季路仇覃莫翁霍牛翟景舒童阮甘闵解强尚岳裴游耿项宫聂焦窦关柯巫柏麦卓喻骆艾纪温古申欧冉向鞠凌饶宁"
    "屈瞿丛桂池阳蒲晏谌商车栾练佟佘缪宗涂苗荆芦寇刁匡岑敖初揭亓厉鄢宓封盛桑包费廉柴蓝梅巩原郎粟褚邢邸席房郁荀辜符成戈谷劳"
)
SURNAME = rf"(?:{_DOUBLE}|[{_SINGLE}])"
_HAN = "[\u4e00-\u9fa5]"
_PAUSE = r"(?:[\s，,、：:]|嗯|呃|那个|就是|啊)*"
_NOT_GIVEN = (
    "想要的了吗呢吧啊呀么嘛是有打来我你您他她它那这就也还会能可把被给从和跟与找问帮查请住对错没不再又在到去说讲先女老同号手电联身住地，。"
    "一二三四五六七八九十零两几个位以为于因但所如用当着过"
)
"""Characters that follow a name or stand in place of one, and hardly ever are the last of one."""
_NEVER_GIVEN = frozenset(
    "想要的了吗呢吧啊呀么嘛是有打我你您他她它那这就也还会能可把被给从和跟与找问帮查请没不再又在到去说讲，。"
)
_TITLE = (
    "先生|女士|小姐|太太|阿姨|叔叔|大哥|大姐|老师|师傅|经理|主管|主任|同学|同志|医生|律师|会计|"
    "总(?=[,，。！!？?吗的您你好]|$)"
)
_ROLE = (
    "收件人|收货人|联系人|机主|户主|持卡人|开户人|投保人|被保险人|申请人|预约人|登记人|乘机人|乘客|入住人|寄件人|车主|业主|"
    "患者|经办人"
)
_SAID = (
    "(?:我(?:的|们)?(?:名字|全名|姓名)?|你|您|他|她|名字|姓名|全名|本名|儿子|女儿|孩子|老公|老婆|爱人|先生|太太|母亲|父亲|"
    "妈妈|爸爸|妈|爸|朋友|同事|人)"
    r"(?:就|都|是)?叫(?:做|作)?"
    r"|(?:姓名|名字|全名|户名|抬头)(?:是|为|叫|写的?是?|填的?是?|登记的?是?|就是|：|:)+"
    rf"|(?:{_ROLE})"
    r"(?:姓名|名字)?(?:就?是|叫|为|写的?是?|填的?是?|登记的?是?|：|:)+"
)
_AFTER_ROLE = re.compile(
    rf"(?:{_ROLE}){_PAUSE}(?P<name>{SURNAME}{_HAN}{{1,2}}?)"
    rf"(?=[,，。；;、!！?？\s]|$|{_TITLE}|吗|吧|电话|手机|地址|身份证|的|是|这|本人|住)"
)
_FULL = re.compile(rf"(?:{_SAID}){_PAUSE}(?P<name>{SURNAME}{_HAN}{{1,2}})(?!{_HAN}*(?:公司|平台|银行))")
_BY_SOUND = re.compile(
    rf"(?:我(?:的)?(?:名字|全名|姓名)?(?:就|都|是)?叫(?:做|作)?|(?:姓名|名字|全名)(?:是|叫|：|:)){_PAUSE}"
    rf"(?P<name>{_HAN}{{2,3}})(?=[,，。；;、!！?？\s]|$)"
)
"""What may be a name that was misheard: 我叫往方 for 王芳."""
_BEING = re.compile(
    rf"(?:我是|我这边是|您是|你是|请问是|是不是|本人|这里是){_PAUSE}(?P<name>{SURNAME}{_HAN}{{1,2}})"
    rf"(?=[,，。；;、!！?？\s]|$|{_TITLE}|吗|吧|对吗|对吧|本人|没错)"
)
_SURNAME_ONLY = re.compile(
    rf"(?:免贵姓|贵姓|(?<!同)姓)(?!名){_PAUSE}(?P<name>{SURNAME})(?:[,，\s]*名{_PAUSE}(?P<given>{_HAN}{{1,2}}))?"
    rf"(?:[,，\s]*叫{_PAUSE}(?P<full>{SURNAME}{_HAN}{{1,2}}))?"
)
_SPELT = re.compile(
    "(?P<name>弓长张|木子李|立早章|耳东陈|口天吴|双木林|古月胡|草头黄|言午许|三横王|三横一竖王|文刀刘|走肖赵|双人徐|人可何|干勾于"
    "|十八子李|禾呈程|木易杨|草头蒋|言射谢)"
)
_TITLED = re.compile(rf"(?={_TITLE})")
_ASKED = re.compile(
    r"(?:姓名|名字|贵姓|怎么称呼|如何称呼|叫什么|哪位|收件人|联系人|机主|户主|持卡人)(?:[^，。,.]{0,6})[？?。，,\s]*$|贵姓"
)
_ANSWER = re.compile(
    rf"^(?:嗯|哦|好的?|呃|那个|啊|是|就是|叫|[，,、\s])*(?P<name>{SURNAME}{_HAN}{{1,2}}?)"
    r"(?:[，,。、\s！!]*(?:啊|的|吧|嗯|三点水|草字头)*[。！!，,\s]*)$"
)
_HINT = re.compile(
    f"叫|姓|名字|全名|户名|抬头|我是|我这边是|您是|你是|请问是|是不是|本人|这里是|{_ROLE}|{_TITLE}"
    "|弓长|木子|立早|耳东|口天|双木|古月|草头|言午|三横|文刀|走肖|双人|人可|干勾|十八子|禾呈|木易|言射"
)
"""Every pattern of a name holds one of these; `re` is at once through a text that has none."""
_NO_NAMES = frozenset(
    (
        *("马上", "万一", "高兴", "关于", "方便", "安排", "常常", "任何", "向您", "和您", "时候", "单子"),
        *("于是", "白天", "金额", "解决", "严重", "安全", "文字", "全部", "强烈", "水电", "路由", "管理"),
    )
)


def names_in(text: str) -> Iterator[tuple[int, int]]:
    """Where `text` says names as such."""
    if _HINT.search(text) is None:
        return
    for pattern in (_FULL, _BEING, _AFTER_ROLE):
        for match in pattern.finditer(text):
            span = _cut(text, *match.span("name"), loose=pattern is _FULL)
            if span is not None:
                yield span
    for match in _SURNAME_ONLY.finditer(text):
        yield match.span("name")
        if match["given"]:
            yield _cut_given(text, *match.span("given"))
        if match["full"] and (span := _cut(text, *match.span("full"), loose=True)) is not None:
            yield span
    for match in _SPELT.finditer(text):
        yield match.span("name")
    for match in _BY_SOUND.finditer(text):
        if syllables(match["name"])[0] in _surname_sounds() and not set(match["name"]) & _NEVER_GIVEN:
            yield match.span("name")
    yield from _before_titles(text)


@cache
def _surname_sounds() -> frozenset[str]:
    return frozenset(syllables(surname)[0] for surname in (*_SINGLE, *_DOUBLE.split("|")))


def asks(text: str) -> bool:
    """Whether `text` ends by asking for a name."""
    return _ASKED.search(text) is not None


def answer(text: str) -> tuple[int, int] | None:
    """Where the name stands if `text`, the answer to the question for one, is hardly more."""
    match = _ANSWER.match(text)
    if match is None or match["name"][-1] in _NOT_GIVEN or match["name"][:2] in _NO_NAMES:
        return None
    return match.span("name")


def _cut(text: str, start: int, end: int, *, loose: bool) -> tuple[int, int] | None:
    """The name without what only follows it; `None` where it is none."""
    double = re.match(_DOUBLE, text[start:end]) is not None
    least = start + (2 if not double else 3)
    if re.match(_TITLE, text[start + 1 :]) or text[start : start + 2] in _NO_NAMES:
        return None
    if double and end - start == 3 and re.match(_HAN, text[end : end + 1]) and text[end] not in _NOT_GIVEN and loose:
        end += 1 if re.match(r"[\s，,。！!？?]|$", text[end + 1 : end + 2] or " ") else 0
    while end > least and (text[end - 1] in _NOT_GIVEN or re.match(_TITLE, text[end - 1 :])):
        end -= 1
    if text[least - 1] in _NEVER_GIVEN and not re.match(r"[\s，,。！!？?]|$|" + _TITLE, text[least:] or "。"):
        return None
    return (start, end) if end > start + 1 else None


def _cut_given(text: str, start: int, end: int) -> tuple[int, int]:
    while end > start + 1 and text[end - 1] in _NOT_GIVEN:
        end -= 1
    return start, end


def _before_titles(text: str) -> Iterator[tuple[int, int]]:
    for match in _TITLED.finditer(text):
        end = match.start()
        for length in (4, 3, 2, 1):
            start = end - length
            if start < 0:
                continue
            name = text[start:end]
            whole = re.fullmatch(rf"(?:{_DOUBLE}){_HAN}{{0,2}}|[{_SINGLE}]{_HAN}{{0,2}}", name)
            if whole is None or any(ch in _NOT_GIVEN for ch in name[1:]) or name[:2] in _NO_NAMES:
                continue
            before = text[start - 1 : start]
            free = not before or not re.match(_HAN, before) or before in _NOT_GIVEN or before in "姓叫位即由让经为请托"
            if length == 1 and before in ("任", "位", "各", "这", "那", "哪"):
                continue
            thanks = text[max(0, end - 2) : end] in ("谢谢", "感谢", "多谢") or (
                name == "祝" and before not in ("姓", "谢")
            )
            if thanks or (length > 1 and name[0] in "谢祝" and re.match(SURNAME, name[1:])):
                continue
            if (
                length > 1
                and re.match("师傅|老师|经理|主管|主任|总|同学", text[end:])
                and before not in ("叫", "是", "找", "，", "。", "：")
            ):
                continue
            if length == 1 or free:
                yield start, end
                break
