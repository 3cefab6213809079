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


async def please(what):
    say(please=what)
    await asyncio.to_thread(sys.stdin.readline)


def told(error):
    """The innermost reasons of an error, however often it was wrapped."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(told(inner) for inner in error.exceptions)
    return f"{type(error).__name__} {getattr(getattr(error, 'error', None), 'code', '')}: {error}"


async def check(name, run):
    try:
        await asyncio.wait_for(run(), PATIENCE_S)
        say(check=name, ok=True)
        ENDING["told"] |= name == "revoked"
    except (Exception, BaseExceptionGroup) as error:
        say(check=name, ok=False, why=told(error)[:400])


def expect(holds, what):
    if not holds:
        raise AssertionError(what)


def is_error(result):
    return bool(getattr(result, "is_error", getattr(result, "isError", False)))


def expect_text(result, text):
    whole = "".join(getattr(part, "text", "") for part in result.content)
    expect(not is_error(result), f"the tool failed: {whole}")
    expect(text in whole, f"{text!r} is not in {whole[:200]}")


async def run(client, changed):
    """Checks a connected client: tool_names(), call_tool(name, arguments, on_progress),
    ask(method, params), version.

    `changed` is an asyncio.Event that the caller sets at every list_changed.
    """

    async def connect():
        if PLAN.get("version"):
            expect(client.version == PLAN["version"], f"speaks {client.version}, not {PLAN['version']}")

    async def listed():
        names = await client.tool_names()
        for name in PLAN["tools"]:
            expect(name in names, f"{name} is not in {names}")

    await check("connect", connect)
    await check("list", listed)
    for call in PLAN["calls"]:

        async def called(call=call):
            expect_text(await client.call_tool(call["tool"], call["arguments"]), call["expect"])

        await check(call["check"], called)
    for ask in PLAN["asks"]:

        async def asked(ask=ask):
            answer = (await client.ask(ask["method"], ask["params"])).model_dump_json()
            expect(ask["expect"] in answer, f"{ask['expect']!r} is not in {answer[:200]}")

        await check(ask["check"], asked)
    for call in PLAN["progress"]:

        async def progressed(call=call):
            steps = []

            async def on_progress(progress, total=None, message=None):
                steps.append(progress)

            expect_text(await client.call_tool(call["tool"], call["arguments"], on_progress), call["expect"])
            expect(len(steps) >= call["at_least"], f"progress was told {len(steps)} times")

        await check(call["check"], progressed)
    await check("concurrent", lambda: concurrent(client))
    await check("tool error", lambda: failing(client))
    await check("unknown tool", lambda: unknown(client))
    await check("list_changed", lambda: list_changed(client, changed))
    await please("enable")
    await check("revoked", lambda: revoked(client))


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


async def list_changed(client, changed):
    changed.clear()
    await please("disable")
    await changed.wait()
    names = await client.tool_names()
    expect(PLAN["gone"] not in names, f"{PLAN['gone']} is still listed")


async def revoked(client):
    await please("revoke")
    ENDING["asked"] = True
    call = PLAN["calls"][0]
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
                say(check="revoked", ok=True)
    sys.stdout.flush()
    os._exit(0)
