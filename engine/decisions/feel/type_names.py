"""Read a type in FEEL text: `number`, `list<string>`, `context<a: number>`, `function<number> -> string`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from casepath.engine.decisions.feel.errors import FeelError
from casepath.engine.decisions.feel.scanner import KnownNames, Scanner
from casepath.engine.decisions.feel.types import ANY, BUILT_IN, ContextType, FeelType, FunctionType, ListType, RangeType
from casepath.engine.phrases import Phrase


class TypeNames:
    """Reads types at the scanner's position; `deeper` counts nesting and refuses too much of it."""

    def __init__(self, scanner: Scanner, types: Mapping[str, FeelType], deeper: Callable[[], None]) -> None:
        self._scanner = scanner
        self._types = types
        self._deeper = deeper
        self._known = KnownNames([*BUILT_IN, *types])

    def read(self) -> FeelType:
        """Read a type; raises `FeelError` for a name that is no type."""
        scanner = self._scanner
        self._deeper()
        start = scanner.position
        word = scanner.word()
        known = self._known.longest_at(scanner.text, start)
        if known is not None and known[1] > start + len(word):
            scanner.advance_to(known[1])
            return self._named(known[0], start)
        if not word:
            raise scanner.expected(Phrase("the name of a type"))
        scanner.advance_to(start + len(word))
        if word in _GENERIC and (word == "function" or scanner.at("<")):
            return _GENERIC[word](self)
        while scanner.at(".") and not scanner.at("..") and word not in self._types:
            scanner.take(".")
            part = scanner.word()
            word += f".{part}"
            scanner.advance_to(scanner.position + len(part))
        return self._named(word, start)

    def _named(self, name: str, start: int) -> FeelType:
        kind = self._types.get(name) or BUILT_IN.get(name)
        if kind is None:
            raise FeelError("type", self._scanner.text, start, found=name[:60])
        return kind

    def _list(self) -> FeelType:
        item = self._argument()
        return ListType(f"list<{item}>", item)

    def _range(self) -> FeelType:
        item = self._argument()
        return RangeType(f"range<{item}>", item)

    def _argument(self) -> FeelType:
        self._scanner.expect("<")
        item = self.read()
        self._scanner.expect(">")
        return item

    def _context(self) -> FeelType:
        scanner = self._scanner
        scanner.expect("<")
        entries: list[tuple[str, FeelType]] = []
        while not scanner.at(">"):
            key = scanner.take_key()
            if key is None:
                raise scanner.expected(Phrase("a key with a colon"))
            scanner.expect(":")
            entries.append((key, self.read()))
            if not scanner.take(","):
                break
        scanner.expect(">")
        return ContextType("context<" + ", ".join(f"{key}: {kind}" for key, kind in entries) + ">", tuple(entries))

    def _function(self) -> FeelType:
        scanner = self._scanner
        if not scanner.take("<"):
            return BUILT_IN["function"]
        parameters: list[FeelType] = []
        while not scanner.at(">"):
            parameters.append(self.read())
            if not scanner.take(","):
                break
        scanner.expect(">")
        result = self.read() if scanner.take("->") else ANY
        name = "function<" + ", ".join(map(str, parameters)) + f"> -> {result}"
        return FunctionType(name, tuple(parameters), result)


_GENERIC: dict[str, Callable[[TypeNames], FeelType]] = {
    "list": TypeNames._list,
    "range": TypeNames._range,
    "context": TypeNames._context,
    "function": TypeNames._function,
}
