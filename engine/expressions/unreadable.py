"""The errors of texts that cannot be read: what was expected where, and what was found, in English and Chinese."""

from __future__ import annotations

from casepath.engine.errors import ExpressionError, ExpressionLimit


class Unreadable(ExpressionError):
    """A text cannot be read; an empty `found` is its end."""

    def __init__(self, text: str, position: int, *, expected: str, expected_zh: str, found: str) -> None:
        shown, shown_zh = (f"'{found:.40}'", f"“{found:.40}”") if found else ("the end", "结尾")
        super().__init__(
            f"Expected {expected}, but found {shown} at character {position + 1}", text=text, position=position
        )
        self.message_zh = f"第 {position + 1} 个字符处应为{expected_zh}，但读到{shown_zh}"


class TooLarge(ExpressionLimit):
    """A text asks for more than it may use."""

    def __init__(self, text: str, position: int | None, *, expected: str, expected_zh: str) -> None:
        super().__init__(f"Expected {expected}, but found more", text=text, position=position)
        self.message_zh = f"应为{expected_zh}，实际更多"
