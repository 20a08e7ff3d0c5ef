"""Which tools are on offer, and under which names."""

import random
import re

import pytest

from routebook.routing.tool_spec import ToolsSpec
from routebook.tools.catalog import build_catalog, idle_patterns, twice_listed
from routebook.tools.protocol import ServerTool


def tool(spoken: str) -> ServerTool:
    server, _, name = spoken.partition(".")
    return ServerTool(server, name, f"Does {name}.", {"type": "object"})


def spoken_names(tools: list[str], **spec: object) -> list[str]:
    catalog = build_catalog(map(tool, tools), ToolsSpec(**{"servers": ("a", "b"), **spec}))
    return [definition.tool for definition in catalog.definitions]


def test_tools_come_by_the_features_servers_and_then_in_the_servers_own_order():
    assert spoken_names(["a.z", "b.y", "a.x", "c.w", "b.v"], servers=("b", "a")) == ["b.y", "b.v", "a.z", "a.x"]


@pytest.mark.parametrize(
    ("spec", "offered"),
    [
        ({}, ["a.read_one", "a.read_two", "a.Write", "b.read_one"]),
        ({"allow": ()}, []),
        ({"allow": ("a.*",)}, ["a.read_one", "a.read_two", "a.Write"]),
        ({"allow": ("*.read_one",)}, ["a.read_one", "b.read_one"]),
        ({"allow": ("a.read_[!o]*", "a.write")}, ["a.read_two"]),
        ({"deny": ("a.read_*",)}, ["a.Write", "b.read_one"]),
        ({"allow": ("a.read_one",), "deny": ("*",)}, []),
    ],
)
def test_allow_and_deny_are_patterns_over_the_whole_name_and_deny_wins(spec, offered):
    assert spoken_names(["a.read_one", "a.read_two", "a.Write", "b.read_one"], **spec) == offered


def test_a_tool_is_found_by_its_exact_wire_name_only():
    catalog = build_catalog([tool("a.read_one")], ToolsSpec(servers=("a",)))

    entry = catalog.find("a__read_one")

    assert entry is not None
    assert (entry.server, entry.name) == ("a", "read_one")
    assert entry.definition.tool == "a.read_one"
    assert [catalog.find(name) for name in ("a.read_one", "A__read_one", "a__read_one ", "read_one", "")] == [None] * 5


def test_a_denied_tool_is_not_found():
    catalog = build_catalog([tool("a.read"), tool("a.write")], ToolsSpec(servers=("a",), deny=("a.write",)))

    assert catalog.names == ("a__read",)
    assert catalog.find("a__write") is None


def test_of_two_tools_of_one_server_with_one_name_the_first_counts():
    first, second = tool("a.read"), ServerTool("a", "read", "Another.", {"type": "object"})

    catalog = build_catalog([first, second], ToolsSpec(servers=("a",)))

    assert [definition.description for definition in catalog.definitions] == ["Does read."]


def test_every_wire_name_is_valid_unique_and_leads_to_its_own_tool():
    spoken = ["a.x.y", "a.x_y", "a.x/y", "a._b", "a_.b", "a." + "n" * 200, "a." + "n" * 199 + "m", "a.ünï", "a.plain"]
    spec = ToolsSpec(servers=("a", "a_"))

    catalog = build_catalog(map(tool, spoken), spec)

    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in catalog.names)
    assert len(catalog.names) == len(spoken)
    assert {f"{entry.server}.{entry.name}" for entry in map(catalog.find, catalog.names) if entry} == set(spoken)
    assert catalog.find("a__plain")


def test_wire_names_do_not_depend_on_the_order_in_which_a_server_lists_its_tools():
    tools = [tool(name) for name in ("a.x.y", "a.x_y", "a.x-y", "a." + "n" * 100, "b.x.y")]
    spec = ToolsSpec(servers=("a", "b"))
    names = {d.tool: d.name for d in build_catalog(tools, spec).definitions}

    random.Random(7).shuffle(tools)

    assert {d.tool: d.name for d in build_catalog(tools, spec).definitions} == names


def test_a_tool_that_is_named_like_anothers_hash_does_not_take_its_place():
    plain = ["a.x.y", "a.x_y"]
    taken = build_catalog(map(tool, plain), ToolsSpec(servers=("a",))).names
    impostor = "a." + taken[0].removeprefix("a__")

    catalog = build_catalog(map(tool, [*plain, impostor]), ToolsSpec(servers=("a",)))

    assert sorted(definition.tool for definition in catalog.definitions) == sorted([*plain, impostor])


def test_tools_listed_twice_and_patterns_that_fit_nothing_are_told():
    tools = [ServerTool("clock", name, "", {}) for name in ("now", "now", "later")]
    spec = ToolsSpec(("clock", "gone"), allow=("clock.*", "clock.nwo", "gone.x"), deny=("*.rm",), approve=("clock.l*",))

    assert twice_listed(tools) == ("clock.now",)
    assert idle_patterns(tools, spec, ("gone",)) == (("allow", "clock.nwo"),)
    assert idle_patterns(tools, spec, ()) == (("allow", "clock.nwo"), ("allow", "gone.x"), ("deny", "*.rm"))


def test_a_tool_that_needs_approval_is_on_offer_and_known_as_such():
    tools = [ServerTool("clock", name, "", {}) for name in ("now", "set")]

    catalog = build_catalog(tools, ToolsSpec(("clock",), approve=("clock.s*",)))

    assert {name: entry.needs_approval for name, entry in catalog.entries.items()} == {
        "clock__now": False,
        "clock__set": True,
    }
