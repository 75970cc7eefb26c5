"""What can be broken in a Python module: one small change at a time, found in its syntax (pure)."""

from __future__ import annotations

import ast
import copy
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import NamedTuple

__all__ = ["Mutant", "mutants"]

OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}

BOUND = re.compile(r"timeout|limit|max|deadline|bound")
ENDING = re.compile(
    r"(cancel|close|abort|release|remove|pause|resume|discard|clear|pop|stop|end|dispose|fail|drop"
    r"|shutdown|forget|lost|detach|leave|disconnect|refuse|raise|expire|reset)[a-z_]*\("
)
"""Calls that are guards: they end, give back or hold back something."""

GUARDS = re.compile(r"never|without|nothing but|not |no |unfiltered|off by one|[LG]tE? ->")
"""The kinds of changes that break a guard more often than what a function is for."""

SPOKEN = re.compile(r"\b_?(log|logger|LOG|LOGGER|warnings)\.|^print\(|^super\(\)\.__init__")


class Change(NamedTuple):
    """One change: what it is, the node that it is about, and what is put where."""

    what: str
    node: ast.AST
    holder: object
    place: str | int
    value: object

    def apply(self) -> None:
        """Change the tree."""
        if isinstance(self.holder, list):
            self.holder[int(self.place)] = self.value
        else:
            setattr(self.holder, str(self.place), self.value)


@dataclass(frozen=True)
class Mutant:
    """One broken line: the file, and the number of the change in it."""

    root: Path
    file: str
    number: int
    line: int
    what: str
    text: str

    @property
    def key(self) -> str:
        """What it is called in a list; a line that has moved keeps it."""
        return f"{self.file}|{self.text}|{self.what}"

    @property
    def is_guard(self) -> bool:
        """Whether it is likely to be a guard that is broken, and not what the code is for."""
        if self.what == "left out":
            is_reset = re.search(r"= (None|True|False|0|\"\"|b\"\"|\[\]|\{\})$", self.text)
            return bool(ENDING.search(self.text) or is_reset or self.text[:5] in ("raise", "del "))
        return GUARDS.match(self.what) is not None

    @property
    def is_held_out(self) -> bool:
        """Whether it belongs to the third of the lines that is kept for measuring."""
        return hashlib.sha256(f"{self.file}:{self.text}".encode()).digest()[0] % 3 == 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}: {self.text}"

    def code(self) -> CodeType:
        """The broken module, compiled."""
        path = self.root / self.file
        tree = ast.parse(path.read_text("utf-8"))
        list(_changes(tree))[self.number].apply()
        return compile(ast.fix_missing_locations(tree), str(path), "exec", dont_inherit=True)


def mutants(file: Path, root: Path) -> list[Mutant]:
    """All mutants of the functions of one file."""
    text = file.read_text("utf-8")
    lines = text.splitlines()
    name = str(file.relative_to(root))
    found = []
    for number, change in enumerate(_changes(ast.parse(text))):
        line: int = getattr(change.node, "lineno", 1)
        found.append(Mutant(root, name, number, line, change.what, lines[line - 1].strip()))
    return found


def _changes(tree: ast.Module) -> Iterator[Change]:
    """Every change to the functions of a module, always in the same order."""
    seen: set[int] = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for statement in function.body:
            for node in ast.walk(statement):
                if id(node) not in seen:
                    seen.add(id(node))
                    yield from _of_conditions(node)
                    yield from _of_bounds(node)
                    yield from _of_statements(node)
        if id(function) not in seen:
            yield from _of_statements(function)


def _of_conditions(node: ast.AST) -> Iterator[Change]:
    """Conditions that never or always hold, and parts of them that say nothing."""
    match node:
        case ast.If(test=test) | ast.IfExp(test=test):
            yield Change("never", test, node, "test", _fixed(test, value=False))
            yield Change("always", test, node, "test", _fixed(test, value=True))
        case ast.While(test=test):
            yield Change("never", test, node, "test", _fixed(test, value=False))
        case ast.comprehension(ifs=[test, *_]):
            yield Change("unfiltered", test, node.ifs, 0, _fixed(test, value=True))
        case ast.BoolOp(values=values):
            is_and = isinstance(node.op, ast.And)
            yield Change("and <-> or", node, node, "op", ast.Or() if is_and else ast.And())
            for index, value in enumerate(values):
                what = f"without `{ast.unparse(value)}`"
                yield Change(what, value, values, index, _fixed(value, value=is_and))


def _of_bounds(node: ast.AST) -> Iterator[Change]:
    """Comparisons that differ at the bound, numbers off by one, bounds that are not given."""
    match node:
        case ast.Compare(ops=[op, *_]):
            opposite = OPPOSITES[type(op)]
            what = f"{type(op).__name__} -> {opposite.__name__}"
            yield Change(what, node, node.ops, 0, opposite())
            for value in node.comparators:
                if isinstance(value, ast.Constant) and type(value.value) is int:
                    yield Change("off by one", value, value, "value", value.value + 1)
        case ast.BinOp(op=ast.Add() | ast.Sub(), right=ast.Constant(value=int(number))):
            yield Change("off by one", node.right, node.right, "value", number + 1)
        case ast.Call(func=ast.Name(id="min" | "max"), args=[first, second]):
            yield Change("without the bound", node, node, "args", [first, first])
            yield Change("nothing but the bound", node, node, "args", [second, second])
        case ast.Call(keywords=keywords):
            for keyword in keywords:
                if keyword.arg and BOUND.search(keyword.arg):
                    others = [each for each in keywords if each is not keyword]
                    what = f"without {keyword.arg}="
                    yield Change(what, keyword, node, "keywords", others)


def _of_statements(node: ast.AST) -> Iterator[Change]:
    """Statements that are left out, and errors that are not contained."""
    for name in ("body", "orelse", "finalbody"):
        statements = getattr(node, name, None)
        if not isinstance(statements, list):
            continue
        for index, statement in enumerate(statements):
            if _is_effect(statement):
                yield Change("left out", statement, statements, index, _skipped(statement))
    match node:
        case ast.ExceptHandler(type=ast.expr()):
            raising = ast.copy_location(ast.Raise(), node)
            yield Change("not contained", node, node, "body", [raising])
        case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress")):
            yield Change("not suppressed", node, node, "args", [])


def _is_effect(statement: ast.stmt) -> bool:
    """Whether a statement can be left out: calls, resets of state, deletions, raised errors."""
    match statement:
        case ast.Expr(value=ast.Call() | ast.Await() as value):
            return not SPOKEN.search(ast.unparse(value))
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) | ast.AugAssign():
            return True
        case ast.Delete(targets=[ast.Attribute() | ast.Subscript()]) | ast.Raise():
            return True
    return False


def _fixed(test: ast.expr, *, value: bool) -> ast.expr:
    """A constant with the names of `test`, so that its function has the same variables."""
    chosen = ast.IfExp(ast.Constant(True), ast.Constant(value), copy.deepcopy(test))
    return ast.copy_location(chosen, test)


def _skipped(statement: ast.stmt) -> ast.stmt:
    """A statement that is never run; its function has the same variables."""
    return ast.copy_location(ast.If(ast.Constant(False), [statement], []), statement)
