"""Reads PowerShell from standard input and prints its commands as JSON, each
a list of words; fails if it is not PowerShell."""

import json
import sys

import tree_sitter
import tree_sitter_pwsh


def word(node):
    text = node.text.decode()
    return text[1:-1] if text[0] == text[-1] and text[0] in "'\"" else text


def faults(node):
    if node.is_error or node.is_missing:
        yield f"{node.start_point.row + 1}:{node.start_point.column + 1}: {node.text.decode()!r}"
    for child in node.children:
        yield from faults(child)


def commands(node):
    if node.type == "command":
        name = node.child_by_field_name("command_name")
        elements = node.child_by_field_name("command_elements")
        yield [word(name)] + [word(e) for e in elements.named_children if e.type != "command_argument_sep"]
    for child in node.children:
        yield from commands(child)


tree = tree_sitter.Parser(tree_sitter.Language(tree_sitter_pwsh.language())).parse(sys.stdin.buffer.read())
if tree.root_node.has_error:
    sys.exit("\n".join(faults(tree.root_node)))
json.dump(list(commands(tree.root_node)), sys.stdout)
