"""`mcp` 2.x, finding the era by itself or held to the legacy one."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from mcp import types
from mcp.client import Client as McpClient
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

from checks import METHODS, PLAN, Heard, expect, main, run

MODERN = "2026-07-28"
# Of modern servers log messages are wanted with each request, or not at all.
LOG_LEVEL = "error"


class Client:
    def __init__(self, client, heard):
        self.client = client
        self.heard = heard
        self.version = client.protocol_version

    async def tool_names(self):
        return [tool.name for tool in (await self.client.list_tools()).tools]

    async def call_tool(self, name, arguments, on_progress=None):
        return await self.client.call_tool(name, arguments, progress_callback=on_progress)

    async def ask(self, method, params):
        name, *given = METHODS[method]
        arguments = [params.get(key) for key in given]
        if method == "completion/complete":
            arguments[0] = types.PromptReference(**arguments[0])
        return await getattr(self.client, name)(*arguments)

    @asynccontextmanager
    async def subscribe(self, uri):
        if self.version == MODERN:
            async with self.client.listen(resource_subscriptions=[uri]) as subscription:
                listening = asyncio.create_task(listen(subscription, self.heard))
                yield
                listening.cancel()
            return
        await self.client.subscribe_resource(uri)
        yield
        await self.client.unsubscribe_resource(uri)

    async def logged(self, level, tool):
        expect(level == LOG_LEVEL, f"{level} was not asked for")
        if self.version != MODERN:
            await self.client.set_logging_level(level)
        await self.client.call_tool(tool, {})

    async def cancelled(self, name, arguments, begun):
        call = asyncio.create_task(self.client.call_tool(name, arguments))
        await begun()
        call.cancel()
        with suppress(asyncio.CancelledError):
            await call
            expect(False, "the call was answered")


async def listen(subscription, heard):
    async for event in subscription:
        uri = getattr(event, "uri", None)
        await heard.tell("updated" if uri else "tools", uri and str(uri))


async def session():
    heard = Heard()

    async def on_message(message):
        method = getattr(message, "method", None)
        if method == "notifications/tools/list_changed":
            await heard.tell("tools")
        elif method == "notifications/resources/updated":
            await heard.tell("updated", str(message.params.uri))
        elif method == "notifications/message":
            await heard.tell("logged", message.params.level)

    headers = {"Authorization": f"Bearer {PLAN['token']}"}
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(create_mcp_http_client(headers=headers))
        transport = streamable_http_client(PLAN["url"], http_client=http)
        client = McpClient(transport, mode=PLAN["era"], message_handler=on_message, log_level=LOG_LEVEL)
        client = await stack.enter_async_context(client)
        listening = None
        if client.protocol_version == MODERN:
            subscription = await stack.enter_async_context(client.listen(tools_list_changed=True))
            listening = asyncio.create_task(listen(subscription, heard))
        await run(Client(client, heard), heard)
        if listening:
            listening.cancel()


main(session)
