"""How much text a template renders to at least."""

from __future__ import annotations

import pytest

from routebook.prompts.fixed import fixed_bytes
from routebook.prompts.template import render


@pytest.mark.parametrize(
    ("template", "size"),
    [
        ("", 0),
        ("plain", 5),
        ("é", 2),
        ("a {{ x }} b", 4),
        ("a {{ x | upper }} b", 4),
        ("{{ 'text of an expression' }}", 0),
        ("a{# not sent #}b", 2),
        ("one\r\ntwo", 7),
        ("{{ '{{' }}{% raw %}{{ x }}{% endraw %}", 7),
        ("{% if x %}long{% elif y %}mid{% else %}no{% endif %}!", 3),
        ("{% if x %}{% if y %}ab{% else %}abc{% endif %}{% else %}abcd{% endif %}", 2),
        ("{% for z in x %}often{% else %}never{% endfor %}", 0),
        ("{% macro m() %}said where it is called{% endmacro %}.", 1),
        ("  {%- if x %} a {% else -%} bc{% endif %}", 2),
        ("{% if %}", 0),
    ],
)
def test_what_stands_in_every_rendering_is_counted(template: str, size: int):
    assert fixed_bytes(template) == size


@pytest.mark.parametrize(
    "template",
    [
        "a {{ x }} b\n",
        "{% if x %}é{% else %}{% raw %}{{{% endraw %}{% endif %}",
        "{% for z in x %}{{ z }},{% endfor %}end",
        "{% set y = 'abc' %}{{ y }}{% if y == 'abc' %}{{ x }}...{% endif %}",
        "{%- if not x -%}  none  {%- endif -%}  ",
        "{% macro m(z) %}<{{ z }}>{% endmacro %}{{ m(x) }}",
        "{% filter upper %}abc{{ x }}{% endfilter %}{% with a = x %}{{ a }} b{% endwith %}",
    ],
)
@pytest.mark.parametrize("x", ["", "text", "é"])
def test_no_rendering_is_shorter(template: str, x: str):
    assert fixed_bytes(template) <= len(render(template, {"x": x, "y": x}).encode())
