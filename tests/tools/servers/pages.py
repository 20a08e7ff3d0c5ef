"""Lists its tools on three pages; `again` comes round to the second, `endless` never ends, `bad` has tools amiss,
`never` does not answer."""

import sys

from raw import ANY_OBJECT, serve, text

KIND = sys.argv[1] if len(sys.argv) > 1 else "plain"
BAD = [
    "no object",
    {"inputSchema": ANY_OBJECT},
    {"name": "list_schema", "inputSchema": ["object"]},
    {"name": "array_arguments", "inputSchema": {"type": "array"}},
    {"name": "untyped", "inputSchema": {"properties": {"x": {"type": "string"}}}, "annotations": 7},
    {"name": "schemaless", "description": None},
]


def list_tools(cursor):
    if KIND == "never":
        return None
    page = int(cursor or 1)
    tools = [{"name": f"tool_{page}", "description": f"Number {page}.", "inputSchema": ANY_OBJECT}]
    following = {"plain": page + 1, "bad": page + 1, "endless": page + 1, "again": 2}[KIND]
    if KIND == "bad" and page == 2:
        tools = [*BAD, *tools]
    last = KIND in {"plain", "bad"} and page == 3
    return {"tools": tools, **({} if last else {"nextCursor": str(following)})}


serve(list_tools, lambda name, arguments: text(f"{name} {arguments}"))
