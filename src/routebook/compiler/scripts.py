"""Scripts: entries as written → entries that run, and the provider's script out of its content file."""

from __future__ import annotations

from ..canonical.frozen import freeze
from ..canonical.usage import Usage
from ..document.entry import Definition
from ..document.providers import Provider
from ..document.scalars import content_file
from ..document.scripts import Reply, ScriptItem, When
from ..document.shape import shape_script
from ..routing.script import Script, ScriptedCall, ScriptedFault, ScriptEntry, ScriptReply, ScriptWhen
from .build import Build


def link_script(build: Build, definition: Definition[Provider]) -> Script:
    """Return the script of a scripted provider; problems are reported at its own lines."""
    written = definition.value.script
    if written is None:
        message = f"provider {definition.name!r} has no `script`"
        build.report("RB407", definition.key, message, help="add `script: {file: _scripts/NAME.yaml}`, or a list")
        return ()
    reference = content_file(written)
    node = definition.subnode("script") if reference is None else build.materials.contents.get(reference.path)
    if node is None:
        return ()
    items, problems = shape_script(node)
    build.diagnostics.extend(problems)
    return freeze_script(items)


def freeze_script(items: list[ScriptItem]) -> Script:
    """Return what runs of *items*."""
    return tuple(ScriptEntry(_reply(item.reply), _when(item.when)) for item in items)


def _when(when: When | None) -> ScriptWhen:
    return ScriptWhen() if when is None else ScriptWhen(**when.model_dump())


def _reply(reply: Reply) -> ScriptReply:
    return ScriptReply(
        text=reply.text,
        json=freeze(reply.json_),
        has_json="json_" in reply.model_fields_set,
        tool_calls=tuple(ScriptedCall(call.name, freeze(call.arguments), call.id) for call in reply.tool_calls),
        reasoning=reply.reasoning,
        usage=None if reply.usage is None else Usage(**reply.usage.model_dump()),
        delay=reply.delay or 0.0,
        chunks=reply.chunks,
        cut=reply.cut,
        error=None if reply.error is None else ScriptedFault(**reply.error.model_dump()),
    )
