"""The same checks for every Python client; the twin of checks.mjs."""

import asyncio
import json
import os
import sys
from contextlib import suppress

PLAN = json.loads(os.environ["PEER_PLAN"])
PATIENCE_S = 20
# The SDKs' own names of methods, and what of the parameters they take, in order.
METHODS = {
    "prompts/list": ("list_prompts",),
    "prompts/get": ("get_prompt", "name", "arguments"),
    "resources/list": ("list_resources",),
    "resources/templates/list": ("list_resource_templates",),
    "resources/read": ("read_resource", "uri"),
    "completion/complete": ("complete", "ref", "argument"),
}
# Whether access has ended on our wish: from then on an end of the session is what we wait for.
ENDING = {"asked": False, "told": False}


def say(**line):
    print(json.dumps(line), flush=True)


async def please(what, *about):
    say(please=what, about=about)
    answer = (await asyncio.to_thread(sys.stdin.readline)).strip()
    expect(answer == "done", f"{what}: {answer}")


def told(error):
    """The innermost reasons of an error, however often it was wrapped."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(told(inner) for inner in error.exceptions)
    return f"{type(error).__name__} {getattr(getattr(error, 'error', None), 'code', '')}: {error}"


async def check(server, feature, run):
    try:
        await asyncio.wait_for(run(), PATIENCE_S)
        say(server=server, feature=feature, ok=True)
        ENDING["told"] |= feature == "revoked"
    except (Exception, BaseExceptionGroup) as error:
        say(server=server, feature=feature, ok=False, why=told(error)[:400])


def expect(holds, what):
    if not holds:
        raise AssertionError(what)


def is_error(result):
    return bool(getattr(result, "is_error", getattr(result, "isError", False)))


def expect_text(result, text):
    whole = "".join(getattr(part, "text", "") for part in result.content)
    expect(not is_error(result), f"the tool failed: {whole}")
    expect(text in whole, f"{text!r} is not in {whole[:200]}")


class Heard:
    """What servers told by themselves: something of a kind, once or more."""

    def __init__(self):
        self.all = []
        self.rung = asyncio.Condition()

    async def tell(self, kind, what=None):
        async with self.rung:
            self.all.append((kind, what))
            self.rung.notify_all()

    async def until(self, kind, what=None, after=0):
        async with self.rung:
            await self.rung.wait_for(lambda: (kind, what) in self.all[after:])


async def run(client, heard):
    """Checks a connected client: version, tool_names(), call_tool(name, arguments, on_progress),
    ask(method, params), subscribe(uri), which is left to end it, logged(level, tool), which calls a tool and wants to
    be told that much, and cancelled(name, arguments, begun), which calls a tool and takes the call back.

    What the client hears it tells `heard`: `tools` changed, `updated` with a URI, `logged` with a level.
    """
    names = []

    async def connect():
        if PLAN.get("version"):
            expect(client.version == PLAN["version"], f"speaks {client.version}, not {PLAN['version']}")
        names.extend(await client.tool_names())

    async def call(plan):
        expect(plan["tool"] in names, f"{plan['tool']} is not in {names}")
        expect_text(await client.call_tool(plan["tool"], plan["arguments"]), plan["expect"])

    async def ask(plan):
        answer = (await client.ask(plan["method"], plan["params"])).model_dump_json()
        expect(plan["expect"] in answer, f"{plan['expect']!r} is not in {answer[:200]}")

    async def follow(plan):
        steps = []

        async def on_progress(progress, total=None, message=None):
            steps.append(progress)

        expect_text(await client.call_tool(plan["tool"], plan["arguments"], on_progress), plan["expect"])
        expect(len(steps) >= plan["at_least"], f"progress was told {len(steps)} times")

    async def subscribe(plan):
        async with client.subscribe(plan["uri"]):
            await please("touch", plan["server"], plan["uri"])
            await heard.until("updated", plan["uri"])

    async def log(plan):
        await client.logged(plan["level"], plan["tool"])
        await heard.until("logged", plan["level"])

    async def cancel(plan):
        await client.cancelled(plan["tool"], plan["arguments"], lambda: please("held", plan["server"]))
        await please("cancelled", plan["server"])

    does = {"call": call, "ask": ask, "follow": follow, "subscribe": subscribe, "log": log, "cancel": cancel}
    await check(None, "connect", connect)
    for plan in PLAN["checks"]:
        await check(plan["server"], plan["feature"], lambda plan=plan: does[plan["do"]](plan))
    await check(None, "calls at once", lambda: concurrent(client))
    await check(None, "a tool's error", lambda: failing(client))
    await check(None, "unknown tool", lambda: unknown(client))
    await check(None, "list changed", lambda: list_changed(client, heard))
    await please("enable")
    await check(None, "revoked", lambda: revoked(client))


async def concurrent(client):
    plan = PLAN["concurrent"]
    texts = [f"call {index}." for index in range(plan["count"])]
    calls = [client.call_tool(plan["tool"], {**plan["arguments"], plan["vary"]: text}) for text in texts]
    for text, result in zip(texts, await asyncio.gather(*calls)):
        expect_text(result, text)


async def failing(client):
    result = await client.call_tool(PLAN["failing"]["tool"], PLAN["failing"]["arguments"])
    expect(is_error(result), "the result is no error")


async def unknown(client):
    try:
        await client.call_tool("no-such-tool", {})
    except Exception as error:
        expect("-32602" in told(error), told(error))
        return
    expect(False, "the call succeeded")


async def list_changed(client, heard):
    seen = len(heard.all)
    await please("disable")
    await heard.until("tools", after=seen)
    names = await client.tool_names()
    expect(PLAN["gone"] not in names, f"{PLAN['gone']} is still listed")


async def revoked(client):
    await please("revoke")
    ENDING["asked"] = True
    call = next(plan for plan in PLAN["checks"] if plan["do"] == "call")
    try:
        await client.call_tool(call["tool"], call["arguments"])
    except (Exception, asyncio.CancelledError):
        # 1.x tears its whole session down and tells the status where it is left.
        return
    expect(False, "the call succeeded")


def main(session):
    """Runs a client's session and leaves, whatever state a revoked token has left it in."""
    with suppress(Exception, BaseExceptionGroup, KeyboardInterrupt):
        try:
            asyncio.run(session())
        except (Exception, BaseExceptionGroup) as error:
            # 1.x may end its session on a 401 before the call that met it is told.
            if not ENDING["asked"] or "401" not in told(error):
                say(ended=told(error)[:400])
            elif not ENDING["told"]:
                say(server=None, feature="revoked", ok=True)
    sys.stdout.flush()
    os._exit(0)
