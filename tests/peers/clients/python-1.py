"""`mcp` 1.x over Streamable HTTP."""

import asyncio
from contextlib import asynccontextmanager

from mcp import ClientSession, McpError, types
from mcp.client.streamable_http import streamablehttp_client

from checks import METHODS, PLAN, Heard, expect, main, run


class Client:
    def __init__(self, session, version):
        self.session = session
        self.version = version

    async def tool_names(self):
        return [tool.name for tool in (await self.session.list_tools()).tools]

    async def call_tool(self, name, arguments, on_progress=None):
        return await self.session.call_tool(name, arguments, progress_callback=on_progress)

    async def ask(self, method, params):
        name, *given = METHODS[method]
        arguments = [params.get(key) for key in given]
        if method == "completion/complete":
            arguments[0] = types.PromptReference(**arguments[0])
        return await getattr(self.session, name)(*arguments)

    @asynccontextmanager
    async def subscribe(self, uri):
        await self.session.subscribe_resource(uri)
        yield
        await self.session.unsubscribe_resource(uri)

    async def logged(self, level, tool):
        await self.session.set_logging_level(level)
        await self.session.call_tool(tool, {})

    async def cancelled(self, name, arguments, begun):
        call = asyncio.create_task(self.session.call_tool(name, arguments))
        await begun()
        # This line of the SDK takes nothing back by itself; the request is the last one it made.
        params = types.CancelledNotificationParams(requestId=self.session._request_id - 1)
        notice = types.CancelledNotification(method="notifications/cancelled", params=params)
        await self.session.send_notification(types.ClientNotification(notice))
        try:
            await call
        except McpError:
            return
        expect(False, "the call was answered")


async def session():
    heard = Heard()

    async def on_message(message):
        notice = message.root if isinstance(message, types.ServerNotification) else None
        if isinstance(notice, types.ToolListChangedNotification):
            await heard.tell("tools")
        elif isinstance(notice, types.ResourceUpdatedNotification):
            await heard.tell("updated", str(notice.params.uri))
        elif isinstance(notice, types.LoggingMessageNotification):
            await heard.tell("logged", notice.params.level)

    headers = {"Authorization": f"Bearer {PLAN['token']}"}
    async with streamablehttp_client(PLAN["url"], headers=headers) as (read, write, _):
        async with ClientSession(read, write, message_handler=on_message) as session:
            hello = await session.initialize()
            await run(Client(session, hello.protocolVersion), heard)


main(session)
