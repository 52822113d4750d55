"""Forms: what deployment refuses, and what may be filled in."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casepath.engine import errors, forms
from tests.each import each
from tests.phrases import chinese

SHANGHAI = ZoneInfo("Asia/Shanghai")
ROOT = Path(__file__).parents[2]

Component = dict[str, Any]

KINDS = ["checkbox", "checklist", "datetime", "number", "radio", "select", "taglist", "textarea", "textfield"]
OPTIONS = [{"label": "是", "value": "yes"}, {"label": "否", "value": "no"}]


def field(kind: str = "textfield", key: str = "x", **properties: Any) -> Component:
    """A component with a key; options where its type needs them."""
    made = {"type": kind, "key": key, "id": f"Field_{key}", "label": "标签", **properties}
    if kind in {"checklist", "radio", "select", "taglist"}:
        made.setdefault("values", OPTIONS)
    if kind == "datetime":
        made.setdefault("subtype", "date")
    return made


def schema(*components: Any) -> dict[str, Any]:
    return {"type": "default", "id": "a_form", "schemaVersion": 16, "components": list(components)}


def form(*components: Any) -> forms.Form:
    return forms.read(schema(*components))


def codes(*components: Any) -> list[str]:
    """What the deployment check finds."""
    return found(json.dumps(schema(*components)).encode())


def found(content: bytes) -> list[str]:
    checked, findings = forms.check(content, "a.form")
    for finding in findings:
        assert finding.file == "a.form"
        assert finding.message
        assert chinese(finding.phrase)
    assert (checked is None) == any(finding.level == "error" for finding in findings)
    return [finding.code for finding in findings]


def submit(*components: Component, variables: dict[str, Any] | None = None, **submitted: Any) -> dict[str, Any]:
    assert codes(*components) == []
    return forms.validate(form(*components), submitted, SHANGHAI, variables=variables)


def refused(*components: Component, variables: dict[str, Any] | None = None, **submitted: Any) -> dict[str, str]:
    """What is wrong with each field that was filled in."""
    with pytest.raises(errors.InvalidVariables) as refusal:
        submit(*components, variables=variables, **submitted)
    return {error.field: error.code for error in refusal.value.errors}


# The check at deployment


@each("path", sorted(ROOT.glob("processes/*/forms/*.form")))
def test_check__forms_of_the_project(path: Path) -> None:
    form, findings = forms.check(path.read_bytes(), path.name)

    assert findings == []
    assert form is not None
    assert form.fields


NO_FORMS = [b"", b"{", b"[]", b"{}", b'{"components": 7}', b"[" * 100_000, b"\xff", b" " * 1_000_001]


@each("content", NO_FORMS)
def test_check__no_form(content: bytes) -> None:
    assert len(found(content)) == 1


@each(
    "component, code",
    [
        (7, "component-not-an-object"),
        ({}, "component-type"),
        ({"type": "sudoku", "id": "x"}, "component-type"),
        ({"type": ["text"], "id": "x"}, "component-type"),
        (field(properties={"valid": "x"}), "condition"),
        (field(properties={"valid": "= x >", "valid_message": "m"}), "condition"),
        (field(properties={"valid": "=x"}), "rule-without-message"),
        (field(properties={"valid": "=x", "valid_message": "m" * 201}), "rule-without-message"),
        ({"type": "text", "id": "x", "properties": {"valid": "=x", "valid_message": "m"}}, "condition"),
        (field("number", properties={"lookup": "customer"}), "lookup"),
        (field(key=""), "field-key"),
        (field(key="a.b"), "field-key"),
        (field(key="a b"), "field-key"),
        (field(key="1a"), "field-key"),
        (field(key="客户"), "field-key"),
        (field(label=""), "field-without-label"),
        (field("select", values=[]), "field-options"),
        (field("select", values=None), "field-options"),
        (field("select", values=["yes"]), "field-options"),
        (field("select", values=[*OPTIONS, *OPTIONS]), "field-options"),
        (field("select", values=[{"label": "x", "value": ""}]), "field-options"),
        (field("select", values=[{"label": "x", "value": 1}]), "field-options"),
        (field("select", valuesKey="from_variables"), "component-property"),
        (field("select", defaultValue="perhaps"), "field-default"),
        (field("checklist", defaultValue=["yes", "perhaps"]), "field-default"),
        (field(label="=name"), "component-expression"),
        (field(description="{{name}}"), "component-expression"),
        (field(readonly="=true"), "component-expression"),
        (field(disabled="=true"), "component-expression"),
        (field(defaultValue="{{name}}"), "component-expression"),
        ({"type": "text", "id": "x", "text": "=name"}, "component-expression"),
        ({"type": "text", "id": "x", "text": "{{#if name}}"}, "component-expression"),
        ({"type": "text", "id": "x", "text": "a", "properties": {"text_en": "{{/if}}"}}, "component-expression"),
        (field(conditional={"hide": "x"}), "condition"),
        (field(conditional={"hide": "=x ="}), "condition"),
        (field(conditional={"hide": True}), "condition"),
        (field(conditional={"show": "=x"}), "condition"),
        (field(conditional="x"), "condition"),
        (field(validate="x"), "field-rules"),
        (field(validate={"required": "=true"}), "field-rules"),
        (field(validate={"maxLength": "10"}), "field-rules"),
        (field(validate={"minLength": -1}), "field-rules"),
        (field("number", validate={"min": "low"}), "field-rules"),
        (field("number", validate={"max": True}), "field-rules"),
        (field("number", decimalDigits=11), "field-rules"),
        (field("number", decimalDigits="2"), "field-rules"),
        (field(validate={"pattern": "("}), "field-rules"),
        (field(validate={"pattern": "x" * 501}), "field-rules"),
        (field("number", validate={"pattern": "x"}), "field-rules"),
        (field(validate={"validationType": "iban"}), "field-rules"),
        (field(validate={"somethingNew": 1}), "field-rules"),
        (field("datetime", subtype="week"), "field-rules"),
        ({"type": "group", "id": "g", "path": "nested"}, "component-property"),
        ({"type": "group", "id": "g", "isRepeating": True}, "component-property"),
        (field("select", values=[], properties={"members_of": " , "}), "field-options"),
        (field("select", values=[], properties={"members_of": ["nurses"]}), "field-options"),
        (field("select", properties={"members_of": "nurses"}), "field-options"),
        (field("select", values=[], properties={"members_of": "nurses"}, defaultValue="nadia"), "field-options"),
        *((field("select", **{name: "=x"}), "component-property") for name in ("valuesKey", "valuesExpression")),
        (field(expression="=1"), "component-property"),
        ({"type": "group", "id": "g", "components": [field(key="")]}, "field-key"),
    ],
)
def test_check__refused(component: Any, code: str) -> None:
    assert codes(component) == [code]


@each(
    "component",
    [
        *(field(validate={"validationType": kind}) for kind in ("email", "phone", "custom", "")),
        field(validate={"minLength": 0, "maxLength": 1_000_000, "pattern": "x" * 500}),
        field("number", validate={"min": "-1.5", "max": 0}), field("number", decimalDigits=0),
        field("number", decimalDigits=10), field(validate={"required": False}),
        *(field(layout={"columns": columns}) for columns in (1, 16, None)),
        *(field("datetime", subtype=subtype) for subtype in ("date", "time", "datetime")),
        field("select", values=[{"value": str(number)} for number in range(1_000)], defaultValue="999"),
        field("checklist", defaultValue=["no", "yes"]), field(key="_" + "a" * 127), field(label="a = b"),
        field("textarea", validate={"pattern": "x"}),
        *(field(kind, values=[], properties={"members_of": "nurses, doctors"}) for kind in ("taglist", "radio")),
    ],
)  # fmt: skip
def test_check__accepted(component: Component) -> None:
    assert codes(component) == []


@each(
    "component, code",
    [
        (field(validate={"maxLength": 1_000_001}), "field-rules"), (field(validate={"maxLength": True}), "field-rules"),
        (field(layout={"columns": 0}), "component-property"), (field(layout={"columns": 17}), "component-property"),
        (field(layout={"columns": "4"}), "component-property"), (field(layout=[4]), "component-property"),
        (field("number", decimalDigits=-1), "field-rules"), (field(key="a" * 129), "field-key"),
        (field("select", values=[{"value": str(number)} for number in range(1_001)]), "field-options"),
        (field("select", values={"value": "x"}), "field-options"), (field(label=["a"]), "component-property"),
        (field("number", validate={"min": "Infinity"}), "field-rules"),
        (field(defaultValue="=x"), "component-expression"),
    ],
)  # fmt: skip
def test_check__just_beyond_what_is_accepted(component: Component, code: str) -> None:
    assert codes(component) == [code]


#: Every type that the form editor of Camunda Modeler offers.
EDITOR_TYPES = [
    *["textfield", "textarea", "number", "datetime", "expression", "filepicker", "checkbox", "checklist", "radio"],
    *["select", "taglist", "text", "html", "image", "table", "documentPreview", "spacer", "separator", "group"],
    *["dynamiclist", "iframe", "button"],
]


@each("kind", EDITOR_TYPES)
def test_check__every_type_of_the_editor_is_executed_or_refused_by_name_with_a_reason(kind: str) -> None:
    content = json.dumps(schema(field(kind) if kind in KINDS else {"type": kind, "id": "x", "label": "y"})).encode()
    _, findings = forms.check(content, "a.form")

    if kind in {*KINDS, "group", "separator", "spacer", "text"}:
        assert not [finding for finding in findings if finding.level == "error"]
    elif kind == "button":
        assert [(finding.code, finding.level) for finding in findings] == [("component-without-effect", "warning")]
    else:
        assert [finding.code for finding in findings] == ["component-type"]
        assert re.fullmatch(rf"Expected a type that is supported, but found '{kind}': .{{20,}}", findings[0].message)


#: Attributes that the editor writes, where they change nothing here, and the same where they do.
WITHOUT_EFFECT = [
    (field("number", increment="2"), "increment"),
    (field("select", searchable=True), "searchable"),
    (field("datetime", subtype="time", timeInterval=30), "timeInterval"),
    (field("datetime", subtype="time", use24h=False), "use24h"),
    (field("datetime", subtype="time", timeSerializingFormat="no_offset"), "timeSerializingFormat"),
    (field("textarea", appearance={"prefixAdorner": "€"}), "appearance"),
    (field(appearance={"colour": "red"}), "appearance.colour"),
    (field("checkbox", validate={"minLength": 3}), "validate.minLength"),
    (field(validate={"max": 3}), "validate.max"),
    (field("textarea", validate={"validationType": "email"}), "validate.validationType"),
    (field("select", decimalDigits=2), "decimalDigits"),
    (field(madeUp="x"), "madeUp"),
    ({"type": "group", "id": "g", "showOutline": True}, "showOutline"),
    ({"type": "group", "id": "g", "verticalAlignment": "end"}, "verticalAlignment"),
    ({"type": "spacer", "id": "s", "height": 90}, "height"),
    ({"type": "separator", "id": "s", "label": "x"}, "label"),
]


@each("component, name", WITHOUT_EFFECT)
def test_check__what_has_no_effect_is_warned_of(component: Component, name: str) -> None:
    checked, findings = forms.check(json.dumps(schema(component)).encode(), "a.form")

    assert checked is not None
    assert [(each.code, each.message) for each in findings] == [
        ("component-without-effect", f"'{name}' has no effect here")
    ]


@each(
    "component",
    [
        field("datetime", subtype="time", timeInterval=15, use24h=True, timeSerializingFormat="utc_offset"),
        {"type": "group", "id": "g", "verticalAlignment": "start", "label": "Group"},
        {"type": "spacer", "id": "s", "height": 60},
        field(madeUp=False, other="", third=None),
    ],
)
def test_check__what_the_editor_writes_by_itself_is_not_warned_of(component: Component) -> None:
    assert codes(component) == []


@each(
    "component, value, texts, is_whole",
    [
        (field("radio"), "yes", "yes", True),
        (field("radio"), "gone", "", False),
        (field("radio"), ["no"], "no", True),
        (field("radio"), {"a": 1}, "", False),
        (field("checkbox"), True, "true", True),
        (field("checkbox"), "yes", "", False),
        (field("checklist"), ["no", "yes"], ["yes", "no"], True),
        (field("checklist"), "yes", ["yes"], True),
        (field("checklist"), ["yes", "gone"], ["yes"], False),
        (field("checklist"), None, [], True),
        (field("number"), "1.50", "1.50", True),
        (field("number"), "many", "", False),
        (field(), None, "", True),
    ],
)
def test_show__what_a_field_cannot_hold_is_not_whole(
    component: Component, value: object, texts: Any, is_whole: bool
) -> None:
    (only,) = form(component).fields

    assert forms.show(only, value, SHANGHAI) == forms.Shown(texts=texts, is_whole=is_whole)


def test_check__form_attribute_without_effect_and_english_options_that_do_not_fit() -> None:
    content = json.dumps({**schema(field("radio", properties={"options_en": "Yes"})), "theme": "dark"}).encode()

    assert found(content) == ["component-without-effect", "field-options"]


def test_check__key_twice_also_in_a_group() -> None:
    again = {**field(), "id": "again"}
    assert codes(field(), {"type": "group", "id": "g", "components": [again]}) == ["field-key-twice"]


def test_check__id_twice_also_in_a_group_and_of_texts() -> None:
    text = {"type": "text", "text": "x", "id": "t"}
    nameless = {"type": "text", "text": "x"}
    assert codes(text, nameless, nameless, {"type": "group", "id": "g", "components": [text]}) == ["duplicate-id"]


def test_check__groups_too_deep() -> None:
    component: Component = field()
    for depth in range(7):
        component = {"type": "group", "id": f"g{depth}", "components": [component]}

    assert codes(component) == []
    assert codes({"type": "group", "id": "g", "components": [component]}) == ["form-too-deep"]


def test_check__too_many_components() -> None:
    assert codes(*({"type": "spacer"} for _ in range(501))) == ["form-too-large"]
    assert codes(*({"type": "spacer"} for _ in range(500))) == []


def test_check__names_the_component() -> None:
    _, findings = forms.check(json.dumps(schema(field(label="金额", key="a.b"))).encode(), "a.form")

    assert (findings[0].element_id, findings[0].name) == ("Field_a.b", "金额")


def test_with_people__members_are_the_options_by_name() -> None:
    choice = field("taglist", values=[], properties={"members_of": "nurses, doctors"})
    empty = form({"type": "group", "id": "g", "components": [choice]}, field("select", "y"))
    assert empty.members_of == {"nurses", "doctors"}
    members = (
        forms.Member("nurses", "nadia", "Nadia", True), forms.Member("doctors", "nadia", "Nadia", True),
        forms.Member("doctors", "dario", "Dario", True), forms.Member("nurses", "ulla", "Dario", True),
        forms.Member("kitchen", "stefan", "Stefan", True), forms.Member("nurses", "gone", "Gone", False),
    )  # fmt: skip
    filled = forms.with_people(empty, members)
    assert filled is forms.with_people(empty, members)
    people, other = filled.fields
    assert [str(option.label) for option in people.options] == ["Dario (dario)", "Dario (ulla)", "Nadia"]
    assert (people.values, [option.value for option in people.former]) == (("dario", "ulla", "nadia"), ["gone"])
    assert other.values == ("yes", "no")
    assert forms.validate(filled, {"x": ["nadia", "dario"]}, SHANGHAI)["x"] == ["dario", "nadia"]
    for nobody in ("stefan", "gone"):
        with pytest.raises(errors.InvalidVariables) as refused:
            forms.validate(filled, {"x": [nobody]}, SHANGHAI)
        assert [each.code for each in refused.value.errors] == ["not-an-option"]
    # Who is chosen already stays.
    assert forms.validate(filled, {"x": []}, SHANGHAI, variables={"x": ["gone"]})["x"] == ["gone"]


def test_parse__refused() -> None:
    with pytest.raises(errors.DeploymentRefused, match=r"a\.form"):
        forms.parse(b"[]", "a.form")


def test_parse__fields() -> None:
    group = {"type": "group", "id": "g", "components": [field("number", key="b")]}
    text = field(key="a", properties={"label_en": "A"}, validate={"required": True, "maxLength": 5})

    parsed = forms.parse(json.dumps(schema(text, {"type": "text", "text": "# x"}, group)).encode(), "a.form")

    first, second = parsed.fields
    assert (first.key, first.type, first.label) == ("a", "textfield", forms.Words(text="标签", english="A"))
    assert (first.required, first.max_length, second.key) == (True, 5, "b")
    assert (second.required, second.readonly, second.max_length) == (False, False, None)
    assert [component.type for component in parsed.every] == ["textfield", "text", "group", "number"]
    assert parsed.every[1].text == forms.Words(text="# x")


def test_read__options_in_english_only_where_there_are_as_many() -> None:
    values = [{"label": "一", "value": "1"}, {"label": "二", "value": "2"}]
    both = field("select", key="a", values=values, properties={"options_en": "One | Two"})
    one = field("select", key="b", values=values, properties={"options_en": "One"})

    labels = [[option.label.english for option in each.options] for each in form(both, one).fields]

    assert labels == [["One", "Two"], ["", ""]]


def test_read__what_stands_beside_a_field_and_options_without_label() -> None:
    amount = field(
        "number",
        key="a",
        description="含税",
        defaultValue=3,
        properties={"each_round": "true"},
        appearance={"prefixAdorner": "¥", "suffixAdorner": "元"},
    )
    choice = field("select", key="b", values=[{"value": "1"}])

    first, second = form(amount, choice).fields

    assert (first.description.text, first.prefix, first.suffix) == ("含税", "¥", "元")
    assert (first.default, first.each_round, second.each_round) == (3, True, False)
    assert [option.label for option in second.options] == [forms.Words(text="")]


# What is filled in


@each(
    "component, typed, value",
    [
        (field(), " 张三 ", "张三"),
        (field(), "", None),
        (field("textarea"), "a\r\nb\rc", "a\nb\nc"),
        (field("number"), "12", 12),
        (field("number"), "-1.50", Decimal("-1.50")),
        (field("number"), "１２．５", Decimal("12.5")),
        (field("number"), "0", 0),
        (field("number"), "", None),
        (field("number", decimalDigits=0), "7", 7),
        (field("number", decimalDigits=2), "7.10", Decimal("7.10")),
        (field("number", decimalDigits=2), "7", Decimal(7)),
        (field("number", serializeToString=True), "7.10", "7.10"),
        (field("number", validate={"min": 1, "max": 10}), "1", 1),
        (field("number", validate={"min": 1, "max": 10}), "10", 10),
        (field("number", validate={"min": "", "max": None}), "-10", -10),
        (field(validate={"minLength": 2, "maxLength": 3}), "xy", "xy"),
        (field(validate={"minLength": 2, "maxLength": 3}), "xyz", "xyz"),
        (field(validate={"validationType": "phone"}), "１３８ ００００１００１", "138 00001001"),
        (field("datetime"), "2026-10-01", date(2026, 10, 1)),
        (field("datetime"), "", None),
        (field("datetime", subtype="time"), "14:30", time(14, 30)),
        (field("datetime", subtype="datetime"), "2026-10-01T14:30", datetime(2026, 10, 1, 6, 30, tzinfo=UTC)),
        (field("datetime", subtype="datetime"), "2026-10-01 14:30", datetime(2026, 10, 1, 6, 30, tzinfo=UTC)),
        (field("datetime", subtype="datetime"), "2026-10-01T14:30-05:00", datetime(2026, 10, 1, 19, 30, tzinfo=UTC)),
        (field("select"), "yes", "yes"),
        (field("select"), "", None),
        (field("radio"), "no", "no"),
        (field("checklist"), ["no", "yes", "no"], ["yes", "no"]),
        (field("checklist"), "no", ["no"]),
        (field("checklist"), [], []),
        (field("taglist"), ["yes"], ["yes"]),
        (field("checkbox"), "true", True),
        (field("checkbox"), "", False),
    ],
)
def test_validate__typed_value(component: Component, typed: str | list[str], value: object) -> None:
    result = submit(component, x=typed)["x"]

    assert result == value
    assert type(result) is type(value)


@each("kind, value", [("textfield", None), ("number", None), ("select", None), ("checklist", []), ("checkbox", False)])
def test_validate__not_submitted(kind: str, value: object) -> None:
    assert submit(field(kind)) == {"x": value}


@each(
    "component, typed, code",
    [
        (field(validate={"required": True}), "", "required"),
        (field(validate={"required": True}), " \n", "required"),
        (field("checklist", validate={"required": True}), [], "required"),
        (field("checkbox", validate={"required": True}), "false", "required"),
        (field(validate={"maxLength": 3}), "四个字符", "too-long"),
        (field(), "x" * 1001, "too-long"),
        (field("textarea"), "x" * 20_001, "too-long"),
        (field(validate={"minLength": 3}), "xy", "too-short"),
        (field(validate={"pattern": "^[A-Z]+$"}), "abc", "pattern"),
        (field(validate={"pattern": "^(a+)+$"}), "a" * 50 + "!", "pattern"),
        (field(), "a\nb", "several-lines"),
        (field(), "a\x00b", "control-characters"),
        (field("textarea"), "a\ud800b", "control-characters"),
        (field(validate={"validationType": "email"}), "nowhere", "not-an-email"),
        (field(validate={"validationType": "phone"}), "call me", "not-a-phone"),
        (field(validate={"validationType": "phone"}), "+ - ( )", "not-a-phone"),
        (field(validate={"validationType": "phone"}), "138 0000 0000、call me", "not-a-phone"),
        (field("number"), "twelve", "not-a-number"),
        (field("number"), "NaN", "not-a-number"),
        (field("number"), "Infinity", "not-a-number"),
        (field("number"), "1e9", "not-a-number"),
        (field("number"), "9" * 400, "not-a-number"),
        (field("number"), ".", "not-a-number"),
        (field("number", validate={"min": 1}), "0.99", "too-small"),
        (field("number", validate={"max": 10}), "10.01", "too-large"),
        (field("number", decimalDigits=2), "0.001", "too-many-digits"),
        (field("number", decimalDigits=0), "1.5", "too-many-digits"),
        (field("datetime"), "2026-02-30", "not-a-date"),
        (field("datetime"), "20261001", "not-a-date"),
        (field("datetime"), "0026-10-01", "not-a-date"),
        (field("datetime", subtype="time"), "25:00", "not-a-time"),
        (field("datetime", subtype="time"), "noon", "not-a-time"),
        (field("datetime", subtype="datetime"), "2026-10-01", "not-a-moment"),
        (field("datetime", subtype="datetime"), "2026-10-01T99:00", "not-a-time"),
        (field("select"), "perhaps", "not-an-option"),
        (field("radio"), ["yes", "no"], "several-options"),
        (field("checklist"), ["yes", "perhaps"], "not-an-option"),
        (field("checkbox"), "maybe", "not-a-choice"),
    ],
)
def test_validate__refused(component: Component, typed: str | list[str], code: str) -> None:
    assert refused(component, x=typed) == {"x": code}


def test_validate__zero_is_a_value() -> None:
    assert submit(field("number", validate={"required": True}), x="0") == {"x": 0}


def test_validate__everything_that_is_wrong_at_once() -> None:
    wrong = refused(field("number", key="a"), field(key="b", validate={"required": True}), a="x", intruder="y")

    assert wrong == {"a": "not-a-number", "b": "required", "intruder": "unknown-field"}


def test_validate__what_is_only_shown_is_not_taken() -> None:
    assert submit(field(readonly=True), field(key="y", disabled=True), x="changed", y="changed") == {}


def test_validate__day_before_today(clock: ModuleType) -> None:
    """Today is the day where the dealer is, not where the server is."""
    clock.set_to(datetime(2026, 9, 30, 17, 0, tzinfo=UTC))
    component = field("datetime", disallowPassedDates=True)

    assert submit(component, x="2026-10-01") == {"x": date(2026, 10, 1)}
    assert refused(component, x="2026-09-30") == {"x": "past"}
    moment = field("datetime", subtype="datetime", disallowPassedDates=True)
    assert submit(moment, x="2026-10-01T00:30") == {"x": datetime(2026, 9, 30, 16, 30, tzinfo=UTC)}
    assert refused(moment, x="2026-09-30T23:59") == {"x": "past"}


BEGIN = field("datetime", key="begin")
LATER = {"valid": "=end = null or end > begin", "valid_message": "须晚于开始", "valid_message_en": "After the begin"}
END = field("datetime", key="end", properties=LATER)


def test_validate__rule_across_fields() -> None:
    assert submit(BEGIN, END, begin="2026-10-01", end="2026-10-02")["end"] == date(2026, 10, 2)
    assert submit(BEGIN, END, begin="2026-10-01")["end"] is None
    assert refused(BEGIN, END, begin="2026-10-01", end="2026-10-01") == {"end": "rule"}
    assert submit(END, variables={"begin": date(2026, 9, 1)}, end="2026-09-02") == {"end": date(2026, 9, 2)}


def test_validate__rule_holds_only_where_it_is_true() -> None:
    """What cannot be compared, or is not there, is no reason to let something pass."""
    assert refused(END, end="2026-10-01") == {"end": "rule"}
    assert refused(END, end="2026-10-01", variables={"begin": "soon"}) == {"end": "rule"}


def test_validate__rule_waits_for_what_cannot_be_read() -> None:
    assert refused(BEGIN, END, begin="1 October", end="2026-10-01") == {"begin": "not-a-date"}


def test_validate__rule_of_what_is_hidden_or_asks_for_it() -> None:
    some = {"valid": '=x != null or resolved = "yes"', "valid_message": "m"}
    hidden_by = {"hide": '=resolved = "no"'}
    assert submit(RESOLVED, field(properties=some, conditional=hidden_by), resolved="no") == {"resolved": "no"}
    other = field(key="y", properties={"valid": "=x = null", "valid_message": "m"})
    assert submit(RESOLVED, field(conditional=hidden_by), other, resolved="no", x="left over")["y"] is None


def test_validate__rule_says_its_message_in_both_languages() -> None:
    with pytest.raises(errors.InvalidVariables) as refusal:
        submit(BEGIN, END, begin="2026-10-02", end="2026-10-01")

    phrase = refusal.value.errors[0].phrase
    assert str(phrase) == "Please correct this: After the begin"
    assert phrase.facts["rule"] == forms.Words(text="须晚于开始", english="After the begin")


REASON = field(key="reason", validate={"required": True}, conditional={"hide": '=resolved != "no"'})
RESOLVED = field("radio", key="resolved")


def test_validate__shown_by_an_answer() -> None:
    assert submit(RESOLVED, REASON, resolved="no", reason="缺件") == {"resolved": "no", "reason": "缺件"}
    assert refused(RESOLVED, REASON, resolved="no") == {"reason": "required"}


def test_validate__hidden_by_an_answer() -> None:
    assert submit(RESOLVED, REASON, resolved="yes", reason="left over") == {"resolved": "yes"}


def test_validate__hidden_value_may_be_wrong() -> None:
    amount = field("number", key="amount", conditional={"hide": '=resolved != "no"'})

    assert submit(RESOLVED, amount, resolved="yes", amount="much") == {"resolved": "yes"}


def test_validate__hidden_by_a_variable() -> None:
    assert submit(REASON, variables={"resolved": "yes"}) == {}
    assert refused(REASON, variables={"resolved": "no"}) == {"reason": "required"}


def test_validate__answer_before_variable() -> None:
    assert submit(RESOLVED, REASON, variables={"resolved": "no"}, resolved="yes") == {"resolved": "yes"}


def test_validate__hidden_with_its_group() -> None:
    group = {"type": "group", "id": "g", "conditional": {"hide": '=resolved = "yes"'}, "components": [field()]}

    assert submit(RESOLVED, group, resolved="yes", x="left over") == {"resolved": "yes"}


def test_hidden__chain_of_conditions() -> None:
    """What hangs on a hidden answer goes with it, whatever was typed there before."""
    first = field("radio", key="a", conditional={"hide": '=resolved != "no"'})
    second = field(key="b", conditional={"hide": '=a != "yes"'})
    chain = form(second, first, RESOLVED)

    assert forms.hidden(chain, {"resolved": "no", "a": "yes"}, SHANGHAI) == frozenset()
    assert forms.hidden(chain, {"resolved": "yes", "a": "yes"}, SHANGHAI) == {"a", "Field_a", "b", "Field_b"}


def test_hidden__moments_in_the_zone_of_who_typed_them() -> None:
    typed, condition = field("datetime", key="at", subtype="datetime"), '=at < date and time("2026-10-01T00:00:00Z")'
    shown = form(typed, field(key="x", conditional={"hide": condition}))

    assert "x" in forms.hidden(shown, {"at": "2026-10-01T07:59"}, SHANGHAI)
    assert "x" not in forms.hidden(shown, {"at": "2026-10-01T08:00"}, SHANGHAI)


def test_validate__text_that_is_none() -> None:
    assert refused(field(), x=5) == {"x": "not-a-text"}


def test_hidden__texts_and_variables_alike() -> None:
    component = field(conditional={"hide": "=amount > 100"})
    chain = form(field("number", key="amount"), component)

    for amount in ("101", 101, Decimal("100.5")):
        assert "x" in forms.hidden(chain, {"amount": amount}, SHANGHAI)
    for nothing in ("", "much", None, "99"):
        assert "x" not in forms.hidden(chain, {"amount": nothing}, SHANGHAI)


def test_hidden__conditions_in_a_circle_end() -> None:
    one = field(key="a", conditional={"hide": '=b = "x"'})
    other = field(key="b", conditional={"hide": '=a = "x"'})

    assert forms.hidden(form(one, other), {"a": "x", "b": "x"}, SHANGHAI) <= {"a", "b", "Field_a", "Field_b"}


@given(st.dictionaries(st.sampled_from(KINDS) | st.text(max_size=5), st.text() | st.lists(st.text(), max_size=3)))
def test_validate__anything_is_typed_or_refused(submitted: dict[str, str | list[str]]) -> None:
    every = form(*(field(kind, key=kind) for kind in KINDS))

    try:
        concerned = set(forms.validate(every, submitted, SHANGHAI))
    except errors.InvalidVariables as refusal:
        concerned = {error.field for error in refusal.errors}

    assert concerned
    assert concerned <= {*submitted, *KINDS}
