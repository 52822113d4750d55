"""Small decision models as text, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

NAMESPACE = "https://www.omg.org/spec/DMN/20191111/MODEL/"


def definitions(*elements: str, namespace: str = "urn:test", language: str = NAMESPACE, attributes: str = "") -> bytes:
    """Return a file with these elements."""
    body = "\n".join(elements)
    root = f'<definitions xmlns="{language}" id="model" name="Model" namespace="{namespace}" {attributes}>'
    return f"{root}\n{body}\n</definitions>".encode()


def literal(text: str, kind: str = "") -> str:
    """Return a literal expression."""
    reference = f" typeRef={quoteattr(kind)}" if kind else ""
    return f"<literalExpression{reference}><text>{escape(text)}</text></literalExpression>"


def decision(name: str, logic: str, *requires: str, kind: str = "") -> str:
    """Return a decision; `requires` are ids, `input:…` for input data, `fn:…` for knowledge."""
    reference = f" typeRef={quoteattr(kind)}" if kind else ""
    return (
        f"<decision id={quoteattr(identifier(name))} name={quoteattr(name)}>"
        f"<variable name={quoteattr(name)}{reference}/>{''.join(map(_requirement, requires))}{logic}</decision>"
    )


def identifier(name: str) -> str:
    """Return the id that goes with a name."""
    return name.replace(" ", "_")


def _requirement(reference: str) -> str:
    kind, _, key = reference.rpartition(":") if reference.startswith(("input:", "fn:")) else ("", "", reference)
    href = key if "#" in key else f"#{key}"
    if kind == "fn":
        return f'<knowledgeRequirement><requiredKnowledge href="{href}"/></knowledgeRequirement>'
    tag = "requiredInput" if kind == "input" else "requiredDecision"
    return f'<informationRequirement><{tag} href="{href}"/></informationRequirement>'


def input_data(name: str, kind: str = "") -> str:
    """Return an input data element."""
    reference = f" typeRef={quoteattr(kind)}" if kind else ""
    return (
        f"<inputData id={quoteattr(identifier(name))} name={quoteattr(name)}>"
        f"<variable name={quoteattr(name)}{reference}/></inputData>"
    )


def table(
    inputs: Sequence[str],
    outputs: Sequence[str],
    *rows: str,
    policy: str = "UNIQUE",
    aggregation: str = "",
) -> str:
    """
    Return a decision table.

    Inputs are `expression` or `expression: type`, outputs `name`, `name = allowed` or `name ? default`; a row is its
    cells separated by `|`.
    """
    parts = [
        f'<decisionTable id="table" hitPolicy="{policy}"' + (f' aggregation="{aggregation}">' if aggregation else ">")
    ]
    for column in inputs:
        text, _, kind = column.partition(": ")
        reference = f' typeRef="{kind}"' if kind else ""
        parts.append(f"<input><inputExpression{reference}><text>{escape(text)}</text></inputExpression></input>")
    for column in outputs:
        name, _, default = column.partition(" ? ")
        name, _, allowed = name.partition(" = ")
        values = f"<outputValues><text>{escape(allowed)}</text></outputValues>" if allowed else ""
        values += f"<defaultOutputEntry><text>{escape(default)}</text></defaultOutputEntry>" if default else ""
        parts.append(f'<output name="{name}">{values}</output>')
    for number, row in enumerate(rows, 1):
        cells = [cell.strip() for cell in row.split("|")]
        parts.append(f'<rule id="row{number}">')
        for index, cell in enumerate(cells):
            tag = "inputEntry" if index < len(inputs) else "outputEntry"
            parts.append(f"<{tag}><text>{escape(cell)}</text></{tag}>")
        parts.append("</rule>")
    return "".join(parts) + "</decisionTable>"
