"""The check of a form at deployment: what the server would not do exactly as the form says is refused, not ignored."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import regex

from casepath.engine import errors
from casepath.engine.errors import Finding
from casepath.engine.forms.definition import (
    CHOICES,
    CONTAINERS,
    KEYED,
    MANY_CHOICES,
    SHOWN,
    TEXTS,
    Form,
    condition,
    read,
)

MAX_SIZE = 1_000_000
MAX_COMPONENTS = 500
MAX_DEPTH = 8
MAX_OPTIONS = 1_000
MAX_PATTERN_LENGTH = 500
#: Of the grid in which form-js lays out its fields.
MAX_COLUMNS = 16

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_SUBTYPES = ("date", "time", "datetime")
_VALIDATION_TYPES = ("email", "phone", "custom", "")

#: Properties that would change what the form does and that the server does not know.
_UNSUPPORTED = ("valuesKey", "valuesExpression", "expression", "path", "isRepeating")
#: Properties that are objects, and those that are text.
_MAPS = ("appearance", "layout", "properties")
_WORDS = ("id", "label", "description", "text")
#: Properties that form-js lets be expressions, where only fixed ones are known here.
_FIXED = ("label", "description", "text", "readonly", "disabled", "defaultValue")


def check(content: bytes, file: str) -> tuple[Form | None, list[Finding]]:
    """Return the form of a file with what is wrong with it; None where that is an error."""
    checker = _Checker(file)
    schema = checker.load(content)
    if schema is not None:
        checker.form(schema)
    if any(finding.level == "error" for finding in checker.findings) or schema is None:
        return None, checker.findings
    return read(schema), checker.findings


def parse(content: bytes, file: str) -> Form:
    """Return the form of a file; raises `DeploymentRefused` with all findings."""
    form, findings = check(content, file)
    if form is None:
        raise errors.DeploymentRefused(findings)
    return form


class _Checker:
    """Walks through one form and collects what it finds."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self.keys: set[str] = set()
        self.count = 0

    def find(
        self, component: Mapping[str, Any], code: str, message: str, message_zh: str, *,
        level: Literal["error", "warning"] = "error",
    ) -> None:
        element_id, name = (str(component.get(key) or "")[:200] for key in ("id", "label"))
        self.findings.append(
            Finding(
                level=level, code=code, file=self.file, element_id=element_id, name=name, message=message,
                message_zh=message_zh,
            )
        )

    def load(self, content: bytes) -> dict[str, Any] | None:
        if len(content) > MAX_SIZE:
            size = len(content)
            self.find({}, "form-too-large", f"Expected a form of at most {MAX_SIZE} bytes, but found {size}",
                      f"表单最多 {MAX_SIZE} 字节，实际为 {size} 字节")
            return None
        try:
            schema = json.loads(content)
        except (RecursionError, ValueError) as error:
            self.find({}, "form-not-json", f"Expected form-js JSON, but found: {error}",
                      f"应为 form-js JSON，但无法解析：{error}")
            return None
        if not isinstance(schema, dict) or not isinstance(schema.get("components"), list):
            self.find({}, "form-without-components", "Expected an object with a list of components",
                      "应为含有组件列表（components）的对象")
            return None
        return schema

    def form(self, schema: Mapping[str, Any]) -> None:
        if not str(schema.get("id") or ""):
            self.find(schema, "form-without-id", "The form has no id, so user tasks refer to it by its file's name",
                      "表单缺少 id，用户任务只能通过文件名引用它", level="warning")
        self.components(schema, 1)
        if self.count > MAX_COMPONENTS:
            self.find(schema, "form-too-large",
                      f"Expected at most {MAX_COMPONENTS} components, but found {self.count}",
                      f"组件最多 {MAX_COMPONENTS} 个，实际为 {self.count} 个")

    def components(self, container: Mapping[str, Any], depth: int) -> None:
        if depth > MAX_DEPTH:
            self.find(container, "form-too-deep", f"Expected groups at most {MAX_DEPTH} levels deep",
                      f"分组嵌套最多 {MAX_DEPTH} 层")
            return
        for component in container.get("components") or ():
            self.count += 1
            if isinstance(component, dict):
                self.component(component, depth)
            else:
                self.find(container, "component-not-an-object", "Expected every component to be an object",
                          "每个组件都应为对象")

    def component(self, component: Mapping[str, Any], depth: int) -> None:
        kind = component.get("type")
        if not isinstance(kind, str) or kind not in KEYED | SHOWN | CONTAINERS:
            self.find(component, "component-type", f"Expected a type that is supported, but found '{kind}'",
                      f"不支持的组件类型“{kind}”")
            return
        self.shape(component)
        self.unsupported(component)
        self.condition(component)
        if kind in CONTAINERS:
            self.components(component, depth + 1)
        if kind in KEYED:
            self.key(component)
            self.rules(component)
        if kind in CHOICES | MANY_CHOICES:
            self.options(component)

    def shape(self, component: Mapping[str, Any]) -> None:
        """Whoever shows the form relies on these being what form-js writes."""
        for name in _MAPS:
            if not isinstance(component.get(name) or {}, dict):
                self.find(component, "component-property", f"Expected '{name}' to be an object",
                          f"属性“{name}”应为对象")
        for name in _WORDS:
            if not isinstance(component.get(name) or "", str):
                self.find(component, "component-property", f"Expected '{name}' to be text", f"属性“{name}”应为文本")
        layout = component.get("layout")
        columns = layout.get("columns") if isinstance(layout, dict) else None
        if columns is not None and not (_is_count(columns) and 1 <= columns <= MAX_COLUMNS):
            self.find(component, "component-property", f"Expected 1 to {MAX_COLUMNS} columns, but found '{columns}'",
                      f"列数应为 1 到 {MAX_COLUMNS},实际为“{columns}”")

    def unsupported(self, component: Mapping[str, Any]) -> None:
        for name in _UNSUPPORTED:
            if component.get(name):
                self.find(component, "component-property", f"Expected no '{name}', which is not supported",
                          f"不支持属性“{name}”")
        for name in _FIXED:
            value = component.get(name)
            if isinstance(value, str) and (value.startswith("=") or "{{" in value):
                self.find(component, "component-expression",
                          f"Expected a fixed '{name}', but found an expression, which is not supported here",
                          f"属性“{name}”不支持使用表达式")

    def condition(self, component: Mapping[str, Any]) -> None:
        conditional = component.get("conditional")
        if not conditional:
            return
        hide = conditional.get("hide") if isinstance(conditional, dict) else None
        if not isinstance(hide, str) or not hide.startswith("="):
            self.find(component, "condition", "Expected the condition to be a FEEL expression that begins with '='",
                      "条件应为以“=”开头的 FEEL 表达式")
            return
        try:
            condition(hide)
        except errors.ExpressionError as error:
            self.find(component, "condition", f"Expected a FEEL expression, but found: {error}",
                      f"条件不是有效的 FEEL 表达式：{error}")

    def key(self, component: Mapping[str, Any]) -> None:
        key = component.get("key")
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            self.find(component, "field-key",
                      f"Expected a key of letters, digits and '_' that is the variable's name, but found '{key}'",
                      f"键名应由字母、数字和“_”组成，实际为“{key}”")
        elif key in self.keys:
            self.find(component, "field-key-twice", f"Expected each key once, but found '{key}' again",
                      f"键名“{key}”重复出现")
        else:
            self.keys.add(key)
        if not component.get("label"):
            self.find(component, "field-without-label", f"Field '{key}' has no label", f"字段“{key}”没有标签",
                      level="warning")

    def options(self, component: Mapping[str, Any]) -> None:
        options = component.get("values")
        if not isinstance(options, list) or not 0 < len(options) <= MAX_OPTIONS:
            self.find(component, "field-options", f"Expected 1 to {MAX_OPTIONS} options",
                      f"选项应为 1 到 {MAX_OPTIONS} 个")
            return
        names = [option.get("value") if isinstance(option, dict) else None for option in options]
        if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
            self.find(component, "field-options", "Expected options with different, not empty texts as values",
                      "选项的值应为互不相同的非空文本")
            return
        default = component.get("defaultValue")
        chosen = default if isinstance(default, list) else [default] if default else []
        if not set(map(str, chosen)) <= set(names):
            self.find(component, "field-default", f"Expected a default out of the options, but found '{default}'",
                      f"默认值“{default}”不在选项中")

    def rules(self, component: Mapping[str, Any]) -> None:
        for value, code, expected, expected_zh in self.wrong_rules(component):
            self.find(component, code, f"Expected {expected}, but found '{value}'", f"{expected_zh}，实际为“{value}”")

    def wrong_rules(self, component: Mapping[str, Any]) -> Iterator[tuple[Any, str, str, str]]:
        """Yield each value that is none of what its rule may be."""
        validate = component.get("validate") or {}
        if not isinstance(validate, dict):
            yield validate, "field-rules", "rules as an object", "校验规则（validate）应为对象"
            return
        allowed: list[tuple[str, Callable[[Any], bool], str, str]] = [
            ("required", _is_boolean, "true or false", "应为 true 或 false"),
            ("minLength", _is_count, "a length", "应为长度"),
            ("maxLength", _is_count, "a length", "应为长度"),
            ("min", _is_number, "a number", "应为数字"),
            ("max", _is_number, "a number", "应为数字"),
            ("pattern", _is_pattern, "a regular expression of up to 500 characters", "应为 500 个字符以内的正则表达式"),
            ("validationType", _VALIDATION_TYPES.__contains__, "email, phone or custom", "应为 email、phone 或 custom"),
        ]
        for name, fits, expected, expected_zh in allowed:
            if validate.get(name) not in (None, "") and not fits(validate[name]):
                yield validate[name], "field-rules", f"'{name}' to be {expected}", f"“{name}”{expected_zh}"
        unknown = set(validate) - {name for name, *_ in allowed}
        if unknown:
            yield ", ".join(sorted(unknown)), "field-rules", "only known rules", "只能使用已知的校验规则"
        if component["type"] not in TEXTS and validate.get("pattern"):
            yield validate["pattern"], "field-rules", "a pattern only of text", "只有文本可以使用正则表达式"
        digits = component.get("decimalDigits")
        if digits is not None and not (_is_count(digits) and digits <= 10):
            yield digits, "field-rules", "0 to 10 decimal digits", "小数位数应为 0 到 10"
        subtype = component.get("subtype")
        if component["type"] == "datetime" and subtype not in _SUBTYPES:
            yield subtype, "field-rules", "date, time or datetime as subtype", "子类型应为 date、time 或 datetime"


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1_000_000


def _is_number(value: object) -> bool:
    try:
        return not isinstance(value, bool) and Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def _is_pattern(value: object) -> bool:
    if not isinstance(value, str) or len(value) > MAX_PATTERN_LENGTH:
        return False
    try:
        regex.compile(value)
    except regex.error:
        return False
    return True
