"""Parse: the text of a file → its nodes, by the reader that the file's name asks for."""

from __future__ import annotations

from .file import SourceFile
from .json import read_json, read_json_value
from .node import Parsed
from .yaml import read_yaml, read_yaml_value


def parse(file: SourceFile) -> Parsed:
    """Read a route file: as JSON where its name ends in `.json`, as YAML otherwise; its top is a mapping."""
    return read_json(file) if file.path.endswith(".json") else read_yaml(file)


def parse_content(file: SourceFile) -> Parsed:
    """Read a content file in the same way; its top may be anything, such as the list of a script."""
    return read_json_value(file) if file.path.endswith(".json") else read_yaml_value(file)
