"""The errors of FEEL: what was expected and what was found, in English and Chinese."""

from __future__ import annotations

from casepath.engine.errors import ExpressionError, ExpressionLimit

_TEXTS: dict[str, tuple[str, str]] = {
    "expected": ("Expected {expected}, but found {found}", "此处应为{expected_zh}，但读到{found_zh}"),
    "full-width": (
        "Expected half-width punctuation, but found the full-width character '{found}'; write '{instead}'",
        "此处应使用半角标点，但读到全角字符“{found}”；请改写为“{instead}”",
    ),
    "escape": ("Expected a valid escape such as \\n or \\u0041, but found {found}", "字符串中的转义无效：{found}"),
    "literal": (
        "Expected a date, time or duration in @\"…\", but found \"{found}\"",
        "@\"…\" 中应为日期、时间或时长，但读到“{found}”",
    ),
    "type": ("Expected the name of a type, but found '{found}'", "此处应为类型名称，但读到“{found}”"),
    "mixed-arguments": (
        "Expected either named or positional arguments, but found both",
        "函数参数应全部按名称或全部按位置给出，不能混用",
    ),
    "duplicate-key": ("Expected different keys in a context, but found '{found}' twice", "上下文中的键“{found}”重复"),
}

_LIMITS: dict[str, tuple[str, str]] = {
    "text": ("Expected at most {limit} characters, but found {found}", "表达式最多 {limit} 个字符，实际为 {found} 个"),
    "nesting": ("Expected at most {limit} levels of nesting, but found more", "嵌套最多 {limit} 层，实际更深"),
    "work": ("Expected at most {limit} units of work, but this takes more", "计算量超出上限（{limit} 单位）"),
    "size": (
        "Expected strings and lists of at most {limit} elements, but this one is longer",
        "字符串或列表最多 {limit} 个元素，此处更长",
    ),
    "pattern-size": (
        "Expected a regular expression of at most {limit} pieces with its repetitions, but this one has more",
        "正则表达式展开重复后最多 {limit} 个部分，实际更多",
    ),
    "pattern": (
        "Expected a regular expression that is done in {limit} seconds, but this one takes longer",
        "正则表达式应在 {limit} 秒内完成，实际更久",
    ),
}


class FeelError(ExpressionError):
    """A FEEL text cannot be read; `message_zh` says in Chinese what `message` says in English."""

    code = "feel-error"

    def __init__(self, kind: str, text: str, position: int, **facts: str) -> None:
        english, chinese = _TEXTS[kind]
        self.kind = kind
        super().__init__(english.format(**facts), text=text, position=position)
        self.message_zh = chinese.format(**facts)


class FeelLimit(ExpressionLimit):
    """A FEEL text asks for more than it may use; `message_zh` says it in Chinese."""

    code = "feel-limit"

    def __init__(self, kind: str, limit: float, *, found: object = "", text: str = "") -> None:
        english, chinese = _LIMITS[kind]
        self.kind = kind
        super().__init__(english.format(limit=limit, found=found), text=text)
        self.message_zh = chinese.format(limit=limit, found=found)


def limit_error(kind: str, limit: float) -> FeelLimit:
    """Make the error for a limit that was reached while evaluating."""
    return FeelLimit(kind, limit)
